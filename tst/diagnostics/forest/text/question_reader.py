"""Question tables are read into arrays, without their answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tst.diagnostics.forest.text.entities import Facts, Featuriser
from tst.diagnostics.forest.text.hashing import code_all, combine, text_code
from tst.diagnostics.forest.text.question_arrays import Claims, QuestionArrays
from tst.diagnostics.forest.text.text_cache import TextCache


class QuestionReader:
    """Reads question tables; keeps what single texts say, so that reading them again is cheap."""

    def __init__(self, featurisers: list[Featuriser]) -> None:
        self.texts = TextCache()
        self._featurisers = featurisers
        self._facts: dict[tuple[str, ...], list[Facts]] = {}

    def read(
        self,
        frame: pd.DataFrame,
        rows: np.ndarray,
        fields: list[str],
        trained: QuestionArrays | None = None,
    ) -> QuestionArrays:
        """Some rows (positions) of a question table; refuses a table that still holds answers.

        fields: the metadata to read, in this order
        trained: the training questions, for held-out ones: a key of theirs that no question here
            has is present all the same, with the code 0 of a question that does not have it
        """
        if "answer" in frame:
            raise ValueError(
                "the table given to QuestionReader.read has an answer column; expected none: "
                "features are read from questions alone (drop it first)"
            )
        part = frame.iloc[rows]
        options = [list(o) if o is not None else [] for o in part["options"]]
        metadata = np.zeros((len(part), len(fields)), dtype=np.uint64)
        for column, name in enumerate(fields):
            values = [str(row.get(name, "")) for row in part["metadata"]]
            metadata[:, column] = combine(name, code_all(values))
        questions = QuestionArrays(
            texts=self.texts,
            types=code_all(part["question_type"].astype(str)),
            units=code_all(part["unit"].astype(str)),
            question=self.texts.add(part["question"]),
            option=self.texts.add(o for row in options for o in row),
            start=np.concatenate([[0], np.cumsum([len(o) for o in options])]).astype(np.int64),
            metadata=metadata,
            rows=rows,
        )
        if self._featurisers:
            texts = zip(part["question_type"], part["question"], options, strict=True)
            add_facts(questions, [self._describe(*text) for text in texts])
        if trained is not None:
            _add_absent_keys(questions, trained)
        return questions

    def _describe(self, question_type: str, question: str, options: list[str]) -> list[Facts]:
        key = (question_type, question, *options)
        known = self._facts.get(key)
        if known is None:
            found = (
                f.describe(question_type, question, options or None) for f in self._featurisers
            )
            known = self._facts[key] = [facts for facts in found if facts is not None]
        return known


def add_facts(questions: QuestionArrays, facts: list[list[Facts]]) -> None:
    """Turn the facts of every question into the questions' named codes and claims."""
    claims: dict[str, list[tuple[int, str, int]]] = {}
    for row, found in enumerate(facts):
        for fact in found:
            first = int(questions.start[row])
            for name, text in fact.keys.items():
                empty = np.zeros(len(questions), dtype=np.uint64)
                questions.keys.setdefault(name, empty)[row] = text_code(text)
            for name, texts in fact.option_keys.items():
                empty = np.zeros(len(questions.option), dtype=np.uint64)
                questions.option_keys.setdefault(name, empty)[first : first + len(texts)] = [
                    text_code(text) for text in texts
                ]
            for name, per_option in fact.claims.items():
                claims.setdefault(name, []).extend(
                    (first + place, text, sign)
                    for place, claims_of_option in enumerate(per_option)
                    for text, sign in claims_of_option
                )
    for name, entries in claims.items():
        if entries:
            codes = combine(name, code_all(text for _, text, _ in entries))
            rows = np.array([row for row, _, _ in entries])
            questions.claims[name] = Claims(
                rows, codes, np.array([float(s) for _, _, s in entries])
            )


def _add_absent_keys(questions: QuestionArrays, trained: QuestionArrays) -> None:
    """Give every question the code 0 for keys of ``trained`` that none of them has.

    Without these, the encoding of a question would depend on which others are held out.
    """
    for name in trained.keys:
        questions.keys.setdefault(name, np.zeros(len(questions), dtype=np.uint64))
    for name in trained.option_keys:
        questions.option_keys.setdefault(name, np.zeros(len(questions.option), dtype=np.uint64))
