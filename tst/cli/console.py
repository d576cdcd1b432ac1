"""What a stress test says in words, and the states of records, on the terminal."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.text import Text

from tst.cli.tables import READABLE, say
from tst.core.number_text import DASH
from tst.records.record_states import RecordState
from tst.stress_testing.verdict import describe_verdict


def show_verdict(summary: dict[str, Any], console: Console) -> None:
    """What the record says, in words: the exposed question types, most questions to mend first."""
    console.print("\n[bold]verdict[/bold]")
    for sentence in describe_verdict(summary):
        say(sentence, console, "  ", "    ")


def show_to_mend(record: Path, to_mend: pd.DataFrame, console: Console) -> None:
    """The first questions to mend, where all of them are, and the command that shows them."""
    show_first(to_mend, console)
    if len(to_mend):
        path = record / "to_mend.csv"
        console.print(Text(f"\nall {len(to_mend)}, with why and how: {path}"), soft_wrap=True)
    root = record.parents[4]
    console.print(Text(f"next: tst report outputs_root={shlex.quote(str(root))}"), soft_wrap=True)


def show_first(to_mend: pd.DataFrame, console: Console, count: int = 5) -> None:
    """The first question to mend of each type, ``count`` of them at most, with why and how."""
    of_types = to_mend.drop_duplicates("question_type")
    first = of_types.head(count)
    if len(to_mend):
        types = "each type" if len(first) == len(of_types) else f"{len(first)} types"
        console.print(f"\n[bold]questions to mend[/bold] ({len(to_mend)}; of {types} the first)")
    for row in first.to_dict("records"):
        text = " ".join(row["question"].split())
        head = f"  {row['rank']}  {row['id']}  [{row['question_type']}]  "
        room = max(20, min(console.width, READABLE) - len(head))
        shown = text if len(text) <= room else text[: room - 1] + "…"
        console.print(Text(head + shown), soft_wrap=True)
        why = f"{row['shortcut'] or DASH}: {row['why']}; {row['repair']}".removesuffix("; ")
        say(why, console, "     ")


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
