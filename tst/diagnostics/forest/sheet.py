"""Question tables as arrays: what the featurisers read. A sheet cannot hold an answer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from tst.diagnostics.forest.corpus import Corpus
from tst.diagnostics.forest.hashing import combine, text_code


@dataclass
class Sheet:
    """n questions of one format with m options in all (none for num).

    types, units: uint64 codes (n,); units are for inner splits only
    question: text ids (n,); option: text ids (m,), question by question
    start: int64 (n + 1,), where each question's options begin
    metadata: uint64 codes (n, n_fields)
    rows: int64 (n,), positions in the frame the sheet was read from
    """

    corpus: Corpus
    types: np.ndarray
    units: np.ndarray
    question: np.ndarray
    option: np.ndarray
    start: np.ndarray
    metadata: np.ndarray
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.types)

    @cached_property
    def n_options(self) -> np.ndarray:
        """Options a question, (n,)."""
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

    def largest(self, values: np.ndarray) -> np.ndarray:
        """Maximum over each question's options, (n,)."""
        return np.maximum.reduceat(values, self.start[:-1]) if len(self) else np.zeros(0)

    def relative(self, values: np.ndarray) -> np.ndarray:
        """An option's value less the mean of its question's, (m,); NaN counts as absent."""
        there = ~np.isnan(values)
        mean = self.total(np.where(there, values, 0.0)) / np.maximum(self.total(there * 1.0), 1.0)
        return np.where(there, values - mean[self.owner], 0.0)

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


def read_sheet(frame: pd.DataFrame, corpus: Corpus, rows: np.ndarray, fields: list[str]) -> Sheet:
    """Some rows of a question table as arrays; refuses a table that still holds answers."""
    if "answer" in frame:
        raise ValueError(
            "the table given to read_sheet has an answer column; expected none: "
            "features are read from questions alone (drop it first)"
        )
    part = frame.iloc[rows]
    options = [list(o) if o is not None else [] for o in part["options"]]
    metadata = np.zeros((len(part), len(fields)), dtype=np.uint64)
    for column, name in enumerate(fields):
        values = (str(row.get(name, "")) for row in part["metadata"])
        metadata[:, column] = combine(name, code_all(values))
    return Sheet(
        corpus=corpus,
        types=code_all(part["question_type"].astype(str)),
        units=code_all(part["unit"].astype(str)),
        question=corpus.add(part["question"]),
        option=corpus.add(o for row in options for o in row),
        start=np.concatenate([[0], np.cumsum([len(o) for o in options])]).astype(np.int64),
        metadata=metadata,
        rows=rows,
    )


def code_all(texts: object) -> np.ndarray:
    """Codes of an iterable of texts, uint64."""
    known: dict[str, int] = {}
    codes = []
    for text in texts:  # type: ignore[attr-defined]
        code = known.get(text)
        if code is None:
            code = known[text] = text_code(text)
        codes.append(code)
    return np.array(codes, dtype=np.uint64)
