import ast
import importlib.metadata
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import tst
import tst.records.environment
from tst.records.environment import (
    PACKAGES,
    _named_by_driver,
    describe_environment,
    gpu_names,
    library_versions,
)

WITHOUT_NUMBERS = {
    "captum", "datasets", "huggingface-hub", "joblib", "matplotlib", "omegaconf", "openpyxl",
    "pyarrow", "pyyaml", "rich", "safetensors", "threadpoolctl", "tqdm", "wandb",
    "wandb-workspaces",
}  # fmt: skip
"""Read or write files, split work, show: the questions' fingerprint covers what they could change,
and what explains or shows a record changes none."""

ENVIRONMENT = Path(tst.records.environment.__file__)

TWO_GPUS = """
case "$*" in
  *--id=1) echo 'NVIDIA H200' ;;
  *--id=*) echo 'No devices were found'; exit 6 ;;
  *) printf 'NVIDIA H100\\nNVIDIA H200\\n' ;;
esac
"""


def imported_distributions() -> set[str]:
    """Distributions that any module of tst imports, by their lower-case names."""
    known = importlib.metadata.packages_distributions()
    modules = set()
    for path in Path(tst.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules.add(node.module.partition(".")[0])
    modules -= {"tst", *sys.stdlib_module_names}
    return {d.lower().replace("_", "-") for module in modules for d in known.get(module, [module])}


def test_every_package_that_makes_numbers_is_in_environment_json() -> None:
    versions = describe_environment()["versions"]
    assert versions == library_versions()
    assert {"python", "scipy", "numpy", "scikit-learn", "tokenizers"} <= set(versions)
    known = {name.lower() for name in PACKAGES} | WITHOUT_NUMBERS
    unknown = {d for d in imported_distributions() if d not in known}
    assert not unknown, "add them to PACKAGES or to WITHOUT_NUMBERS"


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Writes an nvidia-smi that comes first."""
    program = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def write(script: str) -> None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        _named_by_driver.cache_clear()

    yield write
    _named_by_driver.cache_clear()


def test_gpus_are_named_before_torch_is_loaded(driver: Callable[[str], None]) -> None:
    driver(TWO_GPUS)
    assert gpu_names() == ["NVIDIA H100", "NVIDIA H200"]
    driver("echo 'No devices were found'; exit 6")
    assert gpu_names() == []


def test_only_the_gpus_that_a_process_may_use_are_named(
    driver: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver(TWO_GPUS)
    for visible, names in (("1", ["NVIDIA H200"]), ("", []), ("-1", [])):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        assert gpu_names() == names


def test_a_change_anywhere_in_the_package_is_a_change_of_the_code(tmp_path: Path) -> None:
    module = tmp_path / "tst" / "records" / "environment.py"
    other = tmp_path / "tst" / "core" / "metrics.py"
    for path, text in ((module, ENVIRONMENT.read_text("utf-8")), (other, "x = 1\n")):
        path.parent.mkdir(parents=True)
        path.write_text(text, "utf-8")
    who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-q", "-m", "first")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)

    def version() -> str:
        code = "import runpy, sys; print(runpy.run_path(sys.argv[1])['code_version']())"
        done = subprocess.run(
            [sys.executable, "-c", code, str(module)], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    commit = version()
    assert len(commit) == 12
    other.write_text("x = 2\n")
    assert version() == f"{commit}+changes"
