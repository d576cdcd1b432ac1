"""Log lines of a command: which job and which benchmark they are about; bars stay below them."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tqdm import tqdm

INDENT = " " * len("00:00:00 ")
"""Of the lines after a log line's first one: below its message."""
QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_VERBOSITY": "error",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONWARNINGS": "ignore",
}
"""What keeps libraries from writing between the lines of a run, here and in child processes."""


@dataclass
class Job:
    """The job that this process is at.

    number: of a sweep's job, else None; benchmark: its name, empty where it has none
    """

    number: int | None = None
    benchmark: str = ""

    def prefix(self, message: str) -> str:
        job = "" if self.number is None else f"job {self.number}: "
        named = not self.benchmark or message.startswith(f"{self.benchmark}:")
        return job if named else f"{job}{self.benchmark}: "


current = Job()


def begin_job(number: int | None, benchmark: str) -> None:
    """From here on log lines are about this job."""
    current.number, current.benchmark = number, benchmark


def quieten_libraries() -> None:
    """Keep warnings and advice of libraries off the terminal, unless the user asked for them."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)


@contextmanager
def restoring_handlers() -> Iterator[None]:
    """Log to where the caller did, once the block ends: Hydra replaces the root's handlers."""
    before = list(logging.root.handlers)
    try:
        yield
    finally:
        logging.root.handlers[:] = before


class JobFormatter(logging.Formatter):
    """Time, job, benchmark, message; the level where it is worse than information."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno <= logging.INFO else f"{record.levelname} "
        prefix = current.prefix(record.message)
        return f"{record.asctime} {level}{prefix}{record.message}"

    def usesTime(self) -> bool:
        return True


class TerminalHandler(logging.StreamHandler):
    """Writes to standard error; a progress bar makes room, and a terminal's lines are not cut."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if not self.stream.isatty() or "\n" in text:
            return text
        return textwrap.fill(
            text, shutil.get_terminal_size().columns, subsequent_indent=INDENT,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip

    def emit(self, record: logging.LogRecord) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            super().emit(record)
