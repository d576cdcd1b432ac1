"""How fast others and we train a fold, on the same rows, weights and settings; and how well.

    python benchmarks/peers.py benchmark=cv_bench data_root=DIR --llamafactory PATH --unsloth PYTHON
    python benchmarks/peers.py benchmark=cv_bench data_root=DIR --llamafactory PATH --score

The words are overrides of tst.main. Each trainer runs in a process of its own, so that peaks of
memory are its own; time is from the end of the warm-up to the end of the last step, or of the last
within --limit. A trainer's line is printed when it is measured. On a GPU the next one loads
meanwhile, and waits before its first step. A peer's five folds are estimated as five times one.
Tokens are those of the exported rows without padding.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import torch
import yaml
from llm_setup import smollm2_folder
from llm_shapes import SHAPES, random_base
from transformers import AutoTokenizer

from tst.diagnostics.llm.model.loading import locate, pick_device
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.diagnostics.llm.settings import ModelSettings
from tst.export import COMMAND
from tst.external_training.export import export_folds
from tst.external_training.rendering import render_turns

TRAINERS = Path(__file__).parent / "peer_trainers.py"
TITLES = {
    "trl": "plain TRL",
    "llamafactory": "LLaMA-Factory",
    "unsloth": "Unsloth",
    "ours": "ours, the same settings",
    "best": "ours, its best settings",
}
SAME = [f"diagnostic.{word}" for word in ("mc_scoring=letters", "validation=0", "order=random")]
SEEDS = (42, 43, 44)
GETTING_READY = 180.0
"""Seconds for a trainer to load, and to compile what it compiles, before it is given up."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("questions", nargs="*", help="overrides of tst.main: benchmark=... ")
    parser.add_argument("--llamafactory", default="", help="its llamafactory-cli")
    parser.add_argument("--unsloth", default="", help="the python of its environment")
    parser.add_argument("--shape", default="", choices=["", *SHAPES], help="random weights")
    parser.add_argument("--quantization", default="none", choices=["none", "nf4"])
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--warmup", type=int, default=20)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--limit", type=float, default=600, help="seconds of each one's steps")
    parser.add_argument("--do", default="trl,llamafactory,unsloth,ours,best")
    parser.add_argument(
        "--keep-activations", action="store_true", help="peers without gradient checkpointing"
    )
    parser.add_argument("--logs", default="", help="folder to keep what each trainer writes")
    parser.add_argument("--score", action="store_true", help="train all folds and compare scores")
    arguments = parser.parse_intermixed_args()
    cli = shutil.which(arguments.llamafactory or "llamafactory-cli")
    with tempfile.TemporaryDirectory() as scratch:
        words = [*(arguments.questions or ["benchmark=planted", "benchmark.n=520"]),
                 f"diagnostic.batch_size={arguments.batch}"]  # fmt: skip
        if arguments.score:
            compare_scores(words, cli, Path(scratch))
        else:
            race(arguments, words, cli, Path(scratch))


def race(arguments: argparse.Namespace, words: list[str], cli: str | None, scratch: Path) -> None:
    """Print a line per trainer."""
    if arguments.shape:
        base = save_random_base(arguments.shape, scratch / "base")
        words += [f"model.name={base}", f"model.quantization={arguments.quantization}"]
    config = COMMAND.compose([*words, f"to={scratch}/folds"])
    done = export_folds(config, scratch / "folds", "llamafactory")
    if arguments.keep_activations:
        keep_activations(done.folder / "train-0-0.yaml")
    tokens = mean_tokens(done.folder, config.model)
    pythons = {
        "llamafactory": str(Path(cli).parent / "python") if cli else None,
        "unsloth": shutil.which(arguments.unsloth) if arguments.unsloth else None,
    }
    device = pick_device("auto")
    k = done.manifest.plan["k"]
    print(
        f"== {arguments.shape or config.model.name}, {device}, {done.manifest.table['name']}, "
        f"batch {arguments.batch}, {tokens:.0f} tokens per row, {arguments.steps} steps after "
        f"{arguments.warmup}, {os.environ.get('OMP_NUM_THREADS', 'all')} threads"
        f"{', peers without gradient checkpointing' if arguments.keep_activations else ''}",
        flush=True,
    )
    found = {}
    for name in arguments.do.split(","):
        if python := pythons.get(name, sys.executable):
            found[name] = python
        else:
            print(f"{TITLES[name]}: not found; name it with --{name}", flush=True)
    start = partial(Trainer, folder=done.folder, arguments=arguments, words=words)
    ahead = device.type == "cuda"
    names = list(found)
    following = None
    for name, then in zip(names, [*names[1:], None], strict=True):
        trainer = following or start(name, found[name])
        following = start(then, found[then]) if ahead and then else None
        told = trainer.measure()
        print(
            f"{TITLES[name]:26s} {describe(told, tokens * arguments.batch, k, arguments.steps)}",
            flush=True,
        )


