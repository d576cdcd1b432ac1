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
from tst.diagnostics.forest.text.hashing import combine, distinct
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

CHARACTERS = (3, 5)


class TextPieces:
    """One column per piece of at least two training questions; unknown pieces have no column.

    names, column: the distinct names family.what, and which of them each column has, after fit
    """

    def fit(self, questions: QuestionArrays) -> csr_matrix:
        """Learn the pieces of training options; their columns, (m, f)."""
        self._crosses = WordCrosses().fit(questions)
        entries = self._entries(questions)
        self._known = {}
        for name, (row, key) in entries.items():
            self._known[name] = shared_keys(key, questions.owner[row])
        self.names = list(self._known)
        self.column = np.repeat(np.arange(len(self.names)), [*map(len, self._known.values())])
        return self._matrix(questions, entries)

    def transform(self, questions: QuestionArrays) -> csr_matrix:
        """Columns of held-out options, (m, f)."""
        return self._matrix(questions, self._entries(questions))

    def _entries(self, questions: QuestionArrays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """(option, key) of every distinct piece of every option, by family.what."""
        return {**_pieces(questions), "crosses.words": self._crosses.entries(questions)}

    def _matrix(
        self, questions: QuestionArrays, entries: dict[str, tuple[np.ndarray, np.ndarray]]
    ) -> csr_matrix:
        size = len(questions.option)
        blocks = []
        for name, known in self._known.items():
            row, key = entries[name]
            place = np.minimum(np.searchsorted(known, key), max(len(known) - 1, 0))
            there = known[place] == key if len(known) else np.zeros(len(key), dtype=bool)
            row, place = row[there], place[there]
            length = np.sqrt(np.bincount(row, minlength=size))
            values = 1.0 / length[row]
            blocks.append(csr_matrix((values, (row, place)), shape=(size, len(known))))
        return hstack(blocks, format="csr")


def _pieces(questions: QuestionArrays) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(option, key) of every distinct part of every option's text, by family.what."""
    texts = questions.texts
    tokens, starts = texts.tokens(questions.option)
    row = np.repeat(np.arange(len(questions.option)), np.diff(starts))
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
