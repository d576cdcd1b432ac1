"""Keys, claims and words as sparse 0/+-1 columns, for the conditional logit over single texts."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, hstack

from tst.diagnostics.forest.features.text_features import Reading
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Claims


class Indicators:
    """One column a key that at least two training rows share; unknown keys have no column.

    families: the family of every column, after fit
    """

    def fit(self, reading: Reading) -> csr_matrix:
        entries = _entries(reading)
        self._known: dict[str, np.ndarray] = {}
        for name, claims in entries.items():
            keys, counts = np.unique(claims.key, return_counts=True)
            self._known[name] = keys[counts >= 2]
        self.families = np.repeat(
            [name.split(".")[0] for name in self._known], [len(k) for k in self._known.values()]
        )
        return self._matrix(reading, entries)

    def transform(self, reading: Reading) -> csr_matrix:
        return self._matrix(reading, _entries(reading))

    def _matrix(self, reading: Reading, entries: dict[str, Claims]) -> csr_matrix:
        blocks, size = [], len(reading.sheet.option)
        for name, known in self._known.items():
            claims = entries.get(name)
            if claims is None or not len(known):
                blocks.append(csr_matrix((size, len(known))))
                continue
            place = np.minimum(np.searchsorted(known, claims.key), len(known) - 1)
            there = known[place] == claims.key
            cells = (claims.row[there], place[there])
            blocks.append(csr_matrix((claims.sign[there], cells), shape=(size, len(known))))
        return hstack(blocks, format="csr")


def _entries(reading: Reading) -> dict[str, Claims]:
    sheet = reading.sheet
    rows, ones = np.arange(len(sheet.option)), np.ones(len(sheet.option))
    entries = {name: Claims(rows, key, ones) for name, key in reading.keys.items()}
    entries.update(reading.claims)
    tokens, starts = sheet.corpus.tokens(sheet.option)
    row = np.repeat(rows, np.diff(starts))
    kind = sheet.types[sheet.owner[row]]
    entries["words.any"] = Claims(row, combine("w", tokens), np.ones(len(row)))
    entries["words.type"] = Claims(row, combine(kind, tokens), np.ones(len(row)))
    return entries
