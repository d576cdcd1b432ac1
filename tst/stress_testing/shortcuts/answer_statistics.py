"""Numbers and texts: the typical training answer, statistic by statistic."""

from __future__ import annotations

import numpy as np

from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.features.number_features import question_keys
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.templates import TemplateMiner
from tst.stress_testing.shortcuts.statistics import Statistic
from tst.stress_testing.shortcuts.words import (
    FILLERS,
    MOST_QUESTIONS,
    Mentions,
    mention_pairs,
    mention_words,
    read_fillers,
)

FEWEST = 2
"""Training answers that a typical one must be of."""
DOUBT = 2.0
"""Training answers by which the best of several typical answers is doubted."""


class AnswerStatistics:
    """The typical answer of training questions that share something, for num or open questions.

    answers: numbers, or lists of accepted texts, (n,); fold: which holds a question out, (n,)
    """

    def __init__(
        self,
        questions: QuestionArrays,
        answers: np.ndarray,
        fold: np.ndarray,
        rules: ScoringRules,
        are_numbers: bool,
    ) -> None:
        self.questions, self.rules, self.are_numbers = questions, rules, are_numbers
        self._answers, self._fold = answers, fold
        if are_numbers:
            self._values = answers.astype(float)
        else:
            firsts = [accepted[0] for accepted in answers]
            self._texts, self._values = np.unique(firsts, return_inverse=True)

    def find(self) -> list[Statistic]:
        """Every statistic, judged on every question."""
        questions = self.questions
        every, nothing = np.arange(len(questions)), np.zeros((len(questions), 2), dtype=np.uint64)
        statistics = [self._of_mentions("constant", Mentions(every, questions.types, nothing))]
        masked = TemplateMiner().fit(questions).transform(questions)
        for name, key in question_keys(questions, masked).items():
            there, about = every, nothing
            if name in FILLERS:
                filled, about = read_fillers(name, masked)
                there = np.flatnonzero(filled)
            statistics.append(self._of_mentions(name, Mentions(there, key[there], about[there])))
        words = mention_words(questions)
        statistics.append(self._of_mentions("entities.word", words))
        if len(questions) <= MOST_QUESTIONS:
            statistics.append(
                self._of_mentions("entities.words", mention_pairs(words, questions.types))
            )
        return statistics

    def _of_mentions(self, name: str, mentions: Mentions) -> Statistic:
        """The typical answer for what each question mentions; of several the most consistent."""
        n = len(self.questions)
        row = mentions.question
        key = combine(self.questions.types[row], mentions.code)
        typical = np.full(len(row), np.nan)
        right, count = np.zeros(len(row)), np.zeros(len(row))
        for fold in np.unique(self._fold[row]):
            held = self._fold[row] == fold
            found = self._typical(key[~held], row[~held], key[held])
            typical[held], right[held], count[held] = found
        share = np.where(count >= FEWEST, right / (count + DOUBT), -1.0)
        order = np.lexsort((-share, row))
        best = order[np.unique(row[order], return_index=True)[1]]
        best = best[share[best] >= 0]
        full = np.zeros((2, n))
        full[:, row[best]] = right[best], count[best]
        picked = np.full(n, np.nan)
        picked[row[best]] = typical[best]
        about = np.zeros((n, 2), dtype=np.uint64)
        about[row[best]] = mentions.words[best]
        picks = ~np.isnan(picked)
        credit = np.zeros(n)
        credit[picks] = self._score(picked[picks], np.flatnonzero(picks))
        return Statistic(
            name=name,
            picks=picks,
            credit=credit,
            favours=credit > 0,
            hits=full[0],
            expected=np.full(n, np.nan),
            count=full[1],
            answer=self._as_texts(picked),
            about=about,
        )

    def _typical(
        self, key: np.ndarray, row: np.ndarray, wanted: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of training rows with each wanted key: typical answer, its score on them, their number.

        The median of numbers (of two middle ones the smaller), the most frequent of texts.
        """
        nothing = np.zeros(len(wanted))
        if not len(key):
            return nothing * np.nan, nothing, nothing
        values = self._values[row]
        order = np.lexsort((values, key))
        known, start, sizes = np.unique(key[order], return_index=True, return_counts=True)
        group = np.repeat(np.arange(len(known)), sizes)
        if self.are_numbers:
            middle = values[order][start + (sizes - 1) // 2]
        else:
            cell = combine(group, values[order].astype(np.uint64))
            _, which, times = np.unique(cell, return_inverse=True, return_counts=True)
            frequent = np.lexsort((-times[which], group))
            first = frequent[np.unique(group[frequent], return_index=True)[1]]
            middle = values[order][first]
        scores = self._score(middle[group], row[order])
        right = np.bincount(group, weights=scores, minlength=len(known))
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        there = known[place] == wanted
        return (
            np.where(there, middle[place], np.nan),
            np.where(there, right[place], 0.0),
            np.where(there, sizes[place], 0.0),
        )

    def _score(self, given: np.ndarray, row: np.ndarray) -> np.ndarray:
        """The scores of answers, as ``_values`` has them, to some questions."""
        if self.are_numbers:
            return self.rules.score_numbers(given, self._values[row])
        texts = self._texts[given.astype(int)]
        pairs = zip(texts, self._answers[row], strict=True)
        return np.array([self.rules.score_text(str(text), right) for text, right in pairs])

    def _as_texts(self, picked: np.ndarray) -> np.ndarray:
        texts = np.full(len(picked), None, dtype=object)
        for row in np.flatnonzero(~np.isnan(picked)):
            value = picked[row]
            texts[row] = f"{value:.6g}" if self.are_numbers else str(self._texts[int(value)])
        return texts
