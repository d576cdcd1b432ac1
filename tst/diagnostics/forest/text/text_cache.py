"""What can be read off one text alone, kept for every distinct text that was ever seen.

A question or option text is tokenised, coded and measured once; a fold, a repeat or a pruned table
then gathers rows of these arrays. Nothing here depends on any other text, nor on any answer.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

import numpy as np

from tst.core.number_text import NUMBER_WORDS
from tst.diagnostics.forest.text.hashing import run_codes, scramble, text_code

TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+|[^\w\s]")
NUMBER = re.compile(r"[-+−]?\d+(?:,\d{3})*(?:\.\d+)?|[-+−]?\.\d+")
ARTICLES = frozenset(("a", "an", "the"))
TRAILING = frozenset(".?!:;,")


def _words(text: str) -> list[str]:
    return text.split()


HIGHEST_WORD = 12
"""A number above it is read from digits alone."""
NEGATION = frozenset(
    _words("not no never none neither nor cannot without isn don doesn didn won wasn aren except")
)
ABSOLUTE = frozenset(
    _words("always never all only must every none entirely completely any impossible exactly")
)
HEDGE = frozenset(
    _words("may might can could usually often sometimes probably likely generally possibly some")
    + _words("about approximately mostly unknown")
)
ABOVE = re.compile(r"\b(all|both|none|neither|any)\b.{0,12}\b(above|of (?:these|them)|correct)\b")
UNKNOWN = re.compile(
    r"cannot|can't|not (?:sure|known|given|mentioned|enough)|unknown|none of|other"
)
# opposites on three axes: (sideways or in time, up or in size, front or yes)
POLARITY = {
    **dict.fromkeys(_words("left west before earlier first"), (1, 0, 0)),
    **dict.fromkeys(_words("right east after later last"), (-1, 0, 0)),
    **dict.fromkeys(
        _words("above top up over on higher upper north more taller larger"), (0, 1, 0)
    ),
    **dict.fromkeys(
        _words("below bottom down under beneath lower south less fewer shorter smaller"), (0, -1, 0)
    ),
    **dict.fromkeys(
        _words("front forward closer nearer ahead yes true inside increase"), (0, 0, 1)
    ),
    **dict.fromkeys(
        _words("back behind backward farther further no false outside decrease"), (0, 0, -1)
    ),
}
MARKERS = NEGATION | ABSOLUTE | HEDGE | POLARITY.keys()
DIGITS, CAPITALS = re.compile(r"[0-9]"), re.compile(r"[A-Z]")
MEASURES = (
    "characters",
    "words",
    "digits",
    "word_length",
    "commas",
    "capitals",
    "sentence",
    "negation",
    "absolute",
    "hedge",
    "of_the_above",
    "unknown",
    "is_number",
    "value",
    "axis_0",
    "axis_1",
    "axis_2",
)
COMMA, SEMICOLON = text_code(","), text_code(";")


class TextCache:
    """Token codes, a code of the whole text and MEASURES of every distinct text, by text id."""

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self._token_codes: dict[str, int] = {}
        self._padded: list[str] = []
        self._lock = threading.Lock()
        self.codes = np.zeros(0, dtype=np.uint64)
        self.starts = np.zeros(1, dtype=np.int64)
        self.whole = np.zeros(0, dtype=np.uint64)
        self.measures = np.zeros((0, len(MEASURES)), dtype=np.float32)

    def add(self, texts: Iterable[str]) -> np.ndarray:
        """The id of every text (int64); texts not seen before are read."""
        with self._lock:
            ids, new = self._ids, []
            found = np.empty(len(texts := list(texts)), dtype=np.int64)
            for i, text in enumerate(texts):
                known = ids.get(text)
                if known is None:
                    known = ids[text] = len(ids)
                    new.append(text)
                found[i] = known
            if new:
                self._read(new)
            return found

    def measure(self, ids: np.ndarray, name: str) -> np.ndarray:
        """One of MEASURES for some text ids, float32."""
        return self.measures[ids, MEASURES.index(name)]

    def tokens(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Token codes of some texts end to end, and where each text starts (len + 1)."""
        lengths = (self.starts[1:] - self.starts[:-1])[ids]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        source = np.repeat(self.starts[ids] - starts[:-1], lengths) + np.arange(starts[-1])
        return self.codes[source], starts

    def owned_tokens(self, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of some texts each token is of, and its code, text by text."""
        tokens, starts = self.tokens(ids)
        return np.repeat(np.arange(len(ids)), np.diff(starts)), tokens

    def character_runs(self, ids: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Codes of all runs of ``size`` characters, text by text, and how many each text has.

        Letter case aside, with a space before and after each text.
        """
        padded = [self._padded[i] for i in ids.tolist()]
        letters = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
        lengths = np.array([len(text) for text in padded], dtype=np.int64)
        counts = np.maximum(lengths - size + 1, 0)
        first = np.repeat(np.cumsum(lengths) - lengths - (np.cumsum(counts) - counts), counts)
        first += np.arange(len(first))
        codes = np.zeros(len(first), dtype=np.uint64)
        for offset in range(size):
            codes = scramble(codes + letters[first + offset])
        return codes, counts

    def _read(self, texts: list[str]) -> None:
        self._padded.extend(f" {text.lower()} " for text in texts)
        lengths: list[int] = []
        codes: list[int] = []
        measures: list[list[float]] = []
        for text in texts:
            tokens = tokenise(text)
            lengths.append(len(tokens))
            codes.extend(self._code(token) for token in tokens)
            measures.append(measure_text(text, tokens))
        flat = np.array(codes, dtype=np.uint64)
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        filled = np.array(lengths) > 0
        whole = np.zeros(len(texts), dtype=np.uint64)
        whole[filled] = run_codes(flat, starts[:-1][filled])
        self.starts = np.concatenate([self.starts, self.starts[-1] + starts[1:]])
        self.codes = np.concatenate([self.codes, flat])
        self.whole = np.concatenate([self.whole, whole])
        self.measures = np.concatenate([self.measures, np.array(measures, dtype=np.float32)])

    def _code(self, token: str) -> int:
        code = self._token_codes.get(token)
        if code is None:
            code = self._token_codes[token] = text_code(token)
        return code


def tokenise(text: str) -> list[str]:
    """Lower-case words, numbers and marks, without articles and the text's last full stop."""
    tokens = [t for t in TOKEN.findall(text.lower()) if t not in ARTICLES]
    while len(tokens) > 1 and tokens[-1] in TRAILING:
        tokens.pop()
    return tokens


def measure_text(text: str, tokens: list[str]) -> list[float]:
    """MEASURES of one text, in their order; ``value`` is NaN where no number stands in it."""
    words = [t for t in tokens if t[0].isalpha()]
    lowered = " ".join(tokens)
    value, is_number = read_number(text, tokens)
    axes = [0, 0, 0]
    negation = absolute = hedge = 0
    for word in MARKERS.intersection(words):
        times = words.count(word)
        negation += times * (word in NEGATION)
        absolute += times * (word in ABSOLUTE)
        hedge += times * (word in HEDGE)
        for axis, sign in enumerate(POLARITY.get(word, ())):
            axes[axis] += times * sign
    return [
        len(text),
        len(words),
        len(DIGITS.findall(text)),
        sum(map(len, words)) / len(words) if words else 0.0,
        text.count(","),
        len(CAPITALS.findall(text, 1)),
        float(text.rstrip().endswith(".")) + 2.0 * text[:1].isupper(),
        negation,
        absolute,
        hedge,
        float(bool(ABOVE.search(lowered))),
        float(bool(UNKNOWN.search(lowered))),
        is_number,
        value,
        *(max(-1, min(1, axis)) for axis in axes),
    ]


def read_number(text: str, tokens: list[str]) -> tuple[float, float]:
    """The first number in a text (NaN if none), and 1.0 when the text holds little else."""
    match = NUMBER.search(text)
    if match:
        digits = match.group().replace(",", "").replace("−", "-")
        value = float(digits)
        # a float32 overflows beyond 3e38: such a number is no feature
        return (value if abs(value) < 1e30 else np.nan), float(len(tokens) <= 4)
    for token in tokens:
        if NUMBER_WORDS.get(token, np.inf) <= HIGHEST_WORD:
            return float(NUMBER_WORDS[token]), float(len(tokens) <= 2)
    return np.nan, 0.0
