"""TsT-LLM: LoRA adapters per fold, scored exactly, and the same model without them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd
import torch

from tst.core.diagnostic import Fold, Predictions, Store, add_costs
from tst.core.folds import FoldPlan, fold_seed, split
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.diagnostics.llm.declaration import LoraLLM
from tst.diagnostics.llm.dry_run import describe_run
from tst.diagnostics.llm.model.adapters import (
    adapter_folders,
    attach_saved,
    bare_again,
    save_adapter,
)
from tst.diagnostics.llm.model.loading import free_base, pick_device
from tst.diagnostics.llm.prompting.encoding import EncodedQuestions
from tst.diagnostics.llm.resolving import resolve_settings, trains_stacked
from tst.diagnostics.llm.scoring.answers import Scores
from tst.diagnostics.llm.scoring.fold_reading import FoldReading, calibrated
from tst.diagnostics.llm.scoring.predictions import peak_memory, reset_peak, to_predictions
from tst.diagnostics.llm.session import Session
from tst.diagnostics.llm.settings import (
    LoraSettings,
    ModelSettings,
    OptimizerSettings,
    require_valid,
    why_sequential,
)
from tst.diagnostics.llm.training.loss_history import join_histories, mean_history
from tst.diagnostics.llm.training.memory import MemoryPlan, give_back_memory
from tst.diagnostics.llm.training.one_fold import Training, join_trainings, trained_adapter
from tst.diagnostics.llm.training.stacked_folds import stacked_training
from tst.diagnostics.llm.training.step_report import StepReport
from tst.diagnostics.llm.training.steps import FoldTask
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
            scores: list[Scores] = []
            readings: list[FoldReading] = []
            root = adapter / self._part_name(formats)
            for folder in adapter_folders(root, self.settings.adapters_per_fold):
                readings.append(FoldReading.load(folder))
                with bare_again(session.base):
                    model = attach_saved(session.base.model, folder)
                    scores += session.score(model, [asked], readings[-1:])
            parts.append(session.read(scores, readings))
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
        tasks, asked = self._questions(session, data, formats)
        session.prepare_lower(tasks, [asked])
        parts: list[Training] = []
        scores: list[Scores] = []
        heldout_seconds = 0.0
        with self._adapter_folders(data, formats) as folders:
            for part, task in enumerate(tasks):
                which = f", adapter {part + 1} of {len(tasks)}" if len(tasks) > 1 else ""
                with trained_adapter(
                    session.base,
                    self.settings,
                    self.optimizer,
                    task,
                    self._memory,
                    [StepReport(title + which)],
                    session.read_validation,
                    session.lower,
                ) as (adapter, training):
                    started = time.perf_counter()
                    scores += session.score(adapter, [asked], training.readings)
                    heldout_seconds += time.perf_counter() - started
                    if folders:
                        save_adapter(adapter, folders[part])
                parts.append(training)
            training = join_trainings(parts)
            readings = self._finish(session, data, training, scores, heldout_seconds)
            for reading, folder in zip(readings, folders, strict=False):
                reading.save(folder)

    def _fit_stacked(self, session: Session, group: list[_FoldData], formats: list[str]) -> None:
        title = f"{len(group)} folds at once" if len(group) > 1 else "training"
        each, asked = zip(*(self._questions(session, d, formats) for d in group), strict=True)
        count = self.settings.adapters_per_fold
        tasks = [task for own in each for task in own]
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
            repeated = [questions for questions in asked for _ in range(count)]
            scores = session.score(session.base.model, repeated, training.readings)
            seconds = (time.perf_counter() - started) / len(group)
        for j, data in enumerate(group):
            places = range(j * count, (j + 1) * count)
            own = training.of(places)
            readings = self._finish(session, data, own, [scores[p] for p in places], seconds)
            with self._adapter_folders(data, formats) as folders:
                for place, reading, folder in zip(places, readings, folders, strict=False):
                    with adapters.as_peft(place) as adapter:
                        save_adapter(adapter, folder)
                        reading.save(folder)

    def _questions(
        self, session: Session, data: _FoldData, formats: list[str]
    ) -> tuple[list[FoldTask], EncodedQuestions]:
        """What a fold's adapters learn from, and what they are asked."""
        learned = _of_format(data.train, formats)
        asked = session.encoded.take(_of_format(data.heldout, formats).index)
        return session.tasks(learned, data.seed, data.order_seed), asked

    def _finish(
        self,
        session: Session,
        data: _FoldData,
        training: Training,
        scores: list[Scores],
        heldout_seconds: float,
    ) -> list[FoldReading]:
        """Calibrate a fold's adapters together, read their answers, and note what they took."""
        readings = calibrated(training.readings, training.evidence)
        data.answers.append(session.read(scores, readings))
        history = mean_history(training.histories)
        data.histories.append(history)
        for _ in training.histories:
            add_costs(data.cost, {f"train_{name}": v for name, v in asdict(training.cost).items()})
        add_costs(
            data.cost, {"train_loss": history["loss"].mean(), "heldout_seconds": heldout_seconds}
        )
        return readings

    @contextmanager
    def _adapter_folders(self, data: _FoldData, formats: list[str]) -> Iterator[list[Path]]:
        """A folder of the record for each of a fold's adapters; none where they are not kept."""
        if not self.settings.save_adapters or self.store is None or data.at is None:
            yield []
            return
        with self.store.adapter_folder(*data.at, self._part_name(formats)) as folder:
            folders = adapter_folders(folder, self.settings.adapters_per_fold)
            for own in folders:
                own.mkdir(exist_ok=True)
            yield folders

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
