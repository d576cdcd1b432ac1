"""How a command meets Hydra: exit codes, failures of single jobs, the table at a sweep's end.

A job never raises into Hydra: it writes ``outcome.json`` into its Hydra folder, so that one failed
job of a sweep, in this process or another, is named while the others finish. Exit codes: 0 done, 1
a job failed, 2 the user has something to mend.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import logging
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from tst.cli.arguments import arrange
from tst.config.composition import CONFIG_FOLDER, one_message, register_schema
from tst.core.errors import UserError
from tst.records.environment import remember_command
from tst.records.files import read_json, write_json

log = logging.getLogger("tst")

OUTCOME = "outcome.json"
FINISHED, PARTIAL, FAILED, REFUSED = "finished", "partial", "failed", "refused"
INTERRUPTED = "interrupted"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class Outcome:
    """What became of one job.

    state: finished, partial (folds are missing), failed, refused (the user's mistake), interrupted
    record: path of its record, where there is one
    error: one line, for failed and refused jobs
    row: columns for the sweep's table
    """

    state: str
    record: str = ""
    error: str = ""
    row: dict[str, Any] = field(default_factory=dict)


Task = Callable[[DictConfig], Outcome]
"""A command's work for one composed config."""


class SweepFolder(Callback):
    """Remembers where the running sweep's jobs leave their outcomes."""

    current: Path | None = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        SweepFolder.current = Path(str(config.hydra.sweep.dir))


class Terminated(BaseException):
    """SIGTERM: a scheduler takes the machine back. Unwinds like Ctrl-C, so that records close."""


def _stop(signum: int, frame: object) -> None:
    raise Terminated


def guarded(task: Task) -> Callable[[DictConfig], None]:
    """The task as Hydra calls it: every ending becomes an outcome file, none an exception."""

    def job(cfg: DictConfig) -> None:
        folder = Path(HydraConfig.get().runtime.output_dir)
        overrides = list(HydraConfig.get().overrides.task)
        name = HydraConfig.get().job.config_name
        module = "tst.main" if name == "config" else f"tst.{name}"
        remember_command(shlex.join(["python", "-m", module, *overrides]))

        def leave(outcome: Outcome) -> None:
            with contextlib.suppress(OSError):  # a full disk: the job counts as dead
                write_json(folder / OUTCOME, {**asdict(outcome), "overrides": overrides})

        try:
            outcome = task(cfg)
        except UserError as error:
            outcome = Outcome(REFUSED, error=str(error))
            print(f"tst: {error}", file=sys.stderr)
        except Exception as error:
            outcome = Outcome(FAILED, error=f"{type(error).__name__}: {error}")
            if isinstance(error, OSError) and error.errno in DISK_FULL:
                print(f"tst: {error}: free some space; the same command continues", file=sys.stderr)
            else:
                log.error("%s", "".join(traceback.format_exception(error)))
            # frames keep the model's tensors alive
            traceback.clear_frames(error.__traceback__)
        except BaseException as stop:
            leave(Outcome(INTERRUPTED, error=f"stopped ({type(stop).__name__})"))
            raise
        gc.collect()
        leave(outcome)
        stop_early = cfg.fail_fast and outcome.state in (FAILED, REFUSED)
        if HydraConfig.get().mode == RunMode.RUN or stop_early:
            raise SystemExit(exit_code([outcome]))

    return job


def exit_code(outcomes: list[Outcome]) -> int:
    """0: all done; 2: all that failed are the user's to mend; else 1."""
    failed = {o.state for o in outcomes} & {FAILED, REFUSED}
    if not failed:
        return 0
    return 2 if failed == {REFUSED} else 1


def run_command(
    config_name: str, task: Task, show_sweep: Callable[[list[tuple[str, Outcome]]], None]
) -> int:
    """Compose the config named on the command line, run the task for each job; the exit code.

    show_sweep: prints a sweep's (overrides, outcome) pairs
    """
    register_schema()
    sys.argv[1:] = arrange(sys.argv[1:])
    signal.signal(signal.SIGTERM, _stop)
    wants_traceback = "HYDRA_FULL_ERROR" in os.environ
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of ending with exit code 1
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    decorate = hydra.main(
        version_base="1.3", config_path=str(CONFIG_FOLDER), config_name=config_name
    )
    ended, stopped = 0, False
    try:
        decorate(guarded(task))()
    except SystemExit as end:
        ended = end.code if isinstance(end.code, int) else int(end.code is not None)
    except (HydraException, OmegaConfBaseException) as error:
        if wants_traceback:
            raise
        print(f"tst: {one_message(error)}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, Terminated) as stop:
        print("tst: stopped; the same command continues this run", file=sys.stderr)
        ended, stopped = 143 if isinstance(stop, Terminated) else 130, True
    except Exception as error:
        if SweepFolder.current is None:
            raise
        log.error("the launcher failed: %s: %s", type(error).__name__, error)
        ended = 1
    if SweepFolder.current is None:
        return ended
    outcomes = read_outcomes(SweepFolder.current)
    show_sweep(outcomes)
    return ended if stopped else exit_code([o for _, o in outcomes]) or ended


def read_outcomes(sweep: Path) -> list[tuple[str, Outcome]]:
    """(overrides, outcome) of a sweep's jobs in order; a job that left none has died."""
    jobs = [p.parent for p in sweep.glob("*/.hydra")]
    found = []
    for job in sorted(jobs, key=lambda p: (len(p.name), p.name)):
        try:
            entry = read_json(job / OUTCOME)
            overrides = entry.pop("overrides")
        except (OSError, ValueError, KeyError):
            entry = asdict(Outcome(FAILED, error="the process died without a word (killed?)"))
            overrides = _overrides_of(job)
        shown = [o for o in overrides if not o.startswith(("hydra/", "hydra."))]
        found.append((" ".join(shown), Outcome(**entry)))
    return found


def _overrides_of(job: Path) -> list[str]:
    path = job / ".hydra" / "overrides.yaml"
    lines = path.read_text().splitlines() if path.exists() else []
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]
