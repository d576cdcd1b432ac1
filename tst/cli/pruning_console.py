"""Console output of ``tst prune``: what was removed, and how the rest is judged."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from tst.cli.tables import Column, Row, show_table
from tst.core.number_text import percent, percent_interval
from tst.pruning.judging import INDEPENDENCE, NOTHING, OURS
from tst.scoring.exposure import states_by_type

TITLES = {NOTHING: "nothing (before)"}
TYPES = (
    Column("question type", is_text=True),
    *map(Column, ("before", "after", "score", "after", "adjusted", "after")),
)
JUDGED = (
    Column("judge, folds", is_text=True),
    Column("removed", is_text=True),
    Column("left"),
    Column("score", rank=2),
    Column("", rank=3, name="intervals of the score"),
    Column("adjusted"),
    Column("", rank=1, name="intervals of adjusted"),
    Column("ours − this"),
    Column("", rank=4, name="whether it is independent"),
)
GAPS = (
    Column("", is_text=True),
    Column("n"),
    Column("vision"),
    Column("blind"),
    Column("gap"),
    Column("change of gap"),
    Column("gap at random", rank=1),
)
UNJUDGED = (
    "nobody but the chooser has judged what is left: prune.judge=rf compares it, by other fold "
    "seeds, with all questions and with random removals"
)
MARKS = {True: "", False: " *", None: " ?"}


def show_pruning(summary: dict[str, Any], record: Path, console: Console) -> None:
    """The chooser's scores, the judges' scores, and models' answers, before and after.

    record: its folder, for the paths of the pruned file and of removed.csv
    """
    done = summary["pruning"]
    before, after = done["before"], done["after"]
    console.print(
        f"{summary['data']['benchmark']}: removed {done['removed']} of {before['n']} in "
        f"{done['iterations'] - 1} iterations, stopped by {done['stopped']}; by the chooser's own "
        f"diagnosis: score {percent(before['score_hard'])} -> {percent(after['score_hard'])}, "
        f"adjusted {percent(before['adjusted_hard'])} -> {percent(after['adjusted_hard'])}"
    )
    if "reason" in done:
        console.print(done["reason"])
    show_types(done, console)
    if "planted" in done and done["removed"]:
        planted = done["planted"]
        console.print(
            f"planted: {percent(planted['share_of_removed'])}% of the removed questions have a cue "
            f"(of all questions: {percent(planted['share_of_all'])}%)"
        )
    if summary["judged"]:
        show_judged(summary["judged"], summary["chooser"], console)
    for name, entry in summary["predictions"].items():
        show_gaps(name, entry, console)
    console.print(Text(f"\npruned file: {record / done['file']}"), soft_wrap=True)
    if done["removed"]:
        why = "what was removed, and why"
        console.print(Text(f"{why}: {record / 'removed.csv'}"), soft_wrap=True)
        if not summary["judged"]:
            console.print(UNJUDGED)


def show_types(done: dict[str, Any], console: Console) -> None:
    """Types that lost questions, most first: what is left, and the chooser's scores of it."""
    states = states_by_type(done["exposure"])
    per_type = sorted(done["per_type"].items(), key=lambda item: -item[1]["removed"])
    lost = [(name, part) for name, part in per_type if part["removed"]]
    rows = [
        Row([name, str(part["before"]), str(part["kept"]), *map(percent, part["score_hard"]),
             *map(percent, part["adjusted_hard"])])
        for name, part in lost
    ]  # fmt: skip
    if lost:
        show_table(TYPES, rows, console)
    kept = [name for name, part in per_type if not part["removed"]]
    told = Counter(states.get(name, "") for name in kept)
    shown = ", ".join(f"{count} {state}" for state, count in told.items() if state)
    if kept and lost:
        kept_by = "1 type keeps" if len(kept) == 1 else f"{len(kept)} types keep"
        console.print(f"{kept_by} all questions{f' ({shown})' if shown else ''}")


