"""The table by question type of audit.md, and the notes below it."""

from __future__ import annotations

from tst.analysis.tables.plain_text import escape_markdown, table_row
from tst.auditing.findings import TypeFinding
from tst.auditing.plan import GROUPED, RANDOM
from tst.auditing.run import Audit
from tst.core.number_text import percent, percent_interval
from tst.scoring.exposure import (
    EXPOSED,
    FEWEST_QUESTIONS,
    NO_SIGN,
    ONE_ANSWER,
    TOO_FEW,
    states_by_type,
)

MOST_ROWS = 25
"""Types in the table; where there are more, those without a finding are told in a sentence."""

MOST_NAMES = 10
"""Names of types in a sentence."""

VERDICTS = {
    EXPOSED: "exposed",
    ONE_ANSWER: "one answer suffices",
    NO_SIGN: "no sign",
    TOO_FEW: "too few to tell",
}
CHANCE = {"mc": "1/options", "num": "best constant", "open": "most frequent answer"}


def type_table(audit: Audit, types: list[TypeFinding]) -> list[str]:
    """A row per type, most to mend first; only those with a finding where there are many.

    A type with several formats has a row for each of them.
    """
    shown = types if len(types) <= MOST_ROWS else _with_a_finding(types)
    schemes = [s for s in (RANDOM, GROUPED) if s in audit.runs]
    folds = [f"{scheme} folds" for scheme in schemes]
    heads = ["question type", "n", "chance", *folds, "verdict", "to mend"]
    rules = ["---", *["---:"] * (2 + len(schemes)), "---", "---:"]
    lines = [table_row(heads), table_row(rules)]
    for found in shown:
        cells = [escape_markdown(found.name), str(found.n), percent(found.chance)]
        cells += [_score(found, scheme) for scheme in schemes]
        mend = str(found.to_mend) if found.is_exposed else ""
        lines.append(table_row([*cells, VERDICTS[found.state], mend]))
    rest = [t for t in types if t not in shown]
    if rest:
        names = {t.question_type for t in rest}
        of_type = states_by_type(audit.deciding.summary["exposure"])
        states = [of_type[name] for name in names]
        counts = [f"{states.count(s)} {VERDICTS[s]}" for s in VERDICTS if s in states]
        cells = [f"{len(names)} other types", str(sum(t.n for t in rest)), ""]
        lines.append(table_row([*cells, *[""] * len(schemes), ", ".join(counts), ""]))
    cells = ["**overall**", str(sum(t.n for t in types)), ""]
    for scheme in schemes:
        part = audit.runs[scheme].summary["overall"]
        low, high = part["interval"]["score_hard"]
        cells.append(f"{percent(part['score_hard'])} {percent_interval(low, high)}")
    return [*lines, table_row([*cells, "", str(sum(t.to_mend for t in types))])]


def _with_a_finding(types: list[TypeFinding]) -> list[TypeFinding]:
    """The first of them, with every format of each."""
    exposed = dict.fromkeys(t.question_type for t in types if t.is_exposed)
    names = list(exposed)[:MOST_ROWS]
    return [t for t in types if t.question_type in names]


def _score(found: TypeFinding, scheme: str) -> str:
    text = percent(found.scores[scheme])
    if scheme in found.intervals:
        low, high = found.intervals[scheme]
        text += f" {percent_interval(low, high)}"
    return text


def describe_types(audit: Audit, types: list[TypeFinding]) -> list[str]:
    """What chance is, what is counted, what only random folds give away, what could not be told."""
    kinds = [kind for kind in CHANCE if any(t.format == kind for t in types)]
    of_numbers = " (numbers: mean relative accuracy)" if "num" in kinds else ""
    chance = ", ".join(f"{CHANCE[kind]} ({kind})" for kind in kinds)
    notes = [f"Percent right{of_numbers}, with 95% intervals. Chance: {chance}."]
    several = {t.question_type for t in types if t.name != t.question_type}
    if several:
        of_all = len({t.question_type for t in types})
        notes.append(
            f"{len(several)} of the {of_all} types have questions of several formats. Each format "
            "is judged by itself; such a type counts once, by the format that tells most."
        )
    if alone := [t.name for t in types if t.random_alone]:
        notes.append(
            f"Above chance in random folds alone: {_names(alone)}. Other questions of the same "
            "group tell these answers; grouped folds, which decide, keep a group together."
        )
    if few := [t for t in types if t.state == TOO_FEW]:
        notes.append(
            f"Fewer than {FEWEST_QUESTIONS} questions, too few to tell: "
            f"{_names(_of_types(audit, few))} "
            f"({sum(t.n for t in few):,} questions in all)."
        )
    return notes


def _of_types(audit: Audit, few: list[TypeFinding]) -> list[str]:
    """Names of types that cannot be judged in any format, then of formats of the others."""
    states = states_by_type(audit.deciding.summary["exposure"])
    whole = sorted({t.question_type for t in few if states[t.question_type] == TOO_FEW})
    return [*whole, *(t.name for t in few if t.question_type not in whole)]


def _names(names: list[str]) -> str:
    shown = ", ".join(escape_markdown(name) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
