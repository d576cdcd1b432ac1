"""How a command is declared, and how it meets Hydra.

A job never raises into Hydra: it writes ``outcome.json`` into its Hydra folder, so that one failed
job of a sweep, in this process or another, is named while the others finish. Exit codes: 0 done, 1
a job failed, 2 the user has something to mend, 3 an audit found what it was to fail on.
"""

from __future__ import annotations

import gc
import logging
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tst.cli.command_line import arrange, tell_swept
from tst.cli.console_script import list_commands
from tst.cli.endings import (
    EXTRAS,
    NO_FOLDER,
    end_unread,
    fail,
    in_sweep,
    reader_has_gone,
    refuse,
    refuse_unwritable,
)
from tst.cli.job_logs import begin_job, quieten_libraries, restoring_handlers
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
from tst.config.schema import RunConfig
from tst.core.errors import UserError
from tst.core.ranges import find_range_problems
from tst.records.environment import remember_command

log = logging.getLogger("tst")

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
        return typed(cfg, self.settings, self.find_problems, overrides)

    def compose(self, overrides: Sequence[str]) -> Settings:
        """The config that a command line with these overrides would run. Raises UserError."""
        self.register()
        name = self.config or self.name
        return compose_command(name, list(overrides), lambda cfg: self.read(cfg, overrides))

    def main(self) -> None:
        """Run the command line's jobs, and end the process with their exit code."""
        with _hydra_raises() as wants_traceback, restoring_handlers():
            sys.exit(_run(self, wants_traceback))


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
        entry = [] if command.name == "main" else [command.name]
        remember_command(shlex.join(["tst", *entry, *own, *overrides]))
        number = int(HydraConfig.get().job.num) if in_sweep() else None
        begin_job(number, "")
        if number is not None:
            log.info("%s", HydraConfig.get().job.override_dirname)
        try:
            config = command.read(cfg, overrides)
            if isinstance(config, RunConfig):
                begin_job(number, config.benchmark.name)
            outcome = command.job(config)
        except UserError as error:
            outcome = refuse(str(error))
        except OSError as error:
            if isinstance(error, BrokenPipeError) and not in_sweep() and reader_has_gone():
                raise SystemExit(end_unread()) from error  # Hydra tells any other exception
            outcome = refuse_unwritable(error) or fail(error)
        except Exception as error:
            outcome = fail(error)
        except BaseException as stop:
            if in_sweep():
                stopped = Outcome(INTERRUPTED, error=f"stopped ({type(stop).__name__})")
                write_outcome(folder, stopped, overrides)
            raise
        if not in_sweep():
            code = exit_code([outcome])
            try:
                if outcome.record:
                    print(f"record: {outcome.record}")
                sys.stdout.flush()
            except BrokenPipeError:
                code = end_unread()
            raise SystemExit(code)
        gc.collect()  # before the next job
        write_outcome(folder, outcome, overrides)
        if cfg.fail_fast and outcome.state in (FAILED, REFUSED):
            raise SystemExit(exit_code([outcome]))

    return job


@contextmanager
def _hydra_raises() -> Iterator[bool]:
    """Hydra raises instead of ending with exit code 1, for the length of this block.

    Gives whether the user asked for tracebacks.
    """
    asked = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield asked is not None
    finally:
        del os.environ["HYDRA_FULL_ERROR"]
        if asked is not None:
            os.environ["HYDRA_FULL_ERROR"] = asked


def _run(command: Command[Any], wants_traceback: bool) -> int:
    """Compose the config that the command line names, run the job for each; the exit code."""
    command.register()
    sys.argv[1:] = tell_swept(arrange(prepare(sys.argv[1:])))
    signal.signal(signal.SIGTERM, _stop)
    gc.freeze()  # what is imported stays: no collection need look at it again
    quieten_libraries()
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
    except BrokenPipeError:  # whoever read the output has gone, as in `tst --help | head`
        return end_unread()
    except OSError as error:  # Hydra's own folder: jobs do not raise
        if error.errno not in NO_FOLDER or error.filename is None:
            raise
        root = str(error.filename).partition("/hydra/")[0]
        print(
            f"tst: outputs_root={root}: {error.strerror}. Expected a folder that can be written: "
            "outputs_root=DIR",
            file=sys.stderr,
        )
        return 2
    except Exception as error:
        if extra := next((EXTRAS[name] for name in EXTRAS if name in str(error)), ""):
            print(
                f"tst: hydra/launcher={extra} is not installed: "
                f"pip install 'tst-stress-test[{extra}]'",
                file=sys.stderr,
            )
            return 2
        if SweepFolder.current is None:
            raise
        log.error("the launcher failed: %s: %s", type(error).__name__, error)
        ended = 1
    if SweepFolder.current is None:
        return ended
    jobs = read_outcomes(SweepFolder.current)
    show_sweep(jobs)
    return ended if stopped else exit_code([job.outcome for job in jobs]) or ended
