"""What adapters say about questions: option probabilities, numbers and texts.

``score`` works on k adapters' questions at once (k = 1 for one adapter or for zero-shot): the model
is any callable of token ids whose row i belongs to adapter i // b. ``read_answers`` turns what the
adapters of one fold say into answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import torch

from tst.core.progress import Progress
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.prompting.batches import EMPTY, plan_scoring
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions, Prompt
from tst.diagnostics.llm.prompting.encoding import NEW_TOKENS, Encoder
from tst.diagnostics.llm.prompting.prompts import clean_text, parse_number
from tst.diagnostics.llm.scoring.choices import ChoiceScores, ScoringPlan, score_choices
from tst.diagnostics.llm.scoring.decoding import ArithmeticSampling, Greedy, PromptLayout, decode
from tst.diagnostics.llm.scoring.fold_reading import FoldReading
from tst.diagnostics.llm.scoring.number_candidates import SLOTS, best_number
from tst.diagnostics.llm.scoring.number_texts import Texts, score_number_texts
from tst.diagnostics.llm.scoring.row_trial import can_copy_rows, can_share_rows, share_beginnings
from tst.diagnostics.llm.scoring.side_by_side import decode_side_by_side
from tst.diagnostics.llm.training.memory import CACHE_COPIES

NUMBER_SAMPLES = 16
"""Decoded answers over which a number without a trained head is chosen."""


@dataclass
class Scores:
    """What one adapter, or the model without any, says of questions, before it is calibrated.

    choices: by format (mc, num), scores by the questions' positions
    texts: log-likelihoods (SLOTS,) of the candidates' texts of num questions, by position
    written: answers that were decoded, as of ``COLUMNS``
    """

    written: pd.DataFrame
    choices: dict[str, ChoiceScores] = field(default_factory=dict)
    texts: dict[int, np.ndarray] = field(default_factory=dict)


@torch.inference_mode()
def score(
    head: AnswerHead,
    encoder: Encoder,
    folds: list[EncodedQuestions],
    plan: ScoringPlan,
    readings: list[FoldReading] | None = None,
    texts: list[list[Texts]] | None = None,
    title: str = "scoring",
) -> list[Scores]:
    """Scores of each adapter's questions.

    folds: the questions that each adapter is asked
    readings: heads and number candidates of trained adapters; None for a model without adapters,
        whose numbers are decoded; without a head the texts of a number's candidates decide
    texts: per trained adapter and question, token ids of the candidates of a number
    title: of the progress that is shown
    Of a cut model only whole texts are read with the lower layers' states: where a cache is
    continued, all layers run.
    """
    found = [Scores(_empty(questions)) for questions in folds]
    model = head.model
    was_training = model.training
    model.eval()
    progress = Progress(title, sum(len(q) for q in folds), "question")
    trained = readings is not None and all(r.head is not None for r in readings)
    weight = _stack_heads(readings, model) if readings is not None and trained else None
    numbers_counted = readings is not None and all(r.numbers.values for r in readings)
    with head.attached(), progress:
        share_beginnings(head, folds)
        for kind in ("mc", "num", "open"):
            if not any((q.formats == kind).any() for q in folds):
                continue
            if kind == "open" or (kind == "num" and not numbers_counted):
                written = [own.written for own in found]
                _decode_answers(head, encoder, folds, kind, plan, written, progress.advance)
                continue
            if kind == "num" and not trained:
                # no head: how likely each candidate's text is decides (text_share is 1)
                numbers = [np.flatnonzero(q.formats == kind) for q in folds]
                chosen = [ChoiceScores({int(i): np.zeros(SLOTS) for i in n}, {}) for n in numbers]
                progress.advance(sum(len(own.scores) for own in chosen))
            else:
                chosen = score_choices(head, folds, kind, plan, weight, progress.advance)
            for own, choices in zip(found, chosen, strict=True):
                own.choices[kind] = choices
            if kind == "num":
                by_text = score_number_texts(head, folds, texts or [], plan)
                for own, log_likelihoods in zip(found, by_text, strict=True):
                    own.texts = log_likelihoods
    model.train(was_training)
    return found


def read_answers(
    parts: Sequence[Scores],
    readings: Sequence[FoldReading],
    types: Sequence[str],
    rules: ScoringRules,
) -> pd.DataFrame:
    """Answers of a fold's questions: p_options, letter_mass, value, text, generated, parsed.

    parts, readings: what each of the fold's adapters says, and how it is read
    types: of the questions
    Probabilities are means over the adapters, a number is the best one under their mean, a text is
    the most frequent one. Indexed as the questions; p_options are lists that sum to 1.
    """
    answers = parts[0].written.copy()
    if len(parts) > 1:
        _join_written(answers, [own.written for own in parts], rules)
    first = parts[0].choices
    for i in first["mc"].scores if "mc" in first else ():
        each = [
            reading.option_probabilities(str(types[i]), own.choices["mc"].scores[i])
            for own, reading in zip(parts, readings, strict=True)
        ]
        answers.iat[i, _P_OPTIONS] = np.mean(each, axis=0).tolist()
        answers.iat[i, _LETTER_MASS] = np.mean([own.choices["mc"].letter_mass[i] for own in parts])
    for i in first["num"].scores if "num" in first else ():
        pairs = [
            reading.number_probabilities(str(types[i]), own.choices["num"].scores[i], own.texts[i])
            for own, reading in zip(parts, readings, strict=True)
        ]
        values, p = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        answers.iat[i, _VALUE] = best_number(values, p, rules)
    return answers


def _join_written(
    answers: pd.DataFrame, parts: Sequence[pd.DataFrame], rules: ScoringRules
) -> None:
    """Put what several adapters wrote into one frame."""
    for i in np.flatnonzero(answers["generated"].notna()).tolist():
        written = [part.iloc[i] for part in parts]
        answers.iat[i, _GENERATED] = " | ".join(str(row["generated"]) for row in written)
        answers.iat[i, _PARSED] = any(row["parsed"] for row in written)
        if answers.iat[i, _TEXT] is None:
            answers.iat[i, _VALUE] = choose_number([float(row["value"]) for row in written], rules)
        else:
            texts = Counter(str(row["text"]) for row in written if row["text"])
            answers.iat[i, _TEXT] = texts.most_common(1)[0][0] if texts else ""


def _stack_heads(readings: list[FoldReading], model: torch.nn.Module) -> torch.Tensor:
    """The trained heads (folds, hidden, columns) on the model's device."""
    heads = np.stack([r.head for r in readings if r.head is not None])
    return torch.from_numpy(heads).to(next(model.parameters()).device)


