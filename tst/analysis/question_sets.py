"""Which questions figures are of: two tables of one name are two entries, each with its own n.

A file is mended and keeps its name, ``benchmark.n`` changes, columns are read in another way: the
records then have different questions. Nothing may stand beside each other, be averaged or be
subtracted that is of different questions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tst.records.run_records import RunRecord

TITLES = {
    "vsi_bench": "VSI-Bench",
    "cv_bench": "CV-Bench",
    "video_mme": "Video-MME",
    "mmmu": "MMMU",
    "mmstar": "MMStar",
}
"""Benchmarks of the paper in its order, with their names."""

FINGERPRINT_SHOWN = 6
"""First digits of a fingerprint that tell sets of equally many questions apart."""


@dataclass(frozen=True)
class QuestionSet:
    """Questions that figures are of.

    benchmark: as in the paths of records
    fingerprint: of the question table; empty where no record of that name is whole
    title: for people; it says how many questions these are where the name has several sets
    """

    benchmark: str
    fingerprint: str
    title: str

    @property
    def slug(self) -> str:
        """The title as a part of a file's name; the benchmark's name where it has one set."""
        if self.title == title(self.benchmark):
            return self.benchmark
        return re.sub(r"[^A-Za-z0-9._]+", "-", self.title).strip("-")

    def is_of(self, record: RunRecord) -> bool:
        return (record.benchmark, record.fingerprint) == (self.benchmark, self.fingerprint)


def title(benchmark: str) -> str:
    """A benchmark's name for people."""
    return TITLES.get(benchmark, benchmark)


def find_question_sets(
    records: Iterable[RunRecord], without_record: Iterable[str] = ()
) -> list[QuestionSet]:
    """The sets that records have: the paper's benchmarks first, the largest set of a name first.

    without_record: names of benchmarks that are listed too, where they have no record at all
    """
    sizes = {(r.benchmark, r.fingerprint): int(r.summary["data"]["questions"]) for r in records}
    named = unique_titles(sizes)
    recorded = {benchmark for benchmark, _ in sizes}
    found = [QuestionSet(*key, named[key]) for key in sizes]
    found += [QuestionSet(b, "", title(b)) for b in set(without_record) - recorded]
    order = list(TITLES)

    def place(of: QuestionSet) -> tuple[int, str, int, str]:
        known = order.index(of.benchmark) if of.benchmark in order else len(order)
        size = sizes.get((of.benchmark, of.fingerprint), 0)
        return known, of.benchmark, -size, of.fingerprint

    return sorted(found, key=place)


def unique_titles(sizes: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], str]:
    """A title for every (benchmark, fingerprint), which no two of them share.

    sizes: their numbers of questions
    """
    of_name = Counter(benchmark for benchmark, _ in sizes)
    of_size = Counter((benchmark, n) for (benchmark, _), n in sizes.items())
    titles = {}
    for (benchmark, fingerprint), n in sizes.items():
        told = ""
        if of_name[benchmark] > 1:
            alike = of_size[benchmark, n] > 1
            told = f" ({n:,} questions{f', {fingerprint[:FINGERPRINT_SHOWN]}' if alike else ''})"
        titles[benchmark, fingerprint] = title(benchmark) + told
    return titles
