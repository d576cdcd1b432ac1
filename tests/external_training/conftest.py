"""A tiny base on disk, a table of questions, an export of it, and a trainer that is plain PEFT."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch
import yaml
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from tst import export, score
from tst.diagnostics.llm.model.tiny_model import build_model, build_tokenizer, tiny_config
from tst.external_training.export import Exported, export_folds
from tst.external_training.settings import ExportConfig, ScoreConfig

FAST = ["fold.k=2", "diagnostic.batch_size=4", "diagnostic.learning_rate=0.01"]


def save_base(folder: Path, seed: int = 0, hidden: int = 32) -> Path:
    tokenizer = build_tokenizer()
    build_model(tiny_config(len(tokenizer), hidden=hidden), seed).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def questions(n: int = 24) -> list[dict]:
    """mc with 2 to 4 options and numbers; even rows are about jars, with one answer in most."""
    draw = np.random.default_rng(0)
    rows = []
    for i in range(n):
        if i % 4 == 3:
            rows.append({"qid": f"n{i}", "question": f"How many pears in jar {i}?",
                         "answer": str(int(draw.integers(1, 6))), "kind": "count"})  # fmt: skip
        else:
            options = [f"shade {j}" for j in range(2 + i % 3)]
            rows.append({"qid": f"m{i}", "question": f"Which shade has jar {i}?",
                         "options": options, "answer": "AB"[int(draw.integers(0, 2))],
                         "kind": "shade"})  # fmt: skip
    return rows


def write_questions(path: Path, rows: list[dict]) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    return save_base(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def asked(tmp_path) -> Path:
    return write_questions(tmp_path / "jars.jsonl", questions())


def words_of(asked: Path, base: Path) -> list[str]:
    columns = "benchmark.columns={id: qid, question_type: kind}"
    return [f"benchmark={asked}", columns, f"model.name={base}", "model.dtype=float32",
            "device=cpu", *FAST]  # fmt: skip


@pytest.fixture
def words(asked, base) -> list[str]:
    return words_of(asked, base)


@pytest.fixture
def export_config(words, tmp_path):
    def make(*more: str) -> ExportConfig:
        folder = [] if any(w.startswith("to=") for w in more) else [f"to={tmp_path}/folds"]
        return export.COMMAND.compose([*words, *folder, *more])

    return make


@pytest.fixture
def exported(export_config) -> Exported:
    config = export_config()
    return export_folds(config, Path(config.to), config.format)


@pytest.fixture(scope="session")
def adapters_of_jars(base, tmp_path_factory) -> Path:
    """Adapters of both folds of such an export, trained once."""
    root = tmp_path_factory.mktemp("jars")
    words = words_of(write_questions(root / "jars.jsonl", questions()), base)
    config = export.COMMAND.compose([*words, f"to={root}/folds"])
    train_all(export_folds(config, Path(config.to), config.format).folder)
    return root / "folds" / "adapters"


@pytest.fixture
def trained(exported, adapters_of_jars) -> Path:
    """An export with its adapters."""
    shutil.copytree(adapters_of_jars, exported.folder / "adapters", dirs_exist_ok=True)
    return exported.folder


@pytest.fixture
def score_config(tmp_path):
    def make(*more: str) -> ScoreConfig:
        return score.COMMAND.compose([f"outputs_root={tmp_path}/out", "device=cpu", *more])

    return make


def train_fold(folder: Path, name: str, output: Path | None = None, steps: int = 4) -> Path:
    """Train one exported fold with plain transformers and PEFT, as its YAML says."""
    settings = yaml.safe_load((folder / f"train-{name}.yaml").read_text())
    rows = json.loads((folder / f"train-{name}.json").read_text())
    source = str(folder / settings["model_name_or_path"])  # an absolute path stays as it is
    tokenizer = AutoTokenizer.from_pretrained(source)
    torch.manual_seed(settings["seed"])
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(source),
        LoraConfig(
            r=settings["lora_rank"],
            lora_alpha=settings["lora_alpha"],
            lora_dropout=settings["lora_dropout"],
            target_modules=settings["lora_target"].split(","),
            task_type="CAUSAL_LM",
        ),
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings["learning_rate"])
    for step in range(steps):
        row = rows[step % len(rows)]
        turns = [{"role": "user", "content": row["instruction"]}]
        opened = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        prompt = tokenizer(opened, add_special_tokens=False)["input_ids"]
        target = tokenizer(row["output"] + "<|end|>", add_special_tokens=False)["input_ids"]
        labels = torch.tensor([[-100] * len(prompt) + target])
        model(input_ids=torch.tensor([prompt + target]), labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    output = output or folder / settings["output_dir"]
    model.save_pretrained(output)
    return output


def train_all(folder: Path) -> None:
    for path in sorted(folder.glob("train-*.yaml")):
        train_fold(folder, path.stem.removeprefix("train-"))
