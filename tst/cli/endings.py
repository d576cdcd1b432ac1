"""How a job ends that does not finish: refused for a user's mistake, or failed in a crash."""

from __future__ import annotations

import errno
import logging
import os
import select
import signal
import sys
import traceback

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from tst.cli.outcomes import FAILED, REFUSED, Outcome

log = logging.getLogger("tst")

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_FOLDER = (*NOT_ALLOWED, errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR)
EXTRAS = {"hydra_ray_launcher": "ray", "hydra_submitit_launcher": "slurm"}
"""Hydra's launchers that are installed apart, and the extra that brings each."""


def in_sweep() -> bool:
    """Whether the current job is one of several, which are shown together at the end."""
    return HydraConfig.get().mode == RunMode.MULTIRUN


def reader_has_gone() -> bool:
    """Whether nothing reads standard output any more, as after ``tst check my.csv | head``."""
    output = select.poll()
    output.register(sys.stdout, 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


def end_unread() -> int:
    """Exit code of a process whose output nobody reads; it can write to nobody from now on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def refuse(message: str) -> Outcome:
    """The outcome of a job whose user has something to mend; a sweep says what at its end."""
    if in_sweep():
        log.error("refused; the reason stands below the table of all jobs")
    else:
        print(f"tst: {message}", file=sys.stderr)
    return Outcome(REFUSED, error=message)


def refuse_unwritable(error: OSError) -> Outcome | None:
    """As ``refuse``, for a file that may not be written; None for any other error.

    A command that only reads records (it leaves no folder of Hydra's) has no file in a place that
    the program chose: there a missing folder is the user's too.
    """
    reads_only = HydraConfig.get().output_subdir is None
    if error.filename is None or error.errno not in (NO_FOLDER if reads_only else NOT_ALLOWED):
        return None
    return refuse(f"{error.filename}: {error.strerror}. Choose a place that can be written.")


def fail(error: Exception) -> Outcome:
    """The outcome of a job that crashed; its traceback is shown, in a sweep kept beside it."""
    trace = "".join(traceback.format_exception(error))
    traceback.clear_frames(error.__traceback__)  # frames keep the model's tensors alive
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        message = f"{error}: free some space; the same command continues"
        if not in_sweep():
            print(f"tst: {message}", file=sys.stderr)
        return Outcome(FAILED, error=message)
    if in_sweep():
        log.error("failed; the reason stands below the table of all jobs")
    else:
        log.error("%s", trace)
    return Outcome(FAILED, error=f"{type(error).__name__}: {error}", traceback=trace)
