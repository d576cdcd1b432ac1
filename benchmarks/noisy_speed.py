"""Memory and time of noisy tuning on a model of Gemma-2-2B's shape in nf4 (random weights).

    python benchmarks/noisy_speed.py --tokenizer FOLDER [--steps 2]

Every pair fills 512 tokens; micro-batch 1, gradient checkpointing, 32 pairs per step. The peak
counts what tensors take, from training's start to its end, the optimizer's steps included; before
it come what is held between steps (weights, adapter, optimizer state), the gradients, and what the
passes take beside both at their peak."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch
from llm_shapes import SHAPES, random_base
from transformers import AutoTokenizer

from tst.diagnostics.llm.model.loading import keep_base, pick_device
from tst.diagnostics.llm.settings import ModelSettings, OptimizerSettings
from tst.noisy_tuning import training
from tst.noisy_tuning.experiment import run
from tst.noisy_tuning.settings import (
    DataSettings,
    EvaluationSettings,
    NoisyConfig,
    ScheduleSettings,
    SuspectSettings,
    TrainingSettings,
)
from tst.noisy_tuning.step_probe import StepProbe

OPTIMIZERS = {
    "adamw": {},
    "adamw8bit": {},
    "casmo": {},
    "casmo_calibrated": {"tau_init_steps": 50},
}


class MemoryProbe(StepProbe):
    """Also notes what is allocated at a step's beginning, and with its gradients."""

    held = gradients = passes = 0

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        super().on_step_begin(*args, **kwargs)
        MemoryProbe.held = allocated()

    def on_pre_optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        MemoryProbe.gradients = allocated() - MemoryProbe.held
        if torch.cuda.is_available():
            MemoryProbe.passes = torch.cuda.max_memory_allocated() - allocated()
        super().on_pre_optimizer_step(*args, **kwargs)


def allocated() -> int:
    """Bytes that tensors take on the GPU."""
    return torch.cuda.memory_allocated() if torch.cuda.is_available() else 0


def write_pairs(path: Path, n: int) -> None:
    """Pairs whose prompts and responses are longer than 512 tokens."""
    rows = [
        {"instruction": f"{i} " + "what is it? " * 200, "output": f"{i} " + "it is so. " * 200}
        for i in range(n)
    ]
    path.write_text(json.dumps(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--shape", choices=SHAPES, default="gemma2_2b")
    parser.add_argument("--quantization", default="nf4")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--optimizers", nargs="+", default=list(OPTIMIZERS))
    arguments = parser.parse_args()
    training.StepProbe = MemoryProbe  # type: ignore[misc]
    device = pick_device("auto")
    model = ModelSettings(arguments.shape, quantization=arguments.quantization)
    tokenizer = AutoTokenizer.from_pretrained(arguments.tokenizer)
    keep_base(model, "auto", random_base(arguments.shape, tokenizer, device, model.quantization))
    if device.type == "cuda":
        print(f"{arguments.shape} {model.quantization} on {torch.cuda.get_device_name()}: "
              f"{allocated() / 1e9:.2f} GB of weights")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        write_pairs(Path(folder, "pairs.json"), 64)
        for name in arguments.optimizers:
            config = NoisyConfig(
                data=DataSettings(path=f"{folder}/pairs.json", held_out=8),
                schedule=ScheduleSettings("plain", arguments.steps, 32),
                optimizer=OptimizerSettings(name, OPTIMIZERS[name]),
                model=model,
                training=TrainingSettings(micro_batch=1, checkpointing=True),
                evaluation=EvaluationSettings(2, 0),
                suspects=SuspectSettings(pairs=2),
                outputs_root=folder,
            )
            cost = (run(config).summary or {})["cost"]
            print(
                f"{name:17s} {cost['step_seconds']:7.2f} s per step, "
                f"optimizer {1000 * cost['optimizer_seconds']:7.1f} ms "
                f"({100 * cost['optimizer_seconds'] / cost['step_seconds']:.2f}%), "
                f"peak {(cost['peak_memory_bytes'] or float('nan')) / 1e9:.2f} GB: "
                f"held {MemoryProbe.held / 1e9:.2f}, gradients {MemoryProbe.gradients / 1e9:.2f}, "
                f"passes {MemoryProbe.passes / 1e9:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
