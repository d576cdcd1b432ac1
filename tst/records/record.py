"""One record folder: the folds that are done, who does the others, and the result.

Several processes may work on one record. A fold is finished when its parquet file and the sidecar
that carries its checksum are there; damaged files are set aside and computed again.
"""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tst.core.diagnostic import Fold
from tst.records.files import (
    checksum,
    read_json,
    set_aside,
    write_csv,
    write_json,
    write_parquet,
    write_text,
)
from tst.records.leases import Leases

log = logging.getLogger(__name__)

HISTORY = "history"
RESULT_FILES = ("predictions.parquet", "questions.parquet", "questions.csv", "summary.json")


@dataclass
class FoldFile:
    """A finished fold: its rows and what its sidecar says (cost, versions, importance)."""

    fold: Fold
    rows: pd.DataFrame
    notes: dict[str, Any] = field(default_factory=dict)


class Record:
    """A record folder, opened for one process. Use as a context manager: leases end with it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(parents=True, exist_ok=True)
        self.leases = Leases(self.path / "leases")
        self._finished: set[Fold] = set()

    def __enter__(self) -> Record:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        self.leases.close()

    @property
    def hash(self) -> str:
        """The run identity that names this folder."""
        return self.path.name

    # folds -------------------------------------------------------------------------------------

    def _fold_path(self, fold: Fold) -> Path:
        return self.path / "folds" / f"{fold[0]}-{fold[1]}.parquet"

    def finished(self, folds: list[Fold]) -> list[Fold]:
        """Those of the folds that are there and whole."""
        return [fold for fold in folds if self._is_finished(fold)]

    def _is_finished(self, fold: Fold) -> bool:
        if fold in self._finished:
            return True
        path = self._fold_path(fold)
        sidecar = path.with_suffix(".json")
        if not path.exists() or not sidecar.exists():
            return False
        try:
            intact = read_json(sidecar)["sha256"] == checksum(path)
        except (OSError, ValueError, KeyError, TypeError):
            intact = False
        if not intact:
            set_aside(path, log.warning, "does not match its checksum")
            set_aside(sidecar, log.warning, "does not match its fold file")
            return False
        self._finished.add(fold)
        return True

    def lease(self, folds: list[Fold], at_most: int) -> list[Fold]:
        """Take up to ``at_most`` folds that are neither finished nor held by a live process."""
        taken: list[Fold] = []
        for fold in folds:
            if len(taken) == at_most:
                break
            if self._is_finished(fold) or not self.leases.take(self._lease_name(fold)):
                continue
            if self._is_finished(fold):
                self.leases.give_back(self._lease_name(fold))
                continue
            taken.append(fold)
        return taken

    def holders(self, folds: list[Fold]) -> dict[Fold, str]:
        """Unfinished folds that a live process holds, and its name."""
        owners = {f: self.leases.holder(self._lease_name(f)) for f in folds}
        return {f: o.name for f, o in owners.items() if o is not None and not self._is_finished(f)}

    @staticmethod
    def _lease_name(fold: Fold) -> str:
        return f"{fold[0]}-{fold[1]}.json"

    def write_fold(
        self,
        fold: Fold,
        rows: pd.DataFrame,
        notes: dict[str, Any],
        history: pd.DataFrame | None = None,
    ) -> None:
        """Write a finished fold, its sidecar last, and give its lease back."""
        path = self._fold_path(fold)
        if history is not None:
            write_parquet(self.path / HISTORY / path.name, history)
        write_parquet(path, rows)
        write_json(path.with_suffix(".json"), {**notes, "sha256": checksum(path)})
        self._finished.add(fold)
        self.leases.give_back(self._lease_name(fold))

    def read_folds(self, folds: list[Fold]) -> list[FoldFile]:
        """The finished folds among those given, in the given order."""
        files = []
        for fold in self.finished(folds):
            path = self._fold_path(fold)
            notes = read_json(path.with_suffix(".json"))
            files.append(FoldFile(fold, pd.read_parquet(path), notes))
        return files

    # the whole ---------------------------------------------------------------------------------

    def write_settings(self, config_yaml: str, environment: dict[str, Any]) -> None:
        """config.yaml and environment.json, once; a rerun leaves the first ones."""
        if not (self.path / "config.yaml").exists():
            write_text(self.path / "config.yaml", config_yaml)
        if not (self.path / "environment.json").exists():
            write_json(self.path / "environment.json", environment)

    def write_result(
        self,
        predictions: pd.DataFrame,
        questions: pd.DataFrame,
        more_tables: dict[str, pd.DataFrame | None],
        summary: dict[str, Any],
    ) -> None:
        """The scored tables and, last, the summary and the status that vouches for them.

        more_tables: CSV files by name; those that are None do not exist
        """
        write_parquet(self.path / "predictions.parquet", predictions)
        write_parquet(self.path / "questions.parquet", questions)
        write_csv(self.path / "questions.csv", questions)
        given = {name: table for name, table in more_tables.items() if table is not None}
        for name, table in given.items():
            write_csv(self.path / name, table)
        write_json(self.path / "summary.json", summary)
        names = [*RESULT_FILES, *given]
        self.write_status("finished", files={n: checksum(self.path / n) for n in names})

    def update_summary(self, summary: dict[str, Any]) -> None:
        """Replace summary.json of a finished record, and its checksum."""
        files = dict(read_json(self.path / "status.json")["files"])
        write_json(self.path / "summary.json", summary)
        files["summary.json"] = checksum(self.path / "summary.json")
        self.write_status("finished", files=files)

    def is_complete(self) -> bool:
        """Whether the result is there and every file of it matches its checksum."""
        try:
            status = read_json(self.path / "status.json")
            files = status["files"] if status["state"] == "finished" else None
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if not files:
            return False
        whole = True
        for name, expected in files.items():
            path = self.path / name
            if not path.exists() or checksum(path) != expected:
                set_aside(path, log.warning, "does not match its checksum")
                whole = False
        return whole

    def read_summary(self) -> dict[str, Any]:
        """summary.json."""
        return dict(read_json(self.path / "summary.json"))

    def write_status(self, state: str, **more: Any) -> None:
        """status.json: running, partial, finished, interrupted or failed, and since when."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        write_json(self.path / "status.json", {"state": state, "at": at, **more})

    def write_failure(self, error: BaseException) -> None:
        """status.json of a failed run, with the traceback."""
        trace = "".join(traceback.format_exception(error))
        self.write_status("failed", error=f"{type(error).__name__}: {error}", traceback=trace)
