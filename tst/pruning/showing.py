"""What ``tst.prune`` prints: what went, and what that bought."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tst.pruning.judging import NOTHING, OURS
from tst.show import percent

TITLES = {NOTHING: "nothing (before)"}


def show_pruning(summary: dict[str, Any], console: Console) -> None:
    """The chooser's view, the judge's, and real models' answers."""
    done = summary["pruning"]
    before, after = done["before"], done["after"]
    console.print(
        f"{summary['data']['benchmark']}: removed {done['removed']} of {before['n']} in "
        f"{done['iterations'] - 1} iterations, stopped by {done['stopped']}; the chooser's own "
        f"view: score {percent(before['score_hard'])} -> {percent(after['score_hard'])}, adjusted "
        f"{percent(before['adjusted'])} -> {percent(after['adjusted'])}"
    )
    if "reason" in done:
        console.print(done["reason"])
    if "planted" in done:
        planted = done["planted"]
        console.print(
            f"planted: {percent(planted['share_of_removed'])}% of what went carries a cue "
            f"(of all: {percent(planted['share_of_all'])}%)"
        )
    for scheme, judged in summary["judged"].items():
        show_judged(scheme, judged, summary["chooser"], console)
    for name, entry in summary["predictions"].items():
        show_gaps(name, entry, console)


def show_judged(scheme: str, judged: dict[str, Any], chooser: str, console: Console) -> None:
    """One line a list: what the judge makes of what it leaves."""
    who = " ".join([judged["judge"], judged.get("model", "")]).strip()
    console.print(f"\n[bold]judged by {who}[/bold], {scheme} folds, seeds {judged['seeds']}")
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("removed", no_wrap=True)
    for heading in ("n left", "score", "adjusted", "95% interval", "ours − this", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, entry in judged["lists"].items():
        label = "" if entry["independent"] else "not independent"
        title = f"by {chooser}" if name == OURS else TITLES.get(name, name)
        table.add_row(
            Text(title), str(entry["n"]), percent(entry["score_hard"]), percent(entry["adjusted"]),
            _range(entry["interval"]["adjusted"]), _range(entry.get("difference", {})), label,
        )  # fmt: skip
    if band := judged.get("random"):
        adjusted = band["adjusted"]
        table.add_row(
            f"at random, {adjusted['draws']} draws", "", percent(band["score_hard"]["mean"]),
            percent(adjusted["mean"]), f"range {_range([adjusted['low'], adjusted['high']])}",
        )  # fmt: skip
    console.print(table)


def show_gaps(name: str, entry: dict[str, Any], console: Console) -> None:
    """Vision, blind and gap of one model, before and after, overall and per type."""
    answers = entry["vision_answers"]
    console.print(
        f"\n[bold]{name}[/bold]: {percent(answers['parsed'], 2)}% of {answers['questions']} "
        f"answers parsed ({answers['unparsed']} not, counted as wrong); blind: {entry['blind']}"
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("", no_wrap=True)
    for heading in ("n", "vision", "blind", "gap", "change of gap", "gap at random"):
        table.add_column(heading, justify="right", no_wrap=True)
    for part, figures in [("overall", entry["overall"]), *entry["per_type"].items()]:
        band = figures.get("random", {}).get("gap")
        for title, row in figures["lists"].items():
            table.add_row(
                Text(f"{part}, {title}"), str(row["n"]), percent(row["vision"]),
                percent(row["blind"]), percent(row["gap"]), percent(row.get("gap_change")),
                _range([band["low"], band["high"]]) if band and title == "after" else "",
            )  # fmt: skip
    console.print(table)
    grows = entry["overall"].get("gap_grows_beyond_random")
    if grows is not None:
        verdict = "grows by more than in" if grows else "does not grow by more than in"
        console.print(f"the gap {verdict} any of the random draws")


def _range(bounds: Any) -> str:
    if isinstance(bounds, dict):
        bounds = bounds.get("adjusted")
    return f"[{percent(bounds[0])}, {percent(bounds[1])}]" if bounds else ""


def sweep_row(summary: dict[str, Any]) -> dict[str, Any]:
    """A job's line in the table of its sweep."""
    done = summary["pruning"]
    row: dict[str, Any] = {
        "benchmark": summary["data"]["benchmark"],
        "chooser": " ".join([summary["chooser"], summary["model"]]).strip(),
        "removed": done["removed"],
        "left": done["kept"],
        "stopped": done["stopped"],
    }
    for scheme, judged in summary["judged"].items():
        lists = judged["lists"]
        row[f"adjusted before ({judged['judge']}, {scheme})"] = lists[NOTHING]["adjusted"]
        row["after"] = lists[OURS]["adjusted"]
        if "random" in judged:
            row["at random"] = judged["random"]["adjusted"]["mean"]
    return row
