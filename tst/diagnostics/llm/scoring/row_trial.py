"""Whether a model may continue prompts from a padded cache, each copy in a row of its own or all
side by side: it is tried on prompts of the run.

Nothing in a model's configuration says so. Some make masks in a way of their own, count positions
over the padding (ALiBi in MPT), or keep a state that cannot be masked; what they read is then
wrong, not an error.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.reading_limits import attention_window
from tst.diagnostics.llm.model.trials import FAILURES
from tst.diagnostics.llm.prompting.batches import collate_prompts
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.scoring.copied_rows import read_copies
from tst.diagnostics.llm.scoring.side_by_side import read_prompts

if TYPE_CHECKING:  # a second to import, and a dry run has no adapters
    from peft import PeftModel

log = logging.getLogger(__name__)

COPIES = 2
STEPS = 2
"""Continuations of a prompt, and their tokens, on which a model is tried."""
TOKENS = 48
"""Most of a prompt that is read for it: its end."""
ROUNDING = 4.0
"""Times as far as two right ways of reading may shared rows lie from one of them."""
LEAST = 1e-3
"""Always taken for rounding, or ten steps of the compute dtype where that is more (8% in bfloat16):
two ways of reading may also agree to the last digit. One rounding after each of SmolLM2's layers
moves logits after prompts by 2 to 4%, and after five tokens that mean nothing by over 100%."""

COPIES_OFF = 0.01
"""How far logits after a copied cache may be from those of whole texts, or 25 steps of the compute
dtype (20% in bfloat16): right ones are 1e-5 off in float32, MPT's 0.4."""


@dataclass(frozen=True)
class _Ways:
    """Which ways of continuing prompts are right: in shared rows, from copies of a cache."""

    shared: bool
    copied: bool


_found: WeakKeyDictionary[nn.Module, dict[int, _Ways]] = WeakKeyDictionary()
"""What came out for a model with so many folds' adapters: it is tried once."""


def share_beginnings(head: AnswerHead, folds: Sequence[EncodedQuestions]) -> None:
    """Let what all prompts of a batch begin with be read once per fold, where that is right.

    On a CPU, where every token counts; on a GPU it has not been measured.
    """
    if next(head.model.parameters()).device.type == "cpu":
        prompts = [questions.prompts for questions in folds]
        head.alike_in = len(folds) if can_share_rows(head, prompts, 0) else 0


def can_join_rows(
    model: PreTrainedModel | PeftModel, folds: Sequence[Sequence[Prompt]], tokens: int
) -> bool:
    """``can_share_rows`` for what is read once in other ways; False but on a CPU, as above.

    model: with the folds' adapters, if any; tokens: most in a text
    """
    if next(model.parameters()).device.type != "cpu":
        return False
    was_training = model.training
    model.eval()
    head = AnswerHead(model)
    with head.attached():
        found = can_share_rows(head, folds, tokens)
    model.train(was_training)
    return found


@torch.inference_mode()
def can_share_rows(head: AnswerHead, folds: Sequence[Sequence[Prompt]], tokens: int) -> bool:
    """Whether a model continues prompts side by side as it would one by one.

    folds: prompts of each fold's adapters, some of which it is tried on
    tokens: most in a row, its continuations included
    False, with a warning that names the reason, where a sliding window is shorter than that, and
    where shared rows are read otherwise than beside each other by more than rounding.
    """
    window = attention_window(head.model.config)  # type: ignore[arg-type]
    if window is not None and tokens > window:
        _warn(f"rows of {tokens} tokens, a sliding window of {window}")
        return False
    return _tried(head, folds).shared


@torch.inference_mode()
def can_copy_rows(head: AnswerHead, folds: Sequence[Sequence[Prompt]]) -> bool:
    """Whether a model continues right-padded prompts from copies of their cache as it reads whole
    texts; of prompts within its window.
    """
    return _tried(head, folds).copied


def _tried(head: AnswerHead, folds: Sequence[Sequence[Prompt]]) -> _Ways:
    prompts = [prompt for fold in folds for prompt in _two_of(fold)]
    if all(prompt is None for prompt in prompts):
        return _Ways(False, False)  # nothing to read, and nothing to try it on
    known = _found.setdefault(head.model, {})
    if len(folds) not in known:
        known[len(folds)] = _try(head, prompts)
    return known[len(folds)]


def _warn(reason: str) -> None:
    log.warning("prompts and numbers are read one by one, which takes longer: %s", reason)


