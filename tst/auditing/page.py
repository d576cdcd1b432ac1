"""audit.md: one page for a paper's appendix or a dataset card."""

from __future__ import annotations

from typing import Any

from tst import __version__
from tst.analysis.question_sets import title
from tst.analysis.tables.plain_text import escape_markdown
from tst.auditing.findings import TypeFinding, find_types, headline, language_model
from tst.auditing.plan import GROUPED, RANDOM
from tst.auditing.run import Audit
from tst.core.number_text import decimal, percent
from tst.records.identity import RESULTS_VERSION
from tst.records.run_records import RunRecord
from tst.scoring.exposure import EXPOSED, FEWEST_QUESTIONS, NO_SIGN, ONE_ANSWER, TOO_FEW

MOST_ROWS = 25
"""Types in the table; where there are more, those without a finding are told in a sentence."""

MOST_NAMES = 10
"""Names of types in a sentence."""

VERDICTS = {
    EXPOSED: "exposed",
    ONE_ANSWER: "one answer does it",
    NO_SIGN: "no sign",
    TOO_FEW: "too few to tell",
}
CHANCE = {"mc": "1/options", "num": "best constant", "open": "most frequent answer"}

METHOD = (
    "A text-only model is trained on k-1 folds of the test set itself and scored on the held-out "
    "one, so that each question is answered by a model that never saw it. A type is *exposed* when "
    "its score exceeds chance at a family-wise 5% over all types (Holm; clustered by group). *One "
    "answer does it*: the same answer to every question scores half or more. To mend: about as "
    "many questions as are answered beyond chance."
)
BIBTEX = """```bibtex
@article{brown2025benchmark,
  title   = {Benchmark Designers Should "Train on the Test Set" to Expose
             Exploitable Non-Visual Shortcuts},
  author  = {Brown, Ellis and others},
  journal = {arXiv preprint arXiv:2511.04655},
  year    = {2025}
}
```"""


