"""Keys, claims and words as sparse 0/+-1 columns, for the conditional logit over single texts."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, hstack

from tst.diagnostics.forest.hashing import combine
from tst.diagnostics.forest.keys import Claims, option_claims, option_keys
from tst.diagnostics.forest.sheet import Sheet
from tst.diagnostics.forest.slots import TemplateMiner


class Indicators:
    """One column a key that at least two training rows share; unknown keys have no column."""

    def __init__(self, miner: TemplateMiner) -> None:
        self._miner = miner

    def fit(self, sheet: Sheet) -> csr_matrix:
        entries = self._entries(sheet)
        self._known = {}
        for name, claims in entries.items():
            keys, counts = np.unique(claims.key, return_counts=True)
            self._known[name] = keys[counts >= 2]
        return self._matrix(sheet, entries)

    def transform(self, sheet: Sheet) -> csr_matrix:
        return self._matrix(sheet, self._entries(sheet))

    def _entries(self, sheet: Sheet) -> dict[str, Claims]:
        slots = self._miner.transform(sheet)
        rows, ones = np.arange(len(sheet.option)), np.ones(len(sheet.option))
        entries = {name: Claims(rows, key, ones) for name, key in option_keys(sheet, slots).items()}
        entries.update(option_claims(sheet, slots))
        tokens, starts = sheet.corpus.tokens(sheet.option)
        row = np.repeat(rows, np.diff(starts))
        kind = sheet.types[sheet.owner[row]]
        entries["words.any"] = Claims(row, combine("w", tokens), np.ones(len(row)))
        entries["words.type"] = Claims(row, combine(kind, tokens), np.ones(len(row)))
        return entries

    def _matrix(self, sheet: Sheet, entries: dict[str, Claims]) -> csr_matrix:
        blocks, size = [], len(sheet.option)
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
