"""Records for tests: the real runner on planted questions with a small, quick diagnostic."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tst.stress_testing.run
from tst.config.composition import compose
from tst.config.schema import RunConfig
from tst.core.diagnostic import Diagnostic, Predictions
from tst.core.scoring_rules import DEFAULT_RULES

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"


class FrequencyDiagnostic(Diagnostic):
    """Option-text frequencies and best constants, with every optional field filled in."""

    def __init__(self, zero_shot: bool) -> None:
        self.zero_shot = zero_shot

    def fit_predict(self, train: pd.DataFrame, heldout: pd.DataFrame, seed: int) -> Predictions:
        rng = np.random.default_rng(seed)
        predictions = predict_frequencies(train, heldout)
        if self.zero_shot:
            blind = predict_frequencies(train.head(0), heldout, rng)
            predictions.p_options_zero_shot = blind.p_options
            predictions.value_zero_shot = blind.value
            predictions.text_zero_shot = blind.text
        else:
            uniform = predict_frequencies(train.head(0), heldout, rng)
            predictions.permuted = {"option text": uniform, "option length": predictions}
        predictions.reasons = [
            [f"the options' texts recur in {len(train)} training questions", HOSTILE]
        ] * len(heldout)
        predictions.cost = {"fit_seconds": 1.5, "predict_seconds": 0.5}
        if self.zero_shot:
            predictions.cost |= {"train_tokens": 1000.0, "peak_memory_bytes": 2.0**30}
        return predictions


def predict_frequencies(
    train: pd.DataFrame, heldout: pd.DataFrame, rng: np.random.Generator | None = None
) -> Predictions:
    """Smoothed frequencies of option texts per type; noise where there is nothing to count."""
    predictions = Predictions.empty(len(heldout))
    of_type = dict(iter(train.groupby("question_type")))
    for i, row in enumerate(heldout.itertuples()):
        part = of_type.get(row.question_type)
        if row.format == "mc":
            weights = np.ones(len(row.options))
            if part is not None:
                asked = part[part["format"] == "mc"]
                right = [o[a] for o, a in zip(asked["options"], asked["answer"], strict=True)]
                weights += [right.count(o) for o in row.options]
            if rng is not None:
                weights += rng.random(len(weights))
            predictions.p_options[i] = weights / weights.sum()
        elif row.format == "num":
            known = part is not None and len(part)
            answers = part["answer"].to_numpy(float) if known else np.ones(1)
            predictions.value[i] = DEFAULT_RULES.best_number(answers)
        else:
            known = part is not None and (part["format"] == "open").any()
            texts = part.loc[part["format"] == "open", "answer"] if known else [["nothing"]]
            predictions.text[i] = next(iter(texts))[0]
    return predictions


@contextmanager
def quick_diagnostics() -> Iterator[None]:
    """Inside the block every stress test runs ``FrequencyDiagnostic``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tst.stress_testing.run, "build_diagnostic", _build)
        yield


def make_record(outputs_root: Path, *overrides: str) -> Path:
    """Run a planted stress test with the quick diagnostic and return its record's folder."""
    with quick_diagnostics():
        words = [f"outputs_root={outputs_root}", *overrides]
        if not any(w.startswith(("benchmark=", "benchmark.n=")) for w in words):
            words.append("benchmark.n=96")
        return tst.stress_testing.run.run(compose(words)).record


def _build(config: RunConfig, store: object) -> Diagnostic:
    return FrequencyDiagnostic(zero_shot=config.diagnostic.name == "lora_llm")


def make_runs(outputs_root: Path) -> dict[str, Path]:
    """A small study: rf random (two seeds) and grouped, and the LLM, on the same questions."""
    rf = "diagnostic=rf"
    return {
        "random": make_record(outputs_root, rf),
        "random_43": make_record(outputs_root, rf, "fold.seed=43"),
        "grouped": make_record(outputs_root, rf, "fold=grouped5"),
        "llm": make_record(outputs_root, "diagnostic=lora_llm"),
    }


@cache
def _study(root: Path) -> tuple[Path, dict[str, Path]]:
    """Made once, whichever folders of tests have the fixture."""
    return root, make_runs(root)


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    """The records of ``make_runs``, for tests that do not change them."""
    return _study(tmp_path_factory.getbasetemp() / "study")
