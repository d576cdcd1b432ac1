"""The option that a model's answer to a multiple-choice question names, or None: never a guess.

It is read where the text is an answer, states one ("the answer is B", "B) sofa", "B sofa"), or
names exactly one option and denies nothing. Two different answers are none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set

from tst.benchmarks.options import LETTERS
from tst.pruning.model_answers.final_answer import (
    DENIAL,
    final_parts,
    first_sentence,
    fold,
    plain_speech,
    stated_answers,
    without_markup,
)

_CONCLUDED = re.compile(
    r"\b(?:conclusion|therefore|thus|hence|in summary)\b\s*[:,]?\s*"
    r"(?P<rest>[^\n]*(?:\n\s*[^\n]*)?)",
    re.IGNORECASE,
)
_LETTER_HEAD = re.compile(
    r"\s*(?:option|choice)?\s*(?:\((?P<round>[A-Za-z])\)|(?P<plain>[A-Z])(?P<mark>[.):,;]|(?=\s|$)))\s*",
)
_ANOTHER = re.compile(r"\s*(?:(?:or|and|vs\.?|versus|/|,|&)\s*\(?[A-Z]\b|\(?[A-Z]\)?[.,]?\s*$)")
_LONE_LETTER = re.compile(
    r"\s*(?:option|choice|answer)?\s*\(?\s*([A-Za-z])\s*[.):]*\s*", re.IGNORECASE
)
_NAMED_LETTER = re.compile(r"\(([A-Z])\)|\b(?:option|choice|answer)\s+\(?([A-Z])\b")
# said of an answer at once, it is none; later on it may be said of another
_DOUBT = re.compile(
    r"\b(?:wrong|incorrect|false|unlikely|impossible|implausible|ruled out|eliminated)\b",
    re.IGNORECASE,
)
# a letter that is no word: "A sofa" and "I think" are none
_LETTER = re.compile(
    r"(?<![\w'’])(?P<letter>[A-Z])(?![\w'’])"
    r"(?:(?<![AI])|(?=\s*(?:[.):,;?!/]|$|(?:is|or|and|vs)\b)))"
)
# these letters are words of their own
_WORD_LETTERS = "AI"
# what a text gives that contradicts itself: it must not be read in another way instead
CONTRADICTION = -1


def parse_choice(text: str, options: Sequence[str]) -> int | None:
    """0-based index of the option that a text answers with, None where it says none or several."""
    for part in final_parts(text):
        found = _whole(part, options)
        if found is not None or _LONE_LETTER.fullmatch(part):
            return found
    text = _without_list(plain_speech(text), options)
    stated = stated_answers(text)
    answers = {_certain(_head(rest, options), rest, options) for rest in stated} - {None}
    if answers:
        return _agreed(answers)
    lines = [line for line in text.splitlines() if line.strip()]
    heads = {_marked_head(line, options) for line in lines} - {None}
    if not stated and lines:
        heads |= {_opening(lines[0], options)} - {None}
    if not heads and not stated and (found := _only_named(text, options)) is not None:
        return found
    if not heads:
        ends = [*stated, *(m["rest"] for m in _CONCLUDED.finditer(text))]
        heads = {_one_letter(rest, options) for rest in ends} - {None}
    return _agreed(heads)


def _agreed(found: Set[int | None]) -> int | None:
    """The one answer found; None for none, several, and a contradiction."""
    return next(iter(found)) if len(found) == 1 and CONTRADICTION not in found else None


def _whole(text: str, options: Sequence[str]) -> int | None:
    """Index where the text is a letter, an option's text, or both."""
    text = without_markup(text).strip().strip("\"'")
    if match := _LONE_LETTER.fullmatch(text):
        index = LETTERS.index(match[1].upper())
        named = _same_text(text, options)
        if index >= len(options) or named == index:
            return named
        return index if named is None else None
    return None if _head(text, options) == CONTRADICTION else _same_text(text, options)


def _without_list(text: str, options: Sequence[str]) -> str:
    """The text without a repetition of all options in order, which says nothing."""
    items = (
        rf"\(?{letter}\s*[.):]?\s*{re.escape(option)}"
        for letter, option in zip(LETTERS, options, strict=False)
    )
    return re.sub(r"[\s,;.\-]*".join(items), " ", text)


def _same_text(text: str, options: Sequence[str]) -> int | None:
    wanted = fold(text)
    places = [i for i, option in enumerate(options) if wanted and fold(option) == wanted]
    return places[0] if len(places) == 1 else None


