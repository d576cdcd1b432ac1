"""Trains an exported fold for some steps with one trainer and prints what a step took, as JSON.

    PYTHON benchmarks/peer_trainers.py TRAINER FOLDER STEPS WARMUP SECONDS [SETTINGS...]

PYTHON is of the trainer's own environment. Only ``ours`` and ``best`` import tst. Before its first
step it waits for a line on its standard input; SECONDS later it stops, however many steps it took.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

if sys.argv[1:2] == ["unsloth"]:
    import unsloth  # it patches transformers and TRL, so it comes before them

import torch
import yaml
from transformers import TrainerCallback

FOLD = "0-0"


class OutOfTimeError(Exception):
    """The seconds are over; what was measured until then counts."""


class StepClock(TrainerCallback):
    """Seconds from the end of step ``warmup`` to the end of the last one.

    Waits before the first step until a line comes on standard input: another trainer may be
    measured until then.

    limit: seconds after which training ends early, the warm-up's included
    folds: that each step trains
    steps: steps that were measured
    ends: when each measured step ended
    cpu_seconds: of this process, which tell more where others use the cores too
    """

    def __init__(self, warmup: int, limit: float) -> None:
        self.warmup = warmup
        self.limit = limit
        self.begun = 0.0
        self.folds = 1
        self.steps = 0
        self.ends: list[float] = []
        self.started = self.ended = (0.0, 0.0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if not sys.stdin.readline():
            sys.exit("whoever measures is gone")
        self.begun = time.perf_counter()
        self.started = self.begun, time.process_time()
        self.ends.clear()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        now = time.perf_counter(), time.process_time()
        self.steps = max(0, state.global_step - self.warmup)
        if self.steps == 0:
            self.started = now
        else:
            self.ends.append(now[0])
        self.ended = now
        if now[0] - self.begun > self.limit:
            raise OutOfTimeError

    @property
    def seconds(self) -> float:
        return self.ended[0] - self.started[0]

    @property
    def median_seconds(self) -> float:
        """Of a step: below the mean where some steps compile what others then use."""
        return statistics.median(b - a for a, b in pairwise([self.started[0], *self.ends]))

    @property
    def cpu_seconds(self) -> float:
        return self.ended[1] - self.started[1]


def peak_memory() -> float:
    """GiB: CUDA's peak of this process, else its largest resident size."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def read_fold(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / f"train-{FOLD}.yaml").read_text())


def sft_settings(given: dict[str, Any], folder: Path, steps: int) -> dict[str, Any]:
    """What the exported YAML says, as arguments of TRL's SFTConfig."""
    names = ("per_device_train_batch_size", "learning_rate", "lr_scheduler_type", "warmup_steps",
             "weight_decay", "max_grad_norm", "bf16", "seed")  # fmt: skip
    return {
        "output_dir": str(folder / "peer"),
        "max_steps": steps,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "use_cpu": not torch.cuda.is_available(),
        "gradient_checkpointing": not given["disable_gradient_checkpointing"],
        "max_length": given["cutoff_len"],
        **{name: given[name] for name in names},
    }


def base_folder(given: dict[str, Any], folder: Path) -> str:
    """Where the base's weights are: a path relative to the export, or any other."""
    source = given["model_name_or_path"]
    return str(folder / source) if (folder / source).is_dir() else source


def read_turns(folder: Path) -> list[list[dict[str, str]]]:
    """The fold's training rows as a user's and an assistant's turn."""
    rows = json.loads((folder / f"train-{FOLD}.json").read_text())
    return [
        [
            {"role": "user", "content": row["instruction"]},
            {"role": "assistant", "content": row["output"]},
        ]
        for row in rows
    ]


def train_with_trl(folder: Path, steps: int, clock: StepClock) -> None:
    """SFTTrainer as it comes, on the same rows with the same settings."""
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig
    from trl import SFTConfig, SFTTrainer

    given = read_fold(folder)
    source = base_folder(given, folder)
    dtype = torch.bfloat16 if given["bf16"] else torch.float32
    nf4 = None
    if given.get("quantization_bit") == 4:
        nf4 = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype,
        )  # fmt: skip
    place = {"": 0} if torch.cuda.is_available() else {"": "cpu"}
    rows = [{"prompt": [asked], "completion": [told]} for asked, told in read_turns(folder)]
    SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(
            source, dtype=dtype, quantization_config=nf4, device_map=place
        ),
        args=SFTConfig(completion_only_loss=True, **sft_settings(given, folder, steps)),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(source),
        peft_config=LoraConfig(
            r=given["lora_rank"], lora_alpha=given["lora_alpha"],
            lora_dropout=given["lora_dropout"], target_modules=given["lora_target"].split(","),
            task_type="CAUSAL_LM",
        ),
        callbacks=[clock],
    ).train()  # fmt: skip


