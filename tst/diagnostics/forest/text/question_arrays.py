"""Question tables as arrays: what the featurisers read. They cannot hold an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tst.diagnostics.forest.text.hashing import combine, find_places
from tst.diagnostics.forest.text.text_cache import TextCache


@dataclass
class Claims:
    """c signed claims over m option rows: row int64 (c,), key uint64 (c,), sign +-1 (c,)."""

    row: np.ndarray
    key: np.ndarray
    sign: np.ndarray


@dataclass
class Entries:
    """Codes that questions have: row int64 (e,), code uint64 (e,), times each (e,)."""

    row: np.ndarray
    code: np.ndarray
    times: np.ndarray

    def take(self, place: np.ndarray) -> Entries:
        """Those of some questions; place: the new position of each question, -1 for none."""
        kept = place[self.row] >= 0
        return Entries(place[self.row[kept]], self.code[kept], self.times[kept])

    def times_of(self, row: np.ndarray, code: np.ndarray) -> np.ndarray:
        """How often questions have codes, float (r,); 0 for one that they do not have."""
        cells = combine(self.row, self.code)
        order = np.argsort(cells)
        wanted = combine(row, code)
        place = find_places(cells[order], wanted)
        times = np.zeros(len(row))
        times[place >= 0] = self.times[order[place[place >= 0]]]
        return times


@dataclass
class Siblings:
    """What the other questions of the groups of n questions say, never an answer.

    size: how many siblings each has, (n,); words, options: of questions and options, of options
    parts: from which parts of the set each question is, a code per context column, (n, c)
    known, weights: sorted codes of words and their inverse document frequency over groups
    """

    size: np.ndarray
    words: Entries
    options: Entries
    known: np.ndarray
    weights: np.ndarray
    parts: np.ndarray

    def weight(self, codes: np.ndarray) -> np.ndarray:
        """The weight of each word; 0 for a word of no group."""
        place = find_places(self.known, codes)
        return np.where(place >= 0, self.weights[place], 0.0)

    def take(self, chosen: np.ndarray) -> Siblings:
        """Those of some questions, (n,) bool."""
        place = np.where(chosen, np.cumsum(chosen) - 1, -1)
        words, options = self.words.take(place), self.options.take(place)
        kept = self.size[chosen], words, options, self.known, self.weights, self.parts[chosen]
        return Siblings(*kept)


@dataclass
class QuestionArrays:
    """n questions of one format with m options in all (none for num).

    types, units: uint64 codes (n,); units are for inner splits only
    question: text ids (n,); option: text ids (m,), question by question
    start: int64 (n + 1,), where each question's options begin
    metadata: uint64 codes (n, n_fields)
    rows: int64 (n,), positions in the frame that the questions were read from
    keys, option_keys: named codes from entity featurisers, (n,) and (m,), 0 where silent
    claims: named signed claims from entity featurisers
    siblings: what the other questions of their groups say, where asked for
    """

    texts: TextCache
    types: np.ndarray
    units: np.ndarray
    question: np.ndarray
    option: np.ndarray
    start: np.ndarray
    metadata: np.ndarray
    rows: np.ndarray
    keys: dict[str, np.ndarray] = field(default_factory=dict)
    option_keys: dict[str, np.ndarray] = field(default_factory=dict)
    claims: dict[str, Claims] = field(default_factory=dict)
    siblings: Siblings | None = None

    def __len__(self) -> int:
        return len(self.types)

    @cached_property
    def n_options(self) -> np.ndarray:
        """Options per question, (n,)."""
        return np.diff(self.start)

    @cached_property
    def owner(self) -> np.ndarray:
        """The question of each option, (m,)."""
        return np.repeat(np.arange(len(self)), self.n_options)

    @cached_property
    def position(self) -> np.ndarray:
        """The place of each option in its question, from 0, (m,)."""
        return np.arange(self.start[-1]) - self.start[self.owner]

    @cached_property
    def baseline(self) -> np.ndarray:
        """1 / n_options, per option, (m,)."""
        return 1.0 / self.n_options[self.owner]

    def total(self, values: np.ndarray) -> np.ndarray:
        """Sum over each question's options, (n,)."""
        return np.bincount(self.owner, weights=values, minlength=len(self))

    @cached_property
    def _later_options(self) -> list[tuple[np.ndarray | slice, np.ndarray]]:
        """By place from the second on: the questions that have such an option, and the options."""
        later: list[tuple[np.ndarray | slice, np.ndarray]] = []
        for place in range(1, int(self.n_options.max(initial=0))):
            those = np.flatnonzero(self.n_options > place)
            every = len(those) == len(self)
            later.append((slice(None) if every else those, self.start[those] + place))
        return later

    def largest(self, values: np.ndarray) -> np.ndarray:
        """Maximum over each question's options, (n,). Models ask for it thousands of times."""
        top = values[self.start[:-1]] if len(self) else np.zeros(0)
        for questions, options in self._later_options:
            top[questions] = np.maximum(top[questions], values[options])
        return top

    def relative(self, values: np.ndarray) -> np.ndarray:
        """An option's value less the mean of its question's, (m,); NaN counts as absent."""
        there = ~np.isnan(values)
        mean = self.total(np.where(there, values, 0.0)) / np.maximum(self.total(there * 1.0), 1.0)
        return np.where(there, values - mean[self.owner], 0.0)

    def relative_all(self, values: np.ndarray) -> np.ndarray:
        """Every column less its question's mean, float32 (m, f)."""
        sums = np.add.reduceat(values, self.start[:-1], axis=0) if len(self) else values
        return values - (sums / self.n_options[:, None]).take(self.owner, axis=0)

    def rank(self, values: np.ndarray) -> np.ndarray:
        """Rank within the question, 0 for the smallest; ties share their mean rank; NaN is last."""
        filled = np.where(np.isnan(values), np.inf, values)
        order = np.lexsort((filled, self.owner))
        sorted_values, sorted_owner = filled[order], self.owner[order]
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (sorted_owner[1:] != sorted_owner[:-1]) | (
            sorted_values[1:] != sorted_values[:-1]
        )
        tie = np.cumsum(fresh) - 1
        place = self.position.astype(float)  # the k-th smallest of a question has place k
        mean_place = np.bincount(tie, weights=place) / np.bincount(tie)
        ranks = np.empty(len(order))
        ranks[order] = mean_place[tie]
        return ranks

    def softmax(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities over each question's options, (m,)."""
        powers = np.exp(logits - self.largest(logits)[self.owner])
        return powers / self.total(powers)[self.owner]


def take(questions: QuestionArrays, chosen: np.ndarray) -> tuple[QuestionArrays, np.ndarray]:
    """The chosen questions (positions), and which of the option rows are theirs."""
    wanted = np.zeros(len(questions), dtype=bool)
    wanted[chosen] = True
    rows = np.flatnonzero(wanted[questions.owner])
    place = np.full(len(questions.option), -1)
    place[rows] = np.arange(len(rows))
    claims = {}
    for name, claim in questions.claims.items():
        kept = place[claim.row] >= 0
        claims[name] = Claims(place[claim.row[kept]], claim.key[kept], claim.sign[kept])
    part = QuestionArrays(
        texts=questions.texts,
        types=questions.types[wanted],
        units=questions.units[wanted],
        question=questions.question[wanted],
        option=questions.option[rows],
        start=np.concatenate([[0], np.cumsum(questions.n_options[wanted])]),
        metadata=questions.metadata[wanted],
        rows=questions.rows[wanted],
        keys={name: key[wanted] for name, key in questions.keys.items()},
        option_keys={name: key[rows] for name, key in questions.option_keys.items()},
        claims=claims,
        siblings=None if questions.siblings is None else questions.siblings.take(wanted),
    )
    return part, rows