def describe(told: dict[str, float] | str, tokens: float, k: int, steps: int) -> str:
    """A trainer's figures in a line, or why there are none.

    tokens: of a step of one fold; k: folds; steps: asked for
    """
    if isinstance(told, str):
        return told
    step = told["seconds"] / told["steps"]
    rounds = k / told["folds"]
    return (
        f"{1e3 * step:8.0f} ms/step (median {1e3 * told['median_seconds']:.0f}, CPU "
        f"{1e3 * told['cpu_seconds'] / told['steps']:.0f}) "
        f"{tokens * told['folds'] / step:9.0f} tok/s {told['peak_gib']:6.1f} GiB, "
        f"{told['folds']} of {k} folds at once, {told['steps']} steps; {k} folds of {steps} "
        f"steps: {steps * step * rounds:.0f} s{'' if rounds == 1 else f' ({rounds:g} times this)'}"
    )


class Trainer:
    """One trainer in a process of its own, which gets ready and then waits for ``measure``."""

    def __init__(
        self, name: str, python: str, folder: Path, arguments: argparse.Namespace, words: list[str]
    ) -> None:
        environment = dict(os.environ)
        if python != sys.executable:
            environment.pop("PYTHONPATH", None)
        # on several GPUs the others would give each a batch of its own
        visible = environment.get("CUDA_VISIBLE_DEVICES", "0")
        environment["CUDA_VISIBLE_DEVICES"] = visible.partition(",")[0]
        steps = [str(arguments.steps), str(arguments.warmup), str(arguments.limit)]
        same = SAME if name == "ours" else []
        own = Path(arguments.logs or folder.parent) / name
        own.mkdir(parents=True, exist_ok=True)
        self._most = GETTING_READY + arguments.limit
        self._output, self._errors = own / "output.txt", own / "errors.txt"
        with self._output.open("w") as output, self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                [python, str(TRAINERS), name, str(folder), *steps, *words, *same],
                stdin=subprocess.PIPE, stdout=output, stderr=errors, text=True, env=environment,
            )  # fmt: skip

    def measure(self) -> dict[str, float] | str:
        """Let it take its steps; its figures, or its last lines where it fails or never ends."""
        try:
            self._process.communicate("go\n", timeout=self._most)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return f"stopped after {self._most:.0f} s\n  {self._last_lines()}"
        if self._process.returncode:
            return f"failed\n  {self._last_lines()}"
        return dict(json.loads(self._output.read_text().splitlines()[-1]))

    def _last_lines(self) -> str:
        lines = (self._output.read_text() + self._errors.read_text()).splitlines()
        return "\n  ".join(line[-300:] for line in lines[-8:])


def save_random_base(shape: str, folder: Path) -> Path:
    """Random weights of a real shape on disk, where every trainer reads them."""
    tokenizer = AutoTokenizer.from_pretrained(smollm2_folder())
    base = random_base(shape, tokenizer, pick_device("auto"), "none", "none")
    base.model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    del base
    torch.cuda.empty_cache()  # the trainers are processes of their own, and need the memory
    return folder


def keep_activations(path: Path) -> None:
    """Have a fold's YAML ask for no gradient checkpointing."""
    given = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(given | {"disable_gradient_checkpointing": True}))


def mean_tokens(folder: Path, model: ModelSettings) -> float:
    """Tokens of an exported row, prompt and target, on average."""
    rows = json.loads((folder / "train-0-0.json").read_text())
    encoder = Encoder(AutoTokenizer.from_pretrained(locate(model)), 1 << 20)
    texts = [row["instruction"] for row in rows], [row["output"] for row in rows]
    return statistics.fmean(map(len, render_turns(encoder, *texts)))


def compare_scores(words: list[str], cli: str | None, scratch: Path) -> None:
    """All folds by LLaMA-Factory with seed 42, ours with three seeds; hard and soft scores."""
    runs = {f"ours, fold.seed={seed}": [*SAME, f"fold.seed={seed}"] for seed in SEEDS}
    runs["ours, its best settings, fold.seed=42"] = ["fold.seed=42"]
    if cli:
        theirs = ["diagnostic.trainer=llamafactory", f"diagnostic.llamafactory={cli}"]
        runs = {"LLaMA-Factory, fold.seed=42": [*theirs, "fold.seed=42"], **runs}
    for title, more in runs.items():
        line = [sys.executable, "-m", "tst.main", *words, *more, f"outputs_root={scratch}"]
        done = subprocess.run(line, capture_output=True, text=True)
        if done.returncode:
            print(f"{title}: failed\n{done.stderr[-1000:]}", flush=True)
            continue
        record = Path(done.stdout.splitlines()[-1].removeprefix("record: "))
        summary = json.loads((record / "summary.json").read_text())
        overall = summary["overall"]
        print(
            f"{title:40s} hard {100 * overall['score_hard']:.1f}  soft "
            f"{100 * overall['score_soft']:.1f}  training "
            f"{summary['cost'].get('train_seconds', float('nan')):.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
