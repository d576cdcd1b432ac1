"""What records are called in lists and menus: no two alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tst.analysis.selection import SEED
from tst.records.run_records import RunRecord

MOST_SETTINGS = 3
"""Settings that a name tells; where more differ the record's hash says which it is."""


def name_records(records: Sequence[RunRecord]) -> list[str]:
    """Diagnostic, folds and seed of each; of those alike, of one set of questions, what differs."""
    alike: dict[tuple[object, ...], list[int]] = defaultdict(list)
    names = []
    for place, record in enumerate(records):
        names.append(f"{record.subject}, {record.folds}, seed {record.seed}")
        alike[record.benchmark, record.fingerprint, names[place]].append(place)
    for places in alike.values():
        if len(places) > 1:
            for place in places:
                names[place] += (
                    f", {_differing_settings(records[place], [records[p] for p in places])}"
                )
    return names


def _differing_settings(record: RunRecord, alike: Sequence[RunRecord]) -> str:
    """The settings of a record that not all of ``alike`` have; its hash where there are many."""
    paths = sorted({path for other in alike for path in other.leaves} - {SEED})
    differing = [p for p in paths if len({repr(other.leaves.get(p)) for other in alike}) > 1]
    shown = [f"{path}={record.leaves.get(path)}" for path in differing[:MOST_SETTINGS]]
    if len(differing) > MOST_SETTINGS:
        shown.append(f"record {record.hash}")
    return ", ".join(shown)
