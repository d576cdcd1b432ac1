"""From what a model wrote to the answer it gave, or None: never a guess.

A multiple-choice answer is read where the text is one, states one ("the answer is B", "B) sofa",
"B sofa"), or names exactly one option and denies none. Two different answers are none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tst.benchmarks.options import LETTERS
from tst.benchmarks.values import parse_number
from tst.metrics import as_number, normalise_text

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\s*\{(?:\\text\s*\{)?([^{}]*)\}+")
_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"[*_`#$]+|\\[()\[\]]")
# "the answer is", "Correct option:", "final answer =", and what follows on the line or the next
_STATED = re.compile(
    r"\b(?P<kind>final|correct|best|right)?\s*(?:answer|option|choice)\s*"
    r"(?:to (?:the|this) question\s*)?(?:is\s*:?|:|=|would be|should be)"
    r"(?=\s*(?P<rest>[^\n]*(?:\n\s*[^\n]*)?))",
    re.IGNORECASE,
)
_CONCLUDED = re.compile(
    r"\b(?:conclusion|therefore|thus|hence|in summary)\b\s*[:,]?\s*"
    r"(?P<rest>[^\n]*(?:\n\s*[^\n]*)?)",
    re.IGNORECASE,
)
_LETTER_HEAD = re.compile(
    r"\s*(?:option|choice)?\s*(?:\((?P<round>[A-Za-z])\)|(?P<plain>[A-Z])(?P<mark>[.):,;]|(?=\s|$)))\s*",
)
_ANOTHER = re.compile(r"\s*(?:(?:or|and|/|,|&)\s*\(?[A-Z]\b|\(?[A-Z]\)?[.,]?\s*$)")
_LONE_LETTER = re.compile(
    r"\s*(?:option|choice|answer)?\s*\(?\s*([A-Za-z])\s*[.):]*\s*", re.IGNORECASE
)
_NAMED_LETTER = re.compile(r"\(([A-Z])\)|\b(?:option|choice|answer)\s+\(?([A-Z])\b")
_DENIAL = re.compile(
    r"\b(?:not|no|neither|nor|never|cannot|without|except|\w+n't)\b", re.IGNORECASE
)
_NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w])"
)
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
NUMBER_WORDS = {word: str(value) for value, word in enumerate(_WORDS)}
_NUMBER_WORD = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)
# these letters are words of their own
_WORD_LETTERS = "AI"


def parse_choice(text: str, options: Sequence[str]) -> int | None:
    """0-based index of the option that a text answers with, None where it says none or several."""
    for part in _final_parts(text):
        found = _whole(part, options)
        if found is not None or _LONE_LETTER.fullmatch(part):
            return found
    text = _without_list(_clean(text), options)
    stated = _stated(text)
    answers = {_head(rest, options) for rest in stated} - {None}
    if answers:
        return answers.pop() if len(answers) == 1 else None
    lines = [line for line in text.splitlines() if line.strip()]
    heads = {_marked_head(line, options) for line in lines} - {None}
    if not stated and lines:
        heads |= {_opening(lines[0], options)} - {None}
    if not heads and not stated and (found := _only_named(text, options)) is not None:
        return found
    if not heads:
        ends = [*stated, *(m["rest"] for m in _CONCLUDED.finditer(text))]
        heads = {_one_letter(rest, options) for rest in ends} - {None}
    return heads.pop() if len(heads) == 1 else None


def parse_value(text: str) -> float | None:
    """The number that a text answers with, None where it gives none or several."""
    for part in _final_parts(text):
        if (number := _single_number(part)) is not None:
            return number
    text = _clean(text)
    stated = _stated(text)
    numbers = {_first_number(rest) for rest in stated} - {None}
    if stated:
        return numbers.pop() if len(numbers) == 1 else None
    return _single_number(text)


def parse_text(text: str) -> str | None:
    """The answer text of an open question: what is stated, else the whole; None when empty."""
    for part in _final_parts(text)[:-1]:
        if part.strip():
            return part.strip()
    text = _clean(text)
    stated = [rest.partition("\n")[0].strip(" .\"'") for rest in _stated(text)]
    answers = {normalise_text(s): s for s in stated if s}
    if answers:
        return answers.popitem()[1] if len(answers) == 1 else None
    return text.strip() or None


def _final_parts(text: str) -> list[str]:
    """What a text marks as its answer (tags, boxes), and the whole of it."""
    spoken = _THOUGHT.sub(" ", text)
    marked = [m for found in (_TAGGED, _BOXED) for m in found.findall(spoken)]
    marked = marked if len({normalise_text(m) for m in marked}) == 1 else []
    return [*marked[:1], spoken]


def _clean(text: str) -> str:
    return _MARKUP.sub("", _BOXED.sub(r"\1", _THOUGHT.sub(" ", text)))


def _stated(text: str) -> list[str]:
    """What follows each "the answer is"; of "final answer" alone where there is one."""
    found = [(m["kind"] or "", m["rest"]) for m in _STATED.finditer(text) if m["rest"].strip()]
    final = [rest for kind, rest in found if kind.lower() == "final"]
    return final or [rest for _, rest in found]


def _without_list(text: str, options: Sequence[str]) -> str:
    """The text without a repetition of all options in order, which says nothing."""
    items = (
        rf"\(?{letter}\s*[.):]?\s*{re.escape(option)}"
        for letter, option in zip(LETTERS, options, strict=False)
    )
    return re.sub(r"[\s,;.\-]*".join(items), " ", text)


def _whole(text: str, options: Sequence[str]) -> int | None:
    """Index where the text is a letter, an option's text, or both."""
    text = _MARKUP.sub("", text).strip().strip("\"'")
    if match := _LONE_LETTER.fullmatch(text):
        index = LETTERS.index(match[1].upper())
        named = _same_text(text, options)
        if named is not None and named != index:
            return None
        return index if index < len(options) else None
    return _same_text(text, options)


