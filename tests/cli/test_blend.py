"""``tst blend`` from words to a record."""

import logging
import os
import sys

import pytest

from tests.made_records import make_record
from tst import blend


@pytest.mark.parametrize(
    ("typed", "arranged"),
    [
        (["a/b", "c d"], ["records=['a/b','c d']"]),
        (["-m", "a", "out=o", "b"], ["-m", "out=o", "records=['a','b']"]),
        (["--cfg", "job", "a"], ["--cfg", "job", "records=['a']"]),
        (["--help"], ["--help"]),
        (["records=[a,b]"], ["records=[a,b]"]),
    ],
)  # fmt: skip
def test_plain_words_are_records(typed, arranged):
    assert blend.arrange(typed) == arranged


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["tst", *map(str, words)])
    handlers = list(logging.root.handlers)
    with pytest.raises(SystemExit) as ended:
        blend.main()
    assert "HYDRA_FULL_ERROR" not in os.environ, "a command leaves the process as it was"
    assert logging.root.handlers == handlers
    return ended.value.code


def test_a_blend_shows_its_gain_over_each_record_and_the_weights(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    paths = [make_record(tmp_path, f"diagnostic={name}") for name in ("rf", "lora_llm")]
    assert run(monkeypatch, *paths, f"outputs_root={tmp_path}") == 0
    shown = capsys.readouterr().out
    assert "blend − this [95%]" in shown
    assert "TsT-LLM" in shown
    assert "mc_entity" in shown
    assert shown.rstrip().splitlines()[-1].startswith("record: ")


def test_one_record_is_one_message_and_exit_code_2(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, tmp_path, f"outputs_root={tmp_path}") == 2
    assert "expected at least 2" in capsys.readouterr().err
