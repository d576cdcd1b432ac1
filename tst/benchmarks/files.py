"""Records from local files: JSONL, JSON, CSV, TSV here, Parquet and xlsx in ``binary_files``.

Files are parsed, never evaluated, and one that would not fit in memory is refused.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tst.benchmarks.binary_files import read_parquet, read_xlsx
from tst.benchmarks.limits import Record, check_bytes, check_cells, check_names
from tst.core.errors import UserError

MAX_CELL = 20_000_000
MAX_DEPTH = 100


def read_file(path: Path) -> list[Record]:
    """All records of a file, by its extension.

    Raises UserError that names the file, and the line where there is one, for a file that cannot
    be read as what its name says.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        raise UserError(f"{path} {kind}; expected a file with questions.")
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f"{path}: cannot read a {path.suffix or 'file without extension'}; "
            f"expected one of {', '.join(READERS)}."
        )
    try:
        records = reader(path)
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path}: cannot be read ({reason}).") from error
    if not records:
        raise UserError(f"{path}: no rows in it.")
    return records


def _encoding(path: Path) -> str:
    """UTF-8, or UTF-16 where a byte order mark says so."""
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


@contextmanager
def _opened(path: Path, newline: str) -> Iterator[TextIO]:
    """The file as text, in parts; UserError with the line that is not in its encoding."""
    check_bytes(path.stat().st_size, str(path))
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline=newline) as file:
            yield file
    except UnicodeDecodeError as error:
        line = _undecodable_line(path, encoding)
        raise UserError(
            f"{path}: line {line} is not {encoding.removesuffix('-sig').upper()}; convert the file "
            "first, e.g. iconv -f latin1 -t utf-8 FILE > NEW."
        ) from error


def _undecodable_line(path: Path, encoding: str) -> int:
    data = path.read_bytes()
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        data = data[: error.start]
    return data.count(b"\n") + 1


def _load_json(text: str, where: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: no valid JSON ({error}).") from error
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_deep(value):
        raise UserError(f"{where}: nested more than {MAX_DEPTH} levels deep.")
    return value


def _is_deep(value: Any) -> bool:
    """Whether lists and objects are nested beyond ``MAX_DEPTH``, found without recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        nodes = [node for node in level if isinstance(node, list | dict)]
        level = [c for n in nodes for c in (n.values() if isinstance(n, dict) else n)]
    return bool(level)


def _read_jsonl(path: Path) -> list[Record]:
    # not universal newlines, nor splitlines(): U+2028 and the like may stand inside a JSON text
    with _opened(path, "\n") as file:
        return _parse_lines(file, path)


def _parse_lines(lines: Iterable[str], path: Path) -> list[Record]:
    records = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _load_json(line, f"{path}, line {number}")
        if not isinstance(record, dict):
            raise UserError(
                f"{path}, line {number}: expected one JSON object a line, got {line!r:.60}."
            )
        records.append(record)
    return records


def _read_json(path: Path) -> list[Record]:
    with _opened(path, "\n") as file:
        text = file.read()
    lines = [line for line in text.split("\n", maxsplit=50) if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines[:2]):
        return _parse_lines(text.split("\n"), path)
    data = _load_json(text, str(path))
    if isinstance(data, dict):
        lists = [v for v in data.values() if isinstance(v, list) and v]
        data = lists[0] if len(lists) == 1 else data
    if not isinstance(data, list) or not all(isinstance(r, dict) for r in data):
        raise UserError(
            f"{path}: expected a JSON list of objects, or an object with one such list in it."
        )
    return data


def _read_csv(path: Path) -> list[Record]:
    return _read_delimited(path, None)


def _read_tsv(path: Path) -> list[Record]:
    return _read_delimited(path, "\t")


def _read_delimited(path: Path, delimiter: str | None) -> list[Record]:
    """Rows as texts; the delimiter of a .csv is whichever of , ; and tab its header has most of."""
    csv.field_size_limit(MAX_CELL)
    records: list[Record] = []
    first = 1  # line on which the record that is being read begins
    with _opened(path, "") as file:
        header = file.readline()
        file.seek(0)
        # strict: a quote that is never closed would swallow the rows after it
        reader = csv.DictReader(
            file, delimiter=delimiter or max(",;\t", key=header.count), strict=True
        )
        try:
            names = reader.fieldnames or []
            first = reader.line_num + 1
            check_names(names, str(path))
            for record in reader:
                if None in record:
                    raise UserError(
                        f"{path}, line {reader.line_num}: more cells than the header has "
                        f"({len(names)}); quote texts that hold the delimiter."
                    )
                records.append(dict(record))
                check_cells(len(records) * len(names), str(path))
                first = reader.line_num + 1
        except csv.Error as error:
            raise UserError(
                f"{path}, line {first}: no valid CSV ({error}). A text that holds quotes, line "
                'breaks or the delimiter stands in quotes, its own quotes doubled: "5"" pipe".'
            ) from error
    return records


READERS: dict[str, Callable[[Path], list[Record]]] = {
    ".jsonl": _read_jsonl,
    ".ndjson": _read_jsonl,
    ".json": _read_json,
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".parquet": read_parquet,
    ".xlsx": read_xlsx,
}
