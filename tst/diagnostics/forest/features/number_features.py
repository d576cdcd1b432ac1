"""Features of numeric questions: nested statistics of training answers by what is asked about."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.additive_effects import AdditiveEffects
from tst.diagnostics.forest.features.surface_features import question_cues
from tst.diagnostics.forest.features.target_encoding import KeyedTotals
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Sheet
from tst.diagnostics.forest.text.templates import Slots, TemplateMiner


def question_keys(sheet: Sheet, slots: Slots) -> dict[str, np.ndarray]:
    """Generic keys of numeric questions, named family.key, each uint64 (n,)."""
    kind, free = sheet.types, slots.free
    low, high = np.minimum(free[:, 0], free[:, 1]), np.maximum(free[:, 0], free[:, 1])
    keys = {
        "template.template": combine(slots.template),
        "entities.question": combine(kind, sheet.corpus.whole[sheet.question]),
        "entities.first": combine(kind, free[:, 0]),
        "entities.second": combine("2", kind, free[:, 1]),
        "entities.third": combine("3", kind, free[:, 2]),
        "entities.pair": combine(kind, low, high),
        "entities.high": combine("either", kind, high),
        "entities.low": combine("either", kind, low),
    }
    for field in range(sheet.metadata.shape[1]):
        keys[f"metadata.{field}"] = combine(kind, sheet.metadata[:, field])
    for name, key in sheet.keys.items():
        keys[name] = combine(name, kind, key)
    return keys


def spread(answers: np.ndarray) -> np.ndarray:
    """Answers on a scale where relative errors are alike: asinh of the answer in small units."""
    return np.arcsinh(answers / unit_of(answers))


def unit_of(answers: np.ndarray) -> float:
    """The small unit of ``spread``: the lowest decile of the answers' sizes, zeros aside."""
    sizes = np.abs(answers[answers != 0])
    return float(np.quantile(sizes, 0.1)) if len(sizes) else 1.0


class NumberFeatures:
    """Shrunk mean, spread and count of training answers by key, beside the question's cues."""

    def __init__(self, prior: float) -> None:
        self.prior = prior
        self.names: list[str] = []

    def fit(self, sheet: Sheet, answers: np.ndarray, fold: np.ndarray, n_folds: int) -> np.ndarray:
        """Learn from training questions; returns their own features, out of fold, (n, f)."""
        self._miner = TemplateMiner().fit(sheet)
        slots = self._miner.transform(sheet)
        targets = spread(answers)
        _, kind_of = np.unique(sheet.types, return_inverse=True)
        mean = np.bincount(kind_of, weights=targets) / np.bincount(kind_of)
        off = targets - mean[kind_of]
        self._variance = float(off.var())
        self._unit = unit_of(answers)
        self._mean_of = dict(
            zip(sheet.types[np.unique(kind_of, return_index=True)[1]].tolist(), mean, strict=True)
        )
        values = np.stack([off, off**2, np.ones(len(off))], axis=1)
        keys = question_keys(sheet, slots)
        self._totals = {n: KeyedTotals(k, values, fold, n_folds) for n, k in keys.items()}
        self._effects = AdditiveEffects()
        additive = self._effects.fit(sheet, slots, off, fold, n_folds)
        return self._columns(sheet, keys, additive, fold)

    def transform(self, sheet: Sheet) -> np.ndarray:
        """Features of held-out questions, (n, f)."""
        slots = self._miner.transform(sheet)
        additive = self._effects.transform(sheet, slots)
        return self._columns(sheet, self._trained_keys(sheet, slots), additive, None)

    def typical_answers(self, sheet: Sheet) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """By key: training questions alike, their typical answer, and how telling it is, (n,) each.

        Telling is the shift from the type's mean in standard errors.
        """
        slots = self._miner.transform(sheet)
        base = np.array([self._mean_of.get(kind, np.nan) for kind in sheet.types.tolist()])
        told = {}
        for name, key in self._trained_keys(sheet, slots).items():
            total, squares, count = self._totals[name].totals(key).round(9).T
            shift = total / np.maximum(count, 1.0)
            error = np.sqrt((squares + self._variance) / (count + 1.0) / np.maximum(count, 1.0))
            typical = np.sinh(base + shift) * self._unit
            told[name] = (count, typical, np.abs(shift) / np.maximum(error, 1e-9))
        return told

    def _trained_keys(self, sheet: Sheet, slots: Slots) -> dict[str, np.ndarray]:
        """The names that training had: one that no question here says is silent in all of them."""
        keys = question_keys(sheet, slots)
        silent = np.zeros(len(sheet), dtype=np.uint64)
        return {n: keys.get(n, combine(n, sheet.types, silent)) for n in self._totals}

    def _columns(
        self,
        sheet: Sheet,
        keys: dict[str, np.ndarray],
        additive: np.ndarray,
        fold: np.ndarray | None,
    ) -> np.ndarray:
        columns = {"words.additive": additive, **question_cues(sheet)}
        if sheet.context is not None and sheet.context_size is not None:
            words = np.bincount(sheet.context[0], minlength=len(sheet))
            columns["scene.words"] = np.log1p(words)
            columns["scene.questions"] = np.log1p(sheet.context_size)
        for name, totals in self._totals.items():
            total, squares, count = totals.totals(keys[name], fold).round(9).T
            weight = count + self.prior
            columns[f"{name}_mean"] = total / weight
            columns[f"{name}_spread"] = np.sqrt((squares + self._variance) / weight)
            columns[f"{name}_count"] = np.log1p(count)
        self.names = list(columns)
        return np.stack(list(columns.values()), axis=1).astype(np.float32)
