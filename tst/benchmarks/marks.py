"""What options are called in other scripts than Latin: the letters that stand before them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

SCRIPTS: tuple[tuple[str, ...], ...] = tuple(
    tuple(letters.split() if " " in letters else letters)
    for letters in (
        "АБВГДЕЖЗИК", "ΑΒΓΔΕΖΗΘΙΚ",
        "אבגדהוזחטי", "أبجدهوزحطي", "ابجدهوزحطي", "أبتثجحخد", "الف ب ج د ه و",
        "アイウエオカキクケコ", "あいうえおかきくけこ", "イロハニホヘト",
        "가나다라마바사아", "ㄱㄴㄷㄹㅁㅂㅅㅇ", "甲乙丙丁戊己庚辛壬癸",
        "कखगघङचछज", "কখগঘঙচছজ", "กขคงจฉชซ",
    )
)  # fmt: skip
"""Letters of options by their order, scripts other than Latin."""

COUNTS: tuple[tuple[str, ...], ...] = (
    ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"),
    tuple("①②③④⑤⑥⑦⑧⑨⑩"),
    tuple("一二三四五六七八九十"),
)
"""Numbers of options that are no plain digits. In a question's text they number statements."""


def plain_mark(mark: str) -> str:
    """A letter or number as it is compared: full-width and circled ones plain, without case."""
    return unicodedata.normalize("NFKC", mark).casefold()


_ORDERS: tuple[tuple[str, ...], ...] = tuple(
    tuple(map(plain_mark, marks)) for marks in (tuple(LETTERS), *SCRIPTS, *COUNTS)
)


def find_order(marks: Sequence[str]) -> tuple[str, ...] | None:
    """The letters, plain, of which these are the first, in order; None where they are of none."""
    plain = tuple(map(plain_mark, marks))
    return next((order for order in _ORDERS if order[: len(plain)] == plain), None)


def is_latin(marks: Sequence[str]) -> bool:
    """Whether marks are A, B, C, full-width ones too."""
    return find_order(marks) is _ORDERS[0]


def _pattern(marks: Sequence[str]) -> str:
    """A pattern of any of these marks, in either case, full-width letters included."""
    both = {form for mark in marks for form in (mark, mark.lower())}
    return "|".join(re.escape(mark) for mark in sorted(both, key=lambda m: (-len(m), m)))


WIDE = "ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ"
ANY_MARK = _pattern([mark for marks in (LETTERS, WIDE, *SCRIPTS, *COUNTS) for mark in marks])
"""A pattern of every letter or number that may stand before an option, plain digits aside."""

FIRST_LETTERS = _pattern([marks[0] for marks in (LETTERS, WIDE, *SCRIPTS)])
"""A pattern of the letters that the first option of a question's text may have."""

FIRST_MARKS = _pattern([marks[0] for marks in (LETTERS, WIDE, *SCRIPTS, *COUNTS)])
