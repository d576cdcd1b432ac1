"""The files of an audit: verdict.json, audit.md, to_mend.csv and the report."""

from __future__ import annotations

from pathlib import Path

from tst.analysis.report.assemble import render_report
from tst.auditing.findings import as_verdict
from tst.auditing.page import render_page
from tst.auditing.run import Audit
from tst.records.files import write_json, write_text
from tst.records.run_records import Found

VERDICT, PAGE, REPORT = "verdict.json", "audit.md", "report.html"


def write_files(audit: Audit, command: str, outputs_root: Path) -> dict[str, Path]:
    """Write what an audit has found so far; what each file is, and its path.

    command: what made it, for the page
    """
    paths = {
        "report": audit.folder / REPORT,
        "page for a paper or dataset card": audit.folder / PAGE,
        "the same as numbers": audit.folder / VERDICT,
    }
    records = list(audit.runs.values())
    if audit.change is not None:
        records.append(audit.change.before)
    write_json(audit.folder / VERDICT, as_verdict(audit, command))
    write_text(audit.folder / PAGE, render_page(audit, command, []))
    write_text(audit.folder / REPORT, render_report(Found(records, []), [], [], outputs_root))
    return paths
