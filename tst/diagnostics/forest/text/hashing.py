"""64-bit codes of texts and of tuples of codes: the same on every machine and in every run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_BASE = 0x100000001B3
_POWERS = np.array([pow(_BASE, i, 1 << 64) for i in range(4096)], dtype=np.uint64)


@lru_cache(1 << 18)
def text_code(text: str) -> int:
    """A 64-bit code of a text, never 0 (0 stands for "nothing there")."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def code_all(texts: Iterable[str]) -> np.ndarray:
    """Codes of texts, uint64; each distinct text is coded once."""
    known: dict[str, int] = {}
    codes = []
    for text in texts:
        code = known.get(text)
        if code is None:
            code = known[text] = text_code(text)
        codes.append(code)
    return np.array(codes, dtype=np.uint64)


def scramble(codes: np.ndarray) -> np.ndarray:
    """The splitmix64 finaliser: codes (any shape, uint64) spread over all 64 bits."""
    with np.errstate(over="ignore"):
        z = codes + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        return z ^ (z >> np.uint64(31))


def combine(*parts: np.ndarray | int | str) -> np.ndarray:
    """One code per row for a tuple of codes; order matters. Parts broadcast; text is coded."""
    total = np.zeros((), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            code = np.uint64(text_code(part)) if isinstance(part, str) else part
            total = scramble(np.asarray(total * _GOLDEN + np.asarray(code, dtype=np.uint64)))
    return total


def find_places(known: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The place of each key among sorted known ones, -1 for none, (r,)."""
    if not len(known):
        return np.full(len(key), -1)
    place = np.minimum(np.searchsorted(known, key), len(known) - 1)
    return np.where(known[place] == key, place, -1)


def run_codes(codes: np.ndarray, run_start: np.ndarray) -> np.ndarray:
    """One code per run of consecutive token codes; run_start: first index of each run, rising.

    Every token belongs to a run: the runs tile ``codes``.
    """
    if not len(run_start):
        return np.zeros(0, dtype=np.uint64)
    lengths = np.diff(np.append(run_start, len(codes)))
    within = np.arange(len(codes)) - np.repeat(run_start, lengths)
    with np.errstate(over="ignore"):
        sums = np.add.reduceat(codes * _POWERS[within % len(_POWERS)], run_start)
    return scramble(sums)


def distinct(row: np.ndarray, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each (row, code) once, sorted; much faster than ``np.unique`` of pairs."""
    order = np.lexsort((code, row))
    row, code = row[order], code[order]
    fresh = np.ones(len(row), dtype=bool)
    fresh[1:] = (row[1:] != row[:-1]) | (code[1:] != code[:-1])
    return row[fresh], code[fresh]
