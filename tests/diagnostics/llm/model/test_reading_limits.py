"""Prompts stay within a model's positions and its vocabulary."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import transformers as hf

from tests.diagnostics.llm.conftest import mixed_rows
from tst.core.errors import UserError
from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.dry_run import describe_run
from tst.diagnostics.llm.model.loading import free_base
from tst.diagnostics.llm.model.reading_limits import count_positions
from tst.diagnostics.llm.model.tiny_model import build_tokenizer
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings

KNOWN = len(build_tokenizer())


def save(folder: Path, positions: int, vocab_size: int = KNOWN) -> ModelSettings:
    """A GPT-2, whose positions are learned."""
    config = hf.GPT2Config(
        vocab_size=vocab_size, n_positions=positions, n_embd=32, n_layer=2, n_head=2
    )
    hf.GPT2LMHeadModel(config).save_pretrained(folder)
    build_tokenizer().save_pretrained(folder)
    free_base()
    return ModelSettings(str(folder), dtype="float32", quantization="none")


@pytest.fixture
def questions() -> pd.DataFrame:
    rows = [row for row in mixed_rows(16) if row["format"] == "mc"]
    rows[0]["question"] = " ".join(["many words"] * 60)
    return build_table("questions", rows).frame


def run(questions: pd.DataFrame, model: ModelSettings) -> float:
    """Prompts that were cut, in all folds."""
    plan = plan_folds(questions, k=2, seed=1)
    diagnostic = LoraLLMDiagnostic(LoraSettings(), model, OptimizerSettings(), None, "cpu")
    found = diagnostic.run_folds(questions, plan, plan.folds(), 1)
    return sum(predictions.cost["rows_cut"] for _, predictions in found)


def test_a_prompt_is_cut_to_the_positions_that_a_model_has(tmp_path, questions):
    model = save(tmp_path, positions=320)
    assert run(questions, model) == 1
    plan = plan_folds(questions, k=2, seed=1)
    text = describe_run(questions, plan, LoraSettings(), model, OptimizerSettings(), "cpu")
    assert "rows cut to max_length=320: 1" in text


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"positions": 100}, r"reads at most 100 \(max_position_embeddings\)"),
        ({"positions": 1024, "vocab_size": 200}, r"the model knows 200 tokens \(vocab_size\)"),
    ],
)
def test_what_a_model_cannot_read_is_one_message(tmp_path, questions, limits, message):
    model = save(tmp_path, **limits)
    with pytest.raises(UserError, match=message):
        run(questions, model)
    plan = plan_folds(questions, k=2, seed=1)
    with pytest.raises(UserError, match=message):
        describe_run(questions, plan, LoraSettings(), model, OptimizerSettings(), "cpu")


def test_models_without_positions_of_their_own_read_texts_of_any_length():
    assert count_positions(hf.BloomConfig()) is None
    assert count_positions(hf.MambaConfig()) is None
    assert count_positions(hf.GPT2Config()) == 1024
    assert count_positions(hf.Gemma3Config()) == 131072
