"""Open questions: candidate answers, scored by the stack as the options of a choice are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tst.diagnostics.forest.features.option_features import OptionText
from tst.diagnostics.forest.features.target_encoding import inner_folds
from tst.diagnostics.forest.models.candidate_answers import CandidateAnswers
from tst.diagnostics.forest.models.choice_model import ChoiceModel
from tst.diagnostics.forest.models.option_inputs import OptionInputs
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.forest.text.question_arrays import QuestionArrays, Siblings
from tst.diagnostics.forest.text.question_reader import QuestionReader

OPTIONS_PER_CHOICE = 4
"""An open question has about this many times the options of a choice; fewer are fitted on."""


class OpenModel:
    """A language prior: which training answer fits an open question, without seeing the picture."""

    def __init__(
        self, settings: ForestSettings, reader: QuestionReader, fields: list[str], n_jobs: int
    ) -> None:
        fewer = max(1, settings.max_rows // OPTIONS_PER_CHOICE)
        self.choices = ChoiceModel(replace(settings, max_rows=fewer), n_jobs)
        self._n_folds = settings.inner_folds
        self._reader, self._fields = reader, fields
        self._answers = CandidateAnswers()

    def fit(
        self,
        frame: pd.DataFrame,
        questions: QuestionArrays,
        accepted: list[list[str]],
        seed: int,
    ) -> OpenModel:
        """frame: the training table without answers, of which ``questions`` are some rows.

        accepted: the accepted answers of these, as often as they were given
        """
        fold = inner_folds(questions.units, self._n_folds, seed)
        candidates, gold = self._answers.fit(questions, accepted, fold, self._n_folds)
        listed = np.flatnonzero(gold >= 0)
        self._trained = None
        if len(listed):
            texts = [candidates.texts[place] for place in listed]
            siblings = questions.siblings
            if siblings is not None:
                siblings = siblings.take(gold >= 0)
            self._trained = self._as_choices(frame, questions.rows[listed], texts, siblings)
            self.choices.fit(self._trained, gold[listed], seed, fold[listed])
        return self

    def read(
        self, frame: pd.DataFrame, questions: QuestionArrays
    ) -> tuple[list[list[str]], np.ndarray, OptionText | None, OptionInputs | None]:
        """Candidates of held-out questions, how likely each is unlisted, and the stack's inputs.

        The inputs are None where no training question has its answer among its candidates.
        """
        found = self._answers.transform(questions)
        if self._trained is None:
            return found.texts, found.unlisted, None, None
        asked = self._as_choices(
            frame, questions.rows, found.texts, questions.siblings, self._trained
        )
        return found.texts, found.unlisted, *self.choices.read(asked)

    def _as_choices(
        self,
        frame: pd.DataFrame,
        rows: np.ndarray,
        texts: list[list[str]],
        siblings: Siblings | None,
        trained: QuestionArrays | None = None,
    ) -> QuestionArrays:
        part = frame.iloc[rows].assign(
            options=pd.Series(texts, dtype=object, index=frame.index[rows])
        )
        arrays = self._reader.read(part, np.arange(len(part)), self._fields, trained)
        return replace(arrays, rows=rows, siblings=siblings)
