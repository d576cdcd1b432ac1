"""Each fold of a blend, with weights fitted on the other folds of the same repeat."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tst.analysis.blending.members import Members
from tst.analysis.blending.weights import NumberWeights, OptionWeights, TextWeights
from tst.core.diagnostic import Fold, Predictions
from tst.scoring.scores import score_predictions


@dataclass
class BlendedFold:
    """Predictions and scores of a fold's held-out questions, in the order of ``rows``.

    soft: s of open questions, which is that of the record whose answer they get; else NaN, (n,)
    weights: of each record, by question type
    """

    rows: np.ndarray
    predictions: Predictions
    soft: np.ndarray
    weights: dict[str, list[float]] = field(default_factory=dict)

    def scores(self, members: Members) -> pd.DataFrame:
        """Columns of ``score_predictions``."""
        questions = members.table.frame.iloc[self.rows]
        scores = score_predictions(questions, self.predictions, members.rules)
        return scores.assign(s=np.where(np.isnan(self.soft), scores["s"], self.soft))


def blend_fold(members: Members, fold: Fold) -> BlendedFold:
    """Blend the held-out questions of a fold, of which no answer is read."""
    rows = members.plan.heldout_rows(*fold)
    fitted_on = np.flatnonzero(members.plan.assignment[fold[0]] != fold[1])
    answers = _Answers(members, fold[0])
    kinds = members.table.frame["format"].to_numpy()
    done = BlendedFold(rows, Predictions.empty(len(rows)), np.full(len(rows), np.nan))
    blend_by_format = {"mc": _blend_options, "num": _blend_numbers, "open": _blend_texts}
    for kind, blend in blend_by_format.items():
        held = np.flatnonzero(kinds[rows] == kind)
        if len(held):
            blend(answers, fitted_on[kinds[fitted_on] == kind], held, done)
    return done


class _Answers:
    """What the records said in one repeat, by row of the table."""

    def __init__(self, members: Members, repeat: int) -> None:
        self.rules = members.rules
        self.types = members.table.frame["question_type"].to_numpy()
        self.gold = members.table.frame["answer"]
        self._sizes = [0 if o is None else len(o) for o in members.table.frame["options"]]
        self._frames = [frame.loc[repeat] for frame in members.predictions]

    def options(self, rows: np.ndarray) -> list[np.ndarray]:
        """Per question the probabilities of its options by record, (options, k); else uniform."""
        lists = [frame["p_options"].loc[rows].tolist() for frame in self._frames]
        shares = []
        for row, given in zip(rows.tolist(), zip(*lists, strict=True), strict=True):
            size = self._sizes[row]
            known = [np.full(size, 1.0 / size) if p is None else np.asarray(p) for p in given]
            shares.append(np.stack(known, axis=1))
        return shares

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Numbers by record, (n, k); one that is absent is the mean of the others."""
        values = np.array(self._decoded(rows), dtype=float).T
        there = np.isfinite(values)
        mean = np.where(there, values, 0.0).sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        return np.where(there, values, mean[:, None])

    def texts(self, rows: np.ndarray) -> list[list[Any]]:
        """Texts by record, k lists of n."""
        return self._decoded(rows)

    def soft_scores(self, rows: np.ndarray) -> np.ndarray:
        """s by record, (n, k)."""
        columns = [frame["s"].loc[rows].to_numpy(float) for frame in self._frames]
        return np.nan_to_num(np.stack(columns, axis=1))

    def _decoded(self, rows: np.ndarray) -> list[list[Any]]:
        predicted = [frame["prediction"].loc[rows] for frame in self._frames]
        return [[json.loads(p) for p in of_record] for of_record in predicted]


def _blend_options(
    answers: _Answers, fitted_on: np.ndarray, held: np.ndarray, done: BlendedFold
) -> None:
    asked = done.rows[held]
    gold = answers.gold.iloc[fitted_on].astype(int).tolist()
    model = OptionWeights()
    model.fit(answers.types[fitted_on].tolist(), answers.options(fitted_on), gold)
    blended = model.predict(answers.types[asked].tolist(), answers.options(asked))
    for place, probability in zip(held, blended, strict=True):
        done.predictions.p_options[place] = probability
    done.weights |= {kind: model.of(kind).tolist() for kind in np.unique(answers.types[asked])}


def _blend_numbers(
    answers: _Answers, fitted_on: np.ndarray, held: np.ndarray, done: BlendedFold
) -> None:
    asked = done.rows[held]
    gold = answers.gold.iloc[fitted_on].to_numpy(float)
    model = NumberWeights()
    model.fit(answers.types[fitted_on], answers.numbers(fitted_on), gold, answers.rules)
    done.predictions.value[held] = model.predict(answers.types[asked], answers.numbers(asked))
    done.weights |= {kind: model.of(kind).tolist() for kind in np.unique(answers.types[asked])}


def _blend_texts(
    answers: _Answers, fitted_on: np.ndarray, held: np.ndarray, done: BlendedFold
) -> None:
    asked = done.rows[held]
    model = TextWeights().fit(answers.types[fitted_on], answers.soft_scores(fitted_on))
    chosen, texts = model.predict(answers.types[asked]), answers.texts(asked)
    soft = answers.soft_scores(asked)
    for number, (place, record) in enumerate(zip(held, chosen, strict=True)):
        done.predictions.text[place] = texts[record][number]
        done.soft[place] = soft[number, record]
    done.weights |= {kind: model.of(kind).tolist() for kind in np.unique(answers.types[asked])}
