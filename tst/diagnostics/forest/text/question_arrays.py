"""Question tables as arrays: what the featurisers read. A sheet cannot hold an answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from tst.diagnostics.forest.text.entities import Facts, Featuriser
from tst.diagnostics.forest.text.hashing import combine, text_code
from tst.diagnostics.forest.text.text_cache import Corpus


@dataclass
class Claims:
    """c signed claims over m option rows: row int64 (c,), key uint64 (c,), sign +-1 (c,)."""

    row: np.ndarray
    key: np.ndarray
    sign: np.ndarray


@dataclass
class Sheet:
    """n questions of one format with m options in all (none for num).

    types, units: uint64 codes (n,); units are for inner splits only
    question: text ids (n,); option: text ids (m,), question by question
    start: int64 (n + 1,), where each question's options begin
    metadata: uint64 codes (n, n_fields)
    rows: int64 (n,), positions in the frame the sheet was read from
    keys, option_keys: named codes from entity featurisers, (n,) and (m,), 0 where silent
    claims: named signed claims from entity featurisers
    context: (question, word) pairs from other questions of the scene, where asked for
    context_size: how many other questions the scene has, (n,), where asked for
    """

    corpus: Corpus
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
    context: tuple[np.ndarray, np.ndarray] | None = None
    context_size: np.ndarray | None = None

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

    def relative_all(self, values: np.ndarray) -> np.ndarray:
        """Every column less its question's mean, float32 (m, f)."""
        sums = np.add.reduceat(values, self.start[:-1], axis=0) if len(self) else values
        return values - (sums / self.n_options[:, None])[self.owner]

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


class SheetReader:
    """Reads question tables; keeps what single texts say, so that reading them again is cheap."""

    def __init__(self, featurisers: list[Featuriser]) -> None:
        self.corpus = Corpus()
        self._featurisers = featurisers
        self._facts: dict[tuple[str, ...], list[Facts]] = {}

    def read(self, frame: pd.DataFrame, rows: np.ndarray, fields: list[str]) -> Sheet:
        """Some rows (positions) of a question table; refuses a table that still holds answers.

        fields: the metadata to read, in this order
        """
        if "answer" in frame:
            raise ValueError(
                "the table given to SheetReader.read has an answer column; expected none: "
                "features are read from questions alone (drop it first)"
            )
        part = frame.iloc[rows]
        options = [list(o) if o is not None else [] for o in part["options"]]
        metadata = np.zeros((len(part), len(fields)), dtype=np.uint64)
        for column, name in enumerate(fields):
            values = [str(row.get(name, "")) for row in part["metadata"]]
            metadata[:, column] = combine(name, code_all(values))
        sheet = Sheet(
            corpus=self.corpus,
            types=code_all(part["question_type"].astype(str)),
            units=code_all(part["unit"].astype(str)),
            question=self.corpus.add(part["question"]),
            option=self.corpus.add(o for row in options for o in row),
            start=np.concatenate([[0], np.cumsum([len(o) for o in options])]).astype(np.int64),
            metadata=metadata,
            rows=rows,
        )
        if self._featurisers:
            texts = zip(part["question_type"], part["question"], options, strict=True)
            add_facts(sheet, [self._describe(*text) for text in texts])
        return sheet

    def _describe(self, question_type: str, question: str, options: list[str]) -> list[Facts]:
        key = (question_type, question, *options)
        known = self._facts.get(key)
        if known is None:
            said = (f.describe(question_type, question, options or None) for f in self._featurisers)
            known = self._facts[key] = [facts for facts in said if facts is not None]
        return known


def add_facts(sheet: Sheet, facts: list[list[Facts]]) -> None:
    """Turn the facts of every question into the sheet's named codes and claims."""
    claims: dict[str, list[tuple[int, str, int]]] = {}
    for row, said in enumerate(facts):
        for fact in said:
            first = int(sheet.start[row])
            for name, text in fact.keys.items():
                empty = np.zeros(len(sheet), dtype=np.uint64)
                sheet.keys.setdefault(name, empty)[row] = text_code(text)
            for name, texts in fact.option_keys.items():
                empty = np.zeros(len(sheet.option), dtype=np.uint64)
                sheet.option_keys.setdefault(name, empty)[first : first + len(texts)] = [
                    text_code(text) for text in texts
                ]
            for name, per_option in fact.claims.items():
                claims.setdefault(name, []).extend(
                    (first + place, text, sign)
                    for place, said_of_option in enumerate(per_option)
                    for text, sign in said_of_option
                )
    for name, entries in claims.items():
        if entries:
            codes = combine(name, code_all(text for _, text, _ in entries))
            rows = np.array([row for row, _, _ in entries])
            sheet.claims[name] = Claims(rows, codes, np.array([float(s) for _, _, s in entries]))


def take(sheet: Sheet, questions: np.ndarray) -> tuple[Sheet, np.ndarray]:
    """Some questions of a sheet, and which of its option rows are theirs."""
    wanted = np.zeros(len(sheet), dtype=bool)
    wanted[questions] = True
    rows = np.flatnonzero(wanted[sheet.owner])
    place = np.full(len(sheet.option), -1)
    place[rows] = np.arange(len(rows))
    claims = {}
    for name, said in sheet.claims.items():
        kept = place[said.row] >= 0
        claims[name] = Claims(place[said.row[kept]], said.key[kept], said.sign[kept])
    part = Sheet(
        corpus=sheet.corpus,
        types=sheet.types[wanted],
        units=sheet.units[wanted],
        question=sheet.question[wanted],
        option=sheet.option[rows],
        start=np.concatenate([[0], np.cumsum(sheet.n_options[wanted])]),
        metadata=sheet.metadata[wanted],
        rows=sheet.rows[wanted],
        keys={name: key[wanted] for name, key in sheet.keys.items()},
        option_keys={name: key[rows] for name, key in sheet.option_keys.items()},
        claims=claims,
    )
    return part, rows


def code_all(texts: Iterable[str]) -> np.ndarray:
    """Codes of texts, uint64."""
    known: dict[str, int] = {}
    codes = []
    for text in texts:
        code = known.get(text)
        if code is None:
            code = known[text] = text_code(text)
        codes.append(code)
    return np.array(codes, dtype=np.uint64)
