"""Console output of noisy tuning: detection of corrupted steps, and what the model learned."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tst.cli.console import show_jobs
from tst.core.number_text import decimal

SUSPECTS_SHOWN = 10


def show_run(summary: Mapping[str, Any], record: Path, console: Console) -> None:
    """Losses per part before and after training, signals per kind of step and per pair, the cost.

    Where nothing is known to be corrupted, the pairs that look most wrong instead of signals.
    """
    run, data, cost = summary["run"], summary["data"], summary["cost"]
    console.print(
        f"{run['optimizer']} on {run['model']}, {data['name']}: {run['steps']} {run['schedule']} "
        f"steps of {run['batch_size']} pairs, {data['corrupted']} of {data['train']} corrupted "
        f"({run['corruption']}), seed {run['seed']}"
    )
    console.print(_losses(summary["memorisation"]))
    suspects = record / "suspects.csv"
    if suspects.exists():
        console.print(_suspects(pd.read_csv(suspects).head(SUSPECTS_SHOWN)))
        console.print(f"all of them: {suspects}", soft_wrap=True)
    else:
        console.print(_detection(summary["detection"]))
        console.print(_pair_detection(summary["suspects"]))
    peak = cost["peak_memory_bytes"]
    console.print(
        f"{decimal(cost['step_seconds'])} s per step, of which the optimizer "
        f"{decimal(1000 * cost['optimizer_seconds'], 1)} ms"
        + ("" if peak is None else f"; peak memory {decimal(peak / 2**30, 2)} GiB")
    )


def _losses(memorisation: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("loss, nats per token", "before", "after", "drop"):
        table.add_column(heading, justify="left" if heading.startswith("loss") else "right")
    for part, name in (
        ("held_out", "held-out clean pairs"),
        ("train_clean", "clean training pairs"),
        ("train_corrupted", "corrupted training pairs"),
        ("corrupted_truth", "their true responses"),
        ("held_out_corrupted", "held-out corrupted pairs"),
    ):
        figures = (memorisation[f"{part}_{when}"] for when in ("before", "after", "drop"))
        table.add_row(name, *map(decimal, figures))
    return table


def _detection(detection: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ["signal", "clean", "corrupted", "mixed", "AUROC", "in round", "correlation"]
    for heading in headings:
        table.add_column(heading, justify="left" if heading == "signal" else "right")
    names = ("mean_clean", "mean_corrupted", "mean_mixed", "auroc", "auroc_in_round", "correlation")
    for signal, figures in detection.items():
        table.add_row(signal, *(decimal(figures[name]) for name in names))
    return table


def _pair_detection(suspects: Mapping[str, Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ["single pairs by", "pairs", "corrupted", "AUROC", "precision", "base rate"]
    for heading in headings:
        table.add_column(heading, justify="left" if heading == headings[0] else "right")
    for score, figures in suspects.items():
        counts = (str(figures[name]) for name in ("n", "n_corrupted"))
        found = (decimal(figures[name]) for name in ("auroc", "precision", "base_rate"))
        table.add_row(score, *counts, *found)
    return table


def _suspects(listed: pd.DataFrame) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("row", "id", "score"):
        table.add_column(heading, justify="right")
    table.add_column("most suspicious pairs", overflow="ellipsis", no_wrap=True)
    for row in listed.to_dict("records"):
        shown = (str(row["row"]), str(row["id"]), decimal(row["score"]), str(row["start"]))
        table.add_row(*map(escape, shown))
    return table


def show_runs(summaries: Sequence[Mapping[str, Any]], console: Console) -> None:
    """One line per run of a grid."""
    show_jobs([sweep_row(summary) for summary in summaries], console)


def show_comparison(comparison: pd.DataFrame, console: Console) -> None:
    """A line per measure, a column per optimizer: mean over seeds with its 95% interval.

    A * marks a mean whose paired difference to the reference optimizer has an interval without 0.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    optimizers = list(dict.fromkeys(comparison["optimizer"]))
    table.add_column("mean over seeds [95% interval]")
    for optimizer in optimizers:
        table.add_column(optimizer, justify="right")
    for measure, rows in comparison.groupby("measure", sort=False):
        by_optimizer = rows.set_index("optimizer").to_dict("index")
        table.add_row(str(measure), *(_compared(by_optimizer[o]) for o in optimizers))
    console.print(table)
    if comparison.get("difference_low", pd.Series(dtype=float)).notna().any():
        console.print("* differs from AdamW on the same seeds")


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
