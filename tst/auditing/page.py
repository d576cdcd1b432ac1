"""audit.md: one page for a paper's appendix or a dataset card."""

from __future__ import annotations

from tst import __version__
from tst.analysis.question_sets import title
from tst.analysis.tables.plain_text import escape_markdown, table_row
from tst.auditing.findings import find_types, share_right
from tst.auditing.run import LLM, SIBLINGS, Audit
from tst.auditing.siblings import describe_siblings_effect
from tst.auditing.type_table import describe_types, type_table
from tst.core.number_text import percent, points
from tst.records.identity import RESULTS_VERSION
from tst.records.run_records import RunRecord
from tst.stress_testing.verdict import describe_nulls, headline

METHOD = (
    "A text-only model is trained on k-1 folds of the test set itself and scored on the held-out "
    "one, so that each question is answered by a model that never saw it. A type is *exposed* when "
    "its score exceeds chance at a family-wise 5% over all types (Holm; clustered by group). *One "
    "answer suffices*: the same answer to every question scores half or more. To mend: about as "
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
        _how_much(audit),
        "\n".join(type_table(audit, types)),
        *describe_types(audit, types),
        escape_markdown(describe_siblings_effect(audit.siblings)) if audit.siblings else "",
        *_change(audit),
        *to_mend,
        " ".join(describe_nulls(audit.deciding.summary.get("null") or {})),
        *_llm(audit.runs.get(LLM)),
        "## How it was made",
        "\n".join(_method(audit, command)),
        METHOD,
        BIBTEX,
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _how_much(audit: Audit) -> str:
    overall = audit.deciding.summary["overall"]
    return (
        f"**{headline(audit.deciding.summary)}** Overall {share_right(audit.deciding)} are "
        f"answered right without looking; guessing scores "
        f"{percent(overall['baseline'])}%, the most frequent answer of each type "
        f"{percent(overall['majority'])}%."
    )


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
        table_row(["question type", "n", "before", "after", "change [95%]"]),
        table_row(["---", *["---:"] * 4]),
    ]
    for row in change.by_type.to_dict("records"):
        interval = f"[{points(row['low_hard'])}, {points(row['high_hard'])}]"
        lines.append(
            table_row(
                [escape_markdown(row["question_type"]), str(row["n"]), percent(row["a_hard"]),
                 percent(row["b_hard"]), f"{points(row['diff_hard'])} {interval}"]
            )
        )  # fmt: skip
    paired = "Of the questions that both files have, paired by id or text:"
    return ["## What mending changed", f"{counts} {paired}", "\n".join(lines)]


def _llm(record: RunRecord | None) -> list[str]:
    if record is None:
        return []
    counting = record.summary["overall"].get("nothing_beyond_counting", "")
    told = f"{record.subject} on {record.folds}: {share_right(record)} right without looking."
    return [f"{told} {counting}".strip()]


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
        more = " with features.context=siblings," if name == SIBLINGS else ""
        lines.append(
            f"- {record.subject}, version {record.leaves['diagnostic.version']},{more} "
            f"{record.folds}, seed {record.seed}: record `{record.hash}`{decides}"
        )
    if audit.plan.why_alone:
        lines.append(f"- No grouped folds: {audit.plan.why_alone}")
    return lines
