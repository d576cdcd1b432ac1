"""Every word of an option with every word of its question, as keys.

Long questions with long options have far too many: a passage of 1,000 words and four options of 30
make 120,000. A cross counts where two training questions have it, so only words that two of them
have are crossed; where these still make more than ``CELLS``, the question words that make most of
them, which are the most frequent ones, are left out.
"""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.text.hashing import combine, distinct
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

CELLS = 20_000_000
"""Most crosses of a training part: about 2 GB while they are counted."""


class WordCrosses:
    """Which words are crossed, from training questions; texts alone are read."""

    def fit(self, questions: QuestionArrays) -> WordCrosses:
        asker, asked = question_words(questions)
        option, offered = option_words(questions)
        self._offered = _of_two(questions.owner[option], offered)
        self._asked = _of_two(asker, asked)
        known = np.isin(offered, self._offered)
        weight = np.bincount(questions.owner[option[known]], minlength=len(questions))
        there = np.isin(asked, self._asked)
        place = np.searchsorted(self._asked, asked[there])
        crosses = np.bincount(place, weights=weight[asker[there]], minlength=len(self._asked))
        few_first = np.argsort(crosses, kind="stable")
        kept = few_first[np.cumsum(crosses[few_first]) <= CELLS]
        self._asked = self._asked[np.sort(kept)]
        return self

    def entries(self, questions: QuestionArrays) -> tuple[np.ndarray, np.ndarray]:
        """(option, key) of every cross of known words, each once."""
        asker, asked = question_words(questions)
        there = np.isin(asked, self._asked)
        asker, asked = asker[there], asked[there]
        option, offered = option_words(questions)
        there = np.isin(offered, self._offered)
        option, offered = option[there], offered[there]
        owner = questions.owner[option]
        begin = np.searchsorted(asker, owner)
        length = np.searchsorted(asker, owner, side="right") - begin
        at = np.repeat(np.arange(len(option)), length)
        skipped = np.repeat(begin - (np.cumsum(length) - length), length)
        return option[at], combine("cross", offered[at], asked[np.arange(len(at)) + skipped])


def question_words(questions: QuestionArrays) -> tuple[np.ndarray, np.ndarray]:
    """(question, word) of every distinct word of every question, sorted."""
    return _distinct_words(questions, questions.question)


def option_words(questions: QuestionArrays) -> tuple[np.ndarray, np.ndarray]:
    """(option, word) of every distinct word of every option, sorted."""
    return _distinct_words(questions, questions.option)


def _distinct_words(questions: QuestionArrays, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return distinct(*questions.texts.owned_tokens(ids))


def _of_two(owner: np.ndarray, word: np.ndarray) -> np.ndarray:
    """The words that entries of at least two owners have, sorted."""
    owner, word = distinct(owner, word)
    words, times = np.unique(word, return_counts=True)
    return words[times > 1]
