"""A training that diverged ends as failed, with a message, and leaves no score."""

from __future__ import annotations

import json

import pandas as pd
import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from tests.diagnostics.llm.conftest import TINY
from tst.config.composition import compose
from tst.core.errors import UserError
from tst.core.folds import plan_folds
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.model.loading import load_base
from tst.diagnostics.llm.settings import LoraSettings, OptimizerSettings
from tst.diagnostics.llm.training.divergence import RequireFinite, require_finite_answers
from tst.diagnostics.llm.training.loss_history import LossHistory
from tst.stress_testing.run import run


@pytest.mark.parametrize("training", ["stacked", "sequential"])
def test_a_loss_that_is_no_number_ends_training_where_it_first_is_none(table, training):
    settings = LoraSettings(learning_rate=1e9, dropout=0.0, training=training)
    plan = plan_folds(table, k=3, seed=1)
    diagnostic = LoraLLMDiagnostic(settings, TINY, OptimizerSettings(), None, "cpu")
    with pytest.raises(UserError, match=r"not finite from step [2-6] of 6 on.*now 1e\+09"):
        list(diagnostic.run_folds(table, plan, plan.folds(), 1))
    base = load_base(TINY, "cpu")
    assert all(torch.isfinite(p).all() for p in base.model.parameters()), "the base is untouched"


def test_a_record_of_a_diverged_run_says_that_it_failed_and_has_no_fold(tmp_path):
    words = ["model=tiny", "benchmark.n=48", "fold.k=2", "diagnostic.learning_rate=1e9"]
    with pytest.raises(UserError, match=r"Lower diagnostic\.learning_rate"):
        run(compose([*words, f"outputs_root={tmp_path}"]))
    (status,) = tmp_path.rglob("status.json")
    assert json.loads(status.read_text())["state"] == "failed"
    assert not list(tmp_path.rglob("folds/*.parquet"))


def test_weights_that_overflow_in_the_last_step_are_a_failure(tmp_path):
    weights = torch.nn.Parameter(torch.tensor([1.0, float("inf")]))
    check = RequireFinite(LossHistory(1, torch.device("cpu")), [weights])
    arguments = TrainingArguments(str(tmp_path), use_cpu=True, report_to=[])
    with pytest.raises(UserError, match="weights are not finite"):
        check.on_train_end(arguments, TrainerState(), TrainerControl())


def test_probabilities_that_are_no_numbers_are_a_failure():
    answers = pd.DataFrame({"p_options": [[0.5, 0.5], None, [float("nan"), 1.0]]})
    with pytest.raises(UserError, match="held-out answers' probabilities are not finite"):
        require_finite_answers(answers, "held-out")
    require_finite_answers(answers.head(2), "held-out")
