"""An audit from settings to its files: every run is a record, so that a rerun goes on where it was.

Whoever runs it hears of the verdict before the nulls and the language model are run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path

from tst.analysis.tables.cost import total_seconds
from tst.auditing.change import Change, find_change
from tst.auditing.plan import RANDOM, AuditPlan, plan_audit
from tst.auditing.settings import AuditConfig
from tst.auditing.siblings import SiblingsEffect, measure_siblings_effect
from tst.benchmarks.naming import TABLE
from tst.config.composition import name_benchmark
from tst.config.schema import RunConfig
from tst.core.folds import describe_scheme
from tst.core.number_text import duration
from tst.core.questions import QuestionTable
from tst.records.run_records import RunRecord, read_record
from tst.scoring.null_tests import KINDS
from tst.stress_testing.build import resolve_auto
from tst.stress_testing.run import describe as describe_stress_test
from tst.stress_testing.run import load_table, run

log = logging.getLogger("tst")

LLM = "llm"
SIBLINGS = "siblings"
AUDITS = "audits"


@dataclass
class Audit:
    """What an audit has found so far.

    folder: where its files go: outputs/audits/<name>
    runs: record by scheme (random, grouped), with the text of the group's other questions
        (siblings), and of the language model (llm)
    siblings: what that text tells besides; None where it was not read
    change: what mending changed; None where no earlier file was given
    """

    table: QuestionTable
    plan: AuditPlan
    folder: Path
    with_text: bool
    runs: dict[str, RunRecord] = field(default_factory=dict)
    siblings: SiblingsEffect | None = None
    change: Change | None = None

    @property
    def deciding(self) -> RunRecord:
        """The record that the verdict is of."""
        return self.runs[self.plan.deciding]


class Steps:
    """Tells which step of how many begins, and about how long it takes."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.begun = 0

    def begin(self, what: str, seconds: float | None = None) -> None:
        """Log the next step; seconds: about how long it takes, where that is known."""
        self.begun += 1
        about = "" if seconds is None else f", about {duration(seconds)}"
        log.info("step %d of %d: %s%s", self.begun, self.total, what, about)


def audit(config: AuditConfig, on_verdict: Callable[[Audit], None]) -> Audit:
    """Run what is missing of an audit.

    on_verdict: is given what was found before the nulls and the language model are run, which take
        longer than all the rest
    Raises UserError for anything the user can mend, before the first run.
    """
    table = load_table(resolve_auto(config.as_run()))
    plan = plan_audit(config, table)
    folder = Path(config.outputs_root, AUDITS, table.name)
    found = Audit(table, plan, folder, config.audit.text)
    log.info("audit of %s: its files go to %s", table.name, folder)
    before = None if config.audit.before is None else earlier(config, config.audit.before)
    nulls = bool(config.null.repeats)
    more = (plan.siblings is not None, before is not None, nulls, plan.llm is not None)
    steps = Steps(len(plan.schemes) + sum(more))
    _run_schemes(found, steps)
    if plan.siblings is not None:
        group = table.groups[0]
        steps.begin(f"the same with the text of each {group}'s other questions, never an answer")
        found.runs[SIBLINGS] = read_record(run(plan.siblings, table).record)
        found.siblings = measure_siblings_effect(table, found.deciding, found.runs[SIBLINGS])
    if before is not None:
        found.change = _measure_change(found, before, steps)
    on_verdict(found)
    if nulls:
        _run_nulls(found, config.null.repeats, steps)
    if plan.llm is not None:
        steps.begin(f"{plan.llm.diagnostic.name} on {folds_of(plan.llm)}")
        found.runs[LLM] = read_record(run(plan.llm, table).record)
    return found


def _run_schemes(found: Audit, steps: Steps) -> None:
    """The runs on random and on grouped folds."""
    if found.plan.why_alone:
        log.info("random folds alone: %s", found.plan.why_alone)
    seconds = None
    for scheme, config in found.plan.schemes.items():
        steps.begin(f"{config.diagnostic.name} on {folds_of(config)}", seconds)
        started = time.perf_counter()
        found.runs[scheme] = read_record(run(config, found.table).record)
        seconds = time.perf_counter() - started


def _measure_change(found: Audit, before: tuple[RunConfig, QuestionTable], steps: Steps) -> Change:
    """The earlier file on the deciding folds, and the paired difference from it."""
    settings, table = before
    settings.fold = deepcopy(found.plan.nulls_on.fold)
    scheme = found.plan.deciding
    if settings.fold.group_by not in (None, *table.groups):  # groups came with the mending
        settings.fold.group_by, scheme = None, RANDOM
    steps.begin(f"the file before it was mended, on {folds_of(settings)}")
    record = read_record(run(settings, table).record)
    return find_change(record, found.runs[scheme])


def _run_nulls(found: Audit, repeats: int, steps: Steps) -> None:
    """Null draws of the deciding run, and its record read again."""
    config = deepcopy(found.plan.nulls_on)
    config.null.repeats = repeats
    record = found.deciding
    missing = len(KINDS) * repeats - len(list((record.path / "null").glob("*.json")))
    each = total_seconds(record) / resolve_auto(config).n_jobs
    steps.begin(
        f"{repeats} draws each of permuted and of uniform answers on {folds_of(config)}, to see "
        "that the scores above are no accident of the method",
        max(0, missing) * each,
    )
    found.runs[found.plan.deciding] = read_record(run(config, found.table).record)


def earlier(config: AuditConfig, path: str) -> tuple[RunConfig, QuestionTable]:
    """The settings that read the file as it was before, and its questions."""
    settings = config.as_run()
    settings.benchmark.path = path
    settings.benchmark.name = TABLE
    name_benchmark(settings)
    return settings, load_table(resolve_auto(settings))


def folds_of(config: RunConfig) -> str:
    """A run's folds, for people."""
    return describe_scheme(config.fold.k, config.fold.group_by, config.fold.stratify)


def describe(config: AuditConfig) -> str:
    """The runs that an audit takes, each as ``dry_run`` of a stress test tells it."""
    table = load_table(resolve_auto(config.as_run()))
    plan = plan_audit(config, table)
    lines = [plan.why_alone and f"random folds alone: {plan.why_alone}"]
    runs = [*plan.schemes.values(), *filter(None, (plan.siblings, plan.llm))]
    lines += [describe_stress_test(each, table) for each in runs]
    if config.null.repeats:
        lines.append(f"{config.null.repeats} null draws of each kind on {folds_of(plan.nulls_on)}")
    return "\n".join(filter(None, lines))
