"""How likely a model is to write each candidate of a number, all candidates of a prompt at once."""

from __future__ import annotations

import numpy as np
import torch

from tst.diagnostics.llm.model.answer_head import AnswerHead, answer_losses
from tst.diagnostics.llm.model.reading_limits import attention_window
from tst.diagnostics.llm.prompting.batches import EMPTY, plan_scoring
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.scoring.choices import ScoringPlan, target_log_likelihoods
from tst.diagnostics.llm.scoring.copied_rows import read_copies
from tst.diagnostics.llm.scoring.row_trial import can_copy_rows, can_share_rows
from tst.diagnostics.llm.scoring.text_trees import tree_log_likelihoods
from tst.diagnostics.llm.training.memory import CACHE_COPIES

WINDOW_SPARE = 64
"""Padding that a prompt may get."""

Texts = list[list[int]]
"""Token ids of each candidate with the end of the turn; empty for a slot without a candidate."""


@torch.inference_mode()
def score_number_texts(
    head: AnswerHead,
    folds: list[EncodedQuestions],
    texts: list[list[Texts]],
    plan: ScoringPlan,
) -> list[dict[int, np.ndarray]]:
    """Log-likelihoods (slots,) of each num question's candidates, by the question's position.

    texts: per fold and question, the candidates' token ids
    NaN where a slot has no candidate. The prompt is read once; its cache serves all candidates.
    """
    if _beyond_window(head, folds, texts):
        return _read_whole(head, folds, texts, plan)
    found: list[dict[int, np.ndarray]] = [{} for _ in folds]
    parts = [np.flatnonzero(q.formats == "num") for q in folds]
    lengths = [[len(q.prompts[i].ids) for i in p] for q, p in zip(folds, parts, strict=True)]
    slots = max(len(own) for fold in texts for own in fold)
    room = max(1, plan.padded_tokens * CACHE_COPIES // slots)
    whole = [
        [n + sum(map(len, own[i])) for n, i in zip(fold, p, strict=True)]
        for fold, own, p in zip(lengths, texts, parts, strict=True)
    ]
    widest = max(n for fold in whole for n in fold) + plan.multiple
    asked = [[q.prompts[i] for i in p] for q, p in zip(folds, parts, strict=True)]
    shared = can_share_rows(head, asked, widest)
    if not shared and not can_copy_rows(head, asked):
        return _read_whole(head, folds, texts, plan)
    if shared:  # a row holds its prompt and all candidates; rows of similar lengths share a batch
        lengths = whole
        room = plan.padded_tokens * CACHE_COPIES
    for places in plan_scoring(lengths, room, plan.multiple):
        batch = [
            (j, int(parts[j][p])) if p != EMPTY else None
            for j, fold in enumerate(places)
            for p in fold
        ]
        prompts = [folds[at[0]].prompts[at[1]] if at else None for at in batch]
        wanted = [texts[at[0]][at[1]] if at else [] for at in batch]
        score = _score_trees if shared else _score_copies
        scores = score(head, prompts, wanted, plan.multiple)
        if scores is None:
            return _read_whole(head, folds, texts, plan)
        for at, row in zip(batch, scores, strict=True):
            if at:
                found[at[0]][at[1]] = row
    return found


def _score_trees(
    head: AnswerHead, prompts: list[Prompt | None], wanted: list[Texts], multiple: int
) -> np.ndarray | None:
    """float64 (rows, slots): all candidates of a prompt in its row."""
    scores = np.full((len(wanted), max(map(len, wanted))), np.nan)
    present = [[s for s, ids in enumerate(own) if ids] for own in wanted]
    texts = [[own[slot] for slot in at] for own, at in zip(wanted, present, strict=True)]
    for row, values in enumerate(tree_log_likelihoods(head, prompts, texts, multiple)):
        scores[row, present[row]] = values
    return scores


def _score_copies(
    head: AnswerHead, prompts: list[Prompt | None], wanted: list[Texts], multiple: int
) -> np.ndarray | None:
    """The same with a copy of the cache for each candidate, where rows cannot be shared.

    None where the model's state cannot be continued from a cache.
    """
    device = next(head.model.parameters()).device
    present = [[s for s, ids in enumerate(own) if ids] for own in wanted]
    copies = max(map(len, present))
    longest = max(len(ids) for own in wanted for ids in own)
    tokens = torch.zeros(len(prompts), copies, longest, dtype=torch.long)
    real = torch.zeros(len(prompts), copies, longest)
    for row, (own, at) in enumerate(zip(wanted, present, strict=True)):
        for copy, slot in enumerate(at):
            tokens[row, copy, : len(own[slot])] = torch.tensor(own[slot])
            real[row, copy, : len(own[slot])] = 1.0
    tokens, real = tokens.to(device), real.to(device)
    read = read_copies(head, prompts, tokens[:, :, :-1], multiple)
    if read is None:
        return None
    logits, after = read
    first = torch.log_softmax(logits.float(), dim=1).gather(1, tokens[:, :, 0])
    rest = answer_losses(after, tokens[:, :, 1:].reshape(-1), real[:, :, 1:].reshape(-1))
    total = first - rest.view(len(prompts), copies, -1).sum(2)
    scores = np.full((len(prompts), max(map(len, wanted))), np.nan)
    for row, (at, values) in enumerate(zip(present, total.double().cpu().numpy(), strict=True)):
        scores[row, at] = values[: len(at)]
    return scores


def _beyond_window(
    head: AnswerHead, folds: list[EncodedQuestions], texts: list[list[Texts]]
) -> bool:
    """Whether a sliding window could count the padding between a prompt and its continuation."""
    window = attention_window(head.model.config)  # type: ignore[arg-type]
    if window is None:
        return False
    longest = max((len(p.ids) for q in folds for p in q.prompts), default=0)
    more = max((len(ids) for fold in texts for own in fold for ids in own), default=0)
    return bool(longest + more + WINDOW_SPARE > window)


def _read_whole(
    head: AnswerHead, folds: list[EncodedQuestions], texts: list[list[Texts]], plan: ScoringPlan
) -> list[dict[int, np.ndarray]]:
    """The same, reading the prompt anew with every candidate."""
    slots = max(len(own) for fold in texts for own in fold)
    found: list[dict[int, np.ndarray]] = [
        {int(i): np.full(slots, np.nan) for i in np.flatnonzero(q.formats == "num")} for q in folds
    ]
    for slot in range(slots):
        targets = [[own[slot] if own else [] for own in fold] for fold in texts]
        for j, values in enumerate(target_log_likelihoods(head, folds, targets, plan)):
            for i in found[j]:
                found[j][i][slot] = values[i]
    return found