def _try(head: AnswerHead, prompts: list[Prompt | None]) -> _Ways:
    """Tries both ways; a warning names the reason where rows are not shared."""
    asked, fed, whole = _continued(head, prompts)
    apart, problem = _measured(lambda: _shared_rows(head, prompts, asked, fed), whole)
    rounding, _ = _measured(lambda: _copied_rows(head, prompts, fed)[asked], whole)
    log.debug("shared rows: %.2g off, copies %.2g", apart, rounding)
    step = torch.finfo(whole.dtype).eps
    copied = rounding <= max(COPIES_OFF, 25 * step)
    shared = apart <= max(LEAST, 10 * step, ROUNDING * rounding if copied else 0.0)
    if not shared:
        others = f"two other ways of reading: {rounding:.2g}"
        _warn(problem or f"side by side logits are {apart:.2g} off ({others})")
    return _Ways(shared, copied)


def _measured(read: Callable[[], torch.Tensor], whole: torch.Tensor) -> tuple[float, str]:
    """How far logits that are read in another way are off; infinite, and why, after an error."""
    try:
        return _apart(read(), whole), ""
    except torch.OutOfMemoryError:
        raise
    except FAILURES as problem:
        return math.inf, f"{type(problem).__name__}: {problem}"


def _two_of(fold: Sequence[Prompt]) -> list[Prompt | None]:
    """The ends of the shortest prompt and of one of middle length, so that rows are padded."""
    if not fold:
        return [None, None]
    ordered = sorted(fold, key=lambda prompt: len(prompt.ids))
    half = TOKENS // 2
    return [Prompt(ordered[0].ids[-half:]), Prompt(ordered[len(ordered) // 2].ids[-TOKENS:])]


def _continued(
    head: AnswerHead, prompts: list[Prompt | None]
) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    """The continuations that are asked for, tokens of all (m * COPIES, STEPS), and the logits after
    those asked for, read as whole texts.

    The continuations are the model's own most likely ones. Nonsense would not do: a trained model
    is so unsure of it that rounding alone moves its logits far.
    """
    device = next(head.model.parameters()).device
    present = np.flatnonzero([prompt is not None for prompt in prompts])
    asked = np.arange(len(prompts) * COPIES).reshape(-1, COPIES)[present].ravel()
    fed = np.zeros((len(prompts) * COPIES, STEPS), dtype=np.int64)

    def read(texts: list[Prompt | None]) -> torch.Tensor:
        ids, positions = (t.to(device) for t in collate_prompts(texts))
        return head.logits(ids, positions[:, 0], use_cache=False)[0]

    def read_fed(depth: int) -> torch.Tensor:
        texts = [
            None if prompt is None else Prompt([*prompt.ids, *fed[row, :depth].tolist()])
            for row in range(len(fed))
            for prompt in [prompts[row // COPIES]]
        ]
        return read(texts)[asked]

    first = read(prompts)[present].topk(COPIES, dim=1).indices
    fed[asked, 0] = first.reshape(-1).cpu().numpy()
    for depth in range(1, STEPS):
        fed[asked, depth] = read_fed(depth).argmax(dim=1).cpu().numpy()
    return asked, fed, read_fed(STEPS)


def _shared_rows(
    head: AnswerHead, prompts: list[Prompt | None], asked: np.ndarray, fed: np.ndarray
) -> torch.Tensor:
    """Logits (asked, vocabulary) after the continuations, read side by side."""
    logits, rows = read_prompts(head, prompts, COPIES)
    if rows is None:
        raise ValueError("the model's state cannot be continued")
    for depth in range(STEPS):
        logits = rows.step(fed[asked, depth], asked, np.arange(len(asked)), depth)
    return logits


def _copied_rows(head: AnswerHead, prompts: list[Prompt | None], fed: np.ndarray) -> torch.Tensor:
    """Logits (m * COPIES, vocabulary) after the continuations, each from a copied cache."""
    found = read_copies(head, prompts, torch.from_numpy(fed).view(len(prompts), COPIES, STEPS))
    if found is None:
        raise ValueError("the model's state cannot be continued")
    return found[1].view(len(fed), STEPS, -1)[:, -1]


def _apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    """Norm of the difference, relative to the expected logits' own, each row's mean taken off."""
    found, expected = (x.double() - x.double().mean(1, keepdim=True) for x in (found, expected))
    return float((found - expected).norm() / expected.norm())
