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

QUICK = ["diagnostic=rf", "benchmark.n=96", "diagnostic.trees=10", "n_jobs=1"]
"""A forest on the planted benchmark that takes about a second."""


@pytest.fixture
def quick_config(tmp_path: Path) -> Callable[..., RunConfig]:
    def make(*overrides: str) -> RunConfig:
        return compose([*QUICK, f"outputs_root={tmp_path}", *overrides])

    return make
