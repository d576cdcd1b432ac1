"""How fast folds train: plain SFTTrainer, our sequential, our stacked path, and the whole job.

    python benchmarks/llm_speed.py --shape gemma2_2b benchmark=vsi_bench data_root=DIR

--do names what is measured, in this order: plain, seq, stack, eager (no graphs), top (upper layers
alone), top_whole (the same adapters, all layers run), job, job_top, and fp8: what follows it is
measured on a base in float8.
The last words are overrides of tst.main that name the questions (default: 520 planted). --model
takes real weights (model.name), --shape random ones of a real model's shape.
TFLOP/s count 4 x linear-layer parameters x tokens without padding; the share is of this device's
own matrix peak, measured here.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
import yaml
from datasets import Dataset
from llm_setup import lora_settings, parse, read_table, smollm2_folder
from llm_shapes import random_base
from transformers import AutoTokenizer
from trl import SFTConfig, SFTTrainer

from tst.core.folds import FoldPlan, fold_seed, plan_folds, split
from tst.core.scoring_rules import DEFAULT_RULES
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.model.adapters import bare_again, lora_config
from tst.diagnostics.llm.model.fp8 import to_fp8
from tst.diagnostics.llm.model.kernels import fuse_kernels, pick_kernels
from tst.diagnostics.llm.model.layers import decoder_blocks
from tst.diagnostics.llm.model.loading import free_base, keep_base, load_base, pick_device
from tst.diagnostics.llm.session import Session
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import trained_adapter
from tst.diagnostics.llm.training.stacked_folds import stacked_training
from tst.diagnostics.llm.training.steps import FoldTask

ADAMW = OptimizerSettings()
LOSS_TOLERANCE = 0.05


def main() -> None:
    arguments = parse(__doc__)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("tst").setLevel(logging.INFO)
    warnings.filterwarnings("ignore")
    device = pick_device(arguments.device)
    table = read_table(arguments.questions, arguments.rows)
    settings = lora_settings(arguments)
    # plain SFTTrainer is timed on plain kernels, which come first; ours are put in afterwards
    model = ModelSettings(
        name=arguments.shape or arguments.model, quantization=arguments.quantization, kernels="none"
    )
    peak = measure_peak(device)
    started = time.perf_counter()
    if arguments.shape:
        tokenizer = AutoTokenizer.from_pretrained(arguments.tokenizer or smollm2_folder())
        base = random_base(arguments.shape, tokenizer, device, arguments.quantization, "none")
        keep_base(model, arguments.device, base)
    else:
        base = load_base(model, arguments.device)
    if arguments.memory:  # once it is quantised: random weights begin in bfloat16
        torch.cuda.empty_cache()
        whole = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(arguments.memory * 1e9 / whole, device)
    head = base.model.get_output_embeddings()
    linear = sum(
        m.in_features * m.out_features
        for m in base.model.modules()
        if isinstance(m, torch.nn.Linear) and m is not head
    )
    print(
        f"== {arguments.shape or arguments.model} {arguments.quantization}, "
        f"{linear / 1e6:.0f}M in linear layers, {device_name(device)}, "
        f"matrix peak {peak / 1e12:.2f} TFLOP/s, "
        f"built in {time.perf_counter() - started:.1f} s, torch {torch.__version__}",
        flush=True,
    )
    plan = plan_folds(table, k=arguments.k, seed=0)
    run = Run(arguments, settings, model, table, plan, linear, peak)
    ours = [name for name in arguments.do.split(",") if name != "plain"]
    if "plain" in arguments.do.split(","):
        attempt(run.plain, device)
    if pick_kernels(arguments.kernels, base.model.config, device) == "liger":
        base.release = fuse_kernels(base.model)
    for name in ours:
        attempt(getattr(run, name), device)
    run.compare_losses()
    free_base()


def attempt(measure: Callable[[], None], device: torch.device) -> None:
    """Measure one way of working; a failure does not stop the others."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        measure()
    except Exception:
        traceback.print_exc()


