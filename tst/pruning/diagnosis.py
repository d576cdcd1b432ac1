"""Cross-validated scores of a set of questions by one diagnostic and fold seed; resumable."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tst.config.schema import RunConfig
from tst.core.diagnostic import Diagnostic, Fold
from tst.core.folds import FoldPlan, plan_folds
from tst.core.scoring_rules import ScoringRules
from tst.records.files import write_parquet
from tst.records.store import FolderStore
from tst.scoring.scores import add_references, score_predictions
from tst.stress_testing.build import build_diagnostic

KEPT = ("s", "hard", "s_zero_shot", "hard_zero_shot", "baseline", "majority", "bits")


@dataclass
class Examiner:
    """A diagnostic and how it is cross-validated; one instance serves every iteration.

    frame: the whole question table; positions below are positions in it
    """

    diagnostic: Diagnostic
    frame: pd.DataFrame
    k: int
    group_by: str | None
    stratify: str
    rules: ScoringRules

    def examine(self, rows: np.ndarray, seed: int, path: Path) -> pd.DataFrame:
        """Scores of the questions at these positions, cross-validated among themselves.

        Columns row, those of KEPT, and ``seconds``, in the order of the table.
        ``path``: the Parquet file to read them from or write them to. Until all folds are finished,
        the finished ones are kept in a folder next to it. Another process may run the same at the
        same time; the first to finish writes the file and removes the folder.
        """
        if path.exists():
            return pd.read_parquet(path)
        started = time.perf_counter()
        rows = np.sort(rows)
        part = self.frame.iloc[rows].reset_index(drop=True)
        plan = plan_folds(part, self.k, seed, 1, self.group_by, self.stratify)
        folder = path.with_suffix(".folds")
        done = {fold: _kept(_fold_path(folder, fold)) for fold in plan.folds()}
        missing = [fold for fold, kept in done.items() if kept is None]
        for fold, scores in self._run(part, plan, missing) if missing else ():
            done[fold] = scores
            with suppress(FileNotFoundError):  # another process removes the folder meanwhile
                write_parquet(_fold_path(folder, fold), scores)
        if path.exists():
            shutil.rmtree(folder, ignore_errors=True)
            return pd.read_parquet(path)
        scored = pd.concat([done[fold] for fold in plan.folds()], ignore_index=True)
        scored = add_references(scored, part, plan, plan.folds(), self.rules)
        scored = scored.sort_values("row", ignore_index=True)
        scored = scored.assign(row=rows)[["row", *KEPT]]
        scored["seconds"] = time.perf_counter() - started
        write_parquet(path, scored)
        shutil.rmtree(folder, ignore_errors=True)
        return scored

    def _run(
        self, part: pd.DataFrame, plan: FoldPlan, folds: list[Fold]
    ) -> Iterator[tuple[Fold, pd.DataFrame]]:
        """The folds with their scores, as they finish."""
        for fold, predictions in self.diagnostic.run_folds(part, plan, folds, plan.seed):
            held = plan.heldout_rows(*fold)
            scores = score_predictions(part.iloc[held], predictions, self.rules)
            scores = scores.reset_index(drop=True)
            yield fold, scores.assign(row=held, repeat=fold[0], fold=fold[1])


def _kept(path: Path) -> pd.DataFrame | None:
    """A finished fold's scores; None where the file does not exist (any more)."""
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        return None


def _fold_path(folder: Path, fold: Fold) -> Path:
    return folder / f"{fold[0]}-{fold[1]}.parquet"


def make_examiner(config: RunConfig, frame: pd.DataFrame, group_by: str | None) -> Examiner:
    """The config's diagnostic, ready to diagnose any part of the question table."""
    diagnostic = build_diagnostic(config, FolderStore.under(config.outputs_root))
    fold, rules = config.fold, config.scoring.rules()
    return Examiner(diagnostic, frame, fold.k, group_by, fold.stratify, rules)
