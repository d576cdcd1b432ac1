"""What records are of: a diagnostic, and the model where it reads one, as tables name them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tst.diagnostics.known import KNOWN, find_diagnostic
from tst.records.run_records import RunRecord, subject


@dataclass(frozen=True)
class Subject:
    """A diagnostic, and the model that it reads: empty where it reads none or none is recorded.

    diagnostic: its name in records; label: what people call it
    """

    diagnostic: str
    label: str
    has_zero_shot: bool
    model: str = ""

    @property
    def title(self) -> str:
        """As tables name it: ``TsT-RF``, ``TsT-LLM (model)``."""
        return subject(self.label, self.model)

    def is_of(self, record: RunRecord) -> bool:
        return (record.diagnostic, record.model) == (self.diagnostic, self.model)


def find_subjects(records: Iterable[RunRecord]) -> list[Subject]:
    """Those with records: tst's own diagnostics first, then others by name; models by name."""
    places = {name: place for place, name in enumerate(KNOWN)}
    recorded = {
        Subject(r.diagnostic, r.label, bool(r.summary["diagnostic"]["has_zero_shot"]), r.model)
        for r in records
    }
    return sorted(
        recorded, key=lambda s: (places.get(s.diagnostic, len(KNOWN)), s.diagnostic, s.model)
    )


def choose_shown(
    subjects: Iterable[Subject], records: Iterable[RunRecord], model: str
) -> list[Subject]:
    """One subject per diagnostic, tst's own also without a record, for tables with one column each.

    model: preferred among those of a diagnostic; else the one with records on the most benchmarks
    """
    pairs = {(r.diagnostic, r.model, r.benchmark) for r in records}
    benchmarks = Counter((diagnostic, slug) for diagnostic, slug, _ in pairs)

    def rank(candidate: Subject) -> tuple[bool, int]:
        return candidate.model == model, benchmarks[candidate.diagnostic, candidate.model]

    shown: dict[str, Subject] = {}
    for name in KNOWN:
        declared = find_diagnostic(name)
        shown[name] = Subject(name, declared.label, declared.has_zero_shot)
    for candidate in sorted(subjects, key=rank):
        shown[candidate.diagnostic] = candidate
    return list(shown.values())
