"""One Markdown page of all tables, written section by section as there are records for them.

A section is replaced when there are records for its table. Every other section keeps its text; the
results version that it was made with stands under its heading. outputs/ is not kept by git, so that
not everybody has the records behind the whole page. An earlier section with figures of a diagnostic
that the new one has none of (the language model's, where there is no GPU) is kept below all others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tst.analysis.tables.paper_table import EARLIER, PaperTable
from tst.analysis.tables.plain_text import render_markdown

COMMANDS = "Commands of the records"
_HEADING = re.compile(r"^## (.+)\n", re.MULTILINE)
_MARK = "*Results version "
_COMMAND = re.compile(r"^- `(\w+)`: `(.*)`$", re.MULTILINE)


def render_page(
    tables: Sequence[PaperTable],
    versions: Mapping[str, str],
    commands: Mapping[str, str],
    command: str,
    earlier: str = "",
    labels: Sequence[str] = (),
) -> str:
    """The page; where ``tables`` have no records, with what it said before.

    tables: those that were asked for
    versions: name of a table -> the results version that its records have, in words
    commands: hash of a record -> the command that made it
    command: what writes the page
    earlier: the page as it stands
    labels: of the diagnostics that tables name
    """
    sections = split_sections(earlier)
    known = dict(_COMMAND.findall(sections.pop(COMMANDS, ""))) | dict(commands)
    above = ""
    for table in tables:
        if has_records(table):
            _, body = render_markdown(table).split("\n\n", 1)
            text = f"{_MARK}{versions[table.name]}.*\n\n{body}"
            before = sections.get(table.title, "")
            sections = _put(sections, table.title, text, above)
            if (version := _version(before)) != versions[table.name] and any(
                label in before for label in without_figures(table, labels)
            ):
                sections[f"{table.title}, results version {version}"] = before
        elif table.title in sections and not sections[table.title].startswith(_MARK):
            mark = f"{_MARK}not known: earlier than {versions[table.name]}.*\n\n"
            sections[table.title] = mark + sections[table.title]
        above = table.title
    page = (
        "# Results\n\n"
        f"Made from records by `{command}`. Every figure can be followed to a record folder by the "
        "hash in the footnotes. A section is written again when there are records for it: one with "
        "an earlier results version than others has not been run again since. Figures marked "
        f"{EARLIER} are of an earlier version of their diagnostic, which has more seeds.\n"
    )
    page += "".join(f"\n## {title}\n\n{text}" for title, text in sections.items())
    named = "".join(f"- `{h}`: `{text}`\n" for h, text in known.items() if h in page)
    return f"{page}\n## {COMMANDS}\n\n{named}"


def split_sections(page: str) -> dict[str, str]:
    """The text under every second-level heading, by heading."""
    parts = _HEADING.split(page)[1:]
    return {
        title: text.strip("\n") + "\n" for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


def has_records(table: PaperTable) -> bool:
    """Whether any figure of a table comes from a record."""
    return any(figure.records for row in table.rows for figure in row.cells.values())


def without_figures(table: PaperTable, labels: Sequence[str]) -> list[str]:
    """The diagnostics of which no figure of a table comes from a record."""
    shown = [
        " ".join([*row.labels, column.span])
        for row in table.rows
        for column in table.columns
        if row.cells[column.key].records
    ]
    return [label for label in labels if not any(label in place for place in shown)]


def _version(section: str) -> str:
    """The results version that stands under a section's heading; ``not known`` without one."""
    match = re.match(re.escape(_MARK) + r"(.+?)\.\*", section)
    return match[1] if match else "not known"


def _put(sections: dict[str, str], title: str, text: str, above: str) -> dict[str, str]:
    """With a section replaced, or added: below another one, or at the end without it."""
    if title in sections or above not in sections:
        return sections | {title: text}
    items = list(sections.items())
    place = list(sections).index(above) + 1
    return dict([*items[:place], (title, text), *items[place:]])
