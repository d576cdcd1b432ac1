"""TsT-LLM: LoRA adapters per fold, scored exactly, and the same model without them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch

from tst.core.diagnostic import Fold, Predictions, Store
from tst.core.folds import FoldPlan, fold_seed, split
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.diagnostics.llm.declaration import LoraLLM
from tst.diagnostics.llm.dry_run import describe_run
from tst.diagnostics.llm.fold_fitting import FoldData, FoldFitting, of_formats, part_name
from tst.diagnostics.llm.model.adapters import adapter_folders, attach_saved, bare_again
from tst.diagnostics.llm.model.loading import free_base, pick_device
from tst.diagnostics.llm.resolving import resolve_settings, trains_stacked
from tst.diagnostics.llm.scoring.answers import Scores
from tst.diagnostics.llm.scoring.fold_reading import FoldReading
from tst.diagnostics.llm.scoring.predictions import peak_memory, reset_peak, to_predictions
from tst.diagnostics.llm.session import Session
from tst.diagnostics.llm.settings import (
    LoraSettings,
    ModelSettings,
    OptimizerSettings,
    require_valid,
    why_sequential,
)
from tst.diagnostics.llm.training.loss_history import join_histories
from tst.diagnostics.llm.training.memory import MemoryPlan, give_back_memory
from tst.optimizers.build import require_usable

log = logging.getLogger(__name__)


class LoraLLMDiagnostic(LoraLLM):
    """Fine-tunes adapters on the training folds' text and scores held-out questions.

    store: keeps zero-shot answers and, with save_adapters, adapters; None keeps nothing
    device: auto, cpu, cuda or cuda:N
    rules: how an answer is scored; a number chosen among several answers aims at it
    """

    def __init__(
        self,
        settings: LoraSettings,
        model: ModelSettings,
        optimizer: OptimizerSettings,
        store: Store | None = None,
        device: str = "auto",
        rules: ScoringRules = DEFAULT_RULES,
    ) -> None:
        require_valid(settings, model, optimizer)
        require_usable(optimizer, settings.learning_rate, settings.weight_decay)
        self.settings = settings = resolve_settings(settings, model)
        self.model = model
        self.optimizer = optimizer
        self.store = store
        self.device = device
        self.rules = rules
        stacked = trains_stacked(settings, model, optimizer, pick_device(device))
        if settings.training == "auto" and (reason := why_sequential(settings, model, optimizer)):
            log.info("training folds one after the other: %s", reason)
        self.folds_at_once = settings.folds_at_once if stacked else 1
        self._memory = MemoryPlan(
            settings.micro_batch or settings.batch_size, folds=self.folds_at_once
        )

    def describe(self, table: pd.DataFrame, plan: FoldPlan, only: list[int] | None) -> str:
        """Prompts, steps, and rough time and memory; loads no weights."""
        parts = (self.settings, self.model, self.optimizer, self.device)
        return describe_run(table, plan, *parts, only=only)

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Predictions for exactly the given folds; zero-shot answers come from one sweep."""
        try:
            # in content order: batches, and with them rounding, must not follow the file's order
            questions = table.iloc[plan.order].drop(columns="answer")
            session = self._session(questions)
            zero_shot = session.zero_shot(questions, self.store)
            waiting = list(folds)
            while waiting:
                group = [
                    FoldData(
                        (repeat, fold),
                        *split(table, plan, repeat, fold),
                        fold_seed(seed, repeat, fold),
                        fold_seed(seed, repeat, plan.k),
                    )
                    for repeat, fold in waiting[: self._memory.folds]
                ]
                if not self._fitted(session, group):
                    continue
                done, waiting = waiting[: len(group)], waiting[len(group) :]
                for at, data in zip(done, group, strict=True):
                    yield at, self._predictions(session, data, zero_shot)
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
            session = self._session(questions)
            zero_shot = session.zero_shot(heldout, self.store)
            data = FoldData(None, train, heldout, seed, seed)
            while not self._fitted(session, [data]):
                pass
            return self._predictions(session, data, zero_shot)
        except Exception:
            free_base()
            raise

    def _session(self, questions: pd.DataFrame) -> Session:
        return Session(questions, self.settings, self.model, self.device, self.rules)

    def rescore(self, heldout: pd.DataFrame, adapter: Path) -> Predictions:
        """Predictions of a saved adapter (one folder of a record), without training."""
        questions = heldout.drop(columns="answer", errors="ignore")
        session = self._session(questions)
        zero_shot = session.zero_shot(questions, self.store)
        parts = []
        for formats in session.parts():
            asked = session.encoded.take(of_formats(questions, formats).index)
            scores: list[Scores] = []
            readings: list[FoldReading] = []
            root = adapter / part_name(self.settings, formats)
            for folder in adapter_folders(root, self.settings.adapters_per_fold):
                readings.append(FoldReading.load(folder))
                with bare_again(session.base):
                    model = attach_saved(session.base.model, folder)
                    scores += session.score(model, [asked], readings[-1:])
            parts.append(session.read(scores, readings))
        return to_predictions(questions, pd.concat(parts), zero_shot, session.take_cost())

    def _fitted(self, session: Session, group: list[FoldData]) -> bool:
        """Train and score a group of folds; False when it has to start again, smaller."""
        reset_peak(session.base.device)
        for data in group:
            data.answers, data.histories, data.cost = [], [], {}
        fitting = FoldFitting(session, self.settings, self.optimizer, self.store, self._memory)
        try:
            for formats in session.parts():
                if self.folds_at_once > 1:
                    fitting.fit_together(group, formats)
                else:
                    fitting.fit_alone(group[0], formats)
            return True
        except torch.OutOfMemoryError:
            pass  # leave the except block first: its traceback holds the tensors that did not fit
        give_back_memory()
        self._memory.shrink()
        log.warning("out of memory: starting again with %s", self._memory.describe())
        return False

    def _predictions(
        self, session: Session, data: FoldData, zero_shot: pd.DataFrame
    ) -> Predictions:
        cost = session.take_cost() | data.cost
        cost["rows_cut"] = float(session.encoded.take(data.heldout.index).cut.sum())
        cost["peak_memory_bytes"] = peak_memory(session.base.device)
        predictions = to_predictions(data.heldout, pd.concat(data.answers), zero_shot, cost)
        predictions.history = join_histories(data.histories)
        predictions.base = session.base.identity
        return predictions
