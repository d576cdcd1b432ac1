"""Pieces of option texts and question x option words as sparse columns, for a conditional logit.

Pieces are hashed words, pairs of neighbouring words and character n-grams of an option; crosses are
a word of the question with a word of the option. Every piece that at least two training questions
have gets a column. Rows have length 1 per block, so that long options weigh as much as short ones.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, hstack

from tst.diagnostics.forest.features.indicators import shared_keys
from tst.diagnostics.forest.features.word_crosses import WordCrosses
from tst.diagnostics.forest.text.hashing import combine, distinct, find_places
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

CHARACTERS = (3, 5)


class TextPieces:
    """One column per piece of at least two training questions; unknown pieces have no column.

    names, column: the distinct names family.what, and which of them each column has, after fit
    """

    def fit(self, questions: QuestionArrays) -> csr_matrix:
        """Learn the pieces of training options; their columns, (m, f)."""
        self._crosses = WordCrosses().fit(questions)
        blocks, size = [], len(questions.option)
        self._known = {}
        for name, (row, key) in self._entries(questions).items():
            known, place = shared_keys(key, questions.owner[row])
            self._known[name] = known
            blocks.append(_unit_matrix(row, place, (size, len(known))))
        self.names = list(self._known)
        self.column = np.repeat(np.arange(len(self.names)), [*map(len, self._known.values())])
        return hstack(blocks, format="csr")

    def transform(self, questions: QuestionArrays) -> csr_matrix:
        """Columns of held-out options, (m, f)."""
        blocks, size = [], len(questions.option)
        for name, (row, key) in self._entries(questions).items():
            known = self._known[name]
            blocks.append(_unit_matrix(row, find_places(known, key), (size, len(known))))
        return hstack(blocks, format="csr")

    def _entries(self, questions: QuestionArrays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """(option, key) of every distinct piece of every option, by family.what."""
        return {**_pieces(questions), "crosses.words": self._crosses.entries(questions)}


def _unit_matrix(row: np.ndarray, place: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    """Rows of length 1 from their columns; place: of each entry, -1 for none."""
    row, place = row[place >= 0], place[place >= 0]
    length = np.sqrt(np.bincount(row, minlength=shape[0]))
    return csr_matrix((1.0 / length[row], (row, place)), shape=shape)


def _pieces(questions: QuestionArrays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(option, key) of every distinct part of every option's text, by family.what."""
    texts = questions.texts
    row, tokens = texts.owned_tokens(questions.option)
    pair = np.flatnonzero(row[1:] == row[:-1])
    found = {
        "pieces.words": (row, combine("word", tokens)),
        "pieces.pairs": (row[pair], combine("pair", tokens[pair], tokens[pair + 1])),
    }
    for size in CHARACTERS:
        runs, counts = texts.character_runs(questions.option, size)
        run_row = np.repeat(np.arange(len(questions.option)), counts)
        found[f"pieces.characters_{size}"] = (run_row, runs)
    return {name: distinct(*entries) for name, entries in found.items()}
