"""The records of a study, asked for by the cell of a table that they belong to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from tst.analysis.kept_differences import Differences
from tst.analysis.question_sets import QuestionSet, find_question_sets
from tst.analysis.selection import Choice, choose
from tst.analysis.subjects import Subject, choose_shown, find_subjects
from tst.analysis.tables.paper_table import PERCENT, POINTS, Figure
from tst.core.folds import SCHEME_SUFFIXES, TYPE
from tst.core.number_text import float_or_nan
from tst.records.run_records import Found, RunRecord
from tst.records.verification import describe_left_out

RANDOM, GROUPED = "random", "grouped"


@dataclass
class Study:
    """Records found, and what was passed over while cells were filled.

    model: short name of the model that the tables with one column per diagnostic show; empty: the
        one with records on the most benchmarks
    differences: paired differences between records, as far as they are known
    question_sets: what rows are of, named apart; of benchmarks without a whole record too
    subjects: diagnostics and models with records; shown: one per diagnostic, see ``choose_shown``
    """

    found: Found
    model: str = ""
    passed_over: dict[str, str] = field(default_factory=dict)
    differences: Differences = field(default_factory=Differences)

    def __post_init__(self) -> None:
        records = self.found.records
        unusable = (u.benchmark for u in self.found.unusable)
        self.question_sets = find_question_sets(records, unusable)
        self.subjects = find_subjects(records)
        self.shown = choose_shown(self.subjects, records, self.model)

    @property
    def models(self) -> list[str]:
        return sorted({r.model for r in self.found.records if r.model})

    def cell(
        self,
        questions: QuestionSet,
        subject: Subject,
        scheme: str,
        stratify: str = TYPE,
        version: int | None = None,
    ) -> Choice:
        """The records behind one cell; notes those passed over.

        Folds that answers shape give other figures: no cell mixes them with the others.
        version: of the diagnostic, where no other will do
        """
        choice = choose(
            r
            for r in self.found.records
            if questions.is_of(r)
            and subject.is_of(r)
            and (r.scheme, r.stratify) == (scheme, stratify)
            and version in (None, r.version)
        )
        for record, why in choice.passed_over:
            self.passed_over[record.hash] = f"{questions.title}, {record.subject} ({why})"
        return choice

    def fold_schemes(self, questions: QuestionSet, subject: Subject) -> tuple[Choice, Choice]:
        """The records of random and of grouped folds, of one version where there are both."""
        random, grouped = (self.cell(questions, subject, scheme) for scheme in (RANDOM, GROUPED))
        versions = {choice.records[0].version for choice in (random, grouped) if choice.records}
        if len(versions) < 2:
            return random, grouped
        for version in sorted(versions, reverse=True):
            pair = [self.cell(questions, subject, s, version=version) for s in (RANDOM, GROUPED)]
            if all(choice.records for choice in pair):
                return pair[0], pair[1]
        return random, grouped

    def cells(self) -> Iterator[tuple[QuestionSet, Subject, str]]:
        """Every set of questions with every diagnostic and kind of folds, recorded or not."""
        return product(self.question_sets, self.subjects, (RANDOM, GROUPED))

    def recorded_cells(self) -> Iterator[tuple[tuple[str, str, str], Choice]]:
        """Titles of (set of questions, diagnostic, fold scheme), and the records, where any."""
        for questions, subject, scheme in self.cells():
            choice = self.cell(questions, subject, scheme)
            if choice.records:
                yield (questions.title, subject.title, scheme), choice

    def difference(self, a: Choice, b: Choice) -> Figure:
        """The hard score of b minus that of a, paired by question, with its 95% interval."""
        overall = self.differences.overall(a.records, b.records)
        if overall is None:
            return Figure(unit=POINTS, reason="needs the questions of slim records")
        interval = (overall["low_hard"], overall["high_hard"])
        return Figure(overall["diff_hard"], POINTS, interval=interval)

    def why_missing(
        self, questions: QuestionSet, subject: Subject, scheme: str, stratify: str = TYPE
    ) -> str:
        states = [
            u.state
            for u in self.found.unusable
            if u.benchmark == questions.benchmark
            and u.path.parts[-3].split("-")[0] == subject.diagnostic
            and _is_of_scheme(u.path.parts[-2], scheme, stratify)
        ]
        if states:
            return f"no finished record ({', '.join(sorted(set(states)))})"
        of_set = [r for r in self.found.records if questions.is_of(r)]
        groups = any(r.summary["data"].get("groups") for r in of_set)
        if scheme == GROUPED and of_set and not groups:
            return "the benchmark declares no groups"
        return "no record"

    def notes(self) -> list[str]:
        """Footnotes on records that entered no figure."""
        hashes: dict[str, list[str]] = {}
        for name, text in sorted(self.passed_over.items()):
            hashes.setdefault(text, []).append(name)
        notes = [
            f"Not shown: {text}, record{'s' * (len(names) > 1)} {' '.join(names)}."
            for text, names in sorted(hashes.items())
        ]
        return [*notes, *describe_left_out(self.found.unusable)]


def _is_of_scheme(folder: str, scheme: str, stratify: str) -> bool:
    """Whether a record folder's ``core.folds.scheme_name`` is of this kind."""
    ending = next((e for e in SCHEME_SUFFIXES.values() if e and folder.endswith(e)), "")
    return folder.startswith(scheme[:6]) and ending == SCHEME_SUFFIXES[stratify]


def mean_figure(
    choice: Choice,
    measure: Callable[[RunRecord], float | None],
    unit: str = PERCENT,
    reason: str = "",
) -> Figure:
    """The mean over seeds of what ``measure`` reads from each record."""
    if not choice.records:
        return Figure(unit=unit, reason=reason or "no record")
    values = [float_or_nan(measure(record)) for record in choice.records]
    value = float(np.mean(values))
    first = choice.records[0]
    return Figure(
        value,
        unit,
        seeds=tuple(r.seed for r in choice.records),
        records=tuple(r.hash for r in choice.records),
        version=f"{first.label} version {first.version}" if first.is_earlier else "",
        reason="" if math.isfinite(value) else reason or "not recorded",
    )


def summary_field(
    field: str, part: str = "overall", name: str = ""
) -> Callable[[RunRecord], float]:
    """A reader of one field of summary.json: of ``overall``, or of ``per_type.<name>``."""

    def read(record: RunRecord) -> float:
        node = record.summary.get(part, {})
        node = node.get(name, {}) if name else node
        return float_or_nan(node.get(field))

    return read


def pooled_fold_sd(choice: Choice, field: str, part: str = "overall", name: str = "") -> float:
    """Standard deviation (ddof 1) of a score over all folds of all seeds.

    From each record's fold_mean, fold_sd and number of folds.
    """
    counts, means, sds = [], [], []
    for record in choice.records:
        node = record.summary.get(part, {})
        node = node.get(name, {}) if name else node
        counts.append(int(record.summary["folds"]["finished"]))
        means.append(float_or_nan(node.get("fold_mean", {}).get(field)))
        sds.append(float_or_nan(node.get("fold_sd", {}).get(field)))
    if not counts or sum(counts) < 2:
        return math.nan
    n, mean, sd = np.array(counts), np.array(means), np.array(sds)
    centre = (n * mean).sum() / n.sum()
    squares = ((n - 1) * sd**2 + n * (mean - centre) ** 2).sum()
    return float(np.sqrt(squares / (n.sum() - 1)))
