"""What a run would do, before it does it: `dry_run=true`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from transformers import PreTrainedModel

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
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.prompting.encoding import NEW_TOKENS, Encoder
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


@dataclass(frozen=True)
class _Texts:
    """What a run reads, questions in the plan's content order.

    prompts: tokens of each prompt; targets: tokens learned after it, 0 where it has none
    numbers: how many of the questions ask for a number
    """

    settings: LoraSettings
    plan: FoldPlan
    prompts: np.ndarray
    targets: np.ndarray
    numbers: int

    def training(self, only: list[int] | None) -> tuple[list[int], float]:
        """Optimizer steps of an adapter of each fold, and tokens that all adapters train on."""
        settings, plan = self.settings, self.plan
        kept, steps, tokens = 1.0 - settings.validation, [], 0.0
        lengths = self.prompts + self.targets
        for repeat, fold in plan.folds(only):
            train = plan.assignment[repeat][plan.order] != fold
            per_epoch = math.ceil(train.sum() * kept / settings.batch_size)
            steps.append(max(1, math.ceil(per_epoch * settings.epochs - 1e-9)))
            tokens += float(lengths[train].sum()) * kept * settings.epochs
        return steps, tokens * settings.adapters_per_fold

    def scoring(self) -> tuple[float, float]:
        """Tokens of prompts that are scored, and of numbers that are written or compared."""
        settings, plan = self.settings, self.plan
        passes = plan.repeats * settings.adapters_per_fold
        validated = settings.validation * settings.epochs * (plan.k - 1)
        decoded = self.numbers * NUMBER_SAMPLES * NUMBER_TOKENS
        candidates = self.numbers * SLOTS * float(self.targets.max()) * passes
        return self.once() * (1 + passes * (1 + validated)), decoded + candidates

    def once(self) -> float:
        """Tokens of all prompts, in every order of the options."""
        orders = 1 if self.settings.mc_scoring == "letters" else self.settings.option_orders
        return float(self.prompts.sum()) * orders


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
    encoder = Encoder(known.tokenizer, settings.max_length)
    questions = table.iloc[plan.order]
    encoded, targets = _encode(encoder, questions, settings)
    base = known.empty(model)
    require_readable(base, (p.ids for p in encoded.prompts))
    numbers = int((table["format"] == "num").sum())
    prompts = np.array([len(p.ids) for p in encoded.prompts])
    texts = _Texts(settings, plan, prompts, targets, numbers)
    shares = (0.0, 0.5, 0.9, 0.99, 1.0)
    quantiles = zip(shares, np.quantile(prompts + targets, shares), strict=True)
    steps, tokens = texts.training(only)
    count = settings.adapters_per_fold
    several = f"{count} adapters each, " if count > 1 else ""
    stacked = trains_stacked(settings, model, optimizer, target)
    side_by_side = min(settings.folds_at_once, len(steps)) if stacked else 1
    mode = f"stacked, {side_by_side} folds at once" if stacked else "sequential"
    together = side_by_side * (count if stacked else 1)
    floor = sum(steps) * count / together * STEP_SECONDS[target.type]
    seconds = max(_count_work(texts, base, tokens) / REACHED[target.type, known.dtype], floor)
    total = sum(p.numel() for p in base.parameters())
    memory = total * (0.7 if known.quantization == "nf4" else BYTES[known.dtype])
    memory += together * _adapter_bytes(base, settings, int((prompts + targets).max()))
    return "\n".join(
        [
            *_show_prompts(encoder, questions, encoded),
            "tokens per row: " + ", ".join(f"{s:.0%} {q:.0f}" for s, q in quantiles),
            f"rows cut to max_length={settings.max_length}: {int(encoded.cut.sum())}",
            f"folds: {len(steps)}, {several}optimizer steps per adapter: {min(steps)} to "
            f"{max(steps)} (batch {settings.batch_size}, {settings.epochs:g} epochs, "
            f"{optimizer.name})",
            f"training: {mode}; tokens trained on {tokens:,.0f}, scored "
            f"{sum(texts.scoring()):,.0f}",
            f"model: {model.name}, {total / 1e6:,.0f}M parameters, "
            f"quantization={known.quantization}, {known.dtype} on {target}",
            f"estimate (rough): {duration(seconds)} without loading, {memory / 1e9:.1f} GB at the "
            "peak",
        ]
    )


def _encode(
    encoder: Encoder, questions: pd.DataFrame, settings: LoraSettings
) -> tuple[EncodedQuestions, np.ndarray]:
    """The questions as they are scored, and tokens (n,) learned after each, 0 where none are."""
    learned = questions["format"].isin(["num", "open"])
    if settings.mc_scoring == "letters":
        learned |= questions["format"] == "mc"
        encoder.letter_ids(questions)
        encoded = encoder.encode(questions)
    else:
        lists = OptionLists(encoder, settings.list_options, settings.option_orders)
        encoded = lists.encode(questions)
    targets = np.zeros(len(questions))
    targets[learned] = [len(t) for t in encoder.encode_targets(questions[learned])]
    return encoded, targets


def _count_work(texts: _Texts, base: PreTrainedModel, tokens: float) -> float:
    """FLOP of training on ``tokens`` and of scoring."""
    linear = sum(layer.weight.numel() for layer in decoder_layers(base).values())
    top, above = texts.settings.top_layers, 1.0
    if top != ALL_LAYERS:
        above = top / len(decoder_blocks(base)[1])
    prompts, numbers = texts.scoring()
    # the lower layers of a cut model read each text once
    below = texts.once() + float((texts.prompts + texts.targets)[texts.targets > 0].sum())
    upper = 4 * above * tokens + 2 * above * prompts
    return linear * (upper + 2 * (numbers + (1 - above) * below))


def _adapter_bytes(base: PreTrainedModel, settings: LoraSettings, longest: int) -> float:
    """Memory of an adapter that trains, and of its batch of the longest rows."""
    layers = decoder_layers(base)
    adapted = [layers[name] for name in adapted_layers(base, settings.targets, settings.top_layers)]
    linear = sum(layer.weight.numel() for layer in layers.values())
    # weights, gradient and two moments, in float32
    own = 16.0 * settings.r * sum(sum(layer.weight.shape) for layer in adapted)
    return own + settings.batch_size * longest * math.sqrt(linear) * 40


def _show_prompts(
    encoder: Encoder, questions: pd.DataFrame, encoded: EncodedQuestions
) -> list[str]:
    """The first prompt of each format."""
    lines = []
    for kind in dict.fromkeys(questions["format"]):
        first = int(np.flatnonzero(encoded.formats == kind)[0])
        row = {str(k): v for k, v in questions.iloc[first].to_dict().items()}
        lines += [f"--- prompt ({kind}) ---", _shown(encoder, row, encoded.prompts[first])]
    return [*lines, "--- (⟦...⟧: what the loss is on)"]


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
