"""What files give: records, and where an editor shows each of them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

Record = dict[str, Any]

LINE, ROW, ENTRY = "line", "row", "entry"
PLURALS = {LINE: "lines", ROW: "rows", ENTRY: "entries"}


@dataclass
class FileRecords:
    """The records of one file in order.

    name: of the file, as the user knows it
    counted: what ``numbers`` count, from 1: the lines of a text file, the rows of a sheet (its
        header is row 1) or of a Parquet file, the entries of a JSON list
    lines, rows: where a record is found in a text editor, and in a spreadsheet, where that
        differs from its number
    inner: which of the several questions of a source record this one is, from 1
    notes: what reading the file took, in whole sentences
    """

    name: str
    records: list[Record]
    counted: str
    numbers: Sequence[int]
    lines: Sequence[int] | None = None
    rows: Sequence[int] | None = None
    inner: Sequence[int] | None = None
    notes: list[str] = field(default_factory=list)

    def place(self, index: int) -> str:
        """Where a record stands, in words: ``line 14 (row 9 of a spreadsheet)``."""
        number = self.numbers[index]
        text = f"{self.counted} {number}"
        if self.lines is not None:
            text += f" (line {self.lines[index]})"
        if self.rows is not None and self.rows[index] != number:
            text += f" (row {self.rows[index]} of a spreadsheet)"
        if self.inner is not None:
            text += f", question {self.inner[index]}"
        return text

    def expand(self, several: Iterable[tuple[int, int, Record]]) -> FileRecords:
        """The same file with other records: (index of the source record, which of it, record)."""
        listed = list(several)
        origin = [index for index, _, _ in listed]

        def carried(numbers: Sequence[int] | None) -> Sequence[int] | None:
            return None if numbers is None else array("q", [numbers[i] for i in origin])

        return FileRecords(
            self.name,
            [record for _, _, record in listed],
            self.counted,
            array("q", [self.numbers[i] for i in origin]),
            carried(self.lines),
            carried(self.rows),
            array("q", [number for _, number, _ in listed]),
            self.notes,
        )


@dataclass
class Source:
    """All that a benchmark's questions are read from.

    address: the files, or where on the hub, for messages and the record
    revision: the hub's commit; empty for local files
    """

    files: list[FileRecords]
    address: str
    revision: str = ""

    def __post_init__(self) -> None:
        self._starts = list(accumulate((len(f.records) for f in self.files), initial=0))

    @property
    def records(self) -> list[Record]:
        """The records of all files in order."""
        if len(self.files) == 1:
            return self.files[0].records
        return list(chain.from_iterable(f.records for f in self.files))

    @property
    def notes(self) -> list[str]:
        """What reading the files took; each note names its file where there are several."""
        if len(self.files) == 1:
            return self.files[0].notes
        return [f"{file.name}: {note}" for file in self.files for note in file.notes]

    def file_index(self, index: int) -> int:
        """Which of the files a record stands in."""
        return bisect_right(self._starts, index) - 1

    def stems(self) -> list[str]:
        """The files' names without folder and extension."""
        return [Path(file.name).name.partition(".")[0] for file in self.files]

    def _locate(self, index: int) -> tuple[FileRecords, int]:
        at = self.file_index(index)
        return self.files[at], index - self._starts[at]

    def number(self, index: int) -> int:
        """The number that an editor shows beside a record."""
        file, at = self._locate(index)
        return int(file.numbers[at])

    def place(self, index: int) -> str:
        """Where a record stands, in words, with its file where there are several."""
        file, at = self._locate(index)
        return f"{file.place(at)} of {file.name}" if len(self.files) > 1 else file.place(at)


def numbered(name: str, records: list[Record]) -> FileRecords:
    """Records numbered from 1, as a viewer of Parquet files or a JSON list counts them."""
    return FileRecords(name, records, ROW, range(1, len(records) + 1))
