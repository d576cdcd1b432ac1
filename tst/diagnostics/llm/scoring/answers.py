"""What a model says about questions: option probabilities, generated numbers and texts.

Works on k folds' questions at once (k = 1 for one adapter or for zero-shot): the model is any
callable of token ids whose row i belongs to fold i // b.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from tst.core.progress import Progress
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.prompting.batches import EMPTY, collate_prompts, plan_scoring
from tst.diagnostics.llm.prompting.encoding import NEW_TOKENS, EncodedQuestions, Encoder
from tst.diagnostics.llm.prompting.prompts import clean_text, parse_number
from tst.diagnostics.llm.scoring.decoding import ArithmeticSampling, Greedy, decode

CACHE_COPIES = 2
"""Copies of its cache that a batch of ``padded_tokens`` has memory for."""


@dataclass(frozen=True)
class ScoringPlan:
    """How scoring runs: padded tokens per batch, length multiple, letter tokens, and numbers.

    rules: what a number that is chosen among several aims at
    number_samples: 0 decodes numbers greedily; else a number is the one with the highest expected
        MRA over that many answers
    """

    padded_tokens: int
    multiple: int
    letter_ids: list[int]
    rules: ScoringRules
    number_samples: int = 0

    def tokens_of(self, kind: str) -> int:
        """Padded tokens of prompts per batch: fewer where many copies of its cache are kept."""
        if kind != "num" or self.number_samples <= CACHE_COPIES:
            return self.padded_tokens
        return max(1, self.padded_tokens * CACHE_COPIES // self.number_samples)


@torch.inference_mode()
def score(
    model: torch.nn.Module,
    encoder: Encoder,
    folds: list[EncodedQuestions],
    plan: ScoringPlan,
    title: str = "scoring",
) -> list[pd.DataFrame]:
    """Answers of each fold's questions: p_options, letter_mass, value, text, generated, parsed.

    One frame per fold, indexed as its questions; p_options are lists of floats that sum to 1.
    title: of the progress that is shown
    """
    answers = [_empty(questions) for questions in folds]
    was_training = model.training
    model.eval()
    head = AnswerHead(model)
    progress = Progress(title, sum(len(q) for q in folds), "question")
    with head.attached(), progress:
        for kind in ("mc", "num", "open"):
            parts = [np.flatnonzero(q.formats == kind) for q in folds]
            if not any(len(p) for p in parts):
                continue
            lengths = [[len(q.prompts[i]) for i in p] for q, p in zip(folds, parts, strict=True)]
            for places in plan_scoring(lengths, plan.tokens_of(kind), plan.multiple):
                batch = [
                    (j, int(parts[j][p])) if p != EMPTY else None
                    for j, fold in enumerate(places)
                    for p in fold
                ]
                if kind == "mc":
                    _score_options(head, folds, batch, plan, answers)
                else:
                    _generate(head, encoder, folds, batch, kind, plan, answers)
                progress.advance(sum(at is not None for at in batch))
    model.train(was_training)
    return answers


def _score_options(
    head: AnswerHead,
    folds: list[EncodedQuestions],
    batch: list[tuple[int, int] | None],
    plan: ScoringPlan,
    answers: list[pd.DataFrame],
) -> None:
    """One forward pass: softmax over each question's own letters, and their unrestricted mass."""
    prompts = [folds[at[0]].prompts[at[1]] if at else None for at in batch]
    device = next(head.model.parameters()).device
    inputs = collate_prompts(prompts, plan.multiple).to(device)
    logits, _ = head.logits(inputs.input_ids, inputs.positions, use_cache=False)
    logits = logits.float()
    letters = logits[:, torch.tensor(plan.letter_ids, device=logits.device)]
    beyond = torch.logsumexp(logits, dim=1, keepdim=True)
    sizes = torch.tensor([int(folds[a[0]].n_options[a[1]]) if a else 1 for a in batch])
    absent = torch.arange(letters.shape[1])[None, :] >= sizes[:, None]
    letters = letters.masked_fill(absent.to(letters.device), -torch.inf)
    restricted = torch.softmax(letters.double(), dim=1).cpu().numpy()
    mass = torch.exp(torch.logsumexp(letters - beyond, dim=1)).cpu().numpy()
    for row, at in enumerate(batch):
        if at:
            j, i = at
            frame = answers[j]
            frame.iat[i, _P_OPTIONS] = restricted[row, : folds[j].n_options[i]].tolist()
            frame.iat[i, _LETTER_MASS] = min(float(mass[row]), 1.0)


def _generate(
    head: AnswerHead,
    encoder: Encoder,
    folds: list[EncodedQuestions],
    batch: list[tuple[int, int] | None],
    kind: str,
    plan: ScoringPlan,
    answers: list[pd.DataFrame],
) -> None:
    """A number (NaN and not parsed where none is read) or a short text."""
    prompts = [folds[at[0]].prompts[at[1]] if at else None for at in batch]
    samples = plan.number_samples if kind == "num" else 0
    pick = ArithmeticSampling(samples) if samples else Greedy()
    generated = decode(
        head, prompts, NEW_TOKENS[kind], encoder.stop_ids, pick, multiple=plan.multiple
    )
    for place, at in enumerate(batch):
        if not at:
            continue
        j, i = at
        frame = answers[j]
        own = generated[place * pick.copies : (place + 1) * pick.copies]
        texts = [encoder.decode(ids) for ids in own]
        frame.iat[i, _GENERATED] = " | ".join(texts)
        if kind == "num":
            value = choose_number([parse_number(text) for text in texts], plan.rules)
            frame.iat[i, _VALUE] = value
            frame.iat[i, _PARSED] = bool(np.isfinite(value))
        else:
            frame.iat[i, _TEXT] = clean_text(texts[0])
            frame.iat[i, _PARSED] = bool(clean_text(texts[0]))


def choose_number(values: list[float], rules: ScoringRules) -> float:
    """The number with the highest mean MRA over the values that are one; NaN where none is.

    A single value is returned as it is. Minimum Bayes risk decoding (Kumar & Byrne 2004): the most
    likely digits are rarely the best summary of a distribution.
    """
    if len(values) == 1:
        return values[0]
    return rules.best_number(np.array([value for value in values if np.isfinite(value)]))


COLUMNS = ["p_options", "letter_mass", "value", "text", "generated", "parsed"]
_P_OPTIONS, _LETTER_MASS, _VALUE, _TEXT, _GENERATED, _PARSED = range(len(COLUMNS))


def _empty(questions: EncodedQuestions) -> pd.DataFrame:
    n = len(questions)
    nothing = np.full(n, None, dtype=object)
    columns = {
        "p_options": pd.Series(nothing, dtype=object),
        "letter_mass": pd.Series(np.full(n, np.nan)),
        "value": pd.Series(np.full(n, np.nan)),
        "text": pd.Series(nothing, dtype=object),
        "generated": pd.Series(nothing, dtype=object),
        "parsed": pd.Series(np.ones(n, dtype=bool)),
    }
    return pd.DataFrame(columns).set_axis(questions.index)
