"""Keys, claims and words as sparse 0/+-1 columns, for the conditional logit over single texts."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, hstack

from tst.diagnostics.forest.features.option_features import OptionText
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Claims


class Indicators:
    """One column per key that at least two training questions share; others have no column.

    names, column: the distinct names family.what, and which of them each column has, after fit
    """

    def fit(self, text: OptionText) -> csr_matrix:
        entries = _entries(text)
        self._known: dict[str, np.ndarray] = {}
        for name, claims in entries.items():
            self._known[name] = shared_keys(claims.key, text.questions.owner[claims.row])
        self.names = list(self._known)
        self.column = np.repeat(np.arange(len(self.names)), [*map(len, self._known.values())])
        return self._matrix(text, entries)

    def transform(self, text: OptionText) -> csr_matrix:
        return self._matrix(text, _entries(text))

    def _matrix(self, text: OptionText, entries: dict[str, Claims]) -> csr_matrix:
        blocks, size = [], len(text.questions.option)
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


def shared_keys(key: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The keys that entries of at least two owners have, sorted; key, owner: (r,)."""
    order = np.lexsort((owner, key))
    key, owner = key[order], owner[order]
    twice = (key[1:] == key[:-1]) & (owner[1:] != owner[:-1])
    return np.unique(key[1:][twice])


def _entries(text: OptionText) -> dict[str, Claims]:
    questions = text.questions
    rows, ones = np.arange(len(questions.option)), np.ones(len(questions.option))
    entries = {name: Claims(rows, key, ones) for name, key in text.keys.items()}
    entries.update(text.claims)
    tokens, starts = questions.texts.tokens(questions.option)
    row = np.repeat(rows, np.diff(starts))
    kind = questions.types[questions.owner[row]]
    entries["words.any"] = Claims(row, combine("w", tokens), np.ones(len(row)))
    entries["words.type"] = Claims(row, combine(kind, tokens), np.ones(len(row)))
    return entries