def _decode_answers(
    head: AnswerHead,
    encoder: Encoder,
    folds: list[EncodedQuestions],
    kind: str,
    plan: ScoringPlan,
    answers: list[pd.DataFrame],
    advance: Callable[[int], None],
) -> None:
    """Numbers (NaN and not parsed where none is read) or short texts, token by token."""
    parts = [np.flatnonzero(q.formats == kind) for q in folds]
    asked = [[q.prompts[i] for i in p] for q, p in zip(folds, parts, strict=True)]
    lengths = [[len(prompt.ids) for prompt in own] for own in asked]
    copies = NUMBER_SAMPLES if kind == "num" else 1
    room = max(1, plan.padded_tokens * (CACHE_COPIES if copies > 1 else 1) // copies)
    beside = copies * NEW_TOKENS[kind]  # tokens of all continuations
    widest = max(own for fold in lengths for own in fold) + plan.multiple + beside
    shared = kind == "num" and can_share_rows(head, asked, widest)
    padded = not shared and can_copy_rows(head, asked)
    if shared:
        lengths = [[own + beside for own in fold] for fold in lengths]
        room = plan.padded_tokens * plan.decoding_copies

    def generate(prompts: list[Prompt | None]) -> list[list[int]]:
        new_tokens, spread = NEW_TOKENS[kind], ArithmeticSampling(copies)
        if shared:
            return decode_side_by_side(
                head, prompts, new_tokens, encoder.numbers_ended, spread, copies, plan.multiple
            )
        pick = spread if copies > 1 else Greedy()
        stops, layout = encoder.stop_ids, PromptLayout(len(folds), plan.multiple, padded)
        return decode(head, prompts, new_tokens, stops, pick, layout)

    for places in plan_scoring(lengths, room, plan.multiple):
        batch = [
            (j, int(parts[j][p])) if p != EMPTY else None
            for j, fold in enumerate(places)
            for p in fold
        ]
        generated = generate([folds[at[0]].prompts[at[1]] if at else None for at in batch])
        for place, at in enumerate(batch):
            if at is None:
                continue
            j, i = at
            frame = answers[j]
            own = generated[place * copies : (place + 1) * copies]
            texts = [encoder.decode(ids) for ids in own]
            frame.iat[i, _GENERATED] = " | ".join(texts)
            if kind == "num":
                value = choose_number([parse_number(text) for text in texts], plan.rules)
                frame.iat[i, _VALUE] = value
                frame.iat[i, _PARSED] = bool(np.isfinite(value))
            else:
                frame.iat[i, _TEXT] = clean_text(texts[0])
                frame.iat[i, _PARSED] = bool(clean_text(texts[0]))
        advance(sum(at is not None for at in batch))


def choose_number(values: list[float], rules: ScoringRules) -> float:
    """The number with the highest mean MRA over the values that are one; NaN where none is.

    Minimum Bayes risk decoding (Kumar & Byrne 2004): the most likely digits are rarely the best
    summary of a distribution.
    """
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
