"""Text files as text: compressed or not, in the encoding that they have."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from tst.benchmarks.files.limits import check_bytes
from tst.core.errors import UserError

SAMPLE_BYTES = 64 * 2**20

_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")


class _Bounded(io.RawIOBase):
    """A stream that ends in a UserError beyond ``MAX_BYTES``, however well it is compressed."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self._name, self._read = stream, name, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self._read = self._stream.seek(offset, whence)
        return self._read

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._read += len(chunk)
        check_bytes(self._read, self._name)
        return len(chunk)


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """A file's content, unpacked where its name ends in ``.gz``."""
    check_bytes(path.stat().st_size, str(path))
    if path.suffix.lower() != ".gz":
        with path.open("rb") as file:
            yield file
        return
    try:
        with gzip.open(path, "rb") as packed:
            bounded = _Bounded(cast(BinaryIO, packed), str(path))
            yield cast(BinaryIO, io.BufferedReader(bounded))
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise UserError(f"{path}: no readable gzip file ({error}).") from error


@contextmanager
def open_text(path: Path, newline: str, encoding: str | None = None) -> Iterator[TextIO]:
    """A file as text, in parts, its line ends as they are.

    encoding: None: UTF-8, or UTF-16 where a byte order mark or zeros among the first bytes say so
    Raises UserError that names the line which is not in this encoding.
    """
    with open_bytes(path) as file:
        if encoding is None:
            encoding = _unicode_form(cast(io.BufferedReader, file).peek(4)[:4])
        try:
            yield io.TextIOWrapper(file, encoding=encoding, newline=newline)
        except UnicodeDecodeError as error:
            line = _undecodable_line(path, encoding)
            raise UndecodableError(
                f"{path}: line {line} is not {encoding.removesuffix('-sig').upper()}; convert the "
                "file first, e.g. iconv -f latin1 -t utf-8 FILE > NEW."
            ) from error


def _unicode_form(start: bytes) -> str:
    """UTF-16 or UTF-8, by the first four bytes: in UTF-16, ASCII has a zero beside each letter."""
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    zeros = [place for place, byte in enumerate(start) if byte == 0]
    return "utf-16-le" if zeros == [1, 3] else "utf-16-be" if zeros == [0, 2] else "utf-8-sig"


class UndecodableError(UserError):
    """A text file that is not in the encoding that it was opened with."""


def _undecodable_line(path: Path, encoding: str) -> int:
    with open_bytes(path) as file:
        data = file.read()
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        data = data[: error.start]
    return data.count(b"\n") + 1


def guess_encoding(path: Path) -> str | None:
    """``gb18030`` or ``cp1252`` for a file that is not UTF-8 and clearly one of the two, else None.

    Chinese text is told by its characters (nearly all are common ones of GB 2312), Western text by
    the few letters outside of ASCII; a file that is mostly valid UTF-8 is damaged, and is neither.
    """
    with open_bytes(path) as file:
        data = file.read(SAMPLE_BYTES)
    if len(data) == SAMPLE_BYTES:
        data = data[: data.rfind(b"\n") + 1]
    high = len(_HIGH.findall(data))
    if 2 * sum(map(len, _UTF8.findall(data))) > high:
        return None
    if _is_chinese(data):
        return "gb18030"
    try:
        shown = [c for c in data.decode("cp1252") if not c.isspace()]
    except UnicodeDecodeError:
        return None
    letters = [c for c in shown if c.isalpha()]
    western = all(3 * sum(not c.isascii() for c in part) < len(part) for part in (shown, letters))
    return "cp1252" if western else None


def _is_chinese(data: bytes) -> bool:
    try:
        foreign = [c for c in data.decode("gb18030") if not c.isascii()]
    except UnicodeDecodeError:
        return False
    codes = [c.encode("gb18030") for c in foreign]
    # GB 2312: punctuation in rows A1 to A9, characters in B0 to F7, the most common up to D7; other
    # encodings read as GB 18030 give many characters beyond it, or rare ones
    plain = [c[0] for c in codes if len(c) == 2 and c[1] >= 0xA1 and c[0] <= 0xF7]
    common = [row for row in plain if row <= 0xA9 or 0xB0 <= row <= 0xD7]
    return bool(codes) and len(plain) >= 0.95 * len(codes) and len(common) >= 0.8 * len(codes)
