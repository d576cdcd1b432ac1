"""The base that folds are trained on elsewhere: its chat template and its dtype."""

from __future__ import annotations

import json
import shutil
from copy import copy

import pytest
import torch
import yaml
from transformers import AutoModelForCausalLM, AutoTokenizer

from tests.external_training.conftest import train_all
from tst import export
from tst.core.errors import UserError
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.external_training.export import export_folds
from tst.external_training.rendering import compare_rendering, template_that_ends
from tst.external_training.score import score_elsewhere
from tst.stress_testing.run import load_table


def test_how_a_template_goes_on_after_an_answer_is_counted(base, asked, export_config):
    table = load_table(export_config()).frame
    tokenizer = AutoTokenizer.from_pretrained(base)
    same = compare_rendering(table, Encoder(tokenizer, 1024))
    assert (same.compared, same.prompts, same.targets, same.more_tokens) == (24, 0, 0, {})
    assert same.sentences() == []
    tokenizer.chat_template = tokenizer.chat_template.replace("'<|end|>'", "'<|end|>\\n'")
    more = compare_rendering(table, Encoder(tokenizer, 1024))
    assert (more.prompts, more.targets, more.more_tokens) == (0, 0, {"\n": 24})
    assert "24 of 24 targets end with '\\n' after ours" in more.sentences()
    shorter = template_that_ends(table, Encoder(tokenizer, 1024), more)
    own = copy(tokenizer)
    own.chat_template = shorter
    assert compare_rendering(table, Encoder(own, 1024)) == same
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    for messages, opens in ((turns, True), (turns[:1], True), (turns[:1], False)):
        said = [t.apply_chat_template(messages, tokenize=False, add_generation_prompt=opens)
                for t in (tokenizer, own)]  # fmt: skip
        assert said[0] == said[1]
    # a template that writes the whole conversation otherwise than it opens an answer
    tokenizer.chat_template += "{% if not add_generation_prompt %}{{ '' }}{% endif %}"
    tokenizer.chat_template = tokenizer.chat_template.replace(
        "{{ '<s>' }}", "{{ '<s>' if add_generation_prompt else '' }}"
    )
    other = compare_rendering(table, Encoder(tokenizer, 1024))
    assert other.prompts == 24
    assert template_that_ends(table, Encoder(tokenizer, 1024), other) is None


def test_llamafactory_s_base_has_a_template_that_ends_with_the_answer(
    export_config, base, tmp_path
):
    longer = tmp_path / "model"
    shutil.copytree(base, longer)
    path = longer / "chat_template.jinja"
    path.write_text(path.read_text().replace("'<|end|>'", "'<|end|>\\n'"))
    before = path.read_text()
    done = export_folds(export_config(f"model.name={longer}"), tmp_path / "folds", "llamafactory")
    assert done.ends and done.differences.more_tokens == {"\n": 24}
    stated = yaml.safe_load((done.folder / "train-0-0.yaml").read_text())
    assert stated["model_name_or_path"] == "base" and path.read_text() == before
    read = AutoTokenizer.from_pretrained(done.folder / "base")
    table = load_table(export_config()).frame
    assert compare_rendering(table, Encoder(read, 1024)).sentences() == []
    for style in ("chat", "trl"):  # those trainers learn the turn alone, whatever follows it
        config = export_config(f"model.name={longer}", f"to={tmp_path}/{style}")
        assert not export_folds(config, tmp_path / style, style).ends


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for %}", "chat template cannot be rendered"),
        ("{{ raise_exception('no') }}", "chat template cannot be rendered"),
        (
            "{% for m in messages %}{% if m.role != 'user' %}{{ raise_exception('no') }}"
            "{% endif %}{{ m.content }}{% endfor %}",
            "renders no assistant's turn",
        ),
    ],
)
def test_a_template_that_others_cannot_use_is_one_message(
    export_config, base, tmp_path, template, message
):
    own = tmp_path / "model"
    shutil.copytree(base, own)
    (own / "chat_template.jinja").write_text(template)
    config = export_config(f"model.name={own}")
    with pytest.raises(UserError, match=message):
        export_folds(config, tmp_path / "folds", "llamafactory")


def test_a_base_whose_config_names_another_dtype_is_linked_with_the_one_that_is_stated(
    base, asked, tmp_path, score_config
):
    half = shutil.copytree(base, tmp_path / "half")
    about = json.loads((half / "config.json").read_text()) | {"dtype": "float16"}
    (half / "config.json").write_text(json.dumps(about))
    columns = "benchmark.columns={id: qid, question_type: kind}"
    words = [f"benchmark={asked}", columns, f"model.name={half}", "device=cpu", "fold.k=2",
             "model.dtype=float32"]  # fmt: skip
    config = export.COMMAND.compose([*words, f"to={tmp_path}/folds"])
    folder = export_folds(config, tmp_path / "folds", "llamafactory").folder
    stated = yaml.safe_load((folder / "train-0-0.yaml").read_text())
    assert stated["model_name_or_path"] == "base" and not stated["bf16"]
    assert json.loads((folder / "base" / "config.json").read_text())["dtype"] == "float32"
    assert AutoModelForCausalLM.from_pretrained(folder / "base").dtype == torch.float32
    assert json.loads((half / "config.json").read_text())["dtype"] == "float16"
    train_all(folder)
    assert score_elsewhere(score_config(f"adapters={folder}")).complete
