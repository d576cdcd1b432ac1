"""Trains the adapters of one fold, or of several at once, and reads their held-out answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd

from tst.core.diagnostic import Fold, Store, add_costs
from tst.diagnostics.llm.model.adapters import adapter_folders, save_adapter
from tst.diagnostics.llm.prompting.encoded_questions import EncodedQuestions
from tst.diagnostics.llm.scoring.answers import Scores
from tst.diagnostics.llm.scoring.fold_reading import FoldReading, calibrated
from tst.diagnostics.llm.session import Session
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings
from tst.diagnostics.llm.training.loss_history import mean_history
from tst.diagnostics.llm.training.memory import MemoryPlan
from tst.diagnostics.llm.training.one_fold import Training, join_trainings, trained_adapter
from tst.diagnostics.llm.training.stacked_folds import stacked_training
from tst.diagnostics.llm.training.step_report import StepReport
from tst.diagnostics.llm.training.steps import FoldTask


@dataclass
class FoldData:
    """One fold's questions, and what became of them; ``at`` is None for a fold of no plan."""

    at: Fold | None
    train: pd.DataFrame
    heldout: pd.DataFrame
    seed: int
    order_seed: int
    answers: list[pd.DataFrame] = field(default_factory=list)
    histories: list[pd.DataFrame] = field(default_factory=list)
    cost: dict[str, float] = field(default_factory=dict)


class FoldFitting:
    """Fits the folds of a session.

    store: keeps adapters, where settings.save_adapters is true; None keeps nothing
    memory: how training is made to fit
    """

    def __init__(
        self,
        session: Session,
        settings: LoraSettings,
        optimizer: OptimizerSettings,
        store: Store | None,
        memory: MemoryPlan,
    ) -> None:
        self.session, self.settings, self.optimizer = session, settings, optimizer
        self.store, self.memory = store, memory

    def fit_alone(self, data: FoldData, formats: list[str]) -> None:
        """Train a fold's adapters one after the other, on questions of these formats."""
        session = self.session
        title = "training" if data.at is None else f"repeat {data.at[0]} fold {data.at[1]}"
        tasks, asked = self._questions(data, formats)
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
                    self.memory,
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
            readings = self._finish(data, training, scores, heldout_seconds)
            for reading, folder in zip(readings, folders, strict=False):
                reading.save(folder)

    def fit_together(self, group: list[FoldData], formats: list[str]) -> None:
        """Train the adapters of several folds at once."""
        session = self.session
        title = f"{len(group)} folds at once" if len(group) > 1 else "training"
        each, asked = zip(*(self._questions(d, formats) for d in group), strict=True)
        count = self.settings.adapters_per_fold
        tasks = [task for own in each for task in own]
        session.prepare_lower(tasks, asked)
        with stacked_training(
            session.base,
            self.settings,
            self.optimizer,
            tasks,
            self.memory,
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
            readings = self._finish(data, own, [scores[p] for p in places], seconds)
            with self._adapter_folders(data, formats) as folders:
                for place, reading, folder in zip(places, readings, folders, strict=False):
                    with adapters.as_peft(place) as adapter:
                        save_adapter(adapter, folder)
                        reading.save(folder)

    def _questions(
        self, data: FoldData, formats: list[str]
    ) -> tuple[list[FoldTask], EncodedQuestions]:
        """What a fold's adapters learn from, and what they are asked."""
        learned = of_formats(data.train, formats)
        asked = self.session.encoded.take(of_formats(data.heldout, formats).index)
        return self.session.tasks(learned, data.seed, data.order_seed), asked

    def _finish(
        self,
        data: FoldData,
        training: Training,
        scores: list[Scores],
        heldout_seconds: float,
    ) -> list[FoldReading]:
        """Calibrate a fold's adapters together, read their answers, and note what they took."""
        readings = calibrated(training.readings, training.evidence)
        data.answers.append(self.session.read(scores, readings))
        history = mean_history(training.histories)
        data.histories.append(history)
        cost = asdict(training.cost)
        adapters = len(training.histories)
        add_costs(data.cost, {f"train_{name}": adapters * value for name, value in cost.items()})
        add_costs(
            data.cost, {"train_loss": history["loss"].mean(), "heldout_seconds": heldout_seconds}
        )
        return readings

    @contextmanager
    def _adapter_folders(self, data: FoldData, formats: list[str]) -> Iterator[list[Path]]:
        """A folder of the record for each of a fold's adapters; none where they are not kept."""
        if not self.settings.save_adapters or self.store is None or data.at is None:
            yield []
            return
        with self.store.adapter_folder(*data.at, part_name(self.settings, formats)) as folder:
            folders = adapter_folders(folder, self.settings.adapters_per_fold)
            for own in folders:
                own.mkdir(exist_ok=True)
            yield folders


def part_name(settings: LoraSettings, formats: list[str]) -> str:
    """The sub-folder of one part's adapters; none where one serves all formats."""
    return formats[0] if settings.per_format else ""


def of_formats(questions: pd.DataFrame, formats: list[str]) -> pd.DataFrame:
    """The questions of these formats."""
    return questions[questions["format"].isin(formats)]
