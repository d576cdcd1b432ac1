"""The questions to mend, as audit.md shows them: counts by shortcut, and the first questions."""

from __future__ import annotations

import pandas as pd

from tst.analysis.tables.plain_text import escape_markdown
from tst.core.number_text import percent
from tst.stress_testing.shortcuts.repairs import REPAIRS
from tst.stress_testing.shortcuts.sentences import UNNAMED
from tst.stress_testing.shortcuts.to_mend import by_shortcut

SHOWN = 5
"""Questions that the page shows, each of another type, where it may show text."""
MOST_SHORTCUTS = 12


def describe_to_mend(to_mend: pd.DataFrame, with_text: bool) -> list[str]:
    """Paragraphs of Markdown; none where there is nothing to mend.

    to_mend: as ``stress_test.shortcuts.to_mend.read_to_mend`` reads it
    """
    if not len(to_mend):
        return []
    told = (to_mend["shortcut"] != "").mean()
    intro = (
        f"to_mend.csv lists the {len(to_mend):,} questions of these types that are answered right, "
        "those that give most away first. Some are right by chance, so not all have to change. For "
        f"{percent(told, 0)}% it names what tells the answer, counted on training answers, and a "
        "repair."
    )
    parts = ["## What to mend", intro, "\n".join(_by_shortcut(to_mend))]
    return [*parts, "\n".join(_first(to_mend))] if with_text else parts


def _by_shortcut(to_mend: pd.DataFrame) -> list[str]:
    """A row per question type and shortcut, most questions first."""
    rows = by_shortcut(to_mend)[["question_type", "shortcut", "n"]]
    lines = ["| question type | shortcut | questions | repair |", "| --- | --- | ---: | --- |"]
    for question_type, shortcut, n in rows.head(MOST_SHORTCUTS).itertuples(index=False):
        name = escape_markdown(str(shortcut)) if shortcut else UNNAMED
        repair = REPAIRS.get(str(shortcut), "")
        lines.append(f"| {escape_markdown(question_type)} | {name} | {n:,} | {repair} |")
    rest = rows["n"].iloc[MOST_SHORTCUTS:]
    if len(rest):
        lines.append(f"| {len(rest)} more | | {rest.sum():,} | |")
    return lines


def _first(to_mend: pd.DataFrame) -> list[str]:
    """Of each question type the question that gives most away, with why."""
    lines = ["Of each type the question that gives most away:", ""]
    for row in to_mend.drop_duplicates("question_type").head(SHOWN).to_dict("records"):
        asked = escape_markdown(" ".join(str(row["question"]).split()))
        gold = escape_markdown(str(row["gold"]))
        shortcut = escape_markdown(row["shortcut"] or UNNAMED)
        lines.append(
            f"- `{row['id']}` {asked} **{gold}** ({shortcut}: {escape_markdown(str(row['why']))})"
        )
    return lines
