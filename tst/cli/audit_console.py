"""An audit on the terminal: the verdict while nulls are still to come, then where everything is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from tst.auditing.findings import find_types, share_right
from tst.auditing.run import SIBLINGS, Audit
from tst.auditing.siblings import describe_siblings_effect
from tst.cli.console import show_first, show_verdict
from tst.cli.tables import say
from tst.core.number_text import percent, points
from tst.records.run_records import RunRecord
from tst.stress_testing.shortcuts.to_mend import read_to_mend
from tst.stress_testing.verdict import describe_nulls, headline

MOST_QUESTIONS = 3
"""Questions to mend on the terminal; to_mend.csv has them all."""


def show_found(audit: Audit, console: Console) -> None:
    """The verdict in words, overall scores, what mending changed, the first questions to mend.

    The audit's files are written already.
    """
    types = find_types(audit)
    console.print(
        f"\n[bold]{audit.table.name}: {headline(audit.deciding.summary)}[/bold]", highlight=False
    )
    show_verdict(audit.deciding.summary, console)
    if alone := [t.name for t in types if t.random_alone]:
        say(
            f"Above chance in random folds alone: {', '.join(alone)}. Other questions of the same "
            f"group tell these answers; {audit.deciding.folds} keep a group together.",
            console,
            "  ",
        )
    for name, record in audit.runs.items():
        if name != SIBLINGS:
            say(_overall(record), console, "  ")
    if audit.siblings is not None:
        say(describe_siblings_effect(audit.siblings), console, "  ")
    if audit.change is not None and len(audit.change.by_type):
        overall = audit.change.by_type.iloc[-1]
        interval = f"[{points(overall['low_hard'])}, {points(overall['high_hard'])}]"
        say(
            f"Mending changed {audit.change.mended} questions, removed {audit.change.removed} and "
            f"added {audit.change.added}; of those in both files the score changed by "
            f"{points(overall['diff_hard'])} {interval} points.",
            console,
            "  ",
        )
    show_first(read_to_mend(audit.deciding.path), console, MOST_QUESTIONS)
    console.print(
        f"\n  report, list and page are in {audit.folder}\n",
        markup=False, highlight=False, soft_wrap=True,
    )  # fmt: skip


def show_end(audit: Audit, files: Mapping[str, Path], llm: str, console: Console) -> None:
    """What the nulls say, what the language model says or would take, and where the files are.

    files: what each is, and its path; llm: how to run the language model; empty where it ran
    """
    console.print("")
    for sentence in describe_nulls(audit.deciding.summary.get("null") or {}):
        say(sentence, console, "  ")
    if llm:
        say(llm, console, "  ")
    console.print("")
    width = max(map(len, files))
    for what, path in files.items():
        console.print(f"  {what:{width}}  {path}", markup=False, highlight=False, soft_wrap=True)


def _overall(record: RunRecord) -> str:
    guessing = percent(record.summary["overall"]["baseline"])
    return f"{record.subject}, {record.folds}: {share_right(record)} right, guessing {guessing}%"
