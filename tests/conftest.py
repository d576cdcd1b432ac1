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


def pytest_collection_finish() -> None:
    """Runs collect garbage; what imports left (half a million objects) need not be looked at."""
    gc.freeze()


@pytest.fixture
def quick_config(tmp_path: Path) -> Callable[..., RunConfig]:
    def make(*overrides: str) -> RunConfig:
        return compose([*QUICK, f"outputs_root={tmp_path}", *overrides])

    return make
