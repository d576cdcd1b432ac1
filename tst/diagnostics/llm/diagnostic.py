"""TsT-LLM: a LoRA adapter a fold, scored exactly, beside the same model without it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tst.diagnostics.llm.adapters import attach_saved, save_adapter
from tst.diagnostics.llm.encoding import EncodedQuestions, Encoder
from tst.diagnostics.llm.memory import MemoryPlan, give_back_memory, retry_smaller
from tst.diagnostics.llm.models import BaseModel, free_base, load_base
from tst.diagnostics.llm.progress import StepReport
from tst.diagnostics.llm.results import add_costs, peak_memory, reset_peak, to_predictions
from tst.diagnostics.llm.scoring import ScoringPlan, score
from tst.diagnostics.llm.settings import (
    LoraSettings,
    ModelSettings,
    OptimizerSettings,
    require_valid,
)
from tst.diagnostics.llm.training import FoldTask, bare_again, trained_adapter
from tst.diagnostics.llm.zero_shot import zero_shot_answers
from tst.diagnostics.protocol import Diagnostic, Fold, Predictions, Store
from tst.folds import FoldPlan, fold_seed, split

log = logging.getLogger(__name__)

SCORE_TOKENS = {"cpu": 2048, "cuda": 32768}
LENGTH_MULTIPLE = {"cpu": 1, "cuda": 16}


class LoraLLMDiagnostic(Diagnostic):
    """Fine-tunes adapters on the training folds' text and scores held-out questions.

    store: keeps zero-shot answers and, with save_adapters, adapters; None keeps nothing
    device: auto, cpu, cuda or cuda:N
    """

    def __init__(
        self,
        settings: LoraSettings,
        model: ModelSettings,
        optimizer: OptimizerSettings,
        store: Store | None = None,
        device: str = "auto",
    ) -> None:
        require_valid(settings, model, optimizer)
        self.settings = settings
        self.model = model
        self.optimizer = optimizer
        self.store = store
        self.device = device
        self._memory = MemoryPlan(settings.micro_batch or settings.batch_size)

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Predictions for exactly the given folds; zero-shot answers come from one sweep."""
        try:
            # in content order: batches, and with them rounding, must not follow the file's order
            questions = table.iloc[plan.order].drop(columns="answer")
            base, encoder, encoded, scoring, cost = self._prepare(questions)
            zero_shot = self._zero_shot(questions, base, encoder, encoded, scoring, cost)
            for repeat, fold in folds:
                train, heldout = split(table, plan, repeat, fold)
                seeds = fold_seed(seed, repeat, fold), fold_seed(seed, repeat, plan.k)
                answers = self._fold(
                    base, encoder, encoded, scoring, train, heldout, seeds, cost, (repeat, fold)
                )
                mine = zero_shot.loc[heldout.index]
                yield (repeat, fold), to_predictions(heldout, answers, mine, cost)
                cost = {}
        except Exception:
            free_base()
            raise

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        """One fold by itself, with any training and held-out questions."""
        try:
            # their labels may overlap
            train, heldout = train.reset_index(drop=True), heldout.reset_index(drop=True)
            heldout.index += len(train)
            questions = pd.concat([train.drop(columns="answer"), heldout])
            base, encoder, encoded, scoring, cost = self._prepare(questions)
            zero_shot = self._zero_shot(heldout, base, encoder, encoded, scoring, cost)
            answers = self._fold(
                base, encoder, encoded, scoring, train, heldout, (seed, seed), cost, None
            )
            return to_predictions(heldout, answers, zero_shot, cost)
        except Exception:
            free_base()
            raise

    def rescore(self, heldout: pd.DataFrame, adapter: Path) -> Predictions:
        """Predictions of a saved adapter (one folder of a record), without training."""
        questions = heldout.drop(columns="answer", errors="ignore")
        base, encoder, encoded, scoring, cost = self._prepare(questions)
        zero_shot = self._zero_shot(questions, base, encoder, encoded, scoring, cost)
        parts = []
        for formats in self._parts(questions):
            folder = adapter / formats[0] if self.settings.per_format else adapter
            with bare_again(base):
                asked = encoded.take(questions.index[questions["format"].isin(formats)])
                parts += score(attach_saved(base.model, folder), encoder, [asked], scoring)
        return to_predictions(questions, pd.concat(parts).loc[questions.index], zero_shot, cost)

    def _prepare(
        self, questions: pd.DataFrame
    ) -> tuple[BaseModel, Encoder, EncodedQuestions, ScoringPlan, dict[str, float]]:
        """Load the base (or keep it) and turn all questions into token ids."""
        started = time.perf_counter()
        base = load_base(self.model, self.device)
        loaded = time.perf_counter() - started
        encoder = Encoder(base.tokenizer, self.settings.max_length)
        encoded = encoder.encode(questions)
        if encoded.cut.any():
            log.warning(
                "%d of %d prompts are cut to fit max_length=%d",
                encoded.cut.sum(),
                len(encoded),
                self.settings.max_length,
            )
        kind = base.device.type
        scoring = ScoringPlan(
            self.settings.score_tokens or SCORE_TOKENS[kind],
            LENGTH_MULTIPLE[kind],
            encoder.letter_ids(questions),
        )
        return base, encoder, encoded, scoring, {"load_seconds": loaded}

    def _zero_shot(
        self,
        questions: pd.DataFrame,
        base: BaseModel,
        encoder: Encoder,
        encoded: EncodedQuestions,
        scoring: ScoringPlan,
        cost: dict[str, float],
    ) -> pd.DataFrame:
        def compute(missing: pd.DataFrame) -> pd.DataFrame:
            log.info("zero-shot: %d questions", len(missing))
            asked = encoded.take(missing.index)
            return self._score(base.model, encoder, [asked], scoring)[0]

        limit = self.settings.max_length
        answers, seconds = zero_shot_answers(questions, base, limit, self.store, compute)
        cost["zero_shot_seconds"] = seconds
        return answers

    def _fold(
        self,
        base: BaseModel,
        encoder: Encoder,
        encoded: EncodedQuestions,
        scoring: ScoringPlan,
        train: pd.DataFrame,
        heldout: pd.DataFrame,
        seeds: tuple[int, int],
        cost: dict[str, float],
        fold: Fold | None,
    ) -> pd.DataFrame:
        """Train and score one fold, format by format with per_format; adds to ``cost``."""
        reset_peak(base.device)
        cost["rows_cut"] = float(encoded.take(heldout.index).cut.sum())
        parts = []
        for formats in self._parts(heldout):
            learned = train[train["format"].isin(formats)]
            asked = encoded.take(heldout.index[heldout["format"].isin(formats)])
            known = encoded.take(learned.index)
            targets = encoder.encode_targets(learned, known)
            task = FoldTask(list(zip(known.prompts, targets, strict=True)), *seeds)
            parts.append(self._train_and_score(base, encoder, task, asked, scoring, cost, fold))
        cost["peak_memory_bytes"] = peak_memory(base.device)
        return pd.concat(parts).loc[heldout.index]

    def _train_and_score(
        self,
        base: BaseModel,
        encoder: Encoder,
        task: FoldTask,
        asked: EncodedQuestions,
        scoring: ScoringPlan,
        cost: dict[str, float],
        fold: Fold | None,
    ) -> pd.DataFrame:
        """One adapter: trained, used, saved where wanted, and gone; smaller when memory is short.

        A fold that meets only formats it never trained on is answered by an untrained adapter.
        """

        def run() -> pd.DataFrame:
            title = "training" if fold is None else f"repeat {fold[0]} fold {fold[1]}"
            with trained_adapter(
                base, self.settings, self.optimizer, task, self._memory, [StepReport(title)]
            ) as (adapter, training):
                started = time.perf_counter()
                answers = self._score(adapter, encoder, [asked], scoring)[0]
                add_costs(cost, {f"train_{k}": v for k, v in asdict(training).items()})
                add_costs(cost, {"heldout_seconds": time.perf_counter() - started})
                if self.settings.save_adapters and self.store is not None and fold is not None:
                    with self.store.adapter_folder(*fold) as folder:
                        kind = str(asked.formats[0]) if self.settings.per_format else ""
                        save_adapter(adapter, folder / kind)
            return answers

        return retry_smaller(run, self._shrink)

    def _score(
        self,
        model: torch.nn.Module,
        encoder: Encoder,
        folds: list[EncodedQuestions],
        scoring: ScoringPlan,
    ) -> list[pd.DataFrame]:
        """Score, in smaller batches when memory is short."""
        tokens = scoring.padded_tokens
        while True:
            try:
                plan = ScoringPlan(tokens, scoring.multiple, scoring.letter_ids)
                return score(model, encoder, folds, plan)
            except torch.OutOfMemoryError:
                if tokens <= self.settings.max_length:
                    raise
            give_back_memory()
            tokens //= 2
            log.warning("out of memory: scoring with %d tokens a batch", tokens)

    def _shrink(self) -> None:
        self._memory.shrink()
        log.warning("out of memory: the fold starts again with %s", self._memory.describe())

    def _parts(self, questions: pd.DataFrame) -> list[list[str]]:
        """The formats that share an adapter."""
        present = sorted(np.unique(questions["format"].astype(str)).tolist())
        return [[f] for f in present] if self.settings.per_format else [present]
