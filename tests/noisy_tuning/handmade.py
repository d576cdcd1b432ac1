"""Records of noisy tuning made by hand: what a study reads of a run, without the run."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tst.analysis.experiments import Experiment
from tst.noisy_tuning.record import VERSION
from tst.records.files import checksum


def make_curve(held_out, memorised, every=10):
    steps = every * np.arange(len(held_out))
    return pd.DataFrame({"step": steps, "held_out": held_out, "memorised": memorised})


def make_run(folder: Path, optimizer, seed, rate=1e-4, held_out=(2.0, 1.5), memorised=(0.0, 0.1),
             filter_share=0.0, schedule="plain", share=0.3, together=1):  # fmt: skip
    name = f"{optimizer}-{seed}-{rate}-{filter_share}-{share}"
    path = folder / "noisy" / "pairs" / "m" / f"shuffled-{schedule}" / name
    path.mkdir(parents=True)
    make_curve(held_out, memorised).to_parquet(path / "curve.parquet")
    run = {
        "version": VERSION, "setting": f"{schedule}{share}", "study": "study", "model": "m",
        "optimizer": optimizer, "corruption": "shuffled", "share": share, "schedule": schedule,
        "steps": 10, "batch_size": 4, "learning_rate": rate, "filter_share": filter_share,
        "seed": seed,
    }  # fmt: skip
    confidence = {"mean_clean": None, "mean_corrupted": None, "reason": "no pair has a confidence"}
    if optimizer == "casmo":
        confidence = {"mean_clean": 0.5, "mean_corrupted": 0.4 + seed / 100, "auroc": 0.7}
    cost = {"step_seconds": 2.0 if optimizer == "casmo" else 1.0, "runs_at_once": together}
    summary = {
        "run": run,
        "memorisation": {"held_out_after": held_out[-1], "memorised": memorised[-1]},
        "suspects": {"confidence": confidence, "loss_before": {"auroc": 0.8},
                     "prompt_gain": {"auroc": 0.9}},
        "detection": {}, "cost": cost,
    }  # fmt: skip
    (path / "summary.json").write_text(json.dumps(summary))
    files = {n: checksum(path / n) for n in ("summary.json", "curve.parquet")}
    (path / "status.json").write_text(json.dumps({"state": "finished", "files": files}))
    return Experiment(path, "pairs", summary)
