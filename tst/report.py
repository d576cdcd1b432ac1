"""``python -m tst.report``: one HTML file over all records, or over one.

Examples::

    tst report
    tst report record=outputs/runs/planted/rf/random5/0123456789ab out=report.html
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tst.cli.command import Command
from tst.cli.outcomes import FINISHED, Outcome
from tst.core.errors import UserError


@dataclass
class ReportConfig:
    """outputs_root: records are read from it; record: this folder alone; out: the HTML file."""

    outputs_root: str = "outputs"
    record: str | None = None
    out: str = "outputs/report.html"
    fail_fast: bool = False


def report(config: ReportConfig) -> Outcome:
    """Write the page and print where it is."""
    from tst.analysis.experiments import Experiment, find_experiments
    from tst.analysis.report.assemble import render_report
    from tst.records.files import write_text
    from tst.records.kinds import NOISY_TUNING, PRUNING
    from tst.records.run_records import Found, find_records, read_record

    root = Path(config.outputs_root)
    pruning: list[Experiment] = []
    noisy: list[Experiment] = []
    if config.record is not None:
        found = Found([read_record(Path(config.record))], [])
    else:
        if not root.is_dir():
            raise UserError(
                f"outputs_root={root}: expected an existing folder; a single record, wherever its "
                "folder is, is record=PATH."
            )
        found = find_records(root)
        pruning, _ = find_experiments(root, PRUNING)
        noisy, _ = find_experiments(root, NOISY_TUNING)
    if not (found.records or pruning or noisy):
        left = f" ({len(found.unusable)} are unfinished or damaged)" if found.unusable else ""
        raise UserError(
            f"outputs_root={root}: no finished record to report on{left}. Run a stress test "
            "first: tst diagnostic=rf"
        )
    out = Path(config.out)
    write_text(out, render_report(found, pruning, noisy, root))
    size = out.stat().st_size / 1e6
    print(
        f"{len(found.records)} of {len(found.records) + len(found.unusable)} records, {size:.1f} MB"
    )
    print(out)
    return Outcome(FINISHED)


COMMAND = Command("report", ReportConfig, report)
main = COMMAND.main

if __name__ == "__main__":
    main()
