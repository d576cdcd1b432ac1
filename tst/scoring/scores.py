"""From predictions to s(x): scores, baselines and majority scores of every question and repeat.

The definitions are those of method.md, section 4. ``score_folds`` gives one row per (question,
repeat); ``bias_scores`` averages repeats into one row per question.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from tst.core.diagnostic import Fold, Predictions
from tst.core.errors import ComputingError, brief
from tst.core.folds import FoldPlan
from tst.core.metrics import answer_key, score_options
from tst.core.scoring_rules import ScoringRules
from tst.scoring.information import information, prior_probabilities

SUM_TOLERANCE = 0.01
"""How far a question's probabilities may sum from 1: bfloat16 rounds each by up to 0.4%."""
SCORES = ("s", "hard", "s_zero_shot", "hard_zero_shot", "margin")


def score_predictions(
    questions: pd.DataFrame, predictions: Predictions, rules: ScoringRules
) -> pd.DataFrame:
    """Scores of one fold's held-out questions (rows with ``answer``, in the predictions' order).

    Columns s (p_gold, MRA, or the match of an open answer: the mean over its candidates where
    there are any), hard (argmax, MRA or match), margin (mc), parsed, and the zero-shot s and hard
    where given (else NaN). Index as ``questions``.
    Raises ComputingError for predictions that are not what ``Predictions`` promises.
    """
    n = len(questions)
    counts = [len(predictions.p_options), len(predictions.value), len(predictions.text)]
    if counts != [n] * 3:
        raise ComputingError(
            f"The diagnostic gave {counts[0]} p_options, {counts[1]} values and {counts[2]} texts "
            f"for {n} held-out questions; expected {n} of each, as Predictions.empty({n}) has."
        )
    parsed = np.ones(n, dtype=bool) if predictions.parsed is None else predictions.parsed
    scores = pd.DataFrame({c: np.full(n, np.nan) for c in SCORES}, index=questions.index)
    scores["s"], scores["hard"], scores["margin"] = _score(
        questions, predictions.p_options, predictions.value, predictions.text, rules
    )
    if predictions.text_probabilities is not None:
        of_question = zip(predictions.text_probabilities, questions["answer"], strict=True)
        expected = [
            np.nan if shares is None else _expected_score(shares, accepted, rules)
            for shares, accepted in of_question
        ]
        scores["s"] = np.where(np.isnan(expected), scores["s"], expected)
    if predictions.p_options_zero_shot is not None:
        value, text = predictions.value_zero_shot, predictions.text_zero_shot
        assert value is not None
        assert text is not None
        scores["s_zero_shot"], scores["hard_zero_shot"], _ = _score(
            questions, predictions.p_options_zero_shot, value, text, rules
        )
    scores["parsed"] = parsed
    return scores


