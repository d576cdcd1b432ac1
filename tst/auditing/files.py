"""The files of an audit: to_mend.csv, verdict.json, audit.md and the report."""

from __future__ import annotations

from pathlib import Path

from tst.analysis.report.assemble import render_report
from tst.auditing.findings import as_verdict
from tst.auditing.mend_list import describe_to_mend
from tst.auditing.page import render_page
from tst.auditing.run import Audit
from tst.auditing.spreadsheet import write_spreadsheet
from tst.records.files import write_json, write_text
from tst.records.run_records import Found
from tst.stress_testing.shortcuts.to_mend import TO_MEND, read_to_mend, without_texts

VERDICT, PAGE, REPORT = "verdict.json", "audit.md", "report.html"


def write_files(audit: Audit, command: str, outputs_root: Path) -> dict[str, Path]:
    """Write what an audit has found so far; what each file is, and its path.

    command: what made it, for the page
    """
    to_mend = read_to_mend(audit.deciding.path)
    paths = {
        f"{len(to_mend):,} questions to mend": audit.folder / TO_MEND,
        "report": audit.folder / REPORT,
        "page for a paper or dataset card": audit.folder / PAGE,
        "the same as numbers": audit.folder / VERDICT,
    }
    records = list(audit.runs.values())
    if audit.change is not None:
        records.append(audit.change.before)
    listed = to_mend if audit.with_text else without_texts(to_mend)
    write_spreadsheet(audit.folder / TO_MEND, listed, exact="id")
    write_json(audit.folder / VERDICT, as_verdict(audit, command))
    mend = describe_to_mend(to_mend, audit.with_text)
    write_text(audit.folder / PAGE, render_page(audit, command, mend))
    report = render_report(Found(records, []), [], [], outputs_root, audit.deciding)
    write_text(audit.folder / REPORT, report)
    return paths
