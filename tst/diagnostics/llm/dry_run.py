"""What a run would do, before it does it: `dry_run=true`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from tst.core.folds import FoldPlan
from tst.core.number_text import duration
from tst.diagnostics.llm.model.layers import (
    ALL_LAYERS,
    adapted_layers,
    decoder_blocks,
    decoder_layers,
)
from tst.diagnostics.llm.model.loading import outline, pick_device
from tst.diagnostics.llm.model.quantization import BYTES
from tst.diagnostics.llm.model.reading_limits import require_readable
from tst.diagnostics.llm.prompting.encoding import NEW_TOKENS, Encoder, Prompt
from tst.diagnostics.llm.prompting.option_lists import OptionLists
from tst.diagnostics.llm.resolving import resolve_settings, trains_stacked
from tst.diagnostics.llm.scoring.answers import NUMBER_SAMPLES
from tst.diagnostics.llm.scoring.number_candidates import SLOTS
from tst.diagnostics.llm.settings import (
    LoraSettings,
    ModelSettings,
    OptimizerSettings,
    require_valid,
)
from tst.optimizers.build import require_usable

# what training reaches of a device, in FLOP/s (4 x linear parameters x tokens); measured, rough: 2
# cores on a CPU (auto chooses bfloat16 only where that is the faster one), one H100
REACHED = {
    ("cpu", "float32"): 1.2e11, ("cpu", "bfloat16"): 2.5e11,
    ("cuda", "float32"): 2.5e13, ("cuda", "bfloat16"): 2.5e14,
}  # fmt: skip
# a decoded number stops when no further token can change it, about halfway
NUMBER_TOKENS = NEW_TOKENS["num"] / 2
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
    """A prompt of each format with its target, lengths, cuts, steps, rough time and memory.

    Loads the tokenizer and the model's configuration, no weights. Raises UserError as a run would.
    """
    require_valid(settings, model, optimizer)
    settings = resolve_settings(settings, model)
    target = pick_device(device)
    require_usable(optimizer, settings.learning_rate, settings.weight_decay)
    known = outline(model, target)
    base = known.empty(model)
    total = sum(p.numel() for p in base.parameters())
    layers = decoder_layers(base)
    adapted = [layers[name] for name in adapted_layers(base, settings.targets, settings.top_layers)]
    linear = sum(layer.weight.numel() for layer in layers.values())
    encoder = Encoder(known.tokenizer, settings.max_length)
    questions = table.iloc[plan.order]
    letters = settings.mc_scoring == "letters"
    lists = None
    if not letters:
        lists = OptionLists(encoder, settings.list_options, settings.option_orders)
    encoded = (lists or encoder).encode(questions)
    require_readable(base, (p.ids for p in encoded.prompts))
    learned = questions["format"].isin(["mc", "num", "open"] if letters else ["num", "open"])
    targets = np.zeros(len(questions))
    targets[learned] = [len(t) for t in encoder.encode_targets(questions[learned])]
    if letters:
        encoder.letter_ids(questions)
    prompt_lengths = np.array([len(p.ids) for p in encoded.prompts])
    lengths = prompt_lengths + targets
    lines = []
    for kind in dict.fromkeys(questions["format"]):
        first = int(np.flatnonzero(encoded.formats == kind)[0])
        row = {str(k): v for k, v in questions.iloc[first].to_dict().items()}
        lines += [f"--- prompt ({kind}) ---", _shown(encoder, row, encoded.prompts[first])]
    lines.append("--- (⟦...⟧: what the loss is on)")
    shares = (0.0, 0.5, 0.9, 0.99, 1.0)
    quantiles = zip(shares, np.quantile(lengths, shares), strict=True)
    lines.append("tokens per row: " + ", ".join(f"{s:.0%} {q:.0f}" for s, q in quantiles))
    lines.append(f"rows cut to max_length={settings.max_length}: {int(encoded.cut.sum())}")
    count = settings.adapters_per_fold
    steps, tokens = [], 0.0
    for repeat, fold in plan.folds(only):
        train = plan.assignment[repeat][plan.order] != fold
        kept = 1.0 - settings.validation
        per_epoch = math.ceil(train.sum() * kept / settings.batch_size)
        steps.append(max(1, math.ceil(per_epoch * settings.epochs - 1e-9)))
        tokens += float(lengths[train].sum()) * kept * settings.epochs * count
    several = f"{count} adapters each, " if count > 1 else ""
    lines.append(
        f"folds: {len(steps)}, {several}optimizer steps per adapter: {min(steps)} to {max(steps)} "
        f"(batch {settings.batch_size}, {settings.epochs:g} epochs, {optimizer.name})"
    )
    stacked = trains_stacked(settings, model, optimizer, target)
    side_by_side = min(settings.folds_at_once, len(steps)) if stacked else 1
    mode = f"stacked, {side_by_side} folds at once" if stacked else "sequential"
    numbers = int((table["format"] == "num").sum())
    decoded = numbers * NUMBER_SAMPLES * NUMBER_TOKENS
    candidates = numbers * SLOTS * float(targets.max()) * plan.repeats * count
    orders = 1 if letters else settings.option_orders
    validated = settings.validation * settings.epochs * (plan.k - 1)
    whole = float(prompt_lengths.sum()) * orders
    read_tokens = whole * (1 + plan.repeats * (1 + validated) * count)
    above = 1.0
    if settings.top_layers != ALL_LAYERS:
        above = settings.top_layers / len(decoder_blocks(base)[1])
    once = (1 - above) * (whole + float(lengths[targets > 0].sum()))
    work = linear * (4 * above * tokens + 2 * (above * read_tokens + decoded + candidates + once))
    read_tokens += decoded + candidates
    together = side_by_side if not stacked else side_by_side * count
    floor = sum(steps) * count / together * STEP_SECONDS[target.type]
    seconds = max(work / REACHED[target.type, known.dtype], floor)
    lines.append(f"training: {mode}; tokens trained on {tokens:,.0f}, scored {read_tokens:,.0f}")
    lines.append(
        f"model: {model.name}, {total / 1e6:,.0f}M parameters, quantization={known.quantization}, "
        f"{known.dtype} on {target}"
    )
    widest = together * settings.batch_size * int(lengths.max())
    memory = total * (0.7 if known.quantization == "nf4" else BYTES[known.dtype])
    # weights, gradient and two moments of each adapter, in float32
    memory += together * 16.0 * settings.r * sum(sum(layer.weight.shape) for layer in adapted)
    memory += widest * math.sqrt(linear) * 40
    lines.append(
        f"estimate (rough): {duration(seconds)} without loading, {memory / 1e9:.1f} GB at the peak"
    )
    return "\n".join(lines)


def _shown(encoder: Encoder, row: dict[str, Any], prompt: Prompt) -> str:
    """A prompt as the model reads it, and in double brackets what is learned of it."""
    if not prompt.ends:
        return "{}⟦{}⟧".format(*encoder.render(row))
    text, start = "", 0
    for end in prompt.ends:
        line = encoder.tokenizer.decode(prompt.ids[start : end + 1])
        text += str(line).removesuffix("\n") + "⟦ yes or no⟧\n"
        start = end + 1
    return text.rstrip("\n")
