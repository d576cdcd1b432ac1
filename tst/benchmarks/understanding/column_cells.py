"""What the columns of one source hold, judged on a sample of its records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

from tst.benchmarks.options import Options, read_options
from tst.benchmarks.values import is_blank, look_up, plain_text

Record = Mapping[str, Any]
Guess = str | list[str]
"""A column, or several that hold one option each."""

SAMPLE = 1000
MAX_KEY = 200


class ColumnCells:
    """The records of one source.

    sample: every k-th record, at least 1,000 (all where there are fewer)
    separator: what separates options within a cell (``benchmark.options_separator``)
    """

    def __init__(self, records: Sequence[Record], separator: str | None) -> None:
        self.records, self._separator = records, separator
        self.sample = records if len(records) <= SAMPLE else records[:: len(records) // SAMPLE]

    def filled(self, column: str) -> list[Any]:
        """The cells of a column in the sample that are not blank."""
        cells = [look_up(record, column) for record in self.sample]
        return [cell for cell in cells if not is_blank(cell)]

    def texts(self, column: str) -> list[str]:
        """The cells of a column in the sample as plain texts."""
        return [plain_text(look_up(record, column)) for record in self.sample]

    def read(self, cell: Any) -> Options | None:
        """The options that a cell holds; None where it holds none."""
        try:
            return read_options(cell, self._separator)
        except (ValueError, TypeError):
            return None

    def options(self, columns: Guess) -> list[Options | None]:
        """The options of every record of the sample."""
        if isinstance(columns, str):
            return [self.read(look_up(record, columns)) for record in self.sample]
        return [self.read([look_up(r, column) for column in columns]) for r in self.sample]

    def holds_one_option_each(self, columns: Sequence[str]) -> bool:
        """Whether some record fills two of these columns."""
        return any(
            sum(not is_blank(record.get(column)) for column in columns) > 1
            for record in self.sample
        )

    def nested(self) -> list[str]:
        """Dotted paths of the fields inside of columns that hold objects, two levels deep."""
        paths: dict[str, None] = {}
        for record in self.sample[:100]:
            for name, cell in record.items():
                if isinstance(cell, Mapping) and len(cell) <= 100:
                    for key, inner in cell.items():
                        paths[f"{name}.{key}"] = None
                        if isinstance(inner, Mapping) and len(inner) <= 100:
                            paths |= {f"{name}.{key}.{k}": None for k in inner}
        return list(paths)


def group_key(cell: Any) -> str:
    """What a group's cell is compared by; a picture inside of it by a digest."""
    if isinstance(cell, Mapping | list | tuple):
        cell = json.dumps(cell, sort_keys=True, default=str)
    text = plain_text(cell)
    if len(text) <= MAX_KEY:
        return text
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
