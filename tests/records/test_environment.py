from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tst.records.environment import _named_by_driver, gpu_names

TWO_GPUS = """
case "$*" in
  *--id=1) echo 'NVIDIA H200' ;;
  *--id=*) echo 'No devices were found'; exit 6 ;;
  *) printf 'NVIDIA H100\\nNVIDIA H200\\n' ;;
esac
"""


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
