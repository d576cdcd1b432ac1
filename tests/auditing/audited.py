"""A small file with shortcuts, and audits of it with a quick diagnostic."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from tests.made_records import quick_diagnostics
from tst import audit as command
from tst.auditing import run
from tst.auditing.files import write_files
from tst.auditing.run import Audit

COLOURS = ["red", "green", "blue", "white"]
SECRET = "zxqj"
"""In every question and option: a page without text has it nowhere."""


def write_file(path: Path, shortcut: bool = True, groups: int = 12, n: int = 160) -> Path:
    """Colour questions that "red" answers in 80% (with a shortcut), shape questions at random."""
    rng = random.Random(0)
    rows = []
    for i in range(n):
        kind = "colour" if i % 2 else "shape"
        options = [f"{c} {SECRET}" for c in rng.sample(COLOURS, 4)]
        answer = rng.randrange(4)
        if kind == "colour" and shortcut and i % 10 > 1:
            answer = options.index(f"red {SECRET}")
        rows.append(
            {"id": f"q{i}", "category": kind, "question": f"Which {SECRET} thing is number {i}?",
             **dict(zip("ABCD", options, strict=True)), "answer": "ABCD"[answer],
             **({"scene": f"s{i % groups}"} if groups else {})}
        )  # fmt: skip
    rows[3]["answer"] = ""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def run_audit(path: Path, root: Path, *overrides: str) -> tuple[Audit, list[str]]:
    """The audit of a file, its files written, and what its page said when the verdict came."""
    pages: list[str] = []
    words = [f"benchmark={path}", f"outputs_root={root}", "n_jobs=1", "null.repeats=1"]
    words += ["audit.llm=false", *overrides]

    def on_verdict(audit: Audit) -> None:
        write_files(audit, "tst audit my.csv", root)
        pages.append((audit.folder / "audit.md").read_text())

    with quick_diagnostics():
        config = command.COMMAND.compose(command.arrange(words))
        found = run.audit(config, on_verdict)
    write_files(found, "tst audit my.csv", root)
    return found, pages
