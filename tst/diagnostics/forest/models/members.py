"""The members of the stack: models of which option is right that err in different ways."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from tst.diagnostics.forest.features.nearest_answers import NAMES
from tst.diagnostics.forest.features.option_features import POSITIVE
from tst.diagnostics.forest.models.boosted_trees import boost, margins
from tst.diagnostics.forest.models.conditional_logit import SparseLogit, TypedLogit
from tst.diagnostics.forest.models.contributions import (
    SHORTCUTS,
    of_blocks,
    of_boosted,
    of_linear,
    of_trees,
)
from tst.diagnostics.forest.models.extra_trees import grow_trees, mean_prediction
from tst.diagnostics.forest.models.option_inputs import Block, OptionInputs
from tst.diagnostics.forest.settings import ForestSettings
from tst.scoring.answer_prior import fit_answer_prior

FLOOR = 1e-3
"""Added to a tree's share before the logarithm."""


class Member(ABC):
    """One model; utilities are log-probabilities up to a constant per question."""

    @abstractmethod
    def fit(self, inputs: OptionInputs, correct: np.ndarray, seed: int) -> Member:
        """correct: 1 for the gold option, else 0, (m,)."""

    @abstractmethod
    def utilities(self, inputs: OptionInputs) -> np.ndarray:
        """A utility per option, (m,)."""

    @abstractmethod
    def blocks(self, inputs: OptionInputs) -> list[Block]:
        """The inputs that it reads."""

    @abstractmethod
    def contributions(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        """What each shortcut adds to the utility of some options, (r, shortcuts).

        Compare options of one question: what is the same for all of them is left out.
        """


class DenseLogit(Member):
    """A conditional logit over dense columns, with deviations per question type.

    read: picks the block; positive: columns whose weights may not be negative, (f,) bool; None for
        no bound
    """

    def __init__(
        self,
        read: Callable[[OptionInputs], Block],
        penalty: float,
        typed_penalty: float,
        positive: np.ndarray | None = None,
    ) -> None:
        self._read = read
        self._logit = TypedLogit(penalty, typed_penalty, positive)

    def fit(self, inputs: OptionInputs, correct: np.ndarray, seed: int) -> Member:
        columns = self._read(inputs).values
        self._scale = columns.std(0) + 1e-6
        self._logit.fit(columns / self._scale, inputs.questions, correct)
        return self

    def utilities(self, inputs: OptionInputs) -> np.ndarray:
        weights = self._weights(inputs, np.arange(len(inputs.questions.owner)))
        return np.einsum("mf,mf->m", self._read(inputs).values, weights)

    def blocks(self, inputs: OptionInputs) -> list[Block]:
        return [self._read(inputs)]

    def contributions(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        return of_linear(self._read(inputs), rows, self._weights(inputs, rows))

    def _weights(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        weights = self._logit.weights(inputs.questions) / self._scale
        return weights.take(inputs.questions.owner[rows], axis=0)


class EncodingsLogit(DenseLogit):
    """Over encodings less the mean of the question's options.

    names: of the columns; chosen: those that it reads, (f,) bool
    positive: weights of encodings of training answers may not be negative
    """

    def __init__(
        self,
        names: list[str],
        chosen: np.ndarray,
        penalty: float,
        typed_penalty: float,
        positive: bool = False,
    ) -> None:
        bound = np.array([name.endswith(POSITIVE) for name in names])[chosen]

        def read(inputs: OptionInputs) -> Block:
            return inputs.relative.pick(chosen)

        super().__init__(read, penalty, typed_penalty, bound if positive else None)
        self._chosen = chosen

    def by_column(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        """What each encoding adds to the utility of some options, (r, f)."""
        added = np.zeros((len(rows), len(self._chosen)))
        added[:, self._chosen] = self._read(inputs).values[rows] * self._weights(inputs, rows)
        return added


class TextLogit(Member):
    """A conditional logit over sparse columns; ``read`` picks the block."""

    def __init__(self, read: Callable[[OptionInputs], Block], penalty: float) -> None:
        self._read = read
        self._logit = SparseLogit(penalty)

    def fit(self, inputs: OptionInputs, correct: np.ndarray, seed: int) -> Member:
        self._logit.fit(self._read(inputs).values, inputs.questions, correct)
        return self

    def utilities(self, inputs: OptionInputs) -> np.ndarray:
        return np.asarray(self._read(inputs).values @ self._logit.weights)

    def blocks(self, inputs: OptionInputs) -> list[Block]:
        return [self._read(inputs)]

    def contributions(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        return of_linear(self._read(inputs), rows, self._logit.weights)


class Trees(Member):
    """Extremely randomised trees over encodings, raw and relative to the question's options."""

    def __init__(self, trees: int, leaf: int, n_jobs: int) -> None:
        self._size, self._leaf, self._n_jobs = trees, leaf, n_jobs

    def fit(self, inputs: OptionInputs, correct: np.ndarray, seed: int) -> Member:
        self._kinds = np.unique(inputs.questions.types)
        self._trees = grow_trees(
            self._columns(inputs), correct, trees=self._size, leaf=self._leaf, max_features=0.1,
            seed=seed, n_jobs=self._n_jobs,
        )  # fmt: skip
        return self

    def utilities(self, inputs: OptionInputs) -> np.ndarray:
        return np.log(mean_prediction(self._trees, self._columns(inputs)) + FLOOR)

    def blocks(self, inputs: OptionInputs) -> list[Block]:
        return [inputs.encodings, inputs.relative]

    def contributions(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        columns = self._columns(inputs)[rows]
        added = of_trees(self._trees, columns)
        share, step = mean_prediction(self._trees, columns) + FLOOR, added.sum(1)
        # what adds to a share adds to its logarithm in proportion
        some = np.where(np.abs(step) > 1e-9, step, 1.0)
        scale = np.where(step == some, np.log(share / (share - step)) / some, 1.0 / share)
        return of_blocks(self.blocks(inputs), added * scale[:, None])

    def _columns(self, inputs: OptionInputs) -> np.ndarray:
        questions = inputs.questions
        kinds = questions.types[questions.owner][:, None] == self._kinds
        count = questions.n_options[questions.owner][:, None]
        dense = [inputs.encodings.values, inputs.relative.values]
        return np.hstack([*dense, count, kinds], dtype=np.float32)


class BoostedTrees(Member):
    """Gradient-boosted trees of the conditional log-likelihood, over encodings and evidence."""

    def fit(self, inputs: OptionInputs, correct: np.ndarray, seed: int) -> Member:
        self._model = boost(self._columns(inputs), inputs.questions, correct, seed)
        return self

    def utilities(self, inputs: OptionInputs) -> np.ndarray:
        return margins(self._model, self._columns(inputs))

    def blocks(self, inputs: OptionInputs) -> list[Block]:
        return [inputs.relative, inputs.nearest]

    def contributions(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        added = of_boosted(self._model, self._columns(inputs)[rows])
        return of_blocks(self.blocks(inputs), added)

    def _columns(self, inputs: OptionInputs) -> np.ndarray:
        questions = inputs.questions
        count = questions.n_options[questions.owner][:, None]
        columns = [inputs.relative.values, inputs.nearest.values, count]
        return np.hstack(columns, dtype=np.float32)


class PositionPrior(Member):
    """How often each option position is right, by question type and number of options."""

    def fit(self, inputs: OptionInputs, correct: np.ndarray, seed: int) -> Member:
        questions = inputs.questions
        types = [str(kind) for kind in questions.types.tolist()]
        gold = questions.position[correct > 0].tolist()
        self._prior = fit_answer_prior(types, questions.n_options.tolist(), gold)
        return self

    def utilities(self, inputs: OptionInputs) -> np.ndarray:
        questions = inputs.questions
        of_question = zip(questions.types.tolist(), questions.n_options.tolist(), strict=True)
        shares = [self._prior.probabilities(str(kind), size) for kind, size in of_question]
        return np.log(np.concatenate(shares))

    def blocks(self, inputs: OptionInputs) -> list[Block]:
        return []

    def contributions(self, inputs: OptionInputs, rows: np.ndarray) -> np.ndarray:
        added = np.zeros((len(rows), len(SHORTCUTS)))
        added[:, SHORTCUTS.index("position")] = self.utilities(inputs)[rows]
        return added


def member_columns(
    settings: ForestSettings, names: list[str], n_surface: int, trees: int, n_jobs: int
) -> dict[str, tuple[float, Callable[[], Member]]]:
    """Columns of the stack: default weight and how to make the model, by member.variant.

    names: of the encodings' columns, of which the first ``n_surface`` are surface features
    """
    no_counts = np.array([not name.endswith("_count") for name in names])
    surface = np.arange(len(names)) < n_surface

    def indicators(inputs: OptionInputs) -> Block:
        return inputs.indicators

    def pieces(inputs: OptionInputs) -> Block:
        return inputs.pieces

    def nearest(inputs: OptionInputs) -> Block:
        return inputs.nearest

    positive = np.ones(len(NAMES), dtype=bool)
    columns: dict[str, tuple[float, Callable[[], Member]]] = {
        "encodings.free": (0.2, lambda: EncodingsLogit(names, no_counts, 15.0, 100.0)),
        "encodings.positive": (0.25, lambda: EncodingsLogit(names, no_counts, 10.0, 100.0, True)),
        "surface.free": (0.05, lambda: EncodingsLogit(names, surface, 100.0, 1000.0)),
        "words.light": (0.15, lambda: TextLogit(indicators, 3.0)),
        "pieces.light": (0.1, lambda: TextLogit(pieces, 5.0)),
        "pieces.strong": (0.1, lambda: TextLogit(pieces, 50.0)),
        "trees": (0.2, lambda: Trees(trees, settings.leaf, n_jobs)),
        "boosted": (0.15, BoostedTrees),
        "nearest": (0.05, lambda: DenseLogit(nearest, 3.0, 30.0, positive)),
        "prior": (0.05, PositionPrior),
    }
    chosen = set(settings.members)
    return {name: made for name, made in columns.items() if name.split(".")[0] in chosen}
