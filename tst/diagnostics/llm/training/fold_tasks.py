"""What a fold's adapters learn from and are validated on, as token ids, priors and goals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from tst.core.errors import UserError
from tst.core.folds import fold_seed
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.llm.prompting.batches import ABSENT
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.diagnostics.llm.prompting.examples import NO_CHOICES, Example
from tst.diagnostics.llm.scoring.fold_reading import FoldReading, count_answers
from tst.diagnostics.llm.scoring.number_candidates import NumberCandidates
from tst.diagnostics.llm.scoring.number_texts import Texts
from tst.diagnostics.llm.settings import LoraSettings
from tst.diagnostics.llm.training.steps import FoldTask
from tst.diagnostics.llm.training.validation import ValidationTask, validation_rows


class FoldTasks:
    """Makes tasks of folds' training questions.

    questions: all questions of the table; encoded: their prompts
    rules: what a number that is chosen aims at
    yes_no: tokens whose logits score an option; None where options are letters
    """

    def __init__(
        self,
        questions: pd.DataFrame,
        encoded: EncodedQuestions,
        encoder: Encoder,
        settings: LoraSettings,
        rules: ScoringRules,
        yes_no: tuple[int, int] | None,
    ) -> None:
        self.encoded, self.encoder, self.settings = encoded, encoder, settings
        self.rules, self.yes_no = rules, yes_no
        self.letters = yes_no is None
        self.types: pd.Series = questions["question_type"].astype(str)
        self._any_number = questions[questions["format"] == "num"].head(1)

    def of_fold(self, train: pd.DataFrame, seed: int, order_seed: int) -> list[FoldTask]:
        """What each of a fold's adapters trains on, as token ids, and holds back for validation."""
        count = self.settings.adapters_per_fold
        return [self._task(train, seed, order_seed, part) for part in range(count)]

    def _task(self, train: pd.DataFrame, seed: int, order_seed: int, part: int) -> FoldTask:
        if train.empty:
            raise UserError(
                "diagnostic.per_format=true: a fold's training part has no question of one of the "
                "formats; use per_format=false, or random folds where they are grouped."
            )
        held = validation_rows(train, float(self.settings.validation), seed, part)
        learned, kept = train[~held], train[held]
        counted = count_answers(learned, self.letters)
        # folds trained together are validated together, also one too small to hold anything back
        validation = self._validation(kept, counted) if float(self.settings.validation) else None
        # a held-out question may use the counts of all training rows
        reading = replace(count_answers(train, self.letters), numbers=counted.numbers)
        return FoldTask(
            self._examples(learned, counted),
            seed if part == 0 else fold_seed(seed, part, 0),
            order_seed,
            validation=validation,
            reading=reading,
            yes_no=self.yes_no,
        )

    def _examples(self, train: pd.DataFrame, counted: FoldReading) -> list[Example]:
        known = self.encoded.take(train.index)
        priors, goals = self._choices(train, counted)
        targets = self._targets(train)
        examples = []
        for i, (kind, prior, goal) in enumerate(zip(known.formats, priors, goals, strict=True)):
            if targets[i] and kind != "num":
                examples.append(Example(known.orders(i), targets[i]))
                continue
            with np.errstate(divide="ignore"):
                offsets = np.maximum(np.log(prior), ABSENT)
            if kind == "mc":
                goal = (1 - self.settings.label_smoothing) * goal + (
                    self.settings.label_smoothing * prior
                )
            is_number = kind == "num"
            by_token = self.letters or not is_number
            examples.append(
                Example(known.orders(i), targets[i], goal, offsets, is_number, by_token)
            )
        return examples

    def _validation(self, kept: pd.DataFrame, counted: FoldReading) -> ValidationTask:
        asked = self.encoded.take(kept.index)
        priors, goals = self._choices(kept, counted)
        targets = self._targets(kept, kinds=("open",))
        return ValidationTask(asked, priors, goals, targets, counted.numbers)

    def _choices(
        self, rows: pd.DataFrame, counted: FoldReading
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Priors and goals of each question's choices; empty where it has none."""
        priors, goals = [], []
        columns = ("format", "question_type", "options", "answer")
        for kind, name, options, answer in zip(*(rows[c] for c in columns), strict=True):
            size = len(options) if kind == "mc" else 0
            prior = goal = NO_CHOICES
            if kind != "open":
                prior = counted.prior(kind, str(name), size)
            if kind == "mc":
                goal = np.eye(size)[int(answer)]
            elif kind == "num":
                goal = counted.numbers.goals(str(name), float(answer), self.rules)
            priors.append(prior)
            goals.append(goal)
        return priors, goals

    def _targets(self, rows: pd.DataFrame, kinds: tuple[str, ...] | None = None) -> list[list[int]]:
        """Target tokens of the questions that learn tokens; empty for the others."""
        kinds = kinds or (("mc", "num", "open") if self.letters else ("num", "open"))
        learn_tokens = rows["format"].isin(kinds).to_numpy()
        targets = iter(self.encoder.encode_targets(rows[learn_tokens]))
        return [next(targets) if learns else [] for learns in learn_tokens]

    def number_texts(self, asked: EncodedQuestions, numbers: NumberCandidates) -> list[Texts]:
        """Token ids of the candidates of each num question; empty for other questions."""
        num = self._any_number
        of_type: dict[str, Texts] = {}
        found: list[Texts] = []
        for kind, name in zip(asked.formats, self.types.loc[asked.index], strict=True):
            if kind != "num" or not numbers.values:
                found.append([])
                continue
            if name not in of_type:
                values, _ = numbers.of(name)
                known = np.flatnonzero(np.isfinite(values))
                rows = num.loc[num.index.repeat(len(known))].assign(answer=values[known])
                ids = dict(zip(known.tolist(), self.encoder.encode_targets(rows), strict=True))
                of_type[name] = [ids.get(slot, []) for slot in range(len(values))]
            found.append(of_type[name])
        return found
