"""The record's tables: a fold's predictions, and one row per question over all folds and repeats.

Every column is documented in docs/record.md.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tst.core.diagnostic import Fold, Predictions
from tst.core.folds import FoldPlan
from tst.core.questions import GROUP_PREFIX, TRUTH_COLUMNS, declared_groups
from tst.scoring.scores import bias_scores, consensus


def as_json(value: object) -> str:
    """Compact JSON of a plain value, a numpy scalar or an array; NaN and None are ``null``."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        value = None
    return json.dumps(value, ensure_ascii=False)


def encode_predictions(
    kinds: np.ndarray,
    p_options: Sequence[np.ndarray | None],
    value: np.ndarray,
    text: Sequence[str | None],
) -> list[str]:
    """Per question the predicted option index, number or text, as JSON text."""
    encoded = []
    for row, kind in enumerate(kinds):
        options = p_options[row]
        if kind == "mc":
            encoded.append("null" if options is None else str(int(np.argmax(options))))
        else:
            encoded.append(as_json(float(value[row]) if kind == "num" else text[row]))
    return encoded


def fold_rows(
    table: pd.DataFrame,
    rows: np.ndarray,
    fold: Fold,
    predictions: Predictions,
    scores: pd.DataFrame,
) -> pd.DataFrame:
    """What a fold's parquet file holds: one row per held-out question, in table order.

    rows: table positions of the held-out questions, in the predictions' order
    scores: ``scoring.score_predictions`` of the same rows
    """
    kinds = table["format"].to_numpy()[rows]
    n = len(rows)
    given = predictions
    frame = pd.DataFrame(
        {
            "id": table["id"].to_numpy()[rows],
            "repeat": fold[0],
            "fold": fold[1],
            "p_options": _lists(given.p_options, n),
            "prediction": encode_predictions(kinds, given.p_options, given.value, given.text),
            "p_options_zero_shot": _lists(given.p_options_zero_shot, n),
            "prediction_zero_shot": _zero_shot_predictions(kinds, given),
            "letter_mass": _or_nan(given.letter_mass, n),
            "letter_mass_zero_shot": _or_nan(given.letter_mass_zero_shot, n),
            "generated": _objects(given.generated, n),
            "generated_zero_shot": _objects(given.generated_zero_shot, n),
            "reasons": [as_json(r) for r in given.reasons or [[]] * n],
            "contributions": [as_json(c) for c in given.contributions or [{}] * n],
        }
    )
    frame = pd.concat([frame, scores.reset_index(drop=True)], axis=1)
    return frame.iloc[np.argsort(rows, kind="stable")].reset_index(drop=True)


def _zero_shot_predictions(kinds: np.ndarray, given: Predictions) -> list[str | None]:
    if given.p_options_zero_shot is None:
        return [None] * len(kinds)
    assert given.value_zero_shot is not None
    assert given.text_zero_shot is not None
    return [
        *encode_predictions(
            kinds, given.p_options_zero_shot, given.value_zero_shot, given.text_zero_shot
        )
    ]


def _lists(values: Sequence[np.ndarray | None] | None, n: int) -> pd.Series:
    if values is None:
        return pd.Series([None] * n, dtype=object)
    return pd.Series(
        [None if v is None else np.asarray(v, float).tolist() for v in values], dtype=object
    )


def _objects(values: Sequence[Any] | None, n: int) -> pd.Series:
    return pd.Series([None] * n if values is None else list(values), dtype=object)


def _or_nan(values: np.ndarray | None, n: int) -> np.ndarray:
    return np.full(n, np.nan) if values is None else np.asarray(values, dtype=float)


def join_rows(folds: list[pd.DataFrame], table: pd.DataFrame) -> pd.DataFrame:
    """All folds' rows in one frame, with ``row``, the question's position in the table."""
    joined = pd.concat(folds, ignore_index=True)
    position = pd.Series(np.arange(len(table)), index=table["id"].to_numpy())
    return joined.assign(row=position.loc[joined["id"].to_numpy()].to_numpy())


def question_rows(scored: pd.DataFrame, table: pd.DataFrame, plan: FoldPlan) -> pd.DataFrame:
    """questions.parquet: one row per question that has a prediction, in table order.

    scored: ``join_rows`` with the columns ``majority`` and ``baseline``
    """
    scores = bias_scores(scored, table)
    known = table.loc[scores.index]
    first = scored.sort_values(["row", "repeat"], kind="stable").groupby("row")
    frame = known[["id", "question_type", "format"]].copy()
    for group in declared_groups(table):
        frame[GROUP_PREFIX + group] = known[GROUP_PREFIX + group]
    frame["n_options"] = [0 if o is None else len(o) for o in known["options"]]
    frame["question"] = known["question"]
    frame["options"] = [None if o is None else as_json(list(o)) for o in known["options"]]
    frame["answer"] = [as_json(a) for a in known["answer"]]
    frame["fold"] = plan.assignment[0][scores.index]
    for column in ("s", "s_zero_shot", "delta", "bits", "baseline", "majority", "adjusted"):
        frame[column] = scores[column]
    options = {c: _mean_options(first[c]) for c in ("p_options", "p_options_zero_shot")}
    for column, means in options.items():
        frame[column] = [None if p is None else as_json(p) for p in means]
    frame["prediction"] = [
        consensus(kind, texts, mean)
        for kind, texts, mean in zip(
            known["format"], first["prediction"].agg(list), options["p_options"], strict=True
        )
    ]
    for column in ("correct", "correct_zero_shot", "margin"):
        frame[column] = scores[column]
    frame["letter_mass"] = first["letter_mass"].mean()
    frame["generated"] = first["generated"].first()
    frame["parsed"] = scores["parsed"]
    frame["reasons"] = first["reasons"].first()
    frame["contributions"] = first["contributions"].first()
    for column in TRUTH_COLUMNS:
        if column in table:
            frame[column] = known[column]
    frame["n_repeats"] = scores["n_repeats"]
    return frame.reset_index(drop=True)


def _mean_options(groups: Any) -> list[np.ndarray | None]:
    """Per question the mean option probabilities over repeats; None for other formats."""
    means: list[np.ndarray | None] = []
    for lists in groups.agg(list):
        given = [np.asarray(p, dtype=float) for p in lists if p is not None]
        means.append(np.mean(given, axis=0) if given else None)
    return means
