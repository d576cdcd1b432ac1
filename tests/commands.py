"""A command as a user types it, in a process of its own that starts at once.

A small command spends most of its time on imports. A server process does them once, and each
command is forked from it. The command then runs as ``python -m tst.NAME WORDS`` does, with its own
argv, folder, environment, output and exit code. ``fresh=True`` is a new interpreter: for each
command once, for what depends on the imports, and for what joblib runs in processes.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 300
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "lightgbm",
        "matplotlib.figure",
        "scipy.stats",
        "tst.analysis.study",
        "tst.cli.command",
        "tst.cli.summary_console",
        "tst.diagnostics.forest.diagnostic",
        "tst.stress_test.run",
    ]
)


def run_command(
    module: str, *words: object, cwd: Path = ROOT, fresh: bool = False, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m MODULE WORDS``: its exit code and what it wrote.

    environment: added to that of this process
    """
    line = [module, *map(str, words)]
    environment = {**os.environ, **environment}
    if fresh:
        return subprocess.run(
            [sys.executable, "-m", *line], cwd=cwd, env=environment,
            capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder, "stdout"), Path(folder, "stderr")]
        process = FORKS.Process(target=_become, args=(line, cwd, environment, outputs))
        process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(line, SECONDS)
        stdout, stderr = (path.read_text(encoding="utf-8") for path in outputs)
        return subprocess.CompletedProcess(line, process.exitcode, stdout, stderr)


def _become(line: list[str], cwd: Path, environment: dict[str, str], outputs: list[Path]) -> None:
    """In the forked process: be the command."""
    for descriptor, path in zip((1, 2), outputs, strict=True):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.path.insert(0, str(cwd))
    sys.argv = line
    try:
        runpy.run_module(line[0], run_name="__main__", alter_sys=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
