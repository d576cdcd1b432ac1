"""Multiple choice: what training answers say of each option, statistic by statistic."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.encoding_keys import option_claims, option_keys
from tst.diagnostics.forest.features.surface_features import surface_features
from tst.diagnostics.forest.features.target_encoding import KeyedTotals
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Claims, QuestionArrays
from tst.diagnostics.forest.text.templates import MaskedQuestions, TemplateMiner
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
"""Training options or answers that a statistic must rest on."""
FEWEST_HITS = 2
"""Training answers that must speak for an option before a statistic is named for it."""
PRIOR = 1.0
ANY_TYPE = ("option.text", "length.rank", "position.all", "entities.first_any_type")
"""Statistics over all types; what is said is said of the question's own type."""
RANKED = {"overlap": "overlap.question_words", "similarity": "similarity.shared_share"}
"""Statistic -> surface feature by whose rank among the options it counts."""


class OptionStatistics:
    """Counts training answers by everything that options share.

    gold: index of the right option of each question, (n,); fold: which holds it out, (n,)
    """

    def __init__(
        self, questions: QuestionArrays, gold: np.ndarray, fold: np.ndarray, n_folds: int
    ) -> None:
        self.questions = questions
        self.right = questions.start[:-1] + gold
        self._correct = np.zeros(len(questions.option))
        self._correct[self.right] = 1.0
        self._fold, self._n_folds = fold[questions.owner], n_folds
        self._none = np.zeros((len(questions), 2), dtype=np.uint64)

    def find(self) -> list[Statistic]:
        """Every statistic, judged on every question."""
        questions = self.questions
        masked = TemplateMiner().fit(questions).transform(questions)
        every = np.ones(len(questions.option), dtype=bool)
        statistics = []
        for name, key in {**option_keys(questions, masked), **self._ranks(masked)}.items():
            if name not in ANY_TYPE:
                there, about = every, self._none
                if name in FILLERS:
                    filled, about = read_fillers(name, masked)
                    there = filled[questions.owner]
                elif name == "numbers.type_rank":
                    there = self._all_numbers()
                statistics.append(self._of_key(name, key, there, about))
        for name, claims in option_claims(questions, masked).items():
            statistics.append(self._of_claims(name, claims))
        words = mention_words(questions)
        statistics.append(self._of_option_words())
        statistics.append(self._of_mentions("entities.word", words))
        if len(questions) <= MOST_QUESTIONS:
            pairs = mention_pairs(words, questions.types)
            statistics.append(self._of_mentions("entities.words", pairs))
        return statistics

    def _ranks(self, masked: MaskedQuestions) -> dict[str, np.ndarray]:
        """Keys of the options' ranks by what they share with the question and with each other."""
        questions = self.questions
        surface = surface_features(questions, masked)
        count = questions.n_options[questions.owner]
        kind = questions.types[questions.owner]
        return {
            name: combine(kind, count, (questions.rank(surface[feature]) * 2).astype(np.uint64))
            for name, feature in RANKED.items()
        }

    def _all_numbers(self) -> np.ndarray:
        questions = self.questions
        value = questions.texts.measure(questions.option, "value")
        whole = questions.total(~np.isnan(value) * 1.0) == questions.n_options
        return whole[questions.owner]

    def _of_key(
        self, name: str, key: np.ndarray, there: np.ndarray, about: np.ndarray
    ) -> Statistic:
        counts = self._totals(key, np.arange(len(key)))
        hits, expected, count = np.where(there[:, None], counts, 0.0).T
        score = np.log((hits + PRIOR) / (expected + PRIOR)) * (count >= FEWEST)
        return self._statistic(name, score, hits, expected, count, about)

    def _totals(self, key: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Hits, hits by chance and options of a key among the training options of each row."""
        values = [self._correct[row], self.questions.baseline[row], np.ones(len(row))]
        totals = KeyedTotals(key, np.stack(values, axis=1), self._fold[row], self._n_folds)
        return totals.of_training()

    def _of_claims(self, name: str, claims: Claims) -> Statistic:
        right, row = self._correct[claims.row] > 0, claims.row
        values = np.stack([right & (claims.sign > 0), right & (claims.sign < 0)], axis=1)
        totals = KeyedTotals(claims.key, values.astype(float), self._fold[row], self._n_folds)
        plus, minus = totals.of_training().T
        odds = claims.sign * np.log((plus + PRIOR) / (minus + PRIOR))
        agree, against = np.where(claims.sign > 0, (plus, minus), (minus, plus))
        size = len(self._correct)
        score, hits, others = (
            np.bincount(row, weights=w, minlength=size) for w in (odds, agree, against)
        )
        count = hits + others
        return self._statistic(
            name, score * (count >= FEWEST), hits, np.full(size, np.nan), count, self._none
        )

    def _of_mentions(self, name: str, mentions: Mentions) -> Statistic:
        """By option text and what the question mentions; the strongest mention counts."""
        questions = self.questions
        size = questions.n_options[mentions.question]
        entry = np.repeat(np.arange(len(size)), size)
        place = np.arange(len(entry)) - np.repeat(np.cumsum(size) - size, size)
        row = questions.start[mentions.question[entry]] + place
        key = combine(
            questions.types[mentions.question[entry]],
            mentions.code[entry],
            questions.texts.whole[questions.option[row]],
        )
        return self._strongest(name, key, row, mentions.words[entry])

    def _of_option_words(self) -> Statistic:
        """By the words of the option itself; the word that speaks strongest counts."""
        questions = self.questions
        row, tokens = questions.texts.owned_tokens(questions.option)
        kind = questions.types[questions.owner[row]]
        words = np.stack([tokens, np.zeros_like(tokens)], axis=1)
        return self._strongest("option.word", combine(kind, tokens), row, words)

    def _strongest(
        self, name: str, key: np.ndarray, row: np.ndarray, said: np.ndarray
    ) -> Statistic:
        """Of several keys of an option the one that speaks strongest for it.

        row: the option of each key, (e,); said: the words that it is about, (e, 2)
        """
        counts = self._totals(key, row) if len(row) else np.zeros((0, 3))
        hits, expected, count = counts.T
        loud = hits * np.log((hits + PRIOR) / (expected + PRIOR)) * (count >= FEWEST)
        order = np.lexsort((-loud, row))
        best = order[np.unique(row[order], return_index=True)[1]]
        columns = []
        for values in (np.maximum(loud, 0.0), hits, expected, count):
            columns.append(np.zeros(len(self._correct)))
            columns[-1][row[best]] = values[best]
        words = np.zeros((len(self._correct), 2), dtype=np.uint64)
        words[row[best]] = said[best]
        score, hits, expected, count = columns
        return self._statistic(name, score, hits, expected, count, words[self.right])

    def _statistic(
        self,
        name: str,
        score: np.ndarray,
        hits: np.ndarray,
        expected: np.ndarray,
        count: np.ndarray,
        about: np.ndarray,
    ) -> Statistic:
        """From the score and counts of every option, (m,), to what is said of every question."""
        questions = self.questions
        largest = questions.largest(score)
        # of a claim the others disagree: fewer must than agree
        agree = ~np.isnan(expected) | (hits > count - hits)
        enough = (score > 0) & (hits >= FEWEST_HITS) & agree
        is_best = score >= largest[questions.owner] - 1e-12
        picks = (questions.total(is_best * 1.0) == 1) & (questions.total(is_best & enough) == 1)
        return Statistic(
            name=name,
            picks=picks,
            credit=(is_best[self.right] & picks).astype(float),
            favours=enough[self.right],
            hits=hits[self.right],
            expected=expected[self.right],
            count=count[self.right],
            answer=None,
            about=about,
        )
