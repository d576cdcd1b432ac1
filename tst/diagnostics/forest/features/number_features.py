"""Features of numeric questions: nested statistics of training answers, by entity and wording."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.additive_effects import AdditiveEffects
from tst.diagnostics.forest.features.sibling_features import part_keys
from tst.diagnostics.forest.features.surface_features import question_surface_features
from tst.diagnostics.forest.features.target_encoding import KeyedTotals
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.templates import MaskedQuestions, TemplateMiner


def question_keys(questions: QuestionArrays, masked: MaskedQuestions) -> dict[str, np.ndarray]:
    """Generic keys of numeric questions, named family.key, each uint64 (n,)."""
    kind, free = questions.types, masked.free
    low, high = np.minimum(free[:, 0], free[:, 1]), np.maximum(free[:, 0], free[:, 1])
    keys = {
        "template.template": combine(masked.template),
        "entities.question": combine(kind, questions.texts.whole[questions.question]),
        "entities.first": combine(kind, free[:, 0]),
        "entities.second": combine("2", kind, free[:, 1]),
        "entities.third": combine("3", kind, free[:, 2]),
        "entities.pair": combine(kind, low, high),
        "entities.high": combine("either", kind, high),
        "entities.low": combine("either", kind, low),
    }
    for field in range(questions.metadata.shape[1]):
        keys[f"metadata.{field}"] = combine(kind, questions.metadata[:, field])
    for name, key in questions.keys.items():
        keys[name] = combine(name, kind, key)
    return {**keys, **part_keys(questions)}


def spread(answers: np.ndarray) -> np.ndarray:
    """Answers on a scale where relative errors are alike: asinh of the answer in small units."""
    return np.arcsinh(answers / unit_of(answers))


def unit_of(answers: np.ndarray) -> float:
    """The small unit of ``spread``: the lowest decile of the answers' sizes, zeros aside."""
    sizes = np.abs(answers[answers != 0])
    return float(np.quantile(sizes, 0.1)) if len(sizes) else 1.0


class NumberFeatures:
    """Shrunk mean, spread and count of training answers by key, and surface features."""

    def __init__(self, prior: float) -> None:
        self.prior = prior
        self.names: list[str] = []

    def fit(
        self, questions: QuestionArrays, answers: np.ndarray, fold: np.ndarray, n_folds: int
    ) -> np.ndarray:
        """Learn from training questions; returns their own features, out of fold, (n, f)."""
        self._miner = TemplateMiner().fit(questions)
        masked = self._miner.transform(questions)
        targets = spread(answers)
        _, kind_of = np.unique(questions.types, return_inverse=True)
        mean = np.bincount(kind_of, weights=targets) / np.bincount(kind_of)
        off = targets - mean[kind_of]
        self._variance = float(off.var())
        self._unit = unit_of(answers)
        self._mean_of = dict(
            zip(
                questions.types[np.unique(kind_of, return_index=True)[1]].tolist(),
                mean,
                strict=True,
            )
        )
        values = np.stack([off, off**2, np.ones(len(off))], axis=1)
        keys = question_keys(questions, masked)
        self._totals = {n: KeyedTotals(k, values, fold, n_folds) for n, k in keys.items()}
        self._effects = AdditiveEffects()
        additive = self._effects.fit(questions, masked, off, fold, n_folds)
        totals = {name: of.of_training() for name, of in self._totals.items()}
        return self._columns(questions, totals, additive)

    def transform(self, questions: QuestionArrays) -> np.ndarray:
        """Features of held-out questions, (n, f)."""
        masked = self._miner.transform(questions)
        additive = self._effects.transform(questions, masked)
        keys = question_keys(questions, masked)
        totals = {name: of.of_heldout(keys[name]) for name, of in self._totals.items()}
        return self._columns(questions, totals, additive)

    def typical_answers(
        self, questions: QuestionArrays
    ) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """By key: number of training questions that share it, typical answer, strength, (n,) each.

        The strength is the shift from the type's mean in standard errors.
        """
        masked = self._miner.transform(questions)
        base = np.array([self._mean_of.get(kind, np.nan) for kind in questions.types.tolist()])
        statistics = {}
        keys = question_keys(questions, masked)
        for name, totals in self._totals.items():
            total, squares, count = totals.of_heldout(keys[name]).T
            shift = total / np.maximum(count, 1.0)
            error = np.sqrt((squares + self._variance) / (count + 1.0) / np.maximum(count, 1.0))
            typical = np.sinh(base + shift) * self._unit
            statistics[name] = (count, typical, np.abs(shift) / np.maximum(error, 1e-9))
        return statistics

    def _columns(
        self,
        questions: QuestionArrays,
        totals: dict[str, np.ndarray],
        additive: np.ndarray,
    ) -> np.ndarray:
        columns = {"words.additive": additive, **question_surface_features(questions)}
        if questions.siblings is not None:
            words = np.bincount(questions.siblings.words.row, minlength=len(questions))
            columns["siblings.words"] = np.log1p(words)
            columns["siblings.questions"] = np.log1p(questions.siblings.size)
        for name, of_key in totals.items():
            total, squares, count = of_key.T
            weight = count + self.prior
            columns[f"{name}_mean"] = total / weight
            columns[f"{name}_spread"] = np.sqrt((squares + self._variance) / weight)
            columns[f"{name}_count"] = np.log1p(count)
        self.names = list(columns)
        return np.stack(list(columns.values()), axis=1).astype(np.float32)
