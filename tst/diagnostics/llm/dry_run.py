"""What a run would do, before it does it: `dry_run=true`."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from tst.core.folds import FoldPlan
from tst.diagnostics.llm.model.layers import adapted_layers, decoder_layers
from tst.diagnostics.llm.model.loading import outline, pick_device
from tst.diagnostics.llm.prompting.encoding import NEW_TOKENS, Encoder
from tst.diagnostics.llm.settings import (
    LoraSettings,
    ModelSettings,
    OptimizerSettings,
    require_valid,
    why_sequential,
)
from tst.optimizers.build import require_usable

# what training reaches of a device, in FLOP/s (4 x linear parameters x tokens); measured, rough
REACHED = {"cpu": 2.5e10, "cuda": 2.5e14}
# fewest seconds a training step takes, however small the model: kernel launches
STEP_SECONDS = {"cpu": 0.0, "cuda": 0.03}


def describe_run(
    table: pd.DataFrame,
    plan: FoldPlan,
    settings: LoraSettings,
    model: ModelSettings,
    optimizer: OptimizerSettings,
    device: str = "auto",
    only: list[int] | None = None,
) -> str:
    """Two prompts with targets, lengths, cuts, steps, and rough time and memory of these folds.

    Loads the tokenizer and the model's configuration, no weights. Raises UserError as a run would.
    """
    require_valid(settings, model, optimizer)
    target = pick_device(device)
    require_usable(optimizer, settings.learning_rate, settings.weight_decay)
    known = outline(model, target)
    base = known.empty(model)
    total = sum(p.numel() for p in base.parameters())
    layers = decoder_layers(base)
    adapted = [layers[name] for name in adapted_layers(base, settings.targets)]
    linear = sum(layer.weight.numel() for layer in layers.values())
    encoder = Encoder(known.tokenizer, settings.max_length)
    questions = table.iloc[plan.order]
    encoded = encoder.encode(questions)
    targets = encoder.encode_targets(questions)
    encoder.letter_ids(questions)
    prompt_lengths = np.array([len(p) for p in encoded.prompts])
    lengths = prompt_lengths + [len(t) for t in targets]
    lines = []
    for kind in list(dict.fromkeys(questions["format"]))[:2]:
        row = questions[questions["format"] == kind].iloc[0].to_dict()
        prompt, answer = encoder.render({str(k): v for k, v in row.items()})
        lines += [f"--- prompt ({kind}) ---", prompt + "⟦" + answer + "⟧"]
    lines.append("--- (⟦target⟧: what the loss is on)")
    shares = (0.0, 0.5, 0.9, 0.99, 1.0)
    quantiles = zip(shares, np.quantile(lengths, shares), strict=True)
    lines.append("tokens per row: " + ", ".join(f"{s:.0%} {q:.0f}" for s, q in quantiles))
    lines.append(f"rows cut to max_length={settings.max_length}: {int(encoded.cut.sum())}")
    steps, tokens = [], 0.0
    for repeat, fold in plan.folds(only):
        train = plan.assignment[repeat][plan.order] != fold
        per_epoch = math.ceil(train.sum() / settings.batch_size)
        steps.append(max(1, math.ceil(per_epoch * settings.epochs - 1e-9)))
        tokens += float(lengths[train].sum()) * settings.epochs
    lines.append(
        f"folds: {len(steps)}, optimizer steps per fold: {min(steps)} to {max(steps)} "
        f"(batch {settings.batch_size}, {settings.epochs:g} epochs, {optimizer.name})"
    )
    stacked = settings.training == "stacked" or (
        settings.training == "auto"
        and target.type == "cuda"
        and not why_sequential(settings, model, optimizer)
    )
    side_by_side = min(settings.folds_at_once, len(steps)) if stacked else 1
    mode = f"stacked, {side_by_side} folds at once" if stacked else "sequential"
    sampled = int((table["format"] == "num").sum()) * settings.number_samples * NEW_TOKENS["num"]
    read_tokens = float(prompt_lengths.sum() + sampled) * (1 + plan.repeats)
    work = linear * (4 * tokens + 2 * read_tokens)
    floor = sum(steps) / side_by_side * STEP_SECONDS[target.type]
    seconds = max(work / REACHED[target.type], floor)
    lines.append(f"training: {mode}; tokens trained on {tokens:,.0f}, scored {read_tokens:,.0f}")
    lines.append(
        f"model: {model.name}, {total / 1e6:,.0f}M parameters, quantization={known.quantization}, "
        f"on {target}"
    )
    widest = side_by_side * settings.batch_size * int(lengths.max())
    memory = _base_bytes(known.quantization, total, target)
    memory += side_by_side * _adapter_bytes(adapted, settings)
    memory += widest * math.sqrt(linear) * 40
    lines.append(
        f"estimate (rough): {_duration(seconds)} without loading, {memory / 1e9:.1f} GB at the peak"
    )
    return "\n".join(lines)


def _base_bytes(quantization: str, total: int, device: torch.device) -> float:
    """Bytes of the frozen base."""
    if quantization == "nf4":
        return total * 0.7
    return total * (2.0 if device.type == "cuda" else 4.0)


def _adapter_bytes(adapted: list[nn.Linear | Conv1D], settings: LoraSettings) -> float:
    """Weights, gradient and two moments of one adapter, in float32."""
    return 16.0 * settings.r * sum(sum(layer.weight.shape) for layer in adapted)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