def _score(
    questions: pd.DataFrame,
    p_options: list[np.ndarray | None],
    value: np.ndarray,
    text: list[str | None],
    rules: ScoringRules,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    kind = questions["format"].to_numpy()
    answers = questions["answer"].to_numpy()
    soft, hard, margin = (np.full(len(questions), np.nan) for _ in range(3))
    mc, num, open_ = (np.flatnonzero(kind == f) for f in ("mc", "num", "open"))
    if len(mc):
        gold, given = answers[mc].astype(int), [p_options[i] for i in mc]
        _require_probabilities(questions.iloc[mc], given)
        soft[mc], hard[mc], margin[mc] = score_options(given, gold)
    if len(num):
        soft[num] = rules.score_numbers(value[num], answers[num].astype(float))
    if len(open_):
        soft[open_] = [rules.score_text(text[i], answers[i]) for i in open_]
    rest = np.concatenate([num, open_])
    hard[rest] = soft[rest]
    return soft, hard, margin


def _require_probabilities(questions: pd.DataFrame, given: list[np.ndarray | None]) -> None:
    """Refuse what cannot be probabilities of these questions' options; NaN and None are gaps."""
    said = [p for p in given if p is not None]
    known = np.flatnonzero([p is not None for p in given])
    sizes = np.array([len(p) for p in said], dtype=int)
    expected = np.array([len(o) for o in questions["options"]], dtype=int)[known]
    flat = np.concatenate([np.zeros(0), *said])
    owner = np.repeat(np.arange(len(known)), sizes)
    total = np.bincount(owner, weights=flat, minlength=len(known))
    negative = np.bincount(owner, weights=flat < 0.0, minlength=len(known)) > 0
    wrong = (negative | (np.abs(total - 1.0) > SUM_TOLERANCE)) & np.isfinite(total)
    wrong |= sizes != expected
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        shown = brief(np.asarray(said[first], dtype=float).round(3).tolist())
        raise ComputingError(
            f"The diagnostic's p_options of {wrong.sum()} of {len(given)} questions are not "
            f"probabilities, for example {shown} (question {questions['id'].iloc[known[first]]}); "
            f"expected {expected[first]} numbers, one per option, not negative, that sum to 1."
        )


def _expected_score(shares: dict[str, float], accepted: list[str], rules: ScoringRules) -> float:
    """The mean score of an open question's candidate answers, by their probabilities."""
    return float(sum(p * rules.score_text(text, accepted) for text, p in shares.items()))


def majority_scores(
    table: pd.DataFrame, plan: FoldPlan, folds: Iterable[Fold], rules: ScoringRules
) -> pd.DataFrame:
    """What the most frequent training answer of a question's (type, format) scores on it.

    mc: the most frequent option position (ties: lowest); num: the best constant; open: the most
    frequent first answer. A type unseen in training takes its format's. One row per (question,
    repeat): columns row, repeat, fold, majority.
    """
    kinds = table["format"].to_numpy()
    types = table["question_type"].to_numpy()
    answers = table["answer"].to_numpy()
    parts = []
    for repeat, fold in folds:
        held = plan.assignment[repeat] == fold
        rows = np.flatnonzero(held)
        result = np.full(len(rows), np.nan)
        for kind in np.unique(kinds[rows]):
            of_format = kinds == kind
            for question_type in np.unique(types[rows][kinds[rows] == kind]):
                members = of_format & (types == question_type)
                training = members & ~held
                if not training.any():
                    training = of_format & ~held
                target = members[rows]
                result[target] = _constant_scores(
                    kind, answers[training], answers[rows[target]], rules
                )
        parts.append(
            pd.DataFrame({"row": rows, "repeat": repeat, "fold": fold, "majority": result})
        )
    return pd.concat(parts, ignore_index=True)


def _constant_scores(
    kind: str, training: np.ndarray, heldout: np.ndarray, rules: ScoringRules
) -> np.ndarray:
    if not len(training):
        return np.full(len(heldout), np.nan)
    if kind == "mc":
        return (heldout.astype(int) == np.bincount(training.astype(int)).argmax()).astype(float)
    if kind == "num":
        constant = rules.best_number(training.astype(float))
        return rules.score_numbers(np.array(constant), heldout.astype(float))
    # of repeated answers the one that most annotators gave, else the first
    text = _most_frequent(sorted(_most_frequent(accepted) for accepted in training))
    return np.array([rules.score_text(text, accepted) for accepted in heldout])


def _most_frequent(texts: list[str]) -> str:
    """The most frequent answer as it is first written; ties: the first. "Yes" counts as "yes"."""
    keys = [answer_key(text) for text in texts]
    return texts[keys.index(Counter(keys).most_common(1)[0][0])]


def add_references(
    scored: pd.DataFrame,
    table: pd.DataFrame,
    plan: FoldPlan,
    folds: Sequence[Fold],
    rules: ScoringRules,
) -> pd.DataFrame:
    """What scores are compared with: columns majority, baseline, p_prior and bits are added.

    scored: one row per (question, repeat) of these folds, with row, repeat, fold and s
    """
    on = ["row", "repeat", "fold"]
    for known in (
        majority_scores(table, plan, folds, rules),
        prior_probabilities(table, plan, folds),
    ):
        scored = scored.merge(known, on=on, validate="one_to_one")
    scored = add_baselines(scored, table)
    return scored.assign(bits=information(scored["s"].to_numpy(), scored["p_prior"].to_numpy()))


def add_baselines(scored: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Add ``baseline`` to one row per (question, repeat): see method.md, section 4.

    mc 1 / n_options; num the mean of ``majority`` over the type's held-out questions; open 0.
    """
    kind = table["format"].to_numpy()[scored["row"]]
    options = table["options"].to_numpy()[scored["row"]]
    types = table["question_type"].to_numpy()[scored["row"]]
    baseline = np.zeros(len(scored))
    mc, num = kind == "mc", kind == "num"
    baseline[mc] = [1.0 / len(o) for o in options[mc]]
    if num.any():
        means = scored["majority"][num].groupby(types[num]).transform("mean")
        baseline[num] = means.to_numpy()
    return scored.assign(baseline=baseline)


def adjust(s: np.ndarray, baseline: np.ndarray) -> np.ndarray:
    """(s - b) / (1 - b); NaN where the baseline leaves nothing to gain (1 - b < 1e-9)."""
    s, baseline = np.asarray(s, dtype=float), np.asarray(baseline, dtype=float)
    room = 1.0 - baseline
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(room < 1e-9, np.nan, (s - baseline) / room)


def bias_scores(scored: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """One row per question, in table order: s, s_zero_shot, delta, baseline, adjusted and the rest.

    ``scored`` has one row per (question, repeat) with the columns of ``score_predictions`` and
    ``add_references``; questions without a prediction are left out.
    """
    mean = scored.groupby("row")[[*SCORES, "majority", "baseline", "bits"]].mean()
    result = mean.sort_index()
    result["delta"] = result["s"] - result["s_zero_shot"]
    result["delta_hard"] = result["hard"] - result["hard_zero_shot"]
    result["adjusted"] = adjust(result["s"].to_numpy(), result["baseline"].to_numpy())
    result["n_repeats"] = scored.groupby("row").size()
    result["parsed"] = scored.groupby("row")["parsed"].mean()
    kind = table["format"].to_numpy()[result.index]
    for column, source in (("correct", "hard"), ("correct_zero_shot", "hard_zero_shot")):
        result[column] = np.where(kind == "num", np.nan, result[source])
    return result


def consensus(kind: str, predictions: list[str], p_options: np.ndarray | None) -> str:
    """One prediction over repeats, as JSON text.

    mc: the option with the largest mean probability; num: the median; open: the most frequent text
    (ties: lowest repeat). ``null`` where nothing was predicted.
    """
    decoded = [json.loads(p) for p in predictions if p is not None and p != "null"]
    if kind == "mc":
        return "null" if p_options is None else str(int(np.argmax(p_options)))
    if not decoded:
        return "null"
    if kind == "num":
        return json.dumps(float(np.median(decoded)))
    return json.dumps(Counter(decoded).most_common(1)[0][0], ensure_ascii=False)
