"""The text of the other questions of the same group, for ``features.context=siblings``.

A test set gives something away as a set: the other questions about a video or a picture name what
is in it. Texts of questions and options are read, of training and held-out questions; never an
answer. A benchmark may also name columns that say from which part of the set a question is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tst.core.errors import UserError
from tst.core.questions import CONTEXT, GROUP_PREFIX, declared_groups
from tst.diagnostics.forest.text.hashing import code_all, combine, distinct
from tst.diagnostics.forest.text.question_arrays import Entries, Siblings
from tst.diagnostics.forest.text.text_cache import TextCache


@dataclass
class _Counts:
    """How often a code stands in a group: sorted by group; cells are ``combine(group, code)``."""

    groups: np.ndarray
    codes: np.ndarray
    cells: np.ndarray
    times: np.ndarray


class GroupTexts:
    """What the questions of each group say, over a training and a held-out part together.

    Groups are those of the first declared grouping. Raises UserError where there is none.
    """

    def __init__(self, parts: list[pd.DataFrame], texts: TextCache) -> None:
        declared = declared_groups(parts[0])
        if not declared:
            raise UserError(
                "features.context=siblings: the benchmark declares no groups; expected a group "
                "column (benchmark.columns.groups={video: COLUMN}), or use features.context=none."
            )
        self._group = GROUP_PREFIX + declared[0]
        self._texts = texts
        rows = parts[0].get(CONTEXT, ())
        self._columns = sorted({name for row in rows for name in row})
        whole = pd.concat(parts, ignore_index=True)
        groups = self._groups_of(whole)
        self._known, self._sizes = np.unique(groups, return_counts=True)
        row, words = _words(whole, texts)
        self._words = _count(groups[row], words)
        row, options = _options(whole, texts)
        self._options = _count(groups[row], options)
        in_groups = np.unique(self._words.codes, return_counts=True)
        self._word_codes, frequency = in_groups
        self._weights = np.log((len(self._known) + 1.0) / frequency)

    def of(self, frame: pd.DataFrame, rows: np.ndarray) -> Siblings:
        """What the siblings of some questions (positions) of a part say."""
        part = frame.iloc[rows]
        groups = self._groups_of(part)
        words = _others(groups, self._words, *_words(part, self._texts))
        options = _others(groups, self._options, *_options(part, self._texts))
        size = self._sizes[np.searchsorted(self._known, groups)] - 1
        of_set = np.zeros((len(part), len(self._columns)), dtype=np.uint64)
        for place, name in enumerate(self._columns):
            values = [str(row.get(name, "")) for row in part[CONTEXT]]
            of_set[:, place] = combine(name, code_all(values))
        return Siblings(size, words, options, self._word_codes, self._weights, of_set)

    def _groups_of(self, frame: pd.DataFrame) -> np.ndarray:
        return code_all(frame[self._group].astype(str))


def _count(groups: np.ndarray, codes: np.ndarray) -> _Counts:
    cells, first, times = np.unique(combine(groups, codes), return_index=True, return_counts=True)
    order = np.argsort(groups[first], kind="stable")
    return _Counts(groups[first][order], codes[first][order], cells, times)


def _others(
    groups: np.ndarray, counts: _Counts, own_row: np.ndarray, own_code: np.ndarray
) -> Entries:
    """Codes that other questions of each question's group have; the question's own count once."""
    begin = np.searchsorted(counts.groups, groups)
    length = np.searchsorted(counts.groups, groups, side="right") - begin
    owner = np.repeat(np.arange(len(groups)), length)
    source = np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length) + begin[owner]
    code = counts.codes[source]
    times = counts.times[np.searchsorted(counts.cells, combine(groups[owner], code))]
    own = np.isin(combine(owner, code), combine(own_row, own_code))
    kept = times - own > 0
    return Entries(owner[kept], code[kept], (times - own)[kept])


def _words(frame: pd.DataFrame, texts: TextCache) -> tuple[np.ndarray, np.ndarray]:
    """(row, word) of every distinct word of every question and its options."""
    lists = [
        [question, *(options if options is not None else [])]
        for question, options in zip(frame["question"], frame["options"], strict=True)
    ]
    ids = texts.add(text for row in lists for text in row)
    text_row = np.repeat(np.arange(len(frame)), [len(row) for row in lists])
    tokens, starts = texts.tokens(ids)
    return distinct(np.repeat(text_row, np.diff(starts)), tokens)


def _options(frame: pd.DataFrame, texts: TextCache) -> tuple[np.ndarray, np.ndarray]:
    """(row, option) of every distinct option text of every question."""
    lists = [list(options) if options is not None else [] for options in frame["options"]]
    ids = texts.add(text for row in lists for text in row)
    row = np.repeat(np.arange(len(frame)), [len(row) for row in lists])
    return distinct(row, texts.whole[ids])
