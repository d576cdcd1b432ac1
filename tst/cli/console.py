"""Console output of a stress test and of a sweep: compact tables, plain text off a terminal."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from pathlib import Path
from textwrap import wrap
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tst.core.number_text import DASH, percent
from tst.records.survey import RecordState
from tst.stress_test.verdict import describe_verdict

READABLE = 80
"""Columns that sentences and lists keep to; a wider terminal does not make them easier to read."""


def wide_console(columns: int = 110) -> Console:
    """Standard output, at least this many columns wide (a narrower terminal wraps its lines)."""
    return Console(width=max(Console().width, columns))


def show_summary(summary: dict[str, Any], console: Console) -> None:
    """Per question type and overall: n, scores, the hard one adjusted, references, interval."""
    zero_shot = _known(summary["overall"]["zero_shot_hard"])
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("question type", overflow="ellipsis", no_wrap=True, min_width=16)
    headings = ["n", "score", "adjusted", "soft", *(["zero-shot", "delta"] if zero_shot else [])]
    headings += ["baseline", "majority", "folds", "95% interval"]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for name, part in summary["per_type"].items():
        table.add_row(Text(name), *_cells(part, zero_shot))
    if len(summary["per_format"]) > 1:
        table.add_section()
        for name, part in summary["per_format"].items():
            table.add_row(f"all {name}", *_cells(part, zero_shot))
    table.add_section()
    table.add_row("overall", *_cells(summary["overall"], zero_shot), style="bold")
    macro = summary["macro"]
    table.add_row(
        "mean over types", str(macro["n"]), percent(macro["score_hard"]),
        percent(macro["adjusted_hard"]), percent(macro["score_soft"]),
        *([percent(macro["zero_shot_hard"]), percent(macro["delta_hard"])] if zero_shot else []),
        percent(macro["baseline"]), percent(macro["majority"]), "", "",
    )  # fmt: skip
    console.print(table)
    for name, part in summary.get("truth", {}).items():
        if zero_shot:
            low, high = part["interval"]["delta_soft"]
            console.print(
                f"  {name} types together: delta (soft) {percent(part['delta_soft'])} "
                f"[{percent(low)}, {percent(high)}]"
            )
    show_information(summary["overall"], console)
    for name, planted in summary.get("planted", {}).items():
        console.print(f"  AUROC of s(x) for planted rows, {name}: {planted['auroc']:.2f}")
    parts = {**summary["per_type"], "overall": summary["overall"]}
    reasons = {n: part["interval_reason"] for n, part in parts.items() if "interval_reason" in part}
    for reason in sorted(set(reasons.values())):
        names = ", ".join(name for name in reasons if reasons[name] == reason)
        console.print(f"  no interval of {names}: {reason}", markup=False)
    for name, null in summary.get("null", {}).items():
        if null["holds"] is None:
            console.print(f"  {name} null cannot be judged: {null['holds_reason']}", markup=False)
            continue
        by = " and ".join(f"the {name}" for name in null["violated_by"])
        verdict = f"is VIOLATED by {by}" if by else "holds"
        p_value = f", p = {null['p']:.3f}" if "p" in null else ""
        console.print(
            f"  {name} null {verdict}: {percent(null['score_hard'])} over {null['draws']} draws, "
            f"majority {percent(null['majority'])}, "
            f"expected {percent(null['expected'])} ± {percent(null['standard_error'])}{p_value}"
        )


def show_information(overall: dict[str, Any], console: Console) -> None:
    """What the model knows beyond positions, and whether it is right as often as it says."""
    if "bits_reason" in overall:
        return
    bounds = overall["interval"]["bits"]
    interval = " [{:+.3f}, {:+.3f}]".format(*bounds) if all(map(_known, bounds)) else ""
    console.print(
        f"  multiple choice: {overall['bits']:+.3f} bits per question beyond counting positions"
        f"{interval}; calibration error {overall['ece']:.1f} "
        f"(of a calibrated model: {overall['ece_floor']:.1f})".replace("-", "−"),
        markup=False,
    )
    if sentence := overall.get("nothing_beyond_counting"):
        console.print(f"  {sentence}", markup=False)


def _known(value: Any) -> bool:
    return value is not None and math.isfinite(value)


def _cells(part: dict[str, Any], zero_shot: bool) -> list[str]:
    low, high = part["interval"]["score_hard"]
    mean, sd = part["fold_mean"]["score_hard"], part["fold_sd"]["score_hard"]
    return [
        str(part["n"]),
        percent(part["score_hard"]),
        percent(part["adjusted_hard"]),
        percent(part["score_soft"]),
        *([percent(part["zero_shot_hard"]), percent(part["delta_hard"])] if zero_shot else []),
        percent(part["baseline"]),
        percent(part["majority"]),
        f"{percent(mean)} ± {percent(sd)}",
        f"[{percent(low)}, {percent(high)}]",
    ]


def show_verdict(summary: dict[str, Any], console: Console) -> None:
    """What the record says, in words: the exposed question types, most questions to mend first."""
    console.print("\n[bold]verdict[/bold]")
    for sentence in describe_verdict(summary):
        lines = wrap(sentence, READABLE - 2, subsequent_indent="  ", break_on_hyphens=False)
        for line in lines:
            console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def show_to_mend(record: Path, to_mend: pd.DataFrame, console: Console) -> None:
    """The first questions to mend, where all of them are, and the command that shows them."""
    show_first(to_mend, console)
    if len(to_mend):
        path = record / "to_mend.csv"
        console.print(Text(f"\nall {len(to_mend)}, with why and how: {path}"), soft_wrap=True)
    root = record.parents[4]
    console.print(Text(f"next: tst report outputs_root={shlex.quote(str(root))}"), soft_wrap=True)


def show_first(to_mend: pd.DataFrame, console: Console, count: int = 5) -> None:
    """The first questions to mend, with why and how."""
    if len(to_mend):
        console.print(f"\n[bold]questions to mend[/bold] ({len(to_mend)}, the first {count})")
    for row in to_mend.head(count).to_dict("records"):
        text = " ".join(row["question"].split())
        head = f"  {row['rank']}  {row['id']}  [{row['question_type']}]  "
        room = max(20, READABLE - len(head))
        shown = text if len(text) <= room else text[: room - 1] + "…"
        console.print(Text(head + shown), soft_wrap=True)
        why = f"{row['shortcut'] or DASH}: {row['why']}; {row['repair']}".removesuffix("; ")
        for line in wrap(why, READABLE - 5, break_on_hyphens=False):
            console.print(Text(f"     {line}"), soft_wrap=True)


def show_jobs(rows: list[dict[str, Any]], console: Console) -> None:
    """One line per job of a sweep; columns are the union of the rows' keys, in order."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for column in columns:
        numeric = all(isinstance(row.get(column, 0.0), float | int | None) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console.print(table)


def _cell(value: Any) -> Text:
    if value is None or value == "":
        return Text(DASH)
    return Text(percent(value) if isinstance(value, float) else str(value))


def show_states(states: list[RecordState], with_finished: bool) -> None:
    """A line per unfinished record, the command that completes it, and the number per state.

    with_finished: list finished records too
    """
    counts = Counter(state.state for state in states)
    for entry in states:
        if entry.state == "finished" and not with_finished:
            continue
        folds = "" if entry.folds is None else f", {entry.folds[0]} of {entry.folds[1]} folds"
        detail = f" ({entry.detail})" if entry.detail else ""
        print(f"{entry.state}{folds}: {entry.path}{detail}")
        if entry.state not in ("finished", "running") and entry.command:
            print(f"  {entry.command}")
    print(", ".join(f"{n} {state}" for state, n in counts.items()) or "no records")
