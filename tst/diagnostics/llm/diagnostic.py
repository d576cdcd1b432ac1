"""TsT-LLM: one LoRA adapter per fold, scored exactly, and the same model without it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from tst.core.diagnostic import Fold, Predictions, Store, add_costs
from tst.core.folds import FoldPlan, fold_seed, split
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.diagnostics.llm.declaration import LoraLLM
from tst.diagnostics.llm.dry_run import describe_run
from tst.diagnostics.llm.model.adapters import attach_saved, bare_again, save_adapter
from tst.diagnostics.llm.model.loading import free_base, pick_device
from tst.diagnostics.llm.resolving import resolve_settings, trains_stacked
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
from tst.diagnostics.llm.training.one_fold import Training, trained_adapter
from tst.diagnostics.llm.training.stacked_folds import stacked_training
from tst.diagnostics.llm.training.step_report import StepReport
from tst.optimizers.build import require_usable

log = logging.getLogger(__name__)


@dataclass
class _FoldData:
    """One fold's questions; ``at`` is None for a fold that belongs to no plan."""

    at: Fold | None
    train: pd.DataFrame
    heldout: pd.DataFrame
    seed: int
    order_seed: int
    answers: list[pd.DataFrame] = field(default_factory=list)
    histories: list[pd.DataFrame] = field(default_factory=list)
    cost: dict[str, float] = field(default_factory=dict)


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
                    _FoldData(
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
            data = _FoldData(None, train, heldout, seed, seed)
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
            asked = session.encoded.take(_of_format(questions, formats).index)
            folder = adapter / self._part_name(formats)
            with bare_again(session.base):
                model = attach_saved(session.base.model, folder)
                parts += session.score(model, [asked], [FoldReading.load(folder)])
        return to_predictions(questions, pd.concat(parts), zero_shot, session.take_cost())

    def _fitted(self, session: Session, group: list[_FoldData]) -> bool:
        """Train and score a group of folds; False when it has to start again, smaller."""
        reset_peak(session.base.device)
        for data in group:
            data.answers, data.histories, data.cost = [], [], {}
        try:
            for formats in session.parts():
                if self.folds_at_once > 1:
                    self._fit_stacked(session, group, formats)
                else:
                    self._fit_sequential(session, group[0], formats)
            return True
        except torch.OutOfMemoryError:
            pass  # leave the except block first: its traceback holds the tensors that did not fit
        give_back_memory()
        self._memory.shrink()
        log.warning("out of memory: starting again with %s", self._memory.describe())
        return False

    def _fit_sequential(self, session: Session, data: _FoldData, formats: list[str]) -> None:
        title = "training" if data.at is None else f"repeat {data.at[0]} fold {data.at[1]}"
        task, asked = self._questions(session, data, formats)
        session.prepare_lower([task], [asked])
        with trained_adapter(
            session.base,
            self.settings,
            self.optimizer,
            task,
            self._memory,
            [StepReport(title)],
            session.read_validation,
            session.lower,
        ) as (adapter, training):
            started = time.perf_counter()
            data.answers += session.score(adapter, [asked], training.readings)
            self._charge(data, training, 0, time.perf_counter() - started)
            self._save(adapter, training.readings[0], data, formats)

    def _fit_stacked(self, session: Session, group: list[_FoldData], formats: list[str]) -> None:
        title = f"{len(group)} folds at once" if len(group) > 1 else "training"
        tasks, asked = zip(*(self._questions(session, d, formats) for d in group), strict=True)
        session.prepare_lower(tasks, asked)
        with stacked_training(
            session.base,
            self.settings,
            self.optimizer,
            tasks,
            self._memory,
            [StepReport(title)],
            session.read_validation,
            session.lower,
        ) as (adapters, training):
            started = time.perf_counter()
            answers = session.score(session.base.model, list(asked), training.readings)
            seconds = (time.perf_counter() - started) / len(group)
        for j, data in enumerate(group):
            data.answers.append(answers[j])
            self._charge(data, training, j, seconds)
            if self.settings.save_adapters:
                with adapters.as_peft(j) as adapter:
                    self._save(adapter, training.readings[j], data, formats)

    def _questions(self, session: Session, data: _FoldData, formats: list[str]) -> Any:
        """What a fold's adapter learns from, and what it is asked."""
        learned = _of_format(data.train, formats)
        asked = session.encoded.take(_of_format(data.heldout, formats).index)
        return session.task(learned, data.seed, data.order_seed), asked

    def _charge(
        self, data: _FoldData, training: Training, place: int, heldout_seconds: float
    ) -> None:
        """Note what the fold at this place of a training run took, and how its loss went."""
        history = training.histories[place]
        data.histories.append(history)
        add_costs(data.cost, {f"train_{name}": v for name, v in asdict(training.cost).items()})
        add_costs(
            data.cost, {"train_loss": history["loss"].mean(), "heldout_seconds": heldout_seconds}
        )

    def _save(
        self, adapter: Any, reading: FoldReading, data: _FoldData, formats: list[str]
    ) -> None:
        if self.settings.save_adapters and self.store is not None and data.at is not None:
            with self.store.adapter_folder(*data.at, self._part_name(formats)) as folder:
                save_adapter(adapter, folder)
                reading.save(folder)

    def _part_name(self, formats: list[str]) -> str:
        """The sub-folder of one part's adapter; none where one adapter serves all formats."""
        return formats[0] if self.settings.per_format else ""

    def _predictions(
        self, session: Session, data: _FoldData, zero_shot: pd.DataFrame
    ) -> Predictions:
        cost = session.take_cost() | data.cost
        cost["rows_cut"] = float(session.encoded.take(data.heldout.index).cut.sum())
        cost["peak_memory_bytes"] = peak_memory(session.base.device)
        predictions = to_predictions(data.heldout, pd.concat(data.answers), zero_shot, cost)
        predictions.history = join_histories(data.histories)
        predictions.base = session.base.identity
        return predictions


def _of_format(questions: pd.DataFrame, formats: list[str]) -> pd.DataFrame:
    return questions[questions["format"].isin(formats)]
