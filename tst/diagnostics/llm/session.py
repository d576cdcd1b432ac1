"""One model on one question table: token ids and scoring that all folds share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pandas as pd
import torch
from transformers import PreTrainedTokenizerBase

from tst.core.diagnostic import Store
from tst.core.errors import UserError
from tst.core.folds import fold_seed
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.layer_cut import LayerCut
from tst.diagnostics.llm.model.layers import ALL_LAYERS, adapted_layers
from tst.diagnostics.llm.model.loading import BaseModel, load_while
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.prompting.batches import ABSENT
from tst.diagnostics.llm.prompting.encoding import EncodedQuestions, Encoder
from tst.diagnostics.llm.prompting.examples import NO_CHOICES, Example
from tst.diagnostics.llm.prompting.option_lists import OptionLists
from tst.diagnostics.llm.scoring.answers import Scores, read_answers, score
from tst.diagnostics.llm.scoring.choices import (
    ScoringPlan,
    score_choices,
    target_log_likelihoods,
)
from tst.diagnostics.llm.scoring.fold_reading import FoldReading, count_answers
from tst.diagnostics.llm.scoring.number_candidates import NumberCandidates
from tst.diagnostics.llm.scoring.number_texts import Texts, score_number_texts
from tst.diagnostics.llm.scoring.zero_shot import zero_shot_answers
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings
from tst.diagnostics.llm.training.divergence import require_finite_answers
from tst.diagnostics.llm.training.memory import give_back_memory, scoring_tokens
from tst.diagnostics.llm.training.steps import FoldTask
from tst.diagnostics.llm.training.validation import Scored, ValidationTask, validation_rows

log = logging.getLogger(__name__)

T = TypeVar("T")
LENGTH_MULTIPLE = {"cpu": 1, "cuda": 16}


class Session:
    """A loaded base and a table's questions (without answers) as token ids.

    cost: seconds spent so far that no fold has been charged with yet
    """

    def __init__(
        self,
        questions: pd.DataFrame,
        settings: LoraSettings,
        model: ModelSettings,
        device: str,
        rules: ScoringRules,
    ) -> None:
        started = time.perf_counter()
        self.settings = settings
        self.questions = questions
        self.letters = settings.mc_scoring == "letters"
        self.types: pd.Series = questions["question_type"].astype(str)
        self.base: BaseModel
        self.base, self.encoded = load_while(model, device, self._read_with)
        self.cost: dict[str, float] = {"load_seconds": time.perf_counter() - started}
        self.lower: LowerStates | None = None
        if settings.top_layers != ALL_LAYERS:
            adapted_layers(self.base.model, list(settings.targets), settings.top_layers)
            self.lower = LowerStates(LayerCut(self.base.model, settings.top_layers))
        if self.encoded.cut.any():
            cut, n = self.encoded.cut.sum(), len(self.encoded)
            log.warning("%d of %d prompts cut to max_length=%d", cut, n, settings.max_length)
        kind = self.base.device.type
        self.plan = ScoringPlan(
            settings.score_tokens or scoring_tokens(self.base),
            LENGTH_MULTIPLE[kind],
            self.encoder.letter_ids(questions) if self.letters else [],
            rules,
            (0, 0) if self.lists is None else self.lists.yes_no,
        )

    def _read_with(self, tokenizer: PreTrainedTokenizerBase) -> EncodedQuestions:
        """The questions as token ids of this tokenizer."""
        settings = self.settings
        self.encoder = Encoder(tokenizer, settings.max_length)
        self.lists: OptionLists | None = None
        if not self.letters:
            orders = settings.option_orders
            self.lists = OptionLists(self.encoder, settings.list_options, orders)
        return self.encode(self.questions)

    def encode(self, questions: pd.DataFrame) -> EncodedQuestions:
        """Questions as token ids, in the mc scoring that is used."""
        return (self.lists or self.encoder).encode(questions)

    def zero_shot(self, asked: pd.DataFrame, store: Store | None) -> pd.DataFrame:
        """Answers of the base without adapters, known ones reused."""

        def compute(missing: pd.DataFrame) -> pd.DataFrame:
            log.info("zero-shot: %d questions", len(missing))
            asked = self.encoded.take(missing.index)
            scores = self.score(self.base.model, [asked], title="zero-shot")
            return self.read(scores, [FoldReading.untrained()], "zero-shot")

        # also where all answers are known: what is read together, and rounding, stays the same
        self.prepare_lower([], [self.encoded.take(asked.index)])
        settings = self.settings
        how = f"{settings.max_length}:{settings.mc_scoring}"
        if not self.letters:
            how += f":{settings.list_options}:{settings.option_orders}"
        how += ":inclusive" if self.plan.rules.mra_inclusive else ""
        answers, seconds = zero_shot_answers(asked, self.base, how, store, compute)
        self.cost["zero_shot_seconds"] = seconds
        return answers

    def tasks(self, train: pd.DataFrame, seed: int, order_seed: int) -> list[FoldTask]:
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
            yes_no=None if self.letters else self.plan.yes_no,
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
                goal = counted.numbers.goals(str(name), float(answer), self.plan.rules)
            priors.append(prior)
            goals.append(goal)
        return priors, goals

    def _targets(self, rows: pd.DataFrame, kinds: tuple[str, ...] | None = None) -> list[list[int]]:
        """Target tokens of the questions that learn tokens; empty for the others."""
        kinds = kinds or (("mc", "num", "open") if self.letters else ("num", "open"))
        learn_tokens = rows["format"].isin(kinds).to_numpy()
        targets = iter(self.encoder.encode_targets(rows[learn_tokens]))
        return [next(targets) if learns else [] for learns in learn_tokens]

    def _texts(self, asked: EncodedQuestions, numbers: NumberCandidates) -> list[Texts]:
        """Token ids of the candidates of each num question; empty for other questions."""
        num = self.questions[self.questions["format"] == "num"].head(1)
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

    def read_validation(
        self, model: torch.nn.Module, tasks: list[ValidationTask], weight: torch.Tensor | None
    ) -> tuple[Scored, list[np.ndarray]]:
        """What ``EpochSelection`` asks for, of the model as it stands."""
        was_training = model.training
        model.eval()
        head = AnswerHead(model, self.lower)
        asked = [task.asked for task in tasks]
        texts = [self._texts(task.asked, task.numbers) for task in tasks]
        scored: Scored = [{} for _ in tasks]
        with head.attached():
            for kind in ("mc", "num"):
                if any((q.formats == kind).any() for q in asked):
                    found = score_choices(head, asked, kind, self.plan, weight)
                    for own, scores in zip(scored, found, strict=True):
                        own[kind] = scores.scores
            if any(own.get("num") for own in scored):
                written = score_number_texts(head, asked, texts, self.plan)
                for task, own, by_question in zip(tasks, scored, written, strict=True):
                    own["num_text"] = {
                        i: task.numbers.text_scores(self.types[task.asked.index[i]], row)
                        for i, row in by_question.items()
                    }
            targets = [task.targets for task in tasks]
            tokens = [
                # per token: a text's whole surprise would drown what choices say
                total / np.array([max(len(ids), 1) for ids in own])
                for total, own in zip(
                    target_log_likelihoods(head, asked, targets, self.plan), targets, strict=True
                )
            ]
        model.train(was_training)
        return scored, tokens

    def score(
        self,
        model: torch.nn.Module,
        folds: list[EncodedQuestions],
        readings: list[FoldReading] | None = None,
        title: str = "held-out",
    ) -> list[Scores]:
        """What k adapters say of their questions, at once; smaller batches when memory is short."""
        texts = None
        if readings is not None:
            texts = [self._texts(q, r.numbers) for q, r in zip(folds, readings, strict=True)]

        def scored() -> list[Scores]:
            return score(model, self.encoder, folds, self.plan, readings, texts, title, self.lower)

        return self._within_memory(scored)

    def read(
        self, parts: Sequence[Scores], readings: Sequence[FoldReading], title: str = "held-out"
    ) -> pd.DataFrame:
        """Answers of one fold's questions by all its adapters; raises where they are not finite."""
        types = self.types.loc[parts[0].written.index].tolist()
        answers = read_answers(parts, readings, types, self.plan.rules)
        require_finite_answers(answers, title)
        return answers

    def prepare_lower(self, tasks: Sequence[FoldTask], asked: Sequence[EncodedQuestions]) -> None:
        """Run the layers below the adapters, where there are some, over all that is read whole.

        tasks: their training and validation questions; asked: questions whose prompts are read
        """
        if self.lower is None:
            return
        started = time.perf_counter()
        texts = [ids for task in tasks for ids in task.texts()]
        texts += [ids for questions in asked for ids in questions.texts(("mc", "num"))]
        lower = self.lower
        self._within_memory(
            lambda: lower.prepare(texts, self.plan.padded_tokens, self.plan.multiple)
        )
        self.cost["lower_seconds"] = (
            self.cost.get("lower_seconds", 0.0) + time.perf_counter() - started
        )

    def _within_memory(self, work: Callable[[], T]) -> T:
        """What work gives that reads ``plan``; again with smaller batches if memory is short."""
        while True:
            try:
                return work()
            except torch.OutOfMemoryError:
                if self.plan.padded_tokens <= self.settings.max_length:
                    raise
            # out of the except block: its traceback holds the tensors that did not fit
            give_back_memory()
            self.plan = replace(self.plan, padded_tokens=self.plan.padded_tokens // 2)
            log.warning("out of memory: scoring %d tokens per batch", self.plan.padded_tokens)

    def take_cost(self) -> dict[str, float]:
        """The costs that no fold has been charged with yet; they are charged once."""
        cost, self.cost = self.cost, {}
        return cost

    def parts(self) -> list[list[str]]:
        """The formats that share an adapter: all, or each by itself."""
        present: list[str] = np.unique(self.questions["format"].astype(str)).tolist()
        return [[f] for f in present] if self.settings.per_format else [present]
