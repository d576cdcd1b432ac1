"""One self-contained HTML file from records: libraries, styles and data inside, nothing fetched."""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections import Counter
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from tst import __version__
from tst.analysis.experiments import Experiment
from tst.analysis.question_sets import TITLES, find_question_sets
from tst.analysis.record_names import name_records
from tst.analysis.report.experiment_data import describe_noisy, describe_pruning
from tst.analysis.report.overview import describe_overview
from tst.analysis.report.record_data import describe_record, question_columns
from tst.analysis.study import GROUPED
from tst.records.run_records import Found, RunRecord
from tst.records.verification import describe_left_out

STYLES = ("assets/tabulator.min.css", "template/report.css", "template/table.css")
SCRIPTS = (
    "assets/d3.min.js",
    "assets/plot.umd.min.js",
    "assets/tabulator.min.js",
    "template/dom.js",
    "template/state.js",
    "template/charts.js",
    "template/questions.js",
    "template/record.js",
    "template/main.js",
)
LICENCES = "assets/LICENSES.txt"
MAX_QUESTIONS = 150_000
"""In one page: about 10 MB. The questions of further records are in reports of their own."""


def render_report(
    found: Found,
    pruning: list[Experiment],
    noisy: list[Experiment],
    outputs_root: Path | None = None,
    opens_on: RunRecord | None = None,
) -> str:
    """The page over all these records.

    outputs_root: record paths are shown relative to it
    opens_on: the record that is shown first; None for the first in the usual order
    """
    records, chunks = [], []
    titles = {(q.benchmark, q.fingerprint): q.title for q in find_question_sets(found.records)}
    ordered = sorted(found.records, key=partial(_place, opens_on))
    with_questions = choose_records(ordered)
    for index, (record, name) in enumerate(zip(ordered, name_records(ordered), strict=True)):
        questions = record.questions
        title = titles[record.benchmark, record.fingerprint]
        described = describe_record(record, title, name, questions, outputs_root)
        if record in with_questions:
            chunk = f"questions-{index}"
            chunks.append(compressed_script(chunk, question_columns(questions)))
            described["chunk"] = chunk
        else:
            described["own_report"] = f"tst report record={record.path} out=report.html"
        records.append(described)
    data = {
        "version": __version__,
        "made_at": time.strftime("%Y-%m-%d %H:%M"),
        "overview": describe_overview(found) if len(found.records) > 1 else None,
        "records": records,
        "unusable": len(found.unusable),
        "left_out": describe_left_out(found.unusable),
        "pruning": describe_pruning(pruning),
        "noisy": describe_noisy(noisy),
    }
    page = _read("template/report.html")
    for name, text in {
        "licences": _read(LICENCES),
        "styles": "\n".join(map(_read, STYLES)),
        "scripts": "\n;\n".join(map(_read, SCRIPTS)),
        "data": as_script(data),
        "chunks": "\n".join(chunks),
    }.items():
        page = page.replace(f"[[{name}]]", text, 1)
    return page


def _place(opens_on: RunRecord | None, record: RunRecord) -> tuple[Any, ...]:
    """Where a record stands: the paper's benchmarks first, then without a model, grouped folds.

    Records of one set of questions stand together, the largest set of a name first. Grouped folds
    come before random ones: it is they that decide what the texts give away. ``opens_on`` and the
    records of its questions come before all others.
    """
    order = list(TITLES)
    known = order.index(record.benchmark) if record.benchmark in order else len(order)
    questions = (record.benchmark, -int(record.summary["data"]["questions"]), record.fingerprint)
    first = (True, True)
    if opens_on is not None:
        same = (opens_on.benchmark, opens_on.fingerprint) == (record.benchmark, record.fingerprint)
        first = (not same, record.path != opens_on.path)
    random_folds = record.scheme != GROUPED
    model = bool(record.model), record.subject
    return *first, known, *questions, *model, random_folds, record.seed


def choose_records(records: list[RunRecord]) -> list[RunRecord]:
    """The records whose questions are in the page, ``MAX_QUESTIONS`` of them in all.

    One seed of everything goes before the second seed of anything; the first record is always in.
    """
    nth_seed: Counter[tuple[str, ...]] = Counter()
    ranked = []
    for place, record in enumerate(records):
        what = (record.fingerprint, record.benchmark, record.subject, record.path.parent.name)
        ranked.append((nth_seed[what], place))
        nth_seed[what] += 1
    chosen: list[RunRecord] = []
    room = MAX_QUESTIONS
    for _, place in sorted(ranked):
        room -= int(records[place].summary["data"]["questions"])
        if room >= 0 or not chosen:
            chosen.append(records[place])
    return chosen


def as_script(value: Any) -> str:
    """JSON that may stand in a script element: no text in it can close the element."""
    plain = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def compressed_script(name: str, value: Any) -> str:
    """A script element with gzipped JSON as base64; the page unpacks it when it is needed."""
    raw = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    packed = gzip.compress(raw.encode("utf-8", "replace"), compresslevel=6, mtime=0)
    text = base64.b64encode(packed).decode("ascii")
    return f'<script type="text/plain" id="{name}">{text}</script>'


def _read(name: str) -> str:
    return files("tst.analysis.report").joinpath(name).read_text(encoding="utf-8")
