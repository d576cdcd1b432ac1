"""How much each member of the stack counts, from predictions of questions it was not fitted on.

P(option) is proportional to exp(temperature x sum over members of weight x log P_member(option)),
mixed with a share of the position prior. Weights are not negative. They start from defaults, are
shrunk to them, and deviate per question type as far as the data say. They are shrunk less where
that pays on questions that they are not fitted on. Shrunk weights do not add up to what is certain,
so that a last temperature on all of them follows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from tst.diagnostics.forest.text.hashing import find_places
from tst.diagnostics.forest.text.question_arrays import QuestionArrays, take

PENALTIES = (100.0, 30.0)
"""Shrinkage of weights to the defaults, and the lower one, used where it gains enough."""
LEAST_GAIN = 2.0
"""Nats that the lower one must gain over all questions: less is found among noise."""
PARTS = 3
ENOUGH = 60
"""Questions on which the two are compared, at least."""
TYPED_PENALTY = 600.0
TEMPERATURE_PENALTY = 3.0
TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(4.0), 113))
SHARES = np.linspace(0.0, 0.5, 51)
SHARE_PENALTY = 2.0


@dataclass
class Stack:
    """Weights of k members.

    common: (k,); kinds: codes of the types with deviations, sorted; by_kind: weights (kinds, k)
    share: how much of the prior is mixed in
    """

    common: np.ndarray
    kinds: np.ndarray
    by_kind: np.ndarray
    share: float

    def weights(self, questions: QuestionArrays) -> np.ndarray:
        """The weights that hold for each question, (n, k); unseen types have the common ones."""
        if not len(self.kinds):
            return np.tile(self.common, (len(questions), 1))
        place = find_places(self.kinds, questions.types)
        return np.where((place >= 0)[:, None], self.by_kind[place], self.common)

    def predict(self, questions: QuestionArrays, logs: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """Probability of every option, (m,), from the members' log-probabilities (m, k).

        prior: the position prior, (m,)
        """
        weights = self.weights(questions)[questions.owner]
        mixed = questions.softmax(np.einsum("mk,mk->m", logs, weights))
        return (1.0 - self.share) * mixed + self.share * prior


@dataclass
class _Known:
    """What weights are fitted on; arrays as ``fit_stack`` takes them."""

    questions: QuestionArrays
    logs: np.ndarray
    prior: np.ndarray
    correct: np.ndarray

    def part(self, chosen: np.ndarray) -> _Known:
        """Of some questions, by their positions."""
        questions, rows = take(self.questions, chosen)
        return _Known(questions, self.logs[rows], self.prior[rows], self.correct[rows])

    def predict(self, stack: Stack) -> np.ndarray:
        """A stack's probability of every option, (m,)."""
        return stack.predict(self.questions, self.logs, self.prior)


def default_stack(weights: np.ndarray) -> Stack:
    """The stack of a training part that is too small to fit weights on."""
    return Stack(weights, np.zeros(0, np.uint64), np.zeros((0, len(weights))), 0.0)


def fit_stack(
    questions: QuestionArrays,
    logs: np.ndarray,
    prior: np.ndarray,
    correct: np.ndarray,
    defaults: np.ndarray,
) -> Stack:
    """Weights that make the right options of some questions most likely.

    logs: the members' log-probabilities, (m, k), by models that did not see these questions
    prior: the position prior, (m,); correct: 1 for the gold option, else 0, (m,)
    defaults: weights that the fit starts from and is shrunk to, (k,)
    """
    known, penalty = _Known(questions, logs, prior, correct), PENALTIES[0]
    if len(questions) >= ENOUGH:
        tight, loose = (_crossed(known, defaults, p) for p in PENALTIES)
        penalty = PENALTIES[int(loose > tight + LEAST_GAIN)]
    stack = _fit_weights(known, defaults, penalty)
    stack.share = _fit_share(stack, known)
    return stack


def _crossed(
    known: _Known,
    defaults: np.ndarray,
    penalty: float,
) -> float:
    """Log-likelihood of every question under weights fitted on the other parts, in nats."""
    part, total = np.arange(len(known.questions)) % PARTS, 0.0
    for own in range(PARTS):
        stack = _fit_weights(known.part(np.flatnonzero(part != own)), defaults, penalty)
        outside = known.part(np.flatnonzero(part == own))
        found = outside.predict(stack)[outside.correct > 0]
        total += float(np.log(np.maximum(found, 1e-300)).sum())
    return total


def _fit_weights(
    known: _Known,
    defaults: np.ndarray,
    penalty: float,
) -> Stack:
    """Weights and their last temperature, without a share of the prior."""
    questions, logs, correct = known.questions, known.logs, known.correct
    kinds, kind_of = np.unique(questions.types, return_inverse=True)
    kind_of, size = kind_of[questions.owner], len(defaults)
    order = np.argsort(kind_of, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(kind_of, minlength=len(kinds)))[:-1])
    blocks = [logs[part] for part in rows]

    def unpack(flat: np.ndarray) -> tuple[float, np.ndarray]:
        return flat[0], flat[1:].reshape(len(kinds) + 1, size)

    penalties = np.full((len(kinds) + 1, size), TYPED_PENALTY)
    penalties[0] = penalty

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        temperature, change = unpack(flat)
        common = temperature * defaults + change[0]
        utilities = np.empty(len(correct))
        for kind, part in enumerate(rows):
            utilities[part] = blocks[kind] @ (common + change[kind + 1])
        share = questions.softmax(utilities)
        pull = np.stack([(share - correct)[part] @ blocks[kind] for kind, part in enumerate(rows)])
        slope = penalties * change
        slope[0] += pull.sum(0)
        slope[1:] += pull
        by_temperature = pull.sum(0) @ defaults + TEMPERATURE_PENALTY * (temperature - 1.0)
        miss = -np.log(np.maximum(share[correct > 0], 1e-300)).sum()
        miss += 0.5 * (penalties * change**2).sum()
        miss += 0.5 * TEMPERATURE_PENALTY * (temperature - 1.0) ** 2
        return float(miss), np.concatenate([[by_temperature], slope.ravel()])

    start = np.zeros(1 + (len(kinds) + 1) * size)
    start[0] = 1.0
    bounds = [(0.0, None), *[(None, None)] * (len(start) - 1)]
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    temperature, change = unpack(found.x)
    common = temperature * defaults + change[0]
    by_kind = np.maximum(common + change[1:], 0.0)
    stack = Stack(np.maximum(common, 0.0), kinds, by_kind, 0.0)
    last = _fit_temperature(stack, known)
    return Stack(last * stack.common, kinds, last * by_kind, 0.0)


def _fit_temperature(
    stack: Stack,
    known: _Known,
) -> float:
    """The factor of all weights with the highest likelihood, barely shrunk to 1."""
    mixed = np.log(np.maximum(known.predict(stack), 1e-300))
    gold = known.correct > 0
    likelihood = [
        np.log(np.maximum(known.questions.softmax(factor * mixed)[gold], 1e-300)).sum()
        - np.log(factor) ** 2
        for factor in TEMPERATURES
    ]
    return float(TEMPERATURES[int(np.argmax(likelihood))])


def _fit_share(
    stack: Stack,
    known: _Known,
) -> float:
    """The share of the prior with the highest likelihood, shrunk to none."""
    gold = known.correct > 0
    mixed, base = known.predict(stack)[gold], known.prior[gold]
    likelihood = [
        np.log((1.0 - share) * mixed + share * base).sum() - SHARE_PENALTY * share
        for share in SHARES
    ]
    return float(SHARES[int(np.argmax(likelihood))])
