"""One record folder, opened for one process: settings, folds, status, result, log.

status.json lists the files of the result with their checksums. A record is complete when its state
is ``finished`` and the files match. From then on only a newer result replaces its status.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from tst.core.errors import ComputingError, UserError
from tst.records.files import (
    checksum,
    read_json,
    set_aside,
    write_csv,
    write_json,
    write_parquet,
    write_text,
)
from tst.records.fold_files import FoldFiles
from tst.records.identity import IDENTITY, Identity, find_joinable
from tst.records.leases import Leases

log = logging.getLogger("tst")

LEASES = "leases"
WHOLE, RESULT = "whole.json", "result.json"
"""Lease on all the work of a record; lease on writing its status and its result."""
WAIT_SECONDS = 0.2
SUMMARY = "summary.json"
CONFIG, ENVIRONMENT, STATUS, LOG = "config.yaml", "environment.json", "status.json", "log"
OPENING = {CONFIG, IDENTITY, ENVIRONMENT, STATUS, LOG, LEASES}
"""What is in a record before anything is computed."""


class Record:
    """A record folder. Use as a context manager: its leases end with it."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._new_folders = [p for p in (self.path, *self.path.parents) if not p.exists()]
        self.path.mkdir(parents=True, exist_ok=True)
        self.leases = Leases(self.path / LEASES)
        self.folds = FoldFiles(self.path, self.leases)

    def __enter__(self) -> Record:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        self.leases.close()
        if kind is not None and issubclass(kind, UserError) and kind is not ComputingError:
            self._remove_if_bare()

    def _remove_if_bare(self) -> None:
        """Remove a folder that this process made, where nothing but its opening is in it yet.

        A mistake that is found before the work starts leaves no record. Folders above it go too
        where they were made for it.
        """
        names = {path.name for path in self.path.iterdir()}
        if self._new_folders and names <= OPENING and not self.leases.holders():
            shutil.rmtree(self.path)
            with contextlib.suppress(OSError):  # another record is in it
                for folder in self._new_folders[1:]:
                    folder.rmdir()

    @property
    def hash(self) -> str:
        """The run identity that names this folder."""
        return self.path.name

    def write_settings(
        self,
        config_yaml: str,
        identity: Identity,
        environment: dict[str, Any],
        asked: dict[str, Any],
    ) -> None:
        """config.yaml, identity.json and environment.json, once; a rerun leaves the first ones.

        asked: the config as nested dicts before ``auto`` was resolved: records that only this keeps
            apart from a new one are named in the log
        """
        if not (self.path / CONFIG).exists():
            write_text(self.path / CONFIG, config_yaml)
        if not (self.path / IDENTITY).exists():
            for sentence in find_joinable(self.path, identity, asked):
                log.info("%s", sentence)
            write_json(self.path / IDENTITY, asdict(identity))
        if not (self.path / ENVIRONMENT).exists():
            write_json(self.path / ENVIRONMENT, environment)

    # leases ------------------------------------------------------------------------------------

    def lease_whole(self) -> str:
        """Take all the work of this record for this process.

        Returns the name of the live process that has it instead; empty when this one has it now.
        """
        while not self.leases.take(WHOLE):
            if holder := self.leases.holder(WHOLE):
                return holder.name
        return ""

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the lease on the result inside the block; waits for a process that holds it."""
        while not self.leases.take(RESULT):
            time.sleep(WAIT_SECONDS)
        try:
            yield
        finally:
            self.leases.give_back(RESULT)

    # status ------------------------------------------------------------------------------------

    def mark(self, state: str, **more: Any) -> None:
        """Note in status.json that the record is running, partial, interrupted or failed.

        The status of a complete record stays, and so does one that another process is writing
        together with a result. Damaged files of a finished record are set aside.
        """
        if not self.leases.take(RESULT):
            return
        try:
            if not self.is_complete():
                self._set_damaged_aside()
                self._write_status(state, **more)
        finally:
            self.leases.give_back(RESULT)

    def _write_status(self, state: str, **more: Any) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%S%z")
        write_json(self.path / STATUS, {"state": state, "at": at, **more})

    def is_complete(self) -> bool:
        """Whether the result is there and every file of it matches its checksum.

        Changes nothing, so that another process may write at the same time.
        """
        expected = self._listed_files()
        return bool(expected) and not self._damaged(expected)

    def _listed_files(self) -> dict[str, str]:
        """Checksums by file name, where the state is ``finished``."""
        try:
            status = read_json(self.path / STATUS)
            return dict(status["files"]) if status["state"] == "finished" else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _damaged(self, expected: dict[str, str]) -> list[str]:
        def matches(name: str) -> bool:
            try:
                return checksum(self.path / name) == expected[name]
            except OSError:
                return False

        return [name for name in expected if not matches(name)]

    def _set_damaged_aside(self, but: Iterable[str] = ()) -> None:
        for name in self._damaged(self._listed_files()):
            if name not in but:
                set_aside(self.path / name, log.warning, "does not match its checksum")

    # result ------------------------------------------------------------------------------------

    def write_result(
        self,
        tables: Mapping[str, pd.DataFrame | None],
        summary: dict[str, Any],
        written: Iterable[str] = (),
    ) -> None:
        """The tables, then the summary, then the status that lists them.

        tables: parquet and CSV files by name; those that are None do not exist
        written: names of files of the result that are written already
        Files that do not match an earlier status are set aside. Call it inside ``writing``.
        """
        given = {name: table for name, table in tables.items() if table is not None}
        self._set_damaged_aside(but=written)
        for name, table in given.items():
            write = write_csv if name.endswith(".csv") else write_parquet
            write(self.path / name, table)
        self._write_summary(summary, [*given, *written])

    def update_summary(self, **parts: Any) -> None:
        """Replace parts of a complete record's summary.json, and its checksum."""
        with self.writing():
            if self.is_complete():
                self._write_summary({**self.read_summary(), **parts}, self._listed_files())

    def _write_summary(self, summary: dict[str, Any], names: Iterable[str]) -> None:
        write_json(self.path / SUMMARY, summary)
        names = dict.fromkeys([*names, SUMMARY])
        self._write_status("finished", files={n: checksum(self.path / n) for n in names})

    def read_summary(self) -> dict[str, Any]:
        return dict(read_json(self.path / SUMMARY))

    # log ---------------------------------------------------------------------------------------

    @contextmanager
    def keeping_log(self) -> Iterator[None]:
        """Write the log of this process into the record as well, inside the block."""
        handler = logging.FileHandler(self.path / LOG, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(message)s"))
        log.addHandler(handler)
        try:
            yield
        finally:
            log.removeHandler(handler)
            handler.close()

    @contextmanager
    def noting_failure(self) -> Iterator[None]:
        """Leave the traceback in status.json, or that the run was interrupted."""
        try:
            yield
        except BaseException as error:
            with contextlib.suppress(OSError):  # a full disk has no room for this either
                if isinstance(error, Exception):
                    trace = "".join(traceback.format_exception(error))
                    text = f"{type(error).__name__}: {error}"
                    self.mark("failed", error=text, traceback=trace)
                else:
                    self.mark("interrupted", reason=type(error).__name__)
            raise
