"""Console output of noisy tuning: detection of corrupted steps, and what the model learned."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from tst.analysis.noisy_hypotheses import label_settings
from tst.cli.tables import Column, Row, show_table
from tst.core.number_text import decimal

SUSPECTS_SHOWN = 10
SCORES = {
    "prompt_gain": "minus how much the prompt lowers the response's loss before training, in nats",
    "loss_before": "loss before training, in nats per token",
    "loss_drop": "minus how much training lowered the loss, in nats per token",
    "confidence": "minus the optimizer's confidence in the pair's gradient",
}
"""What the score of suspects.csv is, by ``suspects.score``."""
WHEN = ("before", "after", "drop")
PARTS = {
    "held_out": "held-out clean pairs",
    "train_clean": "clean training pairs",
    "train_corrupted": "corrupted training pairs",
    "corrupted_truth": "their true responses",
    "held_out_corrupted": "held-out corrupted pairs",
}
DETECTION = {
    "mean_clean": "clean",
    "mean_corrupted": "corrupted",
    "mean_mixed": "mixed",
    "auroc": "AUROC",
    "auroc_in_round": "in round",
    "correlation": "correlation",
}


def show_run(summary: Mapping[str, Any], record: Path, score: str, console: Console) -> None:
    """Losses per part before and after training, signals per kind of step and per pair, the cost.

    Where nothing is known to be corrupted, the pairs that look most wrong instead of signals.
    score: ``suspects.score``
    """
    run, data, cost = summary["run"], summary["data"], summary["cost"]
    console.print(
        f"{run['optimizer']} on {run['model']}, {data['name']}: {run['steps']} {run['schedule']} "
        f"steps of {run['batch_size']} pairs, {data['corrupted']} of {data['train']} corrupted "
        f"({run['corruption']}), seed {run['seed']}"
    )
    show_losses(summary["memorisation"], console)
    suspects = record / "suspects.csv"
    if suspects.exists():
        texts = {"id": str, "start": str}
        listed = pd.read_csv(suspects, dtype=texts, keep_default_na=False, nrows=SUSPECTS_SHOWN)
        show_suspects(listed, console)
        console.print(f"score: {SCORES[score]}; all pairs: {suspects}", soft_wrap=True)
    else:
        show_detection(summary["detection"], console)
        show_pair_detection(summary["suspects"], console)
    peak = cost["peak_memory_bytes"]
    console.print(
        f"{decimal(cost['step_seconds'])} s per step, of which the optimizer "
        f"{decimal(1000 * cost['optimizer_seconds'], 1)} ms"
        + ("" if peak is None else f"; peak memory {decimal(peak / 2**30, 2)} GiB")
    )


def show_losses(memorisation: Mapping[str, Any], console: Console) -> None:
    """A line per part of the data that has pairs: its loss before and after training."""
    columns = [Column("loss, nats per token", is_text=True), *map(Column, WHEN)]
    rows = [
        Row([name, *(decimal(memorisation[f"{part}_{when}"]) for when in WHEN)])
        for part, name in PARTS.items()
        if memorisation[f"{part}_before"] is not None
    ]
    show_table(columns, rows, console)


def show_detection(detection: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """A line per signal: its means by kind of step, and how well it tells the kinds apart."""
    columns = [Column("signal", is_text=True), *map(Column, DETECTION.values())]
    rows = [
        Row([signal, *(decimal(figures[name]) for name in DETECTION)])
        for signal, figures in detection.items()
    ]
    show_table(columns, rows, console)


def show_pair_detection(suspects: Mapping[str, Mapping[str, Any]], console: Console) -> None:
    """A line per score of single pairs: how many are corrupted, and how well it finds them."""
    headings = ("pairs", "corrupted", "AUROC", "precision", "base rate")
    columns = [Column("single pairs by", is_text=True), *map(Column, headings)]
    rows = []
    for score, figures in suspects.items():
        counts = (str(figures[name]) for name in ("n", "n_corrupted"))
        found = (decimal(figures[name]) for name in ("auroc", "precision", "base_rate"))
        rows.append(Row([score, *counts, *found]))
    show_table(columns, rows, console)


def show_suspects(listed: pd.DataFrame, console: Console) -> None:
    """The pairs that look most wrong."""
    columns = [Column("row"), Column("id"), Column("score"),
               Column("most suspicious pairs", is_text=True)]  # fmt: skip
    rows = [
        Row([str(row["row"]), str(row["id"]), decimal(row["score"]), str(row["start"])])
        for row in listed.to_dict("records")
    ]
    show_table(columns, rows, console)


def show_comparison(comparison: pd.DataFrame, console: Console) -> None:
    """A line per measure, a column per optimizer: mean over seeds with its 95% interval.

    A * marks a mean whose paired difference to the reference optimizer has an interval without 0.
    """
    optimizers = list(dict.fromkeys(comparison["optimizer"]))
    columns = [
        Column("mean over seeds [95% interval]", is_text=True),
        *(Column(name, rank) for rank, name in enumerate(optimizers)),
    ]
    rows = []
    for measure, of_measure in comparison.groupby("measure", sort=False):
        by_optimizer = of_measure.set_index("optimizer").to_dict("index")
        rows.append(Row([str(measure), *(_compared(by_optimizer[o]) for o in optimizers)]))
    show_table(columns, rows, console)
    if comparison.get("difference_low", pd.Series(dtype=float)).notna().any():
        console.print("* differs from AdamW on the same seeds")


def show_overview(overview: pd.DataFrame, console: Console) -> None:
    """A line per setting and contender: the three hypotheses beside AdamW, as of ``overview``.

    A * marks an interval on one side of 0, or of 0.5 where it is an AUROC.
    """
    columns = [
        Column("setting", is_text=True),
        Column("contender", is_text=True),
        Column("memorised at equal loss"),
        Column("steps to AdamW's best loss"),
        Column("of seeds"),
        Column("each at its fastest rate", 2),
        Column("AUROC of confidence", 1),
    ]
    labels = label_settings(overview)
    rows = [
        Row(
            [
                labels[row["setting"]],
                str(row["optimizer"]),
                _gap(row, "robustness", 3),
                _gap(row, "steps", 1),
                f"{row['reached']} of {row['seeds']}" if row["seeds"] else "–",
                _gap(row, "fastest", 1),
                _gap(row, "auroc", 3, 0.5),
            ]
        )
        for row in overview.to_dict("records")
    ]
    show_table(columns, rows, console)
    console.print("minus AdamW's on the same seeds; * is not 0, or not 0.5 for an AUROC")


def _gap(row: Mapping[Any, Any], name: str, digits: int, neutral: float = 0.0) -> str:
    mean, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    text = decimal(mean, digits)
    if math.isfinite(low):
        text += f" [{decimal(low, digits)}, {decimal(high, digits)}]"
    return text + (" *" if low > neutral or high < neutral else "")


def _compared(row: Mapping[Any, Any]) -> str:
    text = decimal(row["mean"])
    if math.isfinite(row["low"]):
        text += f" [{decimal(row['low'])}, {decimal(row['high'])}]"
    low, high = row.get("difference_low", math.nan), row.get("difference_high", math.nan)
    return text + (" *" if low > 0 or high < 0 else "")


def sweep_row(summary: Mapping[str, Any]) -> dict[str, Any]:
    """A job's line in the table of its sweep."""
    run, memorised = summary["run"], summary["memorisation"]
    confidence = summary["detection"]["confidence"]
    return {
        "data": summary["data"]["name"],
        "optimizer": run["optimizer"],
        "rate": f"{run['learning_rate']:g}",
        "filter share": f"{run['filter_share']:g}",
        "schedule": run["schedule"],
        "seed": str(run["seed"]),
        "held-out": decimal(memorised["held_out_after"]),
        "clean": decimal(memorised["train_clean_after"]),
        "corrupted": decimal(memorised["train_corrupted_after"]),
        "memorised": decimal(memorised["memorised"]),
        "confidence AUROC": decimal(confidence["auroc"]),
        "s per step": decimal(summary["cost"]["step_seconds"]),
    }
