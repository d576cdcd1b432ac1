"""Adapters by format (diagnostic.per_format) in a record's own store."""

import numpy as np
import pytest

from tests.diagnostics.llm.conftest import TINY
from tst.config.composition import compose
from tst.core.folds import plan_folds, split
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings
from tst.records.store import FolderStore
from tst.stress_testing.run import run


@pytest.mark.parametrize("training", ["stacked", "sequential"])
def test_the_adapters_of_all_formats_are_kept_and_score_the_same(table, tmp_path, training):
    settings = LoraSettings(
        epochs=1.0, learning_rate=1e-2, training=training, per_format=True, save_adapters=True
    )
    store = FolderStore(tmp_path / "cache", tmp_path / "adapters")
    diagnostic = LoraLLMDiagnostic(settings, TINY, OptimizerSettings(), store, "cpu")
    plan = plan_folds(table, k=3, seed=1)
    [(_, first)] = diagnostic.run_folds(table, plan, [(0, 1)], 1)
    folder = tmp_path / "adapters" / "0-1"
    assert {path.name for path in folder.iterdir()} == {"mc", "num", "open"}
    _, heldout = split(table, plan, 0, 1)
    again = diagnostic.rescore(heldout, folder)
    for a, b in zip(first.p_options, again.p_options, strict=True):
        if a is not None:
            np.testing.assert_allclose(a, b, atol=5e-3)  # bf16 on disk


def test_a_record_has_the_adapters_of_all_formats(tmp_path):
    words = ["model=tiny", "benchmark.n=48", "fold.k=2", "fold.only=[0]", "diagnostic.epochs=0.1",
             "diagnostic.per_format=true", "diagnostic.save_adapters=true"]  # fmt: skip
    record = run(compose([*words, f"outputs_root={tmp_path}"])).record
    saved = (record / "adapters").rglob("adapter_config.json")
    parts = {path.parent.relative_to(record).as_posix() for path in saved}
    assert parts == {"adapters/0-0/mc", "adapters/0-0/num"}
