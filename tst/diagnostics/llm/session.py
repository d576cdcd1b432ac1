"""One model on one question table: token ids and scoring that all folds share."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from tst.core.diagnostic import Store
from tst.core.errors import UserError
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.llm.model.loading import BaseModel, load_base
from tst.diagnostics.llm.prompting.encoding import EncodedQuestions, Encoder
from tst.diagnostics.llm.scoring.answers import ScoringPlan, score
from tst.diagnostics.llm.scoring.zero_shot import zero_shot_answers
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings
from tst.diagnostics.llm.training.divergence import require_finite_answers
from tst.diagnostics.llm.training.memory import give_back_memory
from tst.diagnostics.llm.training.steps import FoldTask

log = logging.getLogger(__name__)

SCORE_TOKENS = {"cpu": 2048, "cuda": 32768}
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
        self.base: BaseModel = load_base(model, device)
        self.cost: dict[str, float] = {"load_seconds": time.perf_counter() - started}
        self.encoder = Encoder(self.base.tokenizer, settings.max_length)
        self.encoded = self.encoder.encode(questions)
        if self.encoded.cut.any():
            cut, n = self.encoded.cut.sum(), len(self.encoded)
            log.warning("%d of %d prompts cut to max_length=%d", cut, n, settings.max_length)
        kind = self.base.device.type
        self.plan = ScoringPlan(
            settings.score_tokens or SCORE_TOKENS[kind],
            LENGTH_MULTIPLE[kind],
            self.encoder.letter_ids(questions),
            rules,
            settings.number_samples,
        )

    def zero_shot(self, asked: pd.DataFrame, store: Store | None) -> pd.DataFrame:
        """Answers of the base without adapters, known ones reused."""

        def compute(missing: pd.DataFrame) -> pd.DataFrame:
            log.info("zero-shot: %d questions", len(missing))
            asked = [self.encoded.take(missing.index)]
            return self.score(self.base.model, asked, "zero-shot")[0]

        how = str(self.settings.max_length)
        if self.settings.number_samples:
            how += f":{self.settings.number_samples}"
            how += ":inclusive" if self.plan.rules.mra_inclusive else ""
        answers, seconds = zero_shot_answers(asked, self.base, how, store, compute)
        self.cost["zero_shot_seconds"] = seconds
        return answers

    def task(self, train: pd.DataFrame, seed: int, order_seed: int) -> FoldTask:
        """What to train on, as token ids."""
        if train.empty:
            raise UserError(
                "diagnostic.per_format=true: a fold's training part has no question of one of the "
                "formats; use per_format=false, or random folds where they are grouped."
            )
        known = self.encoded.take(train.index)
        targets = self.encoder.encode_targets(train)
        return FoldTask(list(zip(known.prompts, targets, strict=True)), seed, order_seed)

    def score(
        self, model: torch.nn.Module, folds: list[EncodedQuestions], title: str = "held-out"
    ) -> list[pd.DataFrame]:
        """Answers of k folds' questions at once; smaller batches when memory is short."""
        while True:
            try:
                answers = score(model, self.encoder, folds, self.plan, title)
                for answer in answers:
                    require_finite_answers(answer, title)
                return answers
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