def _same_text(text: str, options: Sequence[str]) -> int | None:
    wanted = _fold(text)
    places = [i for i, option in enumerate(options) if wanted and _fold(option) == wanted]
    return places[0] if len(places) == 1 else None


def _head(text: str, options: Sequence[str]) -> int | None:
    """Index that the beginning of a text gives: a letter, a letter and its option, or an option.

    A letter that another option's text follows contradicts itself; "A" before any other word is
    an article.
    """
    text = text.strip().partition("\n")[0].strip("\"'")
    named = _begins_with(text, options)
    match = _LETTER_HEAD.match(text)
    if not match:
        return named
    letter = (match["round"] or match["plain"]).upper()
    index = LETTERS.index(letter)
    if index >= len(options):
        return named
    after = text[match.end() :]
    follows = _begins_with(after, options)
    if (named not in (None, index) and follows is None) or _ANOTHER.match(after):
        return None
    if follows is not None:
        return index if follows == index or _is_part(options, index, follows, after) else None
    marked = bool(match["round"] or match["mark"])
    if marked or not after.strip() or letter not in _WORD_LETTERS:
        return index
    return named


def _is_part(options: Sequence[str], index: int, other: int, text: str) -> bool:
    """Whether the text after a letter begins with the letter's own option too."""
    return _fold(text).startswith(_fold(options[index]) + " ")


def _opening(line: str, options: Sequence[str]) -> int | None:
    """Index of an opening line that is an answer: it begins with a letter, or with an option and a
    stop; an option that is merely the first word of a sentence is none.
    """
    index = _head(line, options)
    if index is None or _LETTER_HEAD.match(line.strip()):
        return index
    phrase = re.split(r"[.,;:!]|\s[-–—]\s", line, maxsplit=1)[0]
    return index if _fold(phrase) == _fold(options[index]) else None


def _marked_head(line: str, options: Sequence[str]) -> int | None:
    """Index of a line that begins with a letter and a mark, or is a letter and its option."""
    match = _LETTER_HEAD.match(line)
    if not match:
        return None
    index = _head(line, options)
    letter = LETTERS.index((match["round"] or match["plain"]).upper())
    whole = index is not None and _fold(line[match.end() :]) == _fold(options[index])
    return index if index == letter and (match["round"] or match["mark"] or whole) else None


def _begins_with(text: str, options: Sequence[str]) -> int | None:
    """Index of the longest option that a text begins with, as whole words."""
    folded = _fold(text) + " "
    fits = [i for i, o in enumerate(options) if _fold(o) and folded.startswith(_fold(o) + " ")]
    if not fits:
        return None
    longest = max(len(_fold(options[i])) for i in fits)
    best = [i for i in fits if len(_fold(options[i])) == longest]
    return best[0] if len(best) == 1 else None


def _only_named(text: str, options: Sequence[str]) -> int | None:
    """Index of the one option that a text names, by letter or by its words, and denies nothing."""
    if _DENIAL.search(text):
        return None
    letters = {a or b for a, b in _NAMED_LETTER.findall(text)}
    letters = {x for x in letters if LETTERS.index(x) < len(options)}
    folded = f" {_fold(text)} "
    named = [i for i, option in enumerate(options) if f" {_fold(option)} " in folded]
    named = [
        i for i in named
        if not any(i != j and f" {_fold(options[i])} " in f" {_fold(options[j])} " for j in named)
    ]  # fmt: skip
    found = {LETTERS.index(x) for x in letters} | set(named)
    return found.pop() if len(found) == 1 else None


def _one_letter(text: str, options: Sequence[str]) -> int | None:
    """Index of the one option whose letter a conclusion names, in brackets beside its text."""
    if _DENIAL.search(text):
        return None
    named = {m[2] for m in re.finditer(r"([\w'-]+)\s*\(([A-Z])\b", text)}
    if len(named) != 1:
        return None
    index = LETTERS.index(named.pop())
    return index if index < len(options) and _fold(options[index]) in _fold(text) else None


def _fold(text: str) -> str:
    """Lower case words without punctuation and articles; number words as digits."""
    number = as_number(text)
    if number is not None:
        return f"{number:g}"
    words = normalise_text(text).split()
    return " ".join(NUMBER_WORDS.get(word, word) for word in words)


def _single_number(text: str) -> float | None:
    numbers = set(_numbers(_MARKUP.sub("", text)))
    return numbers.pop() if len(numbers) == 1 else None


def _first_number(text: str) -> float | None:
    return next(iter(_numbers(text)), None)


def _numbers(text: str) -> list[float]:
    """Numbers in a text in order, number words too."""
    spelled = _NUMBER_WORD.sub(lambda m: NUMBER_WORDS[m[1].lower()], text)
    parse: Callable[[str], float | None] = parse_number
    found = [parse(m[0]) for m in _NUMBER.finditer(spelled) if m[0]]
    return [number for number in found if number is not None]
