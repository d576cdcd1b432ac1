"""What a run ran on: versions, machine, code; and how a program's state is described."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from contextvars import ContextVar
from functools import cache
from pathlib import Path

_job_command: ContextVar[str] = ContextVar("job_command", default="")

PACKAGES = (
    "numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "torch", "triton", "transformers",
    "tokenizers", "sentencepiece", "jinja2", "trl", "peft", "accelerate", "bitsandbytes", "gguf",
    "liger-kernel", "casmo-optimizer", "hydra-core",
)  # fmt: skip
"""Distributions that compute, tokenise, write prompts, read weights or compose settings."""


def remember_command(command: str) -> None:
    """Note the shell command that runs the current job alone, outside of its sweep."""
    _job_command.set(command)


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that numbers depend on; without importing them."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@cache
def code_version() -> str:
    """The git commit of this code, ``+changes`` where the package differs; empty outside git."""
    git = ("git", "-C", str(Path(__file__).parents[1]))
    try:
        commit = _output(*git, "rev-parse", "--short=12", "HEAD")
        changed = _output(*git, "status", "--porcelain", "--untracked-files=no", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{commit}+changes" if commit and changed else commit


def gpu_names() -> list[str]:
    """The NVIDIA GPUs that this process may use (CUDA_VISIBLE_DEVICES), all where nothing says.

    By their driver: torch is not loaded when a run begins.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return _named_by_driver(() if visible is None else (f"--id={visible}",))


@cache
def _named_by_driver(chosen: tuple[str, ...]) -> list[str]:
    query = ("nvidia-smi", "--query-gpu=name", "--format=csv,noheader", *chosen)
    try:
        return _output(*query).splitlines()
    except (OSError, subprocess.SubprocessError):
        return []


def _output(*command: str) -> str:
    """What a program prints; empty where it fails. Raises where it cannot be run."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    return done.stdout.strip() if done.returncode == 0 else ""


def describe_environment() -> dict[str, object]:
    """environment.json: code, command, versions, machine."""
    from tst import __version__

    return {
        "tst": __version__,
        "commit": code_version(),
        "command": _job_command.get() or shlex.join(sys.argv),
        "versions": library_versions(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "gpus": gpu_names(),
    }