class Run:
    """One model on one table; each method measures one way of working and prints a line."""

    def __init__(
        self,
        arguments: argparse.Namespace,
        settings: LoraSettings,
        model: ModelSettings,
        table: pd.DataFrame,
        plan: FoldPlan,
        linear: int,
        peak: float,
    ) -> None:
        self.arguments, self.settings, self.model = arguments, settings, model
        self.table, self.plan, self.linear, self.peak = table, plan, linear, peak
        self.questions = table.iloc[plan.order].drop(columns="answer")
        self.session = self._session(settings)
        self.tasks = []
        for repeat, fold in plan.folds():
            train, _ = split(table, plan, repeat, fold)
            seed = fold_seed(0, repeat, fold)
            self.tasks += self.session.tasks(train, seed, fold_seed(0, repeat, plan.k))
        per_epoch = -(-len(self.tasks[0].examples) // settings.batch_size)
        self.steps = min(arguments.steps, per_epoch)
        self.short = replace(settings, epochs=self.steps / per_epoch)
        self.per_epoch = per_epoch
        blocks = decoder_blocks(self.session.base.model)[1]
        share = 0.5 if arguments.top_layers == "all" else yaml.safe_load(arguments.top_layers)
        self.top_layers = share if share >= 1 else max(1, round(share * len(blocks)))
        # by what their adapters sit on: losses must agree within each
        self.losses: dict[str, dict[str, np.ndarray]] = {}

    def _session(self, settings: LoraSettings) -> Session:
        return Session(self.questions, settings, self.model, self.arguments.device, DEFAULT_RULES)

    def plain(self) -> None:
        """SFTTrainer as it comes: TRL's defaults, prompt and completion texts, random order."""
        texts, examples = self.session.base.tokenizer, self.tasks[0].examples
        rows = {
            "prompt": [texts.decode(e.prompts[0].ids) for e in examples],
            "completion": [texts.decode(e.target) for e in examples],
        }
        with tempfile.TemporaryDirectory() as folder, bare_again(self.session.base):
            config = SFTConfig(
                folder, per_device_train_batch_size=self.settings.batch_size, report_to=[],
                max_steps=self.steps,
                save_strategy="no", learning_rate=2e-4, lr_scheduler_type="cosine",
                use_cpu=self.session.base.device.type == "cpu", disable_tqdm=True,
                bf16=self.session.base.device.type == "cuda", completion_only_loss=True,
            )  # fmt: skip
            trainer = SFTTrainer(
                model=self.session.base.model,
                args=config,
                train_dataset=Dataset.from_dict(rows),
                processing_class=texts,
                peft_config=lora_config(self.settings, self.session.base.model),
            )
            started = time.perf_counter()
            result = trainer.train()
            wait(self.session.base.device)
            seconds = time.perf_counter() - started
        tokens = np.mean([e.fed + 1 for e in examples])
        tokens *= self.settings.batch_size * self.steps
        self.report("plain SFTTrainer, one fold", seconds, tokens, 1, result.training_loss)

    def seq(self) -> None:
        """Our sequential path: one fold."""
        with trained_adapter(
            self.session.base,
            self.short,
            ADAMW,
            self.tasks[0],
            MemoryPlan(self.settings.batch_size),
        ) as (_, training):
            wait(self.session.base.device)
        cost = training.cost
        losses = training.histories[0]["loss"].to_numpy()
        self.losses.setdefault(self._adapted("all"), {})["one by one"] = losses
        seconds = cost.seconds - cost.compile_seconds
        loss = float(losses.mean())
        self.report("sequential, one fold", seconds, cost.tokens, 1, loss, cost.compile_seconds)

    def stack(self) -> None:
        """Our stacked path: k folds."""
        self._stacked(self.short, f"stacked, {len(self.tasks)} folds")

    def eager(self) -> None:
        """Stacked without CUDA graphs."""
        self._stacked(replace(self.short, cuda_graphs=False), "stacked, no graphs")

    def top(self) -> None:
        """Stacked, adapters on the upper layers alone (--top-layers, else half of them)."""
        chosen = replace(self.short, top_layers=self.top_layers)
        session = self._session(chosen)
        started = time.perf_counter()
        session.prepare_lower(self.tasks, [])
        wait(session.base.device)
        seconds = time.perf_counter() - started
        print(f"lower layers of all training questions, once: {seconds:.1f} s", flush=True)
        self._stacked(chosen, f"stacked, upper {self.top_layers}", session)

    def top_whole(self) -> None:
        """The same adapters with all layers run in every pass."""
        chosen = replace(self.short, top_layers=self.top_layers)
        self._stacked(chosen, f"stacked, upper {self.top_layers}, all run")

    def fp8(self) -> None:
        """Put the base into float8; what is measured after this is measured with it."""
        to_fp8(self.session.base.model)
        self.session.base.quantization = "fp8"

    def _adapted(self, top_layers: int | str) -> str:
        return f"{self.session.base.quantization}, layers {top_layers}"

    def _stacked(self, settings: LoraSettings, title: str, cut: Session | None = None) -> None:
        tasks: list[FoldTask] = self.tasks
        if self.session.base.quantization != "none":
            title += f", {self.session.base.quantization}"
        with stacked_training(
            self.session.base,
            settings,
            ADAMW,
            tasks,
            MemoryPlan(settings.batch_size, folds=len(tasks)),
            lower=None if cut is None else cut.lower,
        ) as (_, training):
            pass
        cost, k = training.cost, len(tasks)
        group = self.losses.setdefault(self._adapted(settings.top_layers), {})
        group[title] = training.histories[0]["loss"].to_numpy()
        seconds = (cost.seconds - cost.compile_seconds) * k
        loss = float(np.mean([history["loss"].mean() for history in training.histories]))
        self.report(title, seconds, cost.tokens * k, k, loss, cost.compile_seconds * k)

    def compare_losses(self) -> None:
        """Fold 0 went through the same steps each time: its losses must agree but for dropout."""
        for adapted, losses in self.losses.items():
            if len(losses) < 2:
                continue
            means = {title: float(own.mean()) for title, own in losses.items()}
            apart = max(means.values()) / min(means.values()) - 1.0
            told = ", ".join(f"{title} {mean:.4f}" for title, mean in means.items())
            verdict = "agree" if apart < LOSS_TOLERANCE else "DIFFER"
            print(f"losses of fold 0 {verdict} ({adapted}; {apart:.1%} apart): {told}", flush=True)

    def job_top(self) -> None:
        """The whole job with adapters on the upper layers alone."""
        self._job(replace(self.settings, top_layers=self.top_layers))

    def job(self) -> None:
        """The whole job: zero-shot, training, held-out scoring of all folds."""
        self._job(self.settings)

    def _job(self, settings: LoraSettings) -> None:
        self.session.base.zero_shot.clear()
        diagnostic = LoraLLMDiagnostic(settings, self.model, ADAMW, None, self.arguments.device)
        started = time.perf_counter()
        total: dict[str, float] = {}
        for _, predictions in diagnostic.run_folds(self.table, self.plan, self.plan.folds(), 0):
            for name, value in predictions.cost.items():
                total[name] = (
                    max(total.get(name, 0), value)
                    if "peak" in name
                    else (total.get(name, 0) + value)
                )
        wait(self.session.base.device)
        seconds = time.perf_counter() - started
        held = torch.cuda.max_memory_reserved() if torch.cuda.is_available() else 0
        kept = ("zero_shot_seconds", "lower_seconds", "train_seconds", "train_compile_seconds",
                "heldout_seconds", "train_tokens", "train_padded_tokens",
                "peak_memory_bytes")  # fmt: skip
        told = {name: round(total.get(name, 0.0), 1) for name in kept} | {"reserved_bytes": held}
        print(
            f"whole job, {len(self.table)} questions, {self._adapted(settings.top_layers)}: "
            f"{seconds:.1f} s  {json.dumps(told)}",
            flush=True,
        )

    def report(
        self, title: str, seconds: float, tokens: float, folds: int, loss: float, setup: float = 0.0
    ) -> None:
        """One line: a step's time, speeds, memory, and what all folds would take (estimated)."""
        rate = 4 * self.linear * tokens / seconds
        whole = seconds / self.steps * self.per_epoch * (self.plan.k / folds)
        memory = (
            torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else float("nan")
        )
        print(
            f"{title:28s} {1e3 * seconds / self.steps:8.1f} ms/step {tokens / seconds:9.0f} tok/s "
            f"{rate / 1e12:7.2f} TFLOP/s {rate / self.peak:6.1%} of peak, {memory:5.1f} GiB, loss "
            f"{loss:.4f}, set-up {setup:.1f} s, training k={self.plan.k} (estimate) {whole:.0f} s",
            flush=True,
        )


def measure_peak(device: torch.device) -> float:
    """FLOP/s of a large matrix product in the compute dtype."""
    n = 8192 if device.type == "cuda" else 1024
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    a, b = (
        torch.randn(n, n, device=device, dtype=dtype),
        torch.randn(n, n, device=device, dtype=dtype),
    )
    for _ in range(3):
        a @ b
    wait(device)
    started = time.perf_counter()
    for _ in range(10):
        a @ b
    wait(device)
    return 10 * 2 * n**3 / (time.perf_counter() - started)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name() if device.type == "cuda" else "CPU"


if __name__ == "__main__":
    main()
