"""The kinds of record, each declared in one module here; a new kind adds its own to ``KINDS``."""

from pathlib import Path

from tst.records.kinds.blend import BLEND
from tst.records.kinds.kind import RecordKind
from tst.records.kinds.noisy_tuning import NOISY_TUNING
from tst.records.kinds.pruning import PRUNING
from tst.records.kinds.stress_test import STRESS_TEST

KINDS: tuple[RecordKind, ...] = (STRESS_TEST, PRUNING, NOISY_TUNING, BLEND)

__all__ = ["BLEND", "KINDS", "NOISY_TUNING", "PRUNING", "STRESS_TEST", "RecordKind", "kind_of"]


def kind_of(record: Path, outputs_root: Path) -> RecordKind:
    """The kind of a record by its folder. Raises ValueError for a folder that no kind has."""
    folder = record.relative_to(outputs_root).parts[0]
    for kind in KINDS:
        if kind.folder == folder:
            return kind
    raise ValueError(f"{record}: expected a folder under {', '.join(k.folder for k in KINDS)}")
