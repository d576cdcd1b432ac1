import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")

from tst.config.composition import compose
from tst.config.schema import RunConfig

# the same examples each time, and a busy machine is no failure
settings.register_profile("tst", deadline=None, derandomize=True)
settings.load_profile("tst")

SMALL = ["diagnostic.trees=10", "diagnostic.inner_folds=2", "n_jobs=1"]
"""A forest with everything that it has, as small as it can be."""
QUICK = ["diagnostic=rf", *SMALL, "benchmark.n=96"]
"""It takes about a second on this much of the planted benchmark."""


SLOWEST = (
    "test_speed_benchmarks.py", "noisy_tuning/test_grid.py", "cli/test_main.py",
    "stress_testing/test_run.py", "diagnostics/llm/training/test_stacked_folds.py",
    "tracking/test_offline_runs.py", "records/test_faults.py", "pruning/test_running.py",
    "auditing/test_audit.py", "diagnostics/llm/test_diagnostic.py", "cli/test_terminal.py",
    "external_training/test_score.py", "diagnostics/llm/model/test_architectures.py",
    "diagnostics/llm/training/test_top_layers.py", "tracking/test_outage.py",
)  # fmt: skip
"""Files that take more than 15 seconds of a core, the slowest first."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest files first, so that the processes of ``make test`` end together."""
    tests = Path(__file__).parent
    place = {tests / name: at for at, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_collection_finish() -> None:
    """Runs and trainers collect garbage; half a million objects of imports are passed over."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def quick_config(tmp_path: Path) -> Callable[..., RunConfig]:
    def make(*overrides: str) -> RunConfig:
        return compose([*QUICK, f"outputs_root={tmp_path}", *overrides])

    return make