def show_judged(judgements: list[dict[str, Any]], chooser: str, console: Console) -> None:
    """One table with a block per judge and fold scheme and a line per list of removed questions.

    Brackets are 95% intervals; for random removals they are the range of the draws. A mark stands
    at a difference that is not independent.
    """
    rows = []
    for judged in judgements:
        who = " ".join([judged["judge"], judged.get("model", "")]).strip()
        block = [who, f"{judged['folds']} folds"]
        for name, entry in judged["lists"].items():
            title = f"by {chooser}" if name == OURS else TITLES.get(name, name)
            rows.append([
                block.pop(0) if block else "", title, str(entry["n"]),
                percent(entry["score_hard"]), _range(entry["interval"]["score_hard"]),
                percent(entry["adjusted_hard"]), _range(entry["interval"]["adjusted_hard"]),
                _difference(entry),
                "" if entry["independent"] else INDEPENDENCE[entry["independent"]],
            ])  # fmt: skip
        if band := judged.get("random"):
            score, adjusted = band["score_hard"], band["adjusted_hard"]
            rows.append([
                "", f"at random ({adjusted['draws']})", "",
                percent(score["mean"]), _range([score["low"], score["high"]]),
                percent(adjusted["mean"]), _range([adjusted["low"], adjusted["high"]]), "", "",
            ])  # fmt: skip
    console.print(f"\n[bold]remaining questions, judged[/bold] with seeds {judgements[0]['seeds']}")
    show_table(JUDGED, [Row(row) for row in rows], console)
    for judged in judgements:
        for name, reason in judged.get("left_out", {}).items():
            by = f"{judged['judge']}, {judged['folds']} folds"
            console.print(f"left out of {by}: {name} ({reason})", markup=False)
    entries = [entry for judged in judgements for entry in judged["lists"].values()]
    for flag in (False, None):
        if any(e.get("difference_independent", True) is flag for e in entries):
            why = "the judge chose ours or this list" if flag is False else "who chose this list"
            console.print(f"{MARKS[flag].strip()} {INDEPENDENCE[flag]}: {why}", markup=False)


def _difference(entry: dict[str, Any]) -> str:
    """Interval of ours - this list, with a mark where it is not independent."""
    if "difference" not in entry:
        return ""
    return _range(entry["difference"]["adjusted_hard"]) + MARKS[entry["difference_independent"]]


def show_gaps(name: str, entry: dict[str, Any], console: Console) -> None:
    """Vision, blind and gap of one model, before and after, overall and per type."""
    console.print(f"\n[bold]{name}[/bold]; blind: {entry['blind']}")
    show_readings(entry["vision_answers"], console)
    if "blind_answers" in entry:
        console.print("without the pictures:")
        show_readings(entry["blind_answers"], console)
    rows = []
    for part, figures in [("overall", entry["overall"]), *entry["per_type"].items()]:
        band = figures.get("random", {}).get("gap")
        for title, row in figures["lists"].items():
            rows.append(Row([
                f"{part}, {title}", str(row["n"]), percent(row["vision"]),
                percent(row["blind"]), percent(row["gap"]), percent(row.get("gap_change")),
                _range([band["low"], band["high"]]) if band and title == "after" else "",
            ]))  # fmt: skip
    show_table(GAPS, rows, console)
    grows = entry["overall"].get("gap_grows_beyond_random")
    if left_out := entry["overall"]["lists"]["before"]["without_blind"]:
        console.print(f"left out: {left_out} questions without a blind answer")
    if grows is not None:
        verdict = "grows more than in" if grows else "does not grow more than in"
        independent = entry["overall"]["gap_independent"]
        console.print(
            f"the gap {verdict} any of the random draws"
            f"{'' if independent else ' (not independent: the blind scores are from the chooser)'}"
        )


def show_readings(answers: dict[str, Any], console: Console) -> None:
    """How many of a model's answers were parsed, with examples of each state."""
    console.print(
        f"{percent(answers['share_parsed'], 2)}% of {answers['questions']} answers parsed; "
        f"{answers['ambiguous']} ambiguous and {answers['unparsed']} unparsed, counted as wrong"
    )
    for state, examples in answers["examples"].items():
        for example in examples:
            read = f" -> {example['read']}" if example["read"] else ""
            console.print(
                Text(f"  {state}  {example['id']}: {example['text'] or '(empty)'}{read}"),
                soft_wrap=True,
            )


def _range(bounds: Any) -> str:
    return percent_interval(*bounds) if bounds else ""


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
    for judged in summary["judged"]:
        lists, by = judged["lists"], f"{judged['judge']}, {judged['folds']}"
        row[f"adjusted before ({by})"] = lists[NOTHING]["adjusted_hard"]
        row[f"after ({by})"] = lists[OURS]["adjusted_hard"] if OURS in lists else None
        if "random" in judged:
            row[f"at random ({by})"] = judged["random"]["adjusted_hard"]["mean"]
    return row
