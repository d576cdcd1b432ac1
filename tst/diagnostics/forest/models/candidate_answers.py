"""Candidate answers of open questions, so that they can be scored as options are.

Candidates are the most frequent training answers of the question's type and the answers of the
training questions that share most words with it, most frequent first. A training question's
candidates come from other inner folds than its own, as a held-out question's come from others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from tst.core.metrics import answer_key
from tst.diagnostics.forest.features.nearest_answers import (
    MAX_FREQUENCY,
    WordVectors,
    nearest_questions,
)
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

FREQUENT = 10
"""Answers of the type."""
SIMILAR = 6
"""Further answers, of similar questions."""
SHRINKAGE = 2.0
"""Questions of all types that count towards a type's share of unlisted answers."""


@dataclass
class Candidates:
    """texts: of each of n questions; unlisted: how likely the answer is none of them, (n,)."""

    texts: list[list[str]]
    unlisted: np.ndarray


class CandidateAnswers:
    """The answers of the training part, by type and by similar question."""

    def fit(
        self,
        questions: QuestionArrays,
        accepted: list[list[str]],
        fold: np.ndarray,
        n_folds: int,
    ) -> tuple[Candidates, np.ndarray]:
        """Learn from training questions.

        accepted: the accepted answers of each, as often as they were given
        fold: inner fold of each, (n,)
        Returns the candidates of these questions and which one is right, (n,), -1 for none.
        """
        keys = [[answer_key(text) for text in texts] for texts in accepted]
        most = [_most_frequent(of_question) for of_question in keys]
        spelling: dict[str, Counter[str]] = {}
        for of_question, texts in zip(keys, accepted, strict=True):
            for key, text in zip(of_question, texts, strict=True):
                spelling.setdefault(key, Counter())[text] += 1
        self._known = sorted(set(most))
        self._texts = [_most_frequent(list(spelling[key].elements())) for key in self._known]
        place = {key: i for i, key in enumerate(self._known)}
        self._answer = np.array([place[key] for key in most], dtype=np.int64)
        self._types, self._fold = questions.types, fold
        self._words = WordVectors(questions.texts, questions.question, MAX_FREQUENCY)
        self._asked = self._words.vectors(questions.texts, questions.question)
        near = nearest_questions(self._asked, self._asked, fold)
        found = np.empty(len(questions), dtype=object)
        for own in range(n_folds):
            rows = np.flatnonzero(fold == own)
            if len(rows):
                chosen = self._choose(questions.types[rows], near[rows], fold != own)
                found[rows] = [*chosen, None][:-1]
        gold = np.array(
            [
                next((i for i, a in enumerate(of_question) if self._known[a] in set(right)), -1)
                for of_question, right in zip(found, keys, strict=True)
            ],
            dtype=np.int64,
        )
        self._count_unlisted(gold < 0)
        return self._named(found.tolist(), questions.types), gold

    def transform(self, questions: QuestionArrays) -> Candidates:
        """The candidates of held-out questions."""
        asked = self._words.vectors(questions.texts, questions.question)
        near = nearest_questions(asked, self._asked, None)
        everything = np.ones(len(self._fold), dtype=bool)
        chosen = self._choose(questions.types, near, everything)
        return self._named(chosen, questions.types)

    def _choose(self, types: np.ndarray, near: csr_matrix, usable: np.ndarray) -> list[list[int]]:
        """Candidates (places among the known answers) of some questions."""
        size = len(self._known)
        overall = np.bincount(self._answer[usable], minlength=size)
        frequent: dict[int, list[int]] = {}
        chosen = []
        for row, kind in enumerate(types.tolist()):
            if kind not in frequent:
                counts = np.bincount(self._answer[usable & (self._types == kind)], minlength=size)
                counts = counts if counts.any() else overall
                order = np.argsort(-counts, kind="stable")[:FREQUENT]
                frequent[kind] = order[counts[order] > 0].tolist()
            own = list(frequent[kind])
            start, stop = near.indptr[row], near.indptr[row + 1]
            order = np.argsort(-near.data[start:stop], kind="stable")
            similar = self._answer[near.indices[start:stop][order]].tolist()
            more = [a for a in dict.fromkeys(similar) if a not in own]
            chosen.append([*own, *more[:SIMILAR]])
        return chosen

    def _named(self, chosen: list[list[int]], types: np.ndarray) -> Candidates:
        texts = [[self._texts[place] for place in places] for places in chosen]
        shares = [self._unlisted.get(kind, self._unlisted_overall) for kind in types.tolist()]
        return Candidates(texts, np.array(shares))

    def _count_unlisted(self, missing: np.ndarray) -> None:
        overall = (missing.sum() + 1.0) / (len(missing) + 2.0)
        self._unlisted_overall = float(overall)
        self._unlisted: dict[int, float] = {}
        for kind in np.unique(self._types):
            own = missing[self._types == kind]
            share = (own.sum() + SHRINKAGE * overall) / (len(own) + SHRINKAGE)
            self._unlisted[int(kind)] = float(share)


def _most_frequent(texts: list[str]) -> str:
    """The most frequent text; ties go to the first that was given."""
    return Counter(texts).most_common(1)[0][0]
