"""What is written for other trainers: prompts, targets, held-out questions, settings."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

from tests.commands import run_here
from tests.external_training.conftest import questions, write_questions
from tst import export
from tst.core.errors import UserError
from tst.core.folds import split
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.external_training.export import export_folds
from tst.external_training.manifest import read_manifest
from tst.external_training.settings import FORMATS
from tst.stress_testing.run import load_table, plan_for


def prompt_and_target(row: dict) -> tuple[str, str]:
    """Of a training row in any of the formats."""
    if "instruction" in row:
        assert row["input"] == ""
        return row["instruction"], row["output"]
    if "conversations" in row:
        asked, answered = row["conversations"]
        assert (asked["from"], answered["from"]) == ("human", "gpt")
        return asked["value"], answered["value"]
    asked, answered = row["messages"] if "messages" in row else [*row["prompt"], *row["completion"]]
    assert (asked["role"], answered["role"]) == ("user", "assistant")
    return asked["content"], answered["content"]


def read_rows(path: Path) -> list[dict]:
    if path.suffix == ".json":
        return json.loads(path.read_text())
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("style", FORMATS)
def test_training_files_hold_the_very_prompts_and_targets_of_the_training_rows(
    export_config, base, style
):
    config = export_config(f"format={style}")
    folder = export_folds(config, Path(config.to), style).folder
    table = load_table(config)
    plan = plan_for(config, table)
    encoder = Encoder(AutoTokenizer.from_pretrained(base), 1024)
    for repeat, fold in plan.folds():
        train, heldout = split(table.frame, plan, repeat, fold)
        (path,) = folder.glob(f"train-{repeat}-{fold}.json*")
        rows = [prompt_and_target(row) for row in read_rows(path)]
        assert len(rows) == len(train)
        for (prompt, target), ids, tokens in zip(
            rows, encoder.encode(train).prompts, encoder.encode_targets(train), strict=True
        ):
            turn = encoder.open_turn([{"role": "user", "content": prompt}])
            assert encoder.token_ids([turn])[0] == ids.ids
            whole = encoder.token_ids([turn + target + "<|end|>"])[0]
            assert whole == ids.ids + tokens
        held = read_rows(folder / f"heldout-{repeat}-{fold}.jsonl")
        assert [row["id"] for row in held] == table.frame.loc[heldout.index, "id"].tolist()
        assert {row["prompt"] for row in held}.isdisjoint(prompt for prompt, _ in rows)


def test_held_out_files_have_ids_prompts_and_letters_and_no_answer(exported):
    rows = [row for f in "01" for row in read_rows(exported.folder / f"heldout-0-{f}.jsonl")]
    assert sorted(row["id"] for row in rows) == sorted(row["qid"] for row in questions())
    gold = {row["qid"]: row for row in questions()}
    for row in rows:
        assert set(row) == {"id", "repeat", "fold", "format", "prompt", "letters"}
        assert len(row["letters"]) == len(gold[row["id"]].get("options", []))
    flipped = questions()
    for row in flipped:
        row["answer"] = {"A": "B", "B": "A"}.get(row["answer"], str(9 - int(row["answer"], 36)))
    # other answers, the same held-out files: no answer is in them in any form
    before = [(exported.folder / f"heldout-0-{f}.jsonl").read_text() for f in "01"]
    path = write_questions(exported.folder.parent / "flipped.jsonl", flipped)
    again = exported.folder.parent / "again"
    columns = "benchmark.columns={id: qid, question_type: kind}"
    base = exported.manifest.config["model"]["name"]
    config = export.COMMAND.compose([f"benchmark={path}", columns, f"model.name={base}",
                                     "model.dtype=float32", "fold.k=2", "device=cpu",
                                     f"to={again}"])  # fmt: skip
    export_folds(config, again, "llamafactory")
    assert before == [(again / f"heldout-0-{f}.jsonl").read_text() for f in "01"]


def test_the_settings_of_a_fold_are_all_stated_and_no_template_is(exported):
    first, second = (
        yaml.safe_load((exported.folder / f"train-0-{f}.yaml").read_text()) for f in "01"
    )
    assert "template" not in first
    stated = {
        "finetuning_type": "lora", "lora_rank": 8, "lora_alpha": 16, "lora_dropout": 0.1,
        "lora_target": "down_proj,gate_proj,k_proj,o_proj,q_proj,up_proj,v_proj",
        "per_device_train_batch_size": 4, "gradient_accumulation_steps": 1,
        "learning_rate": 0.01, "lr_scheduler_type": "cosine", "num_train_epochs": 1.0,
        "warmup_steps": 1, "max_grad_norm": 1.0, "weight_decay": 0.0, "adam_beta2": 0.999,
        "bf16": False, "train_on_prompt": False, "packing": False, "dataset": "train-0-0",
    }  # fmt: skip
    assert {name: first[name] for name in stated} == stated
    assert {name for name in first if first[name] != second[name]} == {
        "dataset", "output_dir", "seed", "data_seed",
    }  # fmt: skip
    info = json.loads((exported.folder / "dataset_info.json").read_text())
    assert all((exported.folder / entry["file_name"]).is_file() for entry in info.values())


def test_on_a_cpu_auto_is_a_dtype_that_other_trainers_take(words, tmp_path):
    own = [w for w in words if not w.startswith("model.dtype")]
    config = export.COMMAND.compose([*own, f"to={tmp_path}/folds"])
    assert config.model.dtype == "auto"
    done = export_folds(config, tmp_path / "folds", config.format)
    assert done.manifest.config["model"]["dtype"] == "float32"
    assert yaml.safe_load((done.folder / "train-0-0.yaml").read_text())["bf16"] is False
    asked = export.COMMAND.compose([*own, "model.dtype=bfloat16", f"to={tmp_path}/asked"])
    done = export_folds(asked, tmp_path / "asked", asked.format)  # for a GPU elsewhere
    assert yaml.safe_load((done.folder / "train-0-0.yaml").read_text())["bf16"] is True


def test_long_prompts_are_cut_as_they_are_scored(base, tmp_path):
    rows = questions(8)
    rows[0]["question"] = "Which " + "very " * 60 + "long shade has jar 0?"
    asked = write_questions(tmp_path / "long.jsonl", rows)
    columns = "benchmark.columns={id: qid, question_type: kind}"
    config = export.COMMAND.compose([f"benchmark={asked}", columns, f"model.name={base}",
                                     "model.dtype=float32", "fold.k=2", "device=cpu",
                                     f"to={tmp_path}/folds",
                                     "diagnostic.max_length=256"])  # fmt: skip
    done = export_folds(config, tmp_path / "folds", "llamafactory")
    assert done.differences.cut == 1
    table = load_table(config)
    encoder = Encoder(AutoTokenizer.from_pretrained(base), 256)
    texts, cut = encoder.user_texts(table.frame)
    for text, was_cut, prompt in zip(texts, cut, encoder.encode(table.frame).prompts, strict=True):
        turn = encoder.open_turn([{"role": "user", "content": text}])
        assert encoder.token_ids([turn])[0] == prompt.ids
        assert (" ... " in text) == was_cut


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["diagnostic.mc_scoring=options"], "diagnostic.mc_scoring=options: others train letters"),
        (["diagnostic.validation=0.1"], "diagnostic.validation=0.1"),
        (["diagnostic.order=by_length"], "diagnostic.order=by_length: others shuffle"),
        (["diagnostic.top_layers=1"], "diagnostic.top_layers=1: others adapt all layers"),
        (["diagnostic.per_format=true"], "diagnostic.per_format=True: one adapter"),
        (["diagnostic.top_layers=4"], "diagnostic.top_layers=4: others adapt all layers"),
        (["optimizer=casmo"], "optimizer=casmo: other trainers are given AdamW"),
        (["null.repeats=2"], "null.repeats=2"),
        (["model=tiny"], "built on the spot"),
        (["diagnostic=rf"], "only diagnostic=lora_llm"),
    ],
)
def test_what_others_cannot_follow_is_refused(export_config, words, message):
    given = [w for w in words if not w.startswith("model=")]
    given += ["model.name=tiny"] if "model=tiny" in words else []
    with pytest.raises(UserError, match=message):
        if words == ["diagnostic=rf"]:
            export.COMMAND.compose(["diagnostic=rf", "to=x"])
        export_config(*given)


def test_a_folder_with_something_else_is_refused_and_its_own_export_is_completed(
    exported, export_config, tmp_path
):
    config = export_config()
    (exported.folder / "train-0-1.json").unlink()
    (exported.folder / "adapters").mkdir()
    again = export_folds(config, exported.folder, "llamafactory")
    assert (exported.folder / "train-0-1.json").is_file()
    assert again.manifest == exported.manifest == read_manifest(exported.folder)
    with pytest.raises(UserError, match="holds another export"):
        export_folds(export_config("fold.seed=7"), exported.folder, "llamafactory")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(UserError, match="holds other files"):
        export_folds(config, tmp_path / "mine", "llamafactory")
    with pytest.raises(UserError, match="is a file"):
        export_folds(config, tmp_path / "mine" / "notes.txt", "llamafactory")
    for place in (tmp_path / "mine" / "notes.txt" / "folds", Path("/proc/folds")):
        with pytest.raises(UserError, match="cannot be made"):
            export_folds(config, place, "llamafactory")


def test_the_manifest_knows_questions_plan_and_base(exported, export_config, base):
    manifest = exported.manifest
    table = load_table(export_config())
    assert manifest.table["fingerprint"] == table.fingerprint
    assert manifest.folds == ["0-0", "0-1"] and len(manifest.base["digest"]) == 12
    assert manifest.config["diagnostic"]["mc_scoring"] == "letters"
    assert manifest.config["diagnostic"]["validation"] == 0.0
    assert manifest.config["diagnostic"]["order"] == "random"
    assert Path(manifest.config["benchmark"]["path"]).is_absolute()
    other = replace(manifest, base={**manifest.base, "digest": "0"})
    assert other.digest != manifest.digest


def test_the_command_says_what_it_set_and_what_comes_next(words, tmp_path):
    done = run_here("tst.export", *words, f"to={tmp_path}/folds")
    assert done.returncode == 0, done.stderr
    assert "mc_scoring=letters, validation=0, order=random" in done.stdout
    assert f"tst score {tmp_path}/folds" in done.stdout
    done = run_here("tst.export", *words)
    assert done.returncode == 2 and "to" in done.stderr and "Traceback" not in done.stderr


def test_trl_reads_the_prompts_and_targets_token_by_token(export_config, base, tmp_path):
    config = export_config("format=trl", f"to={tmp_path}/trl")
    folder = export_folds(config, tmp_path / "trl", "trl").folder
    tokenizer = AutoTokenizer.from_pretrained(base)
    trainer = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(base),
        args=SFTConfig(str(tmp_path / "out"), max_length=1040, report_to=[], use_cpu=True),
        train_dataset=Dataset.from_list(read_rows(folder / "train-0-0.jsonl")),
        processing_class=tokenizer,
    )
    table = load_table(config)
    train, _ = split(table.frame, plan_for(config, table), 0, 0)
    encoder = Encoder(tokenizer, 1024)
    prompts, targets = encoder.encode(train).prompts, encoder.encode_targets(train)
    assert len(trainer.train_dataset) == len(train)
    for row, prompt, target in zip(trainer.train_dataset, prompts, targets, strict=True):
        assert row["input_ids"] == prompt.ids + target
        assert row["labels"] == [-100] * len(prompt.ids) + target


def test_export_folds_of_some_folds_alone(export_config, tmp_path):
    config = export_config("fold.only=[1]", f"to={tmp_path}/one")
    done = export_folds(config, tmp_path / "one", "chat")
    assert done.manifest.folds == ["0-1"]
    assert not (tmp_path / "one" / "run.sh").exists()
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == [
        "heldout-0-1.jsonl", "manifest.json", "train-0-1.jsonl", "train-0-1.yaml",
    ]  # fmt: skip
