"""Other trainers, with an export's settings, take the very steps that ``order=random`` takes here.

With TST_LLAMAFACTORY=PATH (its llamafactory-cli) the real one is compared as well.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
    set_seed,
)

from tests.external_training.conftest import questions, write_questions
from tst.config.composition import compose
from tst.external_training.export import export_folds
from tst.external_training.llamafactory import train_folds
from tst.stress_testing.run import run

REAL = os.environ.get("TST_LLAMAFACTORY", "")
SAME = ["diagnostic.mc_scoring=letters", "diagnostic.validation=0"]
GIVEN = (
    "per_device_train_batch_size", "learning_rate", "lr_scheduler_type", "warmup_steps",
    "num_train_epochs", "weight_decay", "max_grad_norm", "optim", "adam_beta1", "adam_beta2",
    "adam_epsilon", "bf16", "seed", "data_seed", "save_strategy", "report_to",
)  # fmt: skip


@pytest.fixture
def asked(tmp_path) -> Path:
    """Multiple choice alone: numbers train a head here that others do not have."""
    rows = [row for row in questions(60) if "options" in row]
    return write_questions(tmp_path / "shades.jsonl", rows)


@pytest.fixture
def words(words) -> list[str]:
    return [*words, "diagnostic.epochs=2.5", "diagnostic.dropout=0", "model.quantization=none"]


def train_with_transformers(folder: Path, name: str) -> None:
    """A fold by the plain Trainer, as LLaMA-Factory calls it: seed, adapter, seed, steps."""
    given = yaml.safe_load((folder / f"train-{name}.yaml").read_text())
    tokenizer = AutoTokenizer.from_pretrained(given["model_name_or_path"])
    rows = []
    for row in json.loads((folder / f"train-{name}.json").read_text()):
        turns = [{"role": "user", "content": row["instruction"]}]
        opened = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        prompt = tokenizer(opened, add_special_tokens=False)["input_ids"]
        target = tokenizer(row["output"] + "<|end|>", add_special_tokens=False)["input_ids"]
        rows.append({"input_ids": prompt + target, "labels": [-100] * len(prompt) + target})
    set_seed(given["seed"])
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(given["model_name_or_path"], dtype=torch.float32),
        LoraConfig(
            r=given["lora_rank"], lora_alpha=given["lora_alpha"], task_type="CAUSAL_LM",
            target_modules=given["lora_target"].split(","), lora_dropout=given["lora_dropout"],
        ),
    )  # fmt: skip
    settings = TrainingArguments(
        output_dir=str(folder / "trainer"), use_cpu=True, disable_tqdm=True,
        **{key: given[key] for key in GIVEN},
    )  # fmt: skip
    collator = DataCollatorForSeq2Seq(tokenizer, pad_to_multiple_of=8)
    Trainer(model=model, args=settings, train_dataset=rows, data_collator=collator).train()
    model.save_pretrained(folder / given["output_dir"])


def distance(a: Path, b: Path) -> float:
    """How far two adapters are apart, as a share of what the first one is."""
    one, other = (load_file(f / "adapter_model.safetensors") for f in (a, b))
    assert set(one) == set(other)
    flat = [
        np.concatenate([w[k].float().numpy().ravel() for k in sorted(one)]) for w in (one, other)
    ]
    return float(np.linalg.norm(flat[0] - flat[1]) / np.linalg.norm(flat[0]))


@pytest.fixture
def ours(words, tmp_path):
    """Folder of the adapters that are trained here in the given order of rows."""

    def train(order: str, *more: str) -> Path:
        own = f"outputs_root={tmp_path}/{order}{len(more)}"
        config = compose([*words, *SAME, own, "diagnostic.save_adapters=true",
                          f"diagnostic.order={order}", *more])  # fmt: skip
        return run(config).record / "adapters"

    return train


def test_plain_transformers_trains_the_same_adapters(export_config, ours, tmp_path):
    folder = export_folds(export_config(), tmp_path / "folds", "llamafactory").folder
    alone, stacked = ours("random"), ours("random", "diagnostic.training=stacked")
    other_order = ours("by_length")
    for name in ("0-0", "0-1"):
        train_with_transformers(folder, name)
        theirs = folder / "adapters" / name
        assert distance(theirs, alone / name) < 0.01  # saved here in bf16
        assert distance(theirs, stacked / name) < 0.01
        assert distance(theirs, other_order / name) > 0.05


@pytest.mark.skipif(not REAL, reason="set TST_LLAMAFACTORY to a llamafactory-cli to try it")
def test_llamafactory_trains_the_same_adapters(export_config, ours, tmp_path):
    folder = export_folds(export_config(), tmp_path / "folds", "llamafactory").folder
    train_folds(folder, Path(REAL), None)
    here = ours("random")
    for name in ("0-0", "0-1"):
        assert distance(folder / "adapters" / name, here / name) < 0.01
