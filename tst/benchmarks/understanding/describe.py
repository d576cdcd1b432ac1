"""How a file was understood, as text: a few lines for every run, all of it for ``tst check``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from tst.core.understanding import TypeReading, Understanding

MOST_LINES = 6
MOST_TYPES = 3
MOST_TYPES_WHOLE = 20
WIDTH = 110

# what moves a terminal's cursor, colours it, or turns its direction round
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_ORIGINS = {
    "column": "",
    "reader": "from benchmark.reader",
    "question": "from the question's text",
    "setting": "set by benchmark.options",
    "yes/no": "yes or no, from the gold",
    "joined": "the gold among the wrong ones",
}


def short_block(name: str, found: Understanding) -> str:
    """A few lines: rows, guessed columns, one line per way of reading, what is left out."""
    lines = [_title(name, found)]
    guessed = [f"{field}: {found.columns[field]}" for field in found.guessed]
    if guessed:
        lines.append("  columns known by their names  " + "; ".join(guessed))
    ways = _ways(found.types)
    for (kind, how), types in ways[:MOST_LINES]:
        names = ", ".join(_cut(t.question_type, WIDTH // 2) for t in types[:MOST_TYPES])
        more = f" and {len(types) - MOST_TYPES} more types" if len(types) > MOST_TYPES else ""
        lines.append(f"  {sum(t.n for t in types):,} {kind}  {how}  ({names}{more})")
    if len(ways) > MOST_LINES:
        lines.append(f"  and {len(ways) - MOST_LINES} more kinds: tst check shows them")
    if found.copies[0]:
        lines.append(f"  {_copies(found)}")
    lines += [f"  {note}" for note in found.notes]
    if found.left_out:
        total = found.rows - found.questions
        lines.append(f"  left out: {total:,} of {found.rows:,} rows")
        lines += [f"    {r.n:,}: {r.reason} ({r.places})" for r in found.left_out[:MOST_LINES]]
    return "\n".join(lines)


def whole_text(name: str, found: Understanding, command: str) -> str:
    """All that was understood, three questions of each type, and the command that runs it."""
    lines = [_title(name, found), ""]
    lines.append("columns")
    for field, column in found.columns.items():
        how = "  (known by its name)" if field in found.guessed else ""
        lines.append(f"  {field:<16}{column}{how}")
    if found.ignored:
        lines.append(f"  {'not used':<16}{_cut(', '.join(found.ignored), WIDTH)}")
    lines += [f"  {note}" for note in found.notes]
    lines += ["", "question types"]
    for kind in found.types[:MOST_TYPES_WHOLE]:
        lines.append(f"  {_cut(kind.question_type, WIDTH)}  {kind.n:,} {kind.format}  {_how(kind)}")
        for question, options, gold in kind.examples:
            lines.append(f"    {_cut(question, WIDTH)}")
            shown = f"      {' | '.join(_cut(o, 30) for o in options)}" if options else "     "
            lines.append(_cut(f"{shown}  -> {_cut(gold, 60)}", 2 * WIDTH, flat=False))
    if len(found.types) > MOST_TYPES_WHOLE:
        rest = found.types[MOST_TYPES_WHOLE:]
        lines.append(f"  and {len(rest)} more types  {sum(t.n for t in rest):,} questions")
        lines += [
            f"    {sum(t.n for t in types):,} {kind}  {how}" for (kind, how), types in _ways(rest)
        ]
    if found.same_text:
        lines += ["", f"{found.same_text:,} questions share text and options with another one."]
    if found.copies[0]:
        lines += ["", _copies(found)]
    if found.left_out:
        lines += ["", f"left out: {found.rows - found.questions:,} of {found.rows:,} rows"]
        lines += [f"  {r.n:,}: {r.reason} ({r.places})" for r in found.left_out]
    if found.warnings:
        lines += ["", "warnings", *(f"  ! {warning}" for warning in found.warnings)]
    return "\n".join([*lines, "", "run it", f"  {command}"])


def _title(name: str, found: Understanding) -> str:
    questions = "question" if found.questions == 1 else "questions"
    rows = "row" if found.rows == 1 else "rows"
    return f"{name}: {found.questions:,} {questions} in {found.rows:,} {rows} of {found.source}"


def _ways(types: Sequence[TypeReading]) -> list[tuple[tuple[str, str], list[TypeReading]]]:
    """Types by how they were read, most questions first."""
    ways: dict[tuple[str, str], list[TypeReading]] = defaultdict(list)
    for kind in types:
        ways[kind.format, _how(kind)].append(kind)
    return sorted(ways.items(), key=lambda way: -sum(t.n for t in way[1]))


def _how(kind: TypeReading) -> str:
    """Options, where they come from, how the gold is written, units."""
    parts = []
    if kind.format == "mc":
        origins = [_ORIGINS[o] for o in kind.options_from.split(", ") if _ORIGINS.get(o)]
        parts.append(f"{kind.options} options" + (f" ({', '.join(origins)})" if origins else ""))
    forms = ", ".join(
        form if len(kind.answers) == 1 else f"{form} {n}" for form, n in kind.answers.items()
    )
    if kind.format == "num":
        parts.append(f"unit {kind.unit}" if kind.unit else "no unit")
    elif forms:
        parts.append(f"answers: {forms}")
    return "; ".join(parts)


def _copies(found: Understanding) -> str:
    questions, sets = found.copies
    return (
        f"{questions:,} questions are circular copies (the same options in other orders) of "
        f"{sets:,}: copies stay in one fold."
    )


def _cut(text: str, width: int, flat: bool = True) -> str:
    text = _CONTROLS.sub("", " ".join(text.split()) if flat else text)
    return text if len(text) <= width else f"{text[: width - 1]}…"