def render_page(audit: Audit, command: str, to_mend: list[str]) -> str:
    """The page. command: what made it; to_mend: lines of Markdown on what is to be mended."""
    types = find_types(audit)
    name = title(audit.table.name)
    parts = [
        f"# {name}: what is answered without looking",
        _how_much(audit, types),
        "\n".join(_type_table(audit, types)),
        *_notes(types),
        *_change(audit),
        *to_mend,
        " ".join(describe_nulls(audit.deciding.summary.get("null") or {})),
        *_llm(language_model(audit)),
        "## How it was made",
        "\n".join(_method(audit, command)),
        METHOD,
        BIBTEX,
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _how_much(audit: Audit, types: list[TypeFinding]) -> str:
    overall = audit.deciding.summary["overall"]
    low, high = overall["interval"]["score_hard"]
    return (
        f"**{headline(types)}** Overall {percent(overall['score_hard'])}% "
        f"[{percent(low)}, {percent(high)}] are answered right without looking; guessing scores "
        f"{percent(overall['baseline'])}%, the most frequent answer of each type "
        f"{percent(overall['majority'])}%."
    )


def _type_table(audit: Audit, types: list[TypeFinding]) -> list[str]:
    """A row per type, most to mend first; only those with a finding where there are many."""
    shown = types if len(types) <= MOST_ROWS else [t for t in types if t.is_exposed][:MOST_ROWS]
    schemes = [s for s in (RANDOM, GROUPED) if s in audit.runs]
    heads = ["question type", "n", "chance", *(f"{s} folds" for s in schemes), "verdict", "to mend"]
    lines = [_row(heads), _row(["---", *["---:"] * (1 + 1 + len(schemes)), "---", "---:"])]
    for found in shown:
        cells = [escape_markdown(found.name), str(found.n), percent(found.chance)]
        cells += [_score(found, scheme) for scheme in schemes]
        mend = str(found.to_mend) if found.is_exposed else ""
        lines.append(_row([*cells, VERDICTS[found.state], mend]))
    rest = [t for t in types if t not in shown]
    if rest:
        states = [t.state for t in rest]
        counts = [f"{states.count(s)} {VERDICTS[s]}" for s in VERDICTS if s in states]
        cells = [f"{len(rest)} other types", str(sum(t.n for t in rest)), ""]
        lines.append(_row([*cells, *[""] * len(schemes), ", ".join(counts), ""]))
    overall = {s: audit.runs[s].summary["overall"] for s in schemes}
    cells = ["**overall**", str(sum(t.n for t in types)), ""]
    for part in overall.values():
        low, high = part["interval"]["score_hard"]
        cells.append(f"{percent(part['score_hard'])} [{percent(low)}, {percent(high)}]")
    return [*lines, _row([*cells, "", str(sum(t.to_mend for t in types))])]


def _score(found: TypeFinding, scheme: str) -> str:
    text = percent(found.scores[scheme])
    if scheme in found.intervals:
        low, high = found.intervals[scheme]
        text += f" [{percent(low)}, {percent(high)}]"
    return text


def _notes(types: list[TypeFinding]) -> list[str]:
    """What chance is, what only random folds give away, what could not be told."""
    kinds = [kind for kind in CHANCE if any(t.format == kind for t in types)]
    of_numbers = " (numbers: mean relative accuracy)" if "num" in kinds else ""
    chance = ", ".join(f"{CHANCE[kind]} ({kind})" for kind in kinds)
    notes = [f"Percent right{of_numbers}, with 95% intervals. Chance: {chance}."]
    if alone := [t.name for t in types if t.random_alone]:
        notes.append(
            f"Above chance in random folds alone: {_names(alone)}. Other questions of the same "
            "group tell these answers; grouped folds, which decide, keep a group together."
        )
    if few := [t for t in types if t.state == TOO_FEW]:
        notes.append(
            f"Fewer than {FEWEST_QUESTIONS} questions, too few to tell: "
            f"{_names([t.name for t in few])} ({sum(t.n for t in few):,} questions in all)."
        )
    return notes


def _names(names: list[str]) -> str:
    shown = ", ".join(escape_markdown(name) for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _change(audit: Audit) -> list[str]:
    """Before and after mending, per type."""
    change = audit.change
    if change is None:
        return []
    counts = (
        f"{change.mended} questions were changed, {change.removed} removed, {change.added} added "
        f"since {escape_markdown(change.before.summary['data']['benchmark'])} "
        f"(record `{change.before.hash}`)."
    )
    if change.by_type.empty:
        return ["## What mending changed", f"{counts} No question of both could be paired."]
    lines = [
        _row(["question type", "n", "before", "after", "change [95%]"]),
        _row(["---", *["---:"] * 4]),
    ]
    for row in change.by_type.to_dict("records"):
        interval = f"[{points(row['low_hard'])}, {points(row['high_hard'])}]"
        lines.append(
            _row(
                [escape_markdown(row["question_type"]), str(row["n"]), percent(row["a_hard"]),
                 percent(row["b_hard"]), f"{points(row['diff_hard'])} {interval}"]
            )
        )  # fmt: skip
    paired = "Of the questions that both files have, paired by id or text:"
    return ["## What mending changed", f"{counts} {paired}", "\n".join(lines)]


def points(value: float | None) -> str:
    """A difference of scores in points, with its sign."""
    text = percent(value)
    return f"+{text}" if value is not None and value > 0 and text[0].isdigit() else text


def describe_nulls(null: dict[str, Any]) -> list[str]:
    """Whether the method is fooled where there is nothing to learn."""
    told = []
    for kind, entry in null.items():
        if entry["holds"] is None:
            told.append(f"The {kind} null cannot be judged: {entry['holds_reason']}.")
            continue
        verdict = "holds" if entry["holds"] else "IS VIOLATED: do not trust the scores above"
        p = ""
        if "p" in entry:
            least = entry["p"] <= 1 / (1 + entry["draws"])
            p = f"; p = {decimal(entry['p'])} for the score above"
            p += ", the smallest that so many draws can show" if least else ""
        told.append(
            f"With {kind} answers ({entry['draws']} draws) the model scores "
            f"{percent(entry['score_hard'])}%, expected {percent(entry['expected'])}%: the null "
            f"{verdict}{p}."
        )
    return told


def _llm(record: RunRecord | None) -> list[str]:
    if record is None:
        return []
    overall = record.summary["overall"]
    low, high = overall["interval"]["score_hard"]
    counting = overall.get("nothing_beyond_counting", "")
    return [
        f"{record.subject} on {record.folds}: {percent(overall['score_hard'])}% "
        f"[{percent(low)}, {percent(high)}] right without looking. {counting}".strip()
    ]


def _method(audit: Audit, command: str) -> list[str]:
    data = audit.deciding.summary["data"]
    revision = f", revision `{data['revision']}`" if data["revision"] else ""
    rows = ""
    if data["rows_read"] > data["questions"]:
        rows = f" of {data['rows_read']:,} rows (the others are not usable)"
    lines = [
        f"- `{command}`",
        f"- TsT {__version__}, results version {RESULTS_VERSION}; {data['questions']:,} questions"
        f"{rows}, fingerprint `{data['fingerprint']}`{revision}",
    ]
    for name, record in audit.runs.items():
        decides = ", which decides" if name == audit.plan.deciding and len(audit.runs) > 1 else ""
        lines.append(
            f"- {record.subject}, version {record.leaves['diagnostic.version']}, {record.folds}, "
            f"seed {record.seed}: record `{record.hash}`{decides}"
        )
    if audit.plan.why_alone:
        lines.append(f"- No grouped folds: {audit.plan.why_alone}")
    return lines


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