def train_with_unsloth(folder: Path, steps: int, clock: StepClock) -> None:
    """Unsloth's model, adapters and checkpointing, and its loss on the assistant's turn alone."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer
    from unsloth.chat_templates import train_on_responses_only

    given = read_fold(folder)
    checkpointing = False if given["disable_gradient_checkpointing"] else "unsloth"
    model, tokenizer = unsloth.FastLanguageModel.from_pretrained(
        base_folder(given, folder),
        max_seq_length=given["cutoff_len"],
        dtype=torch.bfloat16 if given["bf16"] else torch.float32,
        load_in_4bit=given.get("quantization_bit") == 4,
    )
    model = unsloth.FastLanguageModel.get_peft_model(
        model, r=given["lora_rank"], lora_alpha=given["lora_alpha"],
        lora_dropout=given["lora_dropout"], target_modules=given["lora_target"].split(","),
        use_gradient_checkpointing=checkpointing, random_state=given["seed"],
    )  # fmt: skip
    texts = [tokenizer.apply_chat_template(turns, tokenize=False) for turns in read_turns(folder)]
    settings = sft_settings(given, folder, steps) | {"gradient_checkpointing": bool(checkpointing)}
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(dataset_text_field="text", dataset_num_proc=1, **settings),
        train_dataset=Dataset.from_dict({"text": texts}),
        processing_class=tokenizer,
        callbacks=[clock],
    )
    train_on_responses_only(trainer, num_proc=1).train()


def train_with_llamafactory(folder: Path, steps: int, clock: StepClock) -> None:
    """LLaMA-Factory with the exported YAML."""
    import os

    from llamafactory.train.tuner import run_exp

    os.chdir(folder)
    run_exp({**read_fold(folder), "max_steps": steps, "output_dir": "peer"}, [clock])


def train_with_ours(
    folder: Path, steps: int, clock: StepClock, words: list[str], at_best: bool
) -> None:
    """Our training with the words' settings: one fold, or all at once where that is best."""
    from dataclasses import replace

    from tst.config.composition import compose
    from tst.core.folds import fold_seed, split
    from tst.diagnostics.llm.session import Session
    from tst.diagnostics.llm.training.memory import MemoryPlan, give_back_memory
    from tst.diagnostics.llm.training.one_fold import trained_adapter
    from tst.diagnostics.llm.training.stacked_folds import stacked_training
    from tst.stress_testing.build import resolve_auto
    from tst.stress_testing.run import load_table, plan_for

    config = resolve_auto(compose(words))
    table = load_table(config)
    plan = plan_for(config, table)
    questions = table.frame.iloc[plan.order].drop(columns="answer")
    # speed of the steps alone
    settings = replace(config.diagnostic, validation=0.0, adapters_per_fold=1)
    session = Session(questions, settings, config.model, config.device, config.scoring.rules())
    stacked = at_best and torch.cuda.is_available()
    tasks = [
        task
        for fold in (plan.folds() if stacked else [(0, 0)])
        for task in session.tasks(
            split(table.frame, plan, *fold)[0],
            fold_seed(plan.seed, *fold),
            fold_seed(plan.seed, fold[0], plan.k),
        )
    ]
    short = replace(settings, epochs=steps / tasks[0].steps_per_epoch(settings))
    memory = MemoryPlan(settings.batch_size, folds=len(tasks))
    while True:
        tasks = tasks[: memory.folds]
        clock.folds = len(tasks)
        shared = session.base, short, config.optimizer
        try:
            if stacked:
                with stacked_training(*shared, tasks, memory, [clock]):
                    return
            with trained_adapter(*shared, tasks[0], memory, [clock]):
                return
        except torch.OutOfMemoryError:
            memory.shrink()
        give_back_memory()


def main() -> None:
    trainer, folder, steps, warmup, limit, *words = sys.argv[1:]
    clock = StepClock(int(warmup), float(limit))
    total, place = int(steps) + int(warmup), Path(folder).resolve()
    with suppress(OutOfTimeError):
        if trainer == "trl":
            train_with_trl(place, total, clock)
        elif trainer == "llamafactory":
            train_with_llamafactory(place, total, clock)
        elif trainer == "unsloth":
            train_with_unsloth(place, total, clock)
        else:
            train_with_ours(place, total, clock, words, trainer == "best")
    if not clock.steps:
        sys.exit(f"no step after the {warmup} of warm-up within {limit} s")
    found = {
        "steps": clock.steps,
        "seconds": clock.seconds,
        "cpu_seconds": clock.cpu_seconds,
        "median_seconds": clock.median_seconds,
        "folds": clock.folds,
        "peak_gib": peak_memory(),
    }
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
