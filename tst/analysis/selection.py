"""Which records stand behind one figure: the same questions and settings, one record per seed."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from tst.config.schema import FoldSettings, ScoringSettings, to_plain
from tst.diagnostics.forest.settings import FeatureSettings
from tst.optimizers.settings import OptimizerSettings
from tst.records.identity import flatten
from tst.records.run_records import RunRecord

SEED = "fold.seed"
DEFAULTS = flatten(
    {
        "fold": to_plain(FoldSettings()),
        "scoring": to_plain(ScoringSettings()),
        "features": to_plain(FeatureSettings()),
        "optimizer": to_plain(OptimizerSettings()),
    }
)
"""Default of every setting that has one for all diagnostics; a record knows its diagnostic's."""


@dataclass(frozen=True)
class Choice:
    """The records whose mean is one figure, and those passed over for it.

    records: one per seed, by rising seed; empty when there are none
    passed_over: with other settings or questions, and what differs
    """

    records: tuple[RunRecord, ...]
    passed_over: tuple[tuple[RunRecord, str], ...] = ()


def choose(candidates: Iterable[RunRecord]) -> Choice:
    """The records to average: those nearest to the default settings, never a mixture.

    Among equally near ones those with the most seeds, then the most questions, then the latest.
    Those of an earlier version of the diagnostic stand only where they have more seeds.
    """
    sets: dict[str, list[RunRecord]] = defaultdict(list)
    for record in candidates:
        sets[settings_key(record)].append(record)
    if not sets:
        return Choice(())

    def rank(records: list[RunRecord]) -> tuple[int, int, int, str]:
        first = records[0]
        latest = max(r.finished_at for r in records)
        questions = int(first.summary["data"]["questions"])
        return -len(deviations(first)), len(records), questions, latest

    ranked = sorted(sets.values(), key=rank, reverse=True)
    nearest: dict[float, list[RunRecord]] = {}
    for records in ranked:
        nearest.setdefault(records[0].version if records[0].is_earlier else math.inf, records)
    version = max(nearest, key=lambda v: (len(nearest[v]), v))
    chosen = nearest[version]
    shown = sorted(chosen, key=lambda r: (r.seed, r.hash))
    others = [
        (r, difference(shown[0], r)) for records in ranked if records is not chosen for r in records
    ]
    return Choice(tuple(shown), tuple(others))


def settings_key(record: RunRecord, *ignored: str) -> str:
    """Equal for records that differ in the fold seed alone, and in settings that are ignored."""
    leaves = {k: v for k, v in record.leaves.items() if k not in (SEED, *ignored)}
    return json.dumps([leaves, record.fingerprint], sort_keys=True, default=str)


def deviations(record: RunRecord) -> list[str]:
    """Settings (dotted paths) that differ from the defaults; a model's own training ones count."""
    known = DEFAULTS | flatten(record.summary["diagnostic"]["defaults"], "diagnostic")
    found = []
    for path, value in record.leaves.items():
        if path == SEED:
            continue
        if path == "fold.group_by":
            declared = list(record.summary["data"].get("groups", {}))
            if value is not None and value not in declared[:1]:
                found.append(path)
            continue
        if path in known and value != known[path]:
            found.append(path)
    return found


def difference(shown: RunRecord, other: RunRecord) -> str:
    """In what another record differs from the one shown, for a footnote."""
    paths = sorted(shown.leaves.keys() | other.leaves.keys())
    ours, theirs = ({p: record.leaves.get(p) for p in paths} for record in (shown, other))
    parts = [f"{p}={theirs[p]}" for p in paths if p != SEED and ours[p] != theirs[p]]
    if shown.fingerprint != other.fingerprint:
        parts.append(f"other questions ({other.summary['data']['questions']})")
    return ", ".join(parts)