def _head(text: str, options: Sequence[str]) -> int | None:
    """Index that the beginning of a text gives: a letter, a letter and its option, or an option.

    A letter that another option's text follows contradicts itself; "A" before a word that is no
    option is an article.
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
        return CONTRADICTION
    if follows is not None:
        agrees = follows == index or fold(after).startswith(fold(options[index]) + " ")
        return index if agrees else CONTRADICTION
    marked = bool(match["round"] or match["mark"])
    if marked or not after.strip() or letter not in _WORD_LETTERS:
        return index
    return named


def _opening(line: str, options: Sequence[str]) -> int | None:
    """Index of an opening line that is an answer: it begins with a letter, or with an option and a
    stop; an option that is merely the first word of a sentence is none.
    """
    index = _certain(_head(line, options), line, options)
    if index in (None, CONTRADICTION) or _LETTER_HEAD.match(line.strip()):
        return index
    phrase = re.split(r"[.,;:!]|\s[-–—]\s", line, maxsplit=1)[0]
    return index if fold(phrase) == fold(options[index]) else None


def _marked_head(line: str, options: Sequence[str]) -> int | None:
    """Index of a line that begins with a letter and a mark, or is a letter, alone or with its
    option.
    """
    match = _LETTER_HEAD.match(line)
    if not match:
        return None
    index = _head(line, options)
    letter = LETTERS.index((match["round"] or match["plain"]).upper())
    whole = index is not None and fold(line[match.end() :]) == fold(options[index])
    whole = whole or not line[match.end() :].strip()
    given = index == letter and (match["round"] or match["mark"] or whole)
    return _certain(index, line, options) if given else None


def _certain(index: int | None, text: str, options: Sequence[str]) -> int | None:
    """The index that the beginning of a text gives, CONTRADICTION where the rest takes it back.

    That is a denial in the sentence, a doubt in its first clause, or another option's letter on the
    line; but "B, not A" and "B, as A is wrong" deny the other, and an option may itself be a "no".
    """
    if index is None or index == CONTRADICTION:
        return index
    line = _without_contrast(text.strip().partition("\n")[0], index, options)
    head = _LETTER_HEAD.match(line)
    rest = line[head.end() :] if head else line
    own = fold(options[index]) + " "
    if fold(rest).startswith(own):
        joined = re.sub(r"^(?:or|and|vs|versus) ", "", fold(rest).removeprefix(own))
        if _begins_with(joined, options) not in (None, index):
            return CONTRADICTION
    itself = rf"(?<!\w){re.escape(options[index])}(?!\w)"  # may be "Both A and B"
    rest = re.sub(itself, " ", rest, flags=re.IGNORECASE)
    first, *later = re.split(r"[.,;:]\s", rest)
    negative = DENIAL.search(options[index]) or _DOUBT.search(options[index])
    denied = DENIAL.search(first_sentence(rest)) or _DOUBT.search(first_sentence(first))
    if denied and not negative:
        return CONTRADICTION
    clauses = [first, *(clause for clause in later if not _DOUBT.search(clause))]
    others = {LETTERS.index(m["letter"]) for c in clauses for m in _LETTER.finditer(c)} - {index}
    return CONTRADICTION if any(other < len(options) for other in others) else index


def _without_contrast(line: str, index: int, options: Sequence[str]) -> str:
    """A line without ", not A" and without other options beside their letters ("than the dog
    (A)"), unless an "or" offers them.
    """
    for letter, option in zip(LETTERS, options, strict=False):
        if letter != LETTERS[index]:
            words = rf"(?:the\s+)?{re.escape(option)}(?:\s*\({letter}\))?|\(?{letter}\)?"
            line = re.sub(rf",\s*(?:and\s+)?not\s+(?:{words})(?!\w)", "", line)
            both = rf"{re.escape(option)}\s*\({letter}\)|\({letter}\)\s*{re.escape(option)}"
            joined = r"(?P<joined>\b(?:or|and|vs\.?)\s+(?:the\s+)?)?"
            line = re.sub(
                rf"{joined}(?<!\w)(?:{both})(?!\w)", lambda m: m[0] if m["joined"] else "", line
            )
    return line


def _begins_with(text: str, options: Sequence[str]) -> int | None:
    """Index of the longest option that a text begins with, as whole words."""
    folded = fold(text) + " "
    fits = [i for i, o in enumerate(options) if fold(o) and folded.startswith(fold(o) + " ")]
    if not fits:
        return None
    longest = max(len(fold(options[i])) for i in fits)
    best = [i for i in fits if len(fold(options[i])) == longest]
    return best[0] if len(best) == 1 else None


def _only_named(text: str, options: Sequence[str]) -> int | None:
    """Index of the one option that a text names, by letter or by its words, and denies nothing."""
    if DENIAL.search(text):
        return None
    letters = {a or b for a, b in _NAMED_LETTER.findall(text)}
    letters = {x for x in letters if LETTERS.index(x) < len(options)}
    folded = f" {fold(text)} "
    named = [i for i, option in enumerate(options) if f" {fold(option)} " in folded]
    named = [
        i for i in named
        if not any(i != j and f" {fold(options[i])} " in f" {fold(options[j])} " for j in named)
    ]  # fmt: skip
    found = {LETTERS.index(x) for x in letters} | set(named)
    return found.pop() if len(found) == 1 else None


def _one_letter(text: str, options: Sequence[str]) -> int | None:
    """Index of the one option whose letter a conclusion names, in brackets beside its text."""
    if DENIAL.search(text):
        return None
    named = {m[2] for m in re.finditer(r"([\w'-]+)\s*\(([A-Z])\b", text)}
    if len(named) != 1:
        return None
    index = LETTERS.index(named.pop())
    return index if index < len(options) and fold(options[index]) in fold(text) else None
