"""The command on a small random model, its page, and what it says when something is missing."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("captum", reason="pip install 'tst-stress-test[explain]'")

from tests.commands import run_here
from tests.made_records import HOSTILE, make_record
from tst.config.composition import compose
from tst.core.errors import UserError
from tst.core.ranges import require_in_range
from tst.explaining.attribution import maskable
from tst.explaining.opened_record import open_record
from tst.explaining.page import render_page
from tst.explaining.run import Explanation, explain_record
from tst.explaining.settings import ExplainConfig
from tst.records.files import read_json
from tst.stress_testing.run import run


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("outputs")
    words = ["model=tiny", "benchmark.n=48", "fold.k=2", "diagnostic.save_adapters=true"]
    return run(compose([*words, f"outputs_root={root}"])).record


@pytest.fixture(scope="module")
def explanation(record: Path) -> Explanation:
    asked = ExplainConfig(record=str(record), questions=6, draws=2, device="cpu")
    return explain_record(*open_record(record), asked)


def test_the_questions_are_the_most_biased_and_attributions_add_up(record, explanation):
    _, _, _, scored = open_record(record)
    mc = scored[scored["format"] == "mc"]
    assert sorted(q.s for q in explanation.questions) == sorted(mc["s"].nlargest(6))
    for question in explanation.questions:
        assert question.gold != question.runner_up
        for found in (question.tuned, question.untrained):
            assert len(found.words) == len(question.prompt.words)
            said = found.words[maskable(question.prompt)].sum()
            assert said == pytest.approx(found.log_odds - found.letters_only, abs=1e-4)
        p_options = question.masking.p_gold
        assert p_options == pytest.approx(question.s, abs=0.01)  # the saved adapter, as scored
    assert {p.question_type for p in explanation.probes} <= set(mc["question_type"])
    assert set(explanation.faithfulness) >= {"top", "random", "difference_low"}


def test_the_page_is_whole_and_safe(explanation):
    first = explanation.questions[0]
    hostile = replace(first, row={**first.row, "id": HOSTILE, "question_type": HOSTILE})
    page = render_page(replace(explanation, questions=[hostile]), "a <record>")
    assert "<script" not in page and "onerror='" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(src|href|url\()\s*=?\s*['\"]?(https?:)?//", page)
    assert "default-src &#x27;none&#x27;" in page or "default-src 'none'" in page
    assert "prefers-color-scheme" in page or "light-dark(" in page
    assert "width=device-width" in page
    shown = re.sub(r"<[^>]+>", "", page[page.index("<p class=map>") :])
    assert first.row["question"] in shown


def test_the_page_shows_the_cue_beside_its_controls(explanation):
    cued = [replace(q, correct=True, cue=np.array([np.argmax(q.tuned.words)]))
            for q in explanation.questions]  # fmt: skip
    page = render_page(replace(explanation, questions=cued), "record")
    assert "of the questions with the highest s that have a cue and are answered right" in page
    assert "untrained model" in page and "a random word" in page
    assert "<b>6 of 6</b>" in page


def test_the_command_writes_page_and_figures(record, tmp_path):
    out = tmp_path / "page.html"
    words = ("questions=2", "draws=1", f"out={out}", f"outputs_root={tmp_path}")
    done = run_here("tst.explain", str(record), *words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == str(out)
    figures = read_json(out.with_suffix(".json"))
    assert figures["faithfulness"]["questions"] == 2
    assert set(figures["cue"]) == {"questions", "found", "untrained", "chance"}
    assert sum(t["cue"]["questions"] for t in figures["types"]) == figures["cue"]["questions"]
    assert out.read_text().count("<details") == 2


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (ExplainConfig(), "record: PATH"),
        (ExplainConfig(record="x", questions=-1, draws=0), r"(?s)questions=-1.*draws=0"),
    ],
)
def test_a_mistake_is_one_message(config, words):
    with pytest.raises(UserError, match=words):
        require_in_range(config)


def test_records_that_cannot_be_explained_say_why(record, tmp_path):
    forest = make_record(tmp_path, "diagnostic=rf")
    with pytest.raises(UserError, match="only TsT-LLM"):
        open_record(forest)
    with pytest.raises(UserError, match="is not a record"):
        open_record(tmp_path)
    copy = tmp_path.joinpath(*record.parts[-5:])
    shutil.copytree(record, copy)
    shutil.rmtree(copy / "adapters")
    with pytest.raises(UserError, match="save_adapters=true"):
        explain_record(*open_record(copy), ExplainConfig(record=str(copy), questions=1))
