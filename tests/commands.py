"""A command as a user types it, in a process of its own that starts at once.

A small command spends most of its time on imports. A server process does them once, and each
command is forked from it. The command then runs as ``python -m tst.NAME WORDS`` does, with its own
argv, folder, environment, output and exit code. ``fresh=True`` is a new interpreter: for each
command once, for what depends on the imports, and for what joblib runs in processes.
"""

from __future__ import annotations

import gc
import io
import os
import runpy
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout, suppress
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from unittest import mock

import pytest
from hydra.core.hydra_config import HydraConfig

from tst.cli.command import SweepFolder

ROOT = Path(__file__).parents[1]
SECONDS = 300
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "lightgbm",
        "matplotlib.figure",
        "pyarrow.dataset",
        "scipy.stats",
        "tst.analysis.study",
        "tst.cli.command",
        "tst.cli.summary_console",
        "tst.diagnostics.forest.diagnostic",
        "tst.stress_testing.run",
    ]
)

Done = subprocess.CompletedProcess[str]


class StartedCommand:
    """``python -m MODULE WORDS``, running.

    terminal: device that is its standard output and error; empty: they are kept for ``end``
    environment: added to that of this process
    """

    def __init__(
        self,
        module: str,
        *words: object,
        cwd: Path = ROOT,
        terminal: str = "",
        **environment: str,
    ) -> None:
        self.line = [module, *map(str, words)]
        self._folder = tempfile.TemporaryDirectory()
        self._outputs = [str(Path(self._folder.name, name)) for name in ("stdout", "stderr")]
        outputs = [terminal] * 2 if terminal else self._outputs
        given = (self.line, cwd, {**os.environ, **environment}, outputs)
        self._process = FORKS.Process(target=_become, args=given)
        self._process.start()

    def signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        assert self._process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    def has_ended(self) -> bool:
        return self._process.exitcode is not None

    def end(self, seconds: float = SECONDS) -> Done:
        """Its exit code and what it wrote, once it has ended; TimeoutExpired if it does not."""
        self._process.join(seconds)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise subprocess.TimeoutExpired(self.line, seconds)
        stdout, stderr = (
            path.read_text(encoding="utf-8") if path.exists() else ""
            for path in map(Path, self._outputs)
        )
        self._folder.cleanup()
        return subprocess.CompletedProcess(self.line, code, stdout, stderr)


def run_command(
    module: str, *words: object, cwd: Path = ROOT, fresh: bool = False, **environment: str
) -> Done:
    """Run ``python -m MODULE WORDS``: its exit code and what it wrote."""
    if not fresh:
        return StartedCommand(module, *words, cwd=cwd, **environment).end()
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, words)], cwd=cwd,
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=SECONDS,
    )  # fmt: skip


def run_here(module: str, *words: object) -> Done:
    """The same in this process: for a command that needs torch, whose import takes 5 seconds."""
    output, errors = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, mock.patch.dict(os.environ):
        patch.setattr(sys, "argv", [module, *map(str, words)])
        patch.setattr(SweepFolder, "current", None)
        patch.setattr(HydraConfig.instance(), "cfg", None)
        with redirect_stdout(output), redirect_stderr(errors), pytest.raises(SystemExit) as ended:
            import_module(module).main()
    return subprocess.CompletedProcess(
        sys.argv, int(ended.value.code or 0), output.getvalue(), errors.getvalue()
    )


def _become(line: list[str], cwd: Path, environment: dict[str, str], outputs: list[str]) -> None:
    """In the forked process: be the command."""
    gc.freeze()
    os.setsid()
    for descriptor, path in zip((1, 2), outputs, strict=True):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
    sys.stdout.reconfigure(line_buffering=sys.stdout.isatty())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path[:0] = [str(cwd), *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = line
    try:
        runpy.run_module(line[0], run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
