"""Files by what their names end in, alone, several, or by pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from glob import has_magic
from pathlib import Path

from tst.benchmarks.files.delimited import READ_DELIMITED
from tst.benchmarks.files.json_files import read_json, read_jsonl
from tst.benchmarks.files.limits import list_names
from tst.benchmarks.files.parquet import read_parquet
from tst.benchmarks.files.records import FileRecords, Record
from tst.benchmarks.files.xlsx import read_xlsx
from tst.core.errors import UserError

READERS: dict[str, Callable[[Path], FileRecords]] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    **READ_DELIMITED,
    ".parquet": read_parquet,
    ".xlsx": read_xlsx,
}
TEXT_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
WITH_PARTS = {".json": "an object's key", ".xlsx": "a sheet"}
"""What ``benchmark.sheet`` chooses in files of a kind."""

INSTEAD = {
    ".xls": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".pkl": "pickles can run code and are never read; write it with to_parquet",
    ".pickle": "pickles can run code and are never read; write it with to_parquet",
    ".zip": "unpack it first",
    ".tar": "unpack it first",
    ".arrow": "write it with Dataset.to_parquet",
    ".txt": "rename it to .csv, .tsv or .jsonl, whichever it is",
}


def suffix_of(path: str | Path) -> str:
    """What says how a file is read: its extension in lower case, without ``.gz``."""
    name = Path(path).name.lower().removesuffix(".gz")
    return Path(name).suffix


def is_table_name(text: str) -> bool:
    """Whether a text ends in an extension that can be read."""
    suffix = suffix_of(text)
    packed = text.lower().endswith(".gz")
    return suffix in (TEXT_SUFFIXES if packed else READERS)


def read_file(path: Path) -> list[Record]:
    """All records of a file, by its extension. Raises UserError as ``read_one`` does."""
    return read_one(path).records


def _file_names(folder: Path) -> list[str]:
    """Names of the files with questions in a folder; none where it cannot be looked into."""
    try:
        return sorted(p.name for p in folder.iterdir() if p.is_file() and is_table_name(p.name))
    except OSError:
        return []


def read_one(path: Path, part: str | None = None) -> FileRecords:
    """A file's records and where they stand, by its extension.

    part: sheet of a workbook, or key of a JSON object, to read
    Raises UserError that names the file, and the line where there is one, for a file that cannot
    be read as what its name says.
    """
    if not path.is_file():
        kind = "is a folder" if path.is_dir() else "does not exist"
        close = get_close_matches(path.name, _file_names(path.parent), n=1)
        hint = f" Did you mean {path.parent / close[0]}?" if close else ""
        raise UserError(f"{path} {kind}; expected a file with questions.{hint}")
    suffix = suffix_of(path)
    reader = READERS.get(suffix)
    if reader is None or not is_table_name(path.name):
        fix = f" ({INSTEAD[suffix]})" if suffix in INSTEAD else ""
        raise UserError(
            f"{path}: cannot read a {path.suffix or 'file without extension'}{fix}; "
            f"expected one of {', '.join(READERS)}."
        )
    if part is not None:
        if suffix not in WITH_PARTS:
            raise UserError(
                f"{path}: benchmark.sheet={part}: a {suffix} has no sheets; it chooses "
                f"{', or '.join(f'{what} of a {kind}' for kind, what in WITH_PARTS.items())}."
            )
        reader = (
            partial(read_json, part=part) if suffix == ".json" else partial(read_xlsx, sheet=part)
        )
    try:
        found = reader(path)
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{path}: cannot be read ({reason}).") from error
    if not found.records:
        raise UserError(f"{path}: no rows in it.")
    return found


def find_paths(patterns: Sequence[str]) -> list[Path]:
    """The files that paths and glob patterns (``shards/*.parquet``) name, in order.

    The files of one pattern come in the order of the numbers in their names. Raises UserError for
    a pattern that matches nothing.
    """
    paths: list[Path] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.is_file() or not has_magic(str(path)):
            paths.append(path)
            continue
        root = Path(path.anchor) if path.is_absolute() else Path()
        found = sorted(root.glob(str(path.relative_to(root))), key=_natural)
        if not found:
            raise UserError(f"{pattern}: no file has a name like this.")
        paths += found
    twice = sorted({str(path) for path in paths if paths.count(path) > 1})
    if twice:
        raise UserError(f"benchmark.path names {list_names(twice)} more than once.")
    return paths


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts part-2 before part-10."""
    pieces = re.split(r"(\d+)", str(path))
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]
