"""What `dry_run=true` tells, and what is refused before a model is loaded."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.diagnostics.llm.conftest import TINY
from tst.core.errors import UserError
from tst.core.folds import plan_folds
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.dry_run import describe_run
from tst.diagnostics.llm.model.loading import free_base
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings


def test_dry_run_trains_as_a_run_would(table):
    plan = plan_folds(table, 2, 0)
    for words, mode in (({}, "sequential"), ({"top_layers": 1}, "stacked, 2 folds at once")):
        settings = LoraSettings(**words)
        text = describe_run(table, plan, settings, TINY, OptimizerSettings(), "cpu")
        assert f"training: {mode};" in text
        model = LoraLLMDiagnostic(settings, TINY, OptimizerSettings(), device="cpu")
        assert (model.folds_at_once > 1) == mode.startswith("stacked")


def test_dry_run_describes_and_loads_no_weights(table):
    free_base()
    plan = plan_folds(table, k=3, seed=1)
    text = describe_run(table, plan, LoraSettings(), TINY, OptimizerSettings(), "cpu")
    for part in (
        "Answer the following question:",
        "⟦",
        "tokens per row",
        "rows cut",
        "steps",
        "GB",
    ):
        assert part in text
    assert set(re.findall(r"--- prompt \((\w+)\)", text)) == set(table["format"])
    assert table["format"].nunique() == 3
    letters = LoraSettings(mc_scoring="letters")
    shorter = describe_run(table, plan, letters, TINY, OptimizerSettings(), "cpu")
    trained = [
        int(re.search(r"trained on ([\d,]+)", t)[1].replace(",", "")) for t in (text, shorter)
    ]
    assert trained[0] > trained[1], "options are listed a second time"
    assert "yes or no" in text and "yes or no" not in shorter


def test_wrong_settings_are_told_all_at_once():
    with pytest.raises(UserError) as problem:
        LoraLLMDiagnostic(
            LoraSettings(r=0, training="stacked", use_dora=True),
            ModelSettings(quantization="int3"),
            OptimizerSettings("sgd"),
        )
    for part in ("diagnostic.r=0", "DoRA", "model.quantization=int3", "optimizer.name=sgd"):
        assert part in str(problem.value)


def test_no_library_of_adapters_or_trainers_is_imported():
    """An audit imports it for its estimate alone."""
    heavy = "{'peft', 'bitsandbytes', 'trl', 'datasets'}"
    code = f"import sys, tst.diagnostics.llm.dry_run; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
