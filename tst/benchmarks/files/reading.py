"""Files by what their names end in, alone, several, or by pattern."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import partial
from glob import has_magic
from pathlib import Path

from tst.benchmarks.files.arrow import read_arrow, saved_files
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
    ".arrow": read_arrow,
    ".feather": read_arrow,
    ".xlsx": read_xlsx,
}
TEXT_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
WITH_PARTS = {".json": "an object's key", ".xlsx": "a sheet"}
"""What ``benchmark.sheet`` chooses in files of a kind."""

PATH_SIGNS = ("/", "./", "../", "~/")

INSTEAD = {
    ".xls": "save it as .xlsx",
    ".ods": "save it as .xlsx",
    ".pkl": "pickles can run code and are never read; write it with to_parquet",
    ".pickle": "pickles can run code and are never read; write it with to_parquet",
    **dict.fromkeys(
        (".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar"), "unpack it first"
    ),
    **dict.fromkeys(
        (".yaml", ".yml", ".xml", ".html", ".md", ".tex"), "write it as .jsonl or .csv"
    ),
    **dict.fromkeys(
        (".db", ".sqlite", ".duckdb", ".h5", ".npy", ".npz", ".pt"), "write it as .parquet"
    ),
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


def is_file_name(text: str) -> bool:
    """Whether a text names a file or a folder, readable or not, and no option of a config group."""
    if suffix_of(text) in READERS or suffix_of(text) in INSTEAD:
        return True
    return text.startswith(PATH_SIGNS) or ("/" in text and Path(text).expanduser().exists())


def read_file(path: Path) -> list[Record]:
    """All records of a file, by its extension. Raises UserError as ``read_one`` does."""
    return read_one(path).records


def _file_names(folder: Path) -> list[str]:
    """Names of the files with questions in a folder; none where it cannot be looked into."""
    try:
        return sorted(p.name for p in folder.iterdir() if p.is_file() and is_table_name(p.name))
    except OSError:
        return []


def _describe_folder(path: Path) -> str:
    """What to name instead of a folder: a file in it, or all of one kind."""
    names = _file_names(path)
    if not names:
        return f"{path} is a folder without files of questions; expected {', '.join(READERS)}."
    pattern = path / f"*{Path(names[0]).suffix}"
    example = str(path / names[0]) if len(names) == 1 else f"'benchmark={pattern}' for all of them"
    return f"{path} is a folder with {list_names(names)}: name a file of it, e.g. {example}."


def read_one(path: Path, part: str | None = None) -> FileRecords:
    """A file's records and where they stand, by its extension.

    part: sheet of a workbook, or key of a JSON object, to read
    Raises UserError that names the file, and the line where there is one, for a file that cannot
    be read as what its name says.
    """
    if path.is_dir():
        raise UserError(_describe_folder(path))
    if not path.is_file():
        # an extension that both have makes no two names alike
        stems = {name.partition(".")[0]: name for name in _file_names(path.parent)}
        close = get_close_matches(path.name.partition(".")[0], stems, n=1)
        hint = f" Did you mean {path.parent / stems[close[0]]}?" if close else ""
        raise UserError(f"{path} does not exist; expected a file with questions.{hint}")
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

    A folder with a saved dataset stands for its files. The files of one pattern come in the order
    of the numbers in their names. Raises UserError for a pattern that matches nothing.
    """
    paths: list[Path] = []
    for pattern in patterns:
        path = Path(pattern).expanduser()
        if path.exists() or not has_magic(str(path)):
            paths += (saved_files(path) if path.is_dir() else None) or [path]
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
