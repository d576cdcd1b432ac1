"""Whether a model may continue prompts side by side: it is tried on prompts of the run.

Nothing in a model's configuration says so. Some make masks in a way of their own, or keep a state
that cannot be masked; what they read from a shared row is then wrong, not an error.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import nn

from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.prompting.batches import collate_prompts
from tst.diagnostics.llm.prompting.encoding import EncodedQuestions, Prompt
from tst.diagnostics.llm.scoring.copied_rows import read_copies
from tst.diagnostics.llm.scoring.side_by_side import read_prompts

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

_found: WeakKeyDictionary[nn.Module, dict[int, bool]] = WeakKeyDictionary()
"""What came out for a model with so many folds' adapters: it is tried once."""


def share_beginnings(head: AnswerHead, folds: Sequence[EncodedQuestions]) -> None:
    """Let what all prompts of a batch begin with be read once per fold, where that is right.

    On a CPU, where every token counts; on a GPU it has not been measured.
    """
    if next(head.model.parameters()).device.type == "cpu":
        prompts = [questions.prompts for questions in folds]
        head.alike_in = len(folds) if can_share_rows(head, prompts, 0) else 0


@torch.inference_mode()
def can_share_rows(head: AnswerHead, folds: Sequence[Sequence[Prompt]], tokens: int) -> bool:
    """Whether a model continues prompts side by side as it would one by one.

    folds: prompts of each fold's adapters, some of which it is tried on
    tokens: most in a row, its continuations included
    False, with a warning that names the reason, where a sliding window is shorter than that, and
    where shared rows are read otherwise than beside each other by more than rounding.
    """
    config = head.model.config.get_text_config().to_dict()  # type: ignore[operator, union-attr]
    window = config.get("sliding_window")
    if window is not None and tokens > window:
        _warn(f"rows of {tokens} tokens, a sliding window of {window}")
        return False
    prompts = [prompt for fold in folds for prompt in _two_of(fold)]
    if all(prompt is None for prompt in prompts):
        return False  # nothing to read, and nothing to try it on
    known = _found.setdefault(head.model, {})
    if len(folds) not in known:
        reason = _reason_against(head, prompts)
        if reason:
            _warn(reason)
        known[len(folds)] = not reason
    return known[len(folds)]


def _warn(reason: str) -> None:
    log.warning("prompts and numbers are read one by one, which takes longer: %s", reason)


def _reason_against(head: AnswerHead, prompts: list[Prompt | None]) -> str:
    """Why rows are not shared; empty where they are."""
    try:
        apart, rounding, least = _distances(head, prompts)
    except torch.OutOfMemoryError:
        raise
    except (TypeError, AttributeError, KeyError, IndexError, ValueError, RuntimeError) as problem:
        return f"{type(problem).__name__}: {problem}"
    log.debug("shared rows: %.2g off, two other ways %.2g", apart, rounding)
    if apart <= max(least, ROUNDING * rounding):
        return ""
    return f"side by side logits are {apart:.2g} off (two other ways of reading: {rounding:.2g})"


def _two_of(fold: Sequence[Prompt]) -> list[Prompt | None]:
    """The ends of the shortest prompt and of one of middle length, so that rows are padded."""
    if not fold:
        return [None, None]
    ordered = sorted(fold, key=lambda prompt: len(prompt.ids))
    half = TOKENS // 2
    return [Prompt(ordered[0].ids[-half:]), Prompt(ordered[len(ordered) // 2].ids[-TOKENS:])]


def _distances(head: AnswerHead, prompts: list[Prompt | None]) -> tuple[float, float, float]:
    """How far logits of shared rows, and of copied caches, are from those of whole texts; and what
    is little in their dtype.

    Norms over all logits, relative to that of the whole texts' own, each row's mean taken off. The
    continuations are the model's own most likely ones. Nonsense would not do: a trained model is so
    unsure of it that rounding alone moves its logits far.
    """
    logits, rows = read_prompts(head, prompts, COPIES)
    if rows is None:
        raise ValueError("the model's state cannot be continued")
    present = np.flatnonzero([prompt is not None for prompt in prompts])
    all_rows = np.arange(len(prompts) * COPIES)
    asked = all_rows.reshape(-1, COPIES)[present].ravel()
    fed = np.zeros((len(all_rows), STEPS), dtype=np.int64)
    tokens = logits.topk(COPIES, dim=1).indices.reshape(-1)[torch.from_numpy(asked)].cpu().numpy()
    shared = []
    for depth in range(STEPS):
        fed[asked, depth] = tokens
        shared.append(rows.step(tokens, asked, np.arange(len(asked)), depth))
        tokens = shared[-1].argmax(dim=1).cpu().numpy()
    texts = [
        None if prompt is None else Prompt([*prompt.ids, *fed[row].tolist()])
        for row in all_rows.tolist()
        for prompt in [prompts[row // COPIES]]
    ]
    ids, positions = (t.to(logits.device) for t in collate_prompts(texts))
    whole = head.logits(ids, positions[:, 0], use_cache=False)[0][asked]
    copied = read_copies(head, prompts, torch.from_numpy(fed).view(len(prompts), COPIES, STEPS))
    assert copied is not None
    beside = copied[1].view(len(all_rows), STEPS, -1)[:, -1][asked]
    least = max(LEAST, 10 * torch.finfo(whole.dtype).eps)
    return _apart(shared[-1], whole), _apart(beside, whole), least


def _apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    found, expected = (x.double() - x.double().mean(1, keepdim=True) for x in (found, expected))
    return float((found - expected).norm() / expected.norm())
