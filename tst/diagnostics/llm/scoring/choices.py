"""A model's scores of choices: options, option letters, number slots; one forward pass per prompt.

Works on k folds' questions at once (k = 1 for one adapter or for zero-shot): the model is any
callable of token ids whose row i belongs to fold i // b.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.llm.model.answer_head import AnswerHead, answer_losses
from tst.diagnostics.llm.model.trained_head import number_scores, option_scores
from tst.diagnostics.llm.prompting.batches import (
    EMPTY,
    collate_pairs,
    collate_prompts,
    plan_scoring,
)
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.training.memory import CACHE_COPIES


@dataclass(frozen=True)
class ScoringPlan:
    """How scoring runs.

    padded_tokens: padded tokens per batch; multiple: rows are padded to multiples of this
    letter_ids: the option letters' tokens; empty where options are scored
    rules: what a number that is chosen aims at
    yes_no: tokens whose logits score an option
    decoding_copies: times padded_tokens that caches of decoded numbers hold
    """

    padded_tokens: int
    multiple: int
    letter_ids: list[int]
    rules: ScoringRules
    yes_no: tuple[int, int] = (0, 0)
    decoding_copies: int = CACHE_COPIES


@dataclass
class ChoiceScores:
    """Of one fold's questions of one format, by their positions among the fold's questions.

    scores: float64 (choices,) per question, the mean over the orders of its options
    letter_mass: unrestricted probability of the letters; NaN where options are scored
    """

    scores: dict[int, np.ndarray]
    letter_mass: dict[int, float]


@torch.inference_mode()
def score_choices(
    head: AnswerHead,
    folds: list[EncodedQuestions],
    kind: str,
    plan: ScoringPlan,
    weight: torch.Tensor | None,
    advance: Callable[[int], None] = lambda n: None,
) -> list[ChoiceScores]:
    """Scores of each fold's questions of one format (mc, num); ``head`` is attached.

    weight: the folds' trained heads (folds, hidden, columns); None for a model without
    advance: told how many questions were finished
    """
    found = [ChoiceScores({}, {}) for _ in folds]
    reads: list[list[tuple[int, Prompt]]] = [
        [(int(i), p) for i in np.flatnonzero(q.formats == kind) for p in q.orders(int(i))]
        for q in folds
    ]
    lengths = [[len(prompt.ids) for _, prompt in own] for own in reads]
    device = next(head.model.parameters()).device
    for places in plan_scoring(lengths, plan.padded_tokens, plan.multiple):
        batch = [
            (j, *reads[j][p]) if p != EMPTY else None for j, fold in enumerate(places) for p in fold
        ]
        prompts = [at[2] if at else None for at in batch]
        ids, positions = collate_prompts(prompts, plan.multiple)
        texts = [prompt.ids if prompt else None for prompt in prompts]
        logits = head.read(texts, ids.to(device), positions.reshape(-1).to(device))
        sizes = [int(folds[at[0]].n_options[at[1]]) if at else 1 for at in batch]
        scores, mass = _scores(head, logits, positions.shape, kind, plan, weight, sizes)
        finished = 0
        for row, at in enumerate(batch):
            if at is None:
                continue
            j, i, prompt = at
            questions = folds[j]
            size = scores.shape[1] if kind == "num" else sizes[row]
            share = scores[row, :size] / len(questions.orders(i))
            found[j].scores[i] = found[j].scores.get(i, 0.0) + share
            found[j].letter_mass[i] = float(mass[row])
            finished += prompt is questions.prompts[i]
        advance(finished)
    return found


def _scores(
    head: AnswerHead,
    logits: torch.Tensor,
    shape: torch.Size,
    kind: str,
    plan: ScoringPlan,
    weight: torch.Tensor | None,
    sizes: list[int],
) -> tuple[np.ndarray, np.ndarray]:
    """float64 (rows, choices), and letter masses (rows,). sizes: each row's number of options."""
    rows = shape[0]
    nothing = np.full(rows, np.nan)
    if kind == "num":
        assert weight is not None
        return number_scores(head.states, weight).double().cpu().numpy(), nothing
    if not plan.letter_ids:
        states = head.states.view(*shape, -1)
        scores = option_scores(logits.view(*shape, -1), states, weight, plan.yes_no)
        return scores.double().cpu().numpy(), nothing
    logits = logits.float()
    letters = logits[:, torch.tensor(plan.letter_ids, device=logits.device)]
    beyond = torch.logsumexp(logits, dim=1, keepdim=True)
    absent = torch.arange(letters.shape[1])[None, :] >= torch.tensor(sizes)[:, None]
    inside = letters.masked_fill(absent.to(letters.device), -torch.inf)
    mass = torch.exp(torch.logsumexp(inside - beyond, dim=1)).clamp(max=1.0)
    return letters.double().cpu().numpy(), mass.cpu().numpy()


@torch.inference_mode()
def target_log_likelihoods(
    head: AnswerHead,
    folds: list[EncodedQuestions],
    targets: list[list[list[int]]],
    plan: ScoringPlan,
) -> list[np.ndarray]:
    """Log-likelihood of each question's target tokens, summed; NaN for a question without any.

    targets: per fold and question, token ids; empty for none
    """
    found = [np.full(len(q), np.nan) for q in folds]
    places = [[i for i, ids in enumerate(own) if ids] for own in targets]
    lengths = [
        [len(q.prompts[i].ids) + len(own[i]) for i in at]
        for q, own, at in zip(folds, targets, places, strict=True)
    ]
    if not any(lengths):
        return found
    device = next(head.model.parameters()).device
    for rows in plan_scoring(lengths, plan.padded_tokens, plan.multiple):
        batch = [
            [None if p == EMPTY else places[j][p] for p in fold] for j, fold in enumerate(rows)
        ]
        pairs = [
            [None if i is None else (folds[j].prompts[i].ids, targets[j][i]) for i in fold]
            for j, fold in enumerate(batch)
        ]
        inputs = collate_pairs(pairs, [1] * len(folds)).to(device)
        logits = head.read(inputs.fed, inputs.input_ids, inputs.positions)
        losses = answer_losses(logits, inputs.targets, inputs.weights)
        owners = (inputs.positions // inputs.input_ids.shape[1]).cpu().numpy()
        sums = np.bincount(owners, losses.double().cpu().numpy(), minlength=rows.size)
        for row, (j, i) in enumerate((j, i) for j, fold in enumerate(batch) for i in fold):
            if i is not None:
                found[j][i] = -sums[row]
    return found
