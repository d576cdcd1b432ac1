"""Keys, claims and words as sparse 0/+-1 columns, for the conditional logit over single texts."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, hstack

from tst.diagnostics.forest.features.option_features import NO_CLAIMS, OptionText
from tst.diagnostics.forest.text.hashing import combine, find_places
from tst.diagnostics.forest.text.question_arrays import Claims


class Indicators:
    """One column per key that at least two training questions share; others have no column.

    names, column: the distinct names family.what, and which of them each column has, after fit
    """

    def fit(self, text: OptionText) -> csr_matrix:
        blocks, size = [], len(text.questions.option)
        self._known: dict[str, np.ndarray] = {}
        for name, claims in _entries(text).items():
            known, place = shared_keys(claims.key, text.questions.owner[claims.row])
            self._known[name] = known
            blocks.append(_matrix(claims, place, (size, len(known))))
        self.names = list(self._known)
        self.column = np.repeat(np.arange(len(self.names)), [*map(len, self._known.values())])
        return hstack(blocks, format="csr")

    def transform(self, text: OptionText) -> csr_matrix:
        blocks, size, entries = [], len(text.questions.option), _entries(text)
        for name, known in self._known.items():
            claims = entries.get(name, NO_CLAIMS)
            place = find_places(known, claims.key)
            blocks.append(_matrix(claims, place, (size, len(known))))
        return hstack(blocks, format="csr")


def shared_keys(key: np.ndarray, owner: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The keys that entries of at least two owners have, sorted, and the place of each entry's
    among them, -1 for none; key, owner: (r,).
    """
    order = np.lexsort((owner, key))
    ordered, owner = key[order], owner[order]
    fresh = np.ones(len(key), dtype=bool)
    fresh[1:] = ordered[1:] != ordered[:-1]
    run = np.cumsum(fresh, dtype=np.int32) - 1  # int32: crosses of long texts make millions
    shared = np.zeros(int(fresh.sum()), dtype=bool)
    shared[run[1:][~fresh[1:] & (owner[1:] != owner[:-1])]] = True
    place = np.empty(len(key), dtype=np.int32)
    place[order] = np.where(shared, np.cumsum(shared, dtype=np.int32) - 1, np.int32(-1))[run]
    return ordered[fresh][shared], place


def _matrix(claims: Claims, place: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    there = place >= 0
    return csr_matrix((claims.sign[there], (claims.row[there], place[there])), shape=shape)


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
