"""The fold files of a record: which are finished, which are being computed, reading, writing.

Several processes may work on one record. A fold is finished when its parquet file and the sidecar
that carries its checksum are there and agree. Only the process that holds a fold's lease computes
it and renames damaged files of it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tst.core.diagnostic import Fold
from tst.records.files import checksum, read_json, set_aside, write_json, write_parquet
from tst.records.leases import Leases

log = logging.getLogger(__name__)


@dataclass
class FoldFile:
    """A finished fold: its rows and what its sidecar says (cost, versions, importance)."""

    fold: Fold
    rows: pd.DataFrame
    notes: dict[str, Any] = field(default_factory=dict)


class FoldFiles:
    """The folds of one record folder as one process sees them."""

    def __init__(self, record: Path, leases: Leases) -> None:
        self.folder = record / "folds"
        self.history = record / "history"
        self.leases = leases
        self._finished: set[Fold] = set()

    def finished(self, folds: list[Fold]) -> list[Fold]:
        """Those of the folds that are there and whole. Changes nothing."""
        return [fold for fold in folds if self._is_finished(fold)]

    def _is_finished(self, fold: Fold) -> bool:
        if fold not in self._finished:
            path = self._path(fold)
            try:
                intact = read_json(path.with_suffix(".json"))["sha256"] == checksum(path)
            except (OSError, ValueError, KeyError, TypeError):
                return False
            if intact:
                self._finished.add(fold)
        return fold in self._finished

    def lease(self, folds: list[Fold], at_most: int) -> list[Fold]:
        """Take up to ``at_most`` folds that are neither finished nor held by a live process."""
        taken: list[Fold] = []
        for fold in folds:
            if len(taken) == at_most:
                break
            if self._is_finished(fold) or not self.leases.take(_lease_name(fold)):
                continue
            if self._is_finished(fold):  # by the process that held the lease until now
                self.leases.give_back(_lease_name(fold))
                continue
            self._set_damaged_aside(fold)
            taken.append(fold)
        return taken

    def _set_damaged_aside(self, fold: Fold) -> None:
        path = self._path(fold)
        sidecar = path.with_suffix(".json")
        if sidecar.exists():  # without one the fold file was never finished: it is overwritten
            set_aside(path, log.warning, "does not match its checksum")
            set_aside(sidecar, log.warning, "does not match its fold file")

    def holders(self, folds: list[Fold]) -> dict[Fold, str]:
        """Unfinished folds that a live process holds, and its name."""
        owners = {fold: self.leases.holder(_lease_name(fold)) for fold in folds}
        return {f: o.name for f, o in owners.items() if o is not None and not self._is_finished(f)}

    def write(
        self,
        fold: Fold,
        rows: pd.DataFrame,
        notes: dict[str, Any],
        history: pd.DataFrame | None = None,
    ) -> None:
        """Write a finished fold, its sidecar last, and give its lease back."""
        path = self._path(fold)
        if history is not None:
            write_parquet(self.history / path.name, history)
        write_parquet(path, rows)
        write_json(path.with_suffix(".json"), {**notes, "sha256": checksum(path)})
        self._finished.add(fold)
        self.leases.give_back(_lease_name(fold))

    def read(self, folds: list[Fold]) -> list[FoldFile]:
        """The finished folds among those given, in the given order."""
        files = []
        for fold in self.finished(folds):
            path = self._path(fold)
            notes = read_json(path.with_suffix(".json"))
            files.append(FoldFile(fold, pd.read_parquet(path), notes))
        return files

    def _path(self, fold: Fold) -> Path:
        return self.folder / f"{fold[0]}-{fold[1]}.parquet"


def _lease_name(fold: Fold) -> str:
    return f"{fold[0]}-{fold[1]}.json"
