"""Finished records of pruning and of noisy tuning, verified by state and checksum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tst.analysis.question_sets import unique_titles
from tst.core.number_text import float_or_nan
from tst.records.kinds import RecordKind
from tst.records.verification import Unusable, verify


@dataclass(frozen=True)
class Experiment:
    """One finished record: outputs/<kind>/<subject>/.../<hash>."""

    path: Path
    subject: str
    summary: dict[str, Any] = field(repr=False)

    @property
    def hash(self) -> str:
        return self.path.name

    def figure(self, *keys: str) -> float:
        """A number of summary.json; NaN where there is none."""
        node: Any = self.summary
        for key in keys:
            node = node.get(key) if isinstance(node, dict) else None
        return float_or_nan(node)


def find_experiments(
    outputs_root: Path, kind: RecordKind, slim: bool = False
) -> tuple[list[Experiment], list[Unusable]]:
    """The records of a kind that can be trusted, and the others.

    slim: also those of which only the summary is kept
    """
    good: list[Experiment] = []
    bad: list[Unusable] = []
    for path in kind.find(outputs_root):
        found = verify(path, kind, slim)
        if isinstance(found, Unusable):
            bad.append(found)
        else:
            good.append(Experiment(path, kind.place(path)[0], found.summary))
    return good, bad


def title_prunings(experiments: Sequence[Experiment]) -> list[str]:
    """The benchmark of each pruning, for people; sets of questions of one name are told apart."""
    data = [experiment.summary["data"] for experiment in experiments]
    keys = [(e.subject, str(d["fingerprint"])) for e, d in zip(experiments, data, strict=True)]
    sizes = {key: int(d["questions"]) for key, d in zip(keys, data, strict=True)}
    titles = unique_titles(sizes)
    return [titles[key] for key in keys]
