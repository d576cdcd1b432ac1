"""Scores held-out questions with adapters that were trained elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd

from tst.core.diagnostic import Context, Fold, Predictions
from tst.core.errors import UserError
from tst.core.folds import FoldPlan, split
from tst.diagnostics.llm.model.adapters import attach_saved, bare_again
from tst.diagnostics.llm.model.loading import free_base
from tst.diagnostics.llm.scoring.fold_reading import count_answers
from tst.diagnostics.llm.scoring.predictions import peak_memory, reset_peak, to_predictions
from tst.diagnostics.llm.session import Session
from tst.diagnostics.llm.settings import LoraSettings
from tst.external_training.adapters import Adapter, adapters_root, find_adapters
from tst.external_training.declaration import ExternalAdapters
from tst.external_training.settings import ExternalAdapterSettings
from tst.external_training.trainer_settings import fold_name


class AdapterScoring(ExternalAdapters):
    """Attaches each fold's adapter to the base and reads option letters, numbers and texts.

    A number is the candidate of highest expected MRA by how likely the model is to write each: no
    head is trained elsewhere. Candidates are quantiles of the fold's training answers.
    """

    def __init__(self, settings: ExternalAdapterSettings, context: Context) -> None:
        super().__init__(settings)
        self.context = context
        self.reading = LoraSettings(
            mc_scoring="letters",
            validation=0.0,
            max_length=settings.max_length,
            score_tokens=settings.score_tokens,
        )

    def run_folds(
        self, table: pd.DataFrame, plan: FoldPlan, folds: list[Fold], seed: int
    ) -> Iterator[tuple[Fold, Predictions]]:
        """Predictions of the given folds' adapters; zero-shot answers come from one sweep."""
        root = adapters_root(Path(self.settings.folder))
        adapters = find_adapters(root, folds)
        if missing := [fold_name(fold) for fold in folds if fold not in adapters]:
            raise UserError(f"{root}: no adapter of fold {', '.join(missing)}.")
        model, device = self.context.parts["model"], self.context.device
        try:
            questions = table.iloc[plan.order].drop(columns="answer")
            session = Session(questions, self.reading, model, device, self.context.rules)
            zero_shot = session.zero_shot(questions, self.context.store)
            for fold in folds:
                train, heldout = split(table, plan, *fold)
                yield fold, self._score(session, adapters[fold], train, heldout, zero_shot)
        except Exception:
            free_base()
            raise

    def _score(
        self,
        session: Session,
        adapter: Adapter,
        train: pd.DataFrame,
        heldout: pd.DataFrame,
        zero_shot: pd.DataFrame,
    ) -> Predictions:
        started = time.perf_counter()
        reset_peak(session.base.device)
        asked = session.encoded.take(heldout.index)
        reading = replace(count_answers(train, letters=True), text_share=1.0)
        with bare_again(session.base):
            model = attach_saved(session.base.model, adapter.folder)
            answers = session.read(session.score(model, [asked], [reading]), [reading])
        cost = session.take_cost() | adapter.notes.cost
        cost["heldout_seconds"] = time.perf_counter() - started
        cost["rows_cut"] = float(asked.cut.sum())
        cost["peak_memory_bytes"] = peak_memory(session.base.device)
        predictions = to_predictions(heldout, answers, zero_shot, cost)
        predictions.base = session.base.identity
        predictions.history = adapter.notes.history
        return predictions
