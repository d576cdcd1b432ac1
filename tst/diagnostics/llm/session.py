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
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.layer_cut import LayerCut
from tst.diagnostics.llm.model.layers import ALL_LAYERS, adapted_layers
from tst.diagnostics.llm.model.loading import BaseModel, load_while
from tst.diagnostics.llm.model.lower_states import LowerStates
from tst.diagnostics.llm.model.reading_limits import require_readable
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.diagnostics.llm.prompting.option_lists import OptionLists
from tst.diagnostics.llm.scoring.answers import Scores, read_answers, score
from tst.diagnostics.llm.scoring.choices import ScoringPlan, score_choices, target_log_likelihoods
from tst.diagnostics.llm.scoring.fold_reading import FoldReading
from tst.diagnostics.llm.scoring.number_texts import score_number_texts
from tst.diagnostics.llm.scoring.row_trial import can_join_rows, share_beginnings
from tst.diagnostics.llm.scoring.zero_shot import zero_shot_answers
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings
from tst.diagnostics.llm.training.divergence import require_finite_answers
from tst.diagnostics.llm.training.fold_tasks import FoldTasks
from tst.diagnostics.llm.training.memory import decoding_copies, give_back_memory, scoring_tokens
from tst.diagnostics.llm.training.steps import FoldTask
from tst.diagnostics.llm.training.validation import Scored, ValidationTask

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
        require_readable(self.base.model, (p.ids for p in self.encoded.prompts))
        self.lower: LowerStates | None = None
        if settings.top_layers != ALL_LAYERS:
            adapted_layers(self.base.model, list(settings.targets), settings.top_layers)
            self.lower = LowerStates(LayerCut(self.base.model, settings.top_layers))
        if cut := self.encoded.describe_cut(settings.max_length):
            log.warning("%s", cut)
        kind = self.base.device.type
        tokens = settings.score_tokens or scoring_tokens(self.base)
        self.plan = ScoringPlan(
            tokens,
            LENGTH_MULTIPLE[kind],
            self.encoder.letter_ids(questions) if self.letters else [],
            rules,
            (0, 0) if self.lists is None else self.lists.yes_no,
            decoding_copies(self.base, tokens),
        )
        yes_no = None if self.lists is None else self.lists.yes_no
        self.fold_tasks = FoldTasks(questions, self.encoded, self.encoder, settings, rules, yes_no)

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
        """What each of a fold's adapters trains on and holds back for validation."""
        return self.fold_tasks.of_fold(train, seed, order_seed)

    def read_validation(
        self, model: torch.nn.Module, tasks: list[ValidationTask], weight: torch.Tensor | None
    ) -> tuple[Scored, list[np.ndarray]]:
        """What ``EpochSelection`` asks for, of the model as it stands."""
        was_training = model.training
        model.eval()
        head = AnswerHead(model, self.lower)
        asked = [task.asked for task in tasks]
        texts = [self.fold_tasks.number_texts(task.asked, task.numbers) for task in tasks]
        scored: Scored = [{} for _ in tasks]
        with head.attached():
            share_beginnings(head, asked)
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
            texts = [
                self.fold_tasks.number_texts(q, r.numbers)
                for q, r in zip(folds, readings, strict=True)
            ]

        def scored() -> list[Scores]:
            head = AnswerHead(model, self.lower)
            return score(head, self.encoder, folds, self.plan, readings, texts, title)

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
        longest = max(map(len, texts), default=0)
        lower.shares = can_join_rows(self.base.model, [self.encoded.prompts], longest)
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
