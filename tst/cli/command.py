"""How a command is declared, and how it meets Hydra.

A job never raises into Hydra: it writes ``outcome.json`` into its Hydra folder, so that one failed
job of a sweep, in this process or another, is named while the others finish. Exit codes: 0 done, 1
a job failed, 2 the user has something to mend, 3 an audit found what it was to fail on.
"""

from __future__ import annotations

import errno
import gc
import logging
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tst.cli.console_script import list_commands
from tst.cli.outcomes import (
    FAILED,
    INTERRUPTED,
    REFUSED,
    Outcome,
    exit_code,
    read_outcomes,
    show_sweep,
    write_outcome,
)
from tst.config.arguments import prepare
from tst.config.composition import (
    CONFIG_FOLDER,
    compose_command,
    make_importable,
    one_message,
    own_folders,
    register_schema,
    typed,
)
from tst.core.errors import UserError
from tst.core.ranges import find_range_problems
from tst.records.environment import remember_command

log = logging.getLogger("tst")

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
MODEL_KEYS = ("model=", "model.name=")
MULTIRUN = ("-m", "--multirun")

Settings = TypeVar("Settings")


@dataclass(frozen=True)
class Command(Generic[Settings]):
    """One command, ``tst NAME`` or ``python -m tst.NAME``.

    name: of its module in tst/, and of the schema that its primary config names: NAME_schema
    settings: dataclass of its primary config; has outputs_root and fail_fast
    job: what it does with one composed and checked config
    find_problems: what is wrong with a config that types alone do not show
    complete: completes a composed config before it is typed; it is given the overrides too
    config: file name of the primary config in conf/, where it is not ``name``
    """

    name: str
    settings: type[Settings]
    job: Callable[[Settings], Outcome]
    find_problems: Callable[[Settings], list[str]] = find_range_problems
    complete: Callable[[DictConfig, Sequence[str]], None] = lambda cfg, overrides: None
    config: str = ""

    def register(self) -> None:
        """Tell Hydra the schemas that the primary config names."""
        register_schema()
        OmegaConf.register_new_resolver("list_commands", list_commands, replace=True)
        ConfigStore.instance().store(name=f"{self.name}_schema", node=self.settings)

    def read(self, cfg: DictConfig, overrides: Sequence[str]) -> Settings:
        """The composed config as dataclasses. Raises UserError with every problem there is.

        overrides: what the command line asked for, as ``key=value``
        """
        cfg = deepcopy(cfg)  # Hydra sends its own to other processes, which may lack a class in it
        self.complete(cfg, overrides)
        return typed(cfg, self.settings, self.find_problems)

    def compose(self, overrides: Sequence[str]) -> Settings:
        """The config that a command line with these overrides would run. Raises UserError."""
        self.register()
        name = self.config or self.name
        return compose_command(name, list(overrides), lambda cfg: self.read(cfg, overrides))

    def main(self) -> None:
        """Run the command line's jobs, and end the process with their exit code."""
        sys.exit(_run(self))


def in_sweep() -> bool:
    """Whether the current job is one of several, which are shown together at the end."""
    return HydraConfig.get().mode == RunMode.MULTIRUN


def jobs_run_side_by_side() -> bool:
    """Whether the launcher runs several jobs of a sweep at a time."""
    return not HydraConfig.get().launcher._target_.endswith("BasicLauncher")


class SweepFolder(Callback):
    """Remembers where the running sweep's jobs leave their outcomes."""

    current: Path | None = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        SweepFolder.current = Path(str(config.hydra.sweep.dir))


class Terminated(BaseException):
    """SIGTERM: a scheduler takes the machine back. Unwinds like Ctrl-C, so that records close."""


def _stop(signum: int, frame: object) -> None:
    raise Terminated


def guarded(command: Command[Any]) -> Callable[[DictConfig], None]:
    """The job as Hydra calls it: every ending becomes an outcome file, none an exception."""

    def job(cfg: DictConfig) -> None:
        folder = Path(HydraConfig.get().runtime.output_dir)
        overrides = list(HydraConfig.get().overrides.task)
        folders = own_folders()
        make_importable(folders)
        own = ["--config-dir", str(folders[0])] if len(folders) == 1 else []
        if len(folders) > 1:
            own = [f"hydra.searchpath=[{','.join(f'file://{folder}' for folder in folders)}]"]
        remember_command(shlex.join(["python", "-m", f"tst.{command.name}", *own, *overrides]))
        try:
            outcome = command.job(command.read(cfg, overrides))
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
            if in_sweep():
                stopped = Outcome(INTERRUPTED, error=f"stopped ({type(stop).__name__})")
                write_outcome(folder, stopped, overrides)
            raise
        gc.collect()
        if not in_sweep():
            if outcome.record:
                print(f"record: {outcome.record}")
            raise SystemExit(exit_code([outcome]))
        write_outcome(folder, outcome, overrides)
        if cfg.fail_fast and outcome.state in (FAILED, REFUSED):
            raise SystemExit(exit_code([outcome]))

    return job


def _run(command: Command[Any]) -> int:
    """Compose the config that the command line names, run the job for each; the exit code."""
    command.register()
    sys.argv[1:] = arrange(prepare(sys.argv[1:]))
    signal.signal(signal.SIGTERM, _stop)
    wants_traceback = "HYDRA_FULL_ERROR" in os.environ
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra then raises instead of ending with exit code 1
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    decorate = hydra.main(
        version_base="1.3",
        config_path=str(CONFIG_FOLDER),
        config_name=command.config or command.name,
    )
    ended, stopped = 0, False
    try:
        decorate(guarded(command))()
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
    except BrokenPipeError:  # whoever read the help has gone, as in `tst --help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
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


def arrange(arguments: list[str]) -> list[str]:
    """The same arguments: flags that Hydra wants first, first; sweeps over models outermost.

    ``-m`` behind an override is refused by Hydra's parser. The first of several sweeps varies
    slowest, so with the model there, jobs that share a base follow each other and load it once.
    """
    flags = [a for a in arguments if a in MULTIRUN]
    rest = [a for a in arguments if a not in MULTIRUN]
    places = [i for i, a in enumerate(rest) if _is_override(rest, i)]
    overrides = [rest[i] for i in places]
    ordered = sorted(overrides, key=lambda a: not a.startswith(MODEL_KEYS))
    for place, override in zip(places, ordered, strict=True):
        rest[place] = override
    return [*flags[:1], *rest]


def _is_override(arguments: list[str], index: int) -> bool:
    """Whether an argument is a ``key=value``, and not a flag or a flag's value."""
    behind_flag = index > 0 and arguments[index - 1].startswith("--")
    argument = arguments[index]
    return "=" in argument and not argument.startswith("-") and not behind_flag
