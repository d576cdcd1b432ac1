"""Which option a piece of a model's text names: by its letter, its words, or both."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tst.benchmarks.marks import LETTERS
from tst.pruning.model_answers.final_answer import DENIAL, first_sentence, fold

_LETTER_HEAD = re.compile(
    r"\s*(?:option|choice|answer|letter)?\s*[\"']?"
    r"(?:[(\[](?P<round>[A-Za-z])[)\]]|(?P<plain>[A-Z])(?P<mark>[\"']?[.):,;!](?!\w)|[\"'](?!\w)"
    r"|\s[-–—](?=\s)|(?=\s|$)))[\"']?\s*",
    re.IGNORECASE,
)
"""A letter at the beginning: in brackets, with a mark behind it, or with a space."""
_ANOTHER = re.compile(r"\s*(?:(?:or|and|vs\.?|versus|/|,|&)\s*\(?[A-Z]\b|\(?[A-Z]\)?[.,]?\s*$)")
_LONE_LETTER = re.compile(
    r"\s*(?:the\s+)?(?:option|choice|answer|letter)?\s*[\"'(\[]*\s*([A-Za-z])\s*[\"')\]]*\s*[.):!,;]*\s*",
    re.IGNORECASE,
)
_NAMED_LETTER = re.compile(r"[(\[]([A-Z])[)\]]|\b(?:option|choice|answer)\s+\(?([A-Z])\b")
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
_WORD_LETTERS = "AI"
"""Letters that are words of their own."""
CONTRADICTION = -1
"""What contradicts itself: it must not be read in another way instead."""


def whole_answer(text: str, options: Sequence[str]) -> int | None:
    """Index where the text is a letter, an option's text, or both; CONTRADICTION if these differ.

    A lone letter beyond the options' letters is None unless it is an option's text.
    """
    text = text.strip().strip("\"'").strip()
    if match := _LONE_LETTER.fullmatch(text):
        letter = match[1].upper()
        index = LETTERS.index(letter)
        named = same_text(match[1], options)
        if index >= len(options) or named == index:
            return named
        return index if named is None else CONTRADICTION
    named = same_text(text, options)
    begun = letter_or_text(text, options)
    if begun == CONTRADICTION:
        return named if named is not None and _plain(text) == _plain(options[named]) else begun
    if named is not None:
        return named
    head = _LETTER_HEAD.match(text)
    if head and begun is not None and fold(text[head.end() :]) == fold(options[begun]):
        return begun
    return None


def same_text(text: str, options: Sequence[str]) -> int | None:
    """Index of the one option that a text equals, but for case, punctuation and articles."""
    exact = [i for i, option in enumerate(options) if _plain(option) == _plain(text)]
    if len(exact) == 1:
        return exact[0]
    wanted = fold(text)
    places = [i for i, option in enumerate(options) if wanted and fold(option) == wanted]
    return places[0] if len(places) == 1 else None


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def without_list(text: str, options: Sequence[str]) -> str:
    """The text without a repetition of all options in order, which says nothing."""
    items = (
        rf"\(?{letter}\s*[.):]?\s*{re.escape(option)}"
        for letter, option in zip(LETTERS, options, strict=False)
    )
    return re.sub(r"[\s,;.\-]*".join(items), " ", text)


def letter_or_text(text: str, options: Sequence[str]) -> int | None:
    """Index that the beginning of a text gives: a letter, a letter and its option, or an option.

    A letter that another option's text follows contradicts itself; "A" before a word that is no
    option is an article.
    """
    text = text.strip().partition("\n")[0].strip("\"'")
    named = _begins_with(text, options)
    match = _LETTER_HEAD.match(text)
    if not match:
        return named
    given = match["round"] or match["plain"]
    marked = bool(match["round"] or match["mark"] or _is_named_option(text))
    after = text[match.end() :]
    if given.islower() and not marked and after.strip():
        return named
    letter = given.upper()
    index = LETTERS.index(letter)
    if index >= len(options):
        return named
    follows = _begins_with(after, options)
    if (named not in (None, index) and follows is None) or _ANOTHER.match(after):
        return CONTRADICTION
    if follows is not None:
        agrees = follows == index or fold(after).startswith(fold(options[index]) + " ")
        return index if agrees else CONTRADICTION
    if marked or not after.strip() or letter not in _WORD_LETTERS:
        return index
    return named


def _is_named_option(text: str) -> bool:
    """Whether a text begins with the word option, choice, answer or letter."""
    return bool(re.match(r"\s*(?:option|choice|answer|letter)\s", text, re.IGNORECASE))


def opening(line: str, options: Sequence[str]) -> int | None:
    """Index of an opening line that is an answer: it begins with a letter, or with an option and a
    stop; an option that is merely the first word of a sentence is none.
    """
    phrase = re.split(r"[.,;:!]|\s[-–—]\s", line, maxsplit=1)[0]
    if _LETTER_HEAD.match(line.strip()) or same_text(phrase, options) is not None:
        return beginning_of_line(line, options)
    return None


def standing_first(said: str, options: Sequence[str]) -> int | None:
    """Index of a conclusion that begins with a letter or an option and then stops or gives reasons.

    "B", "B.", "the red sofa", "option b, as it is near"; not "the red sofa stands there".
    """
    said = re.sub(r"^\s*(?:the\s+)?(?:answer|correct answer)\s+(?:is|must be)\s*:?\s*", "", said)
    phrase = re.split(
        r"[.!?](?=\s|$)|[,;:]\s|\s[-–—]\s|\s+(?:because|since|as|for|given)\b", said, maxsplit=1
    )[0]
    index = whole_answer(phrase, options)
    return None if index is None else _unless_taken_back(index, said, options)


def marked_beginning(line: str, options: Sequence[str]) -> int | None:
    """Index of a line that begins with a letter and a mark, or is a letter, alone or with its
    option.
    """
    match = _LETTER_HEAD.match(line)
    if not match:
        return None
    index = letter_or_text(line, options)
    given = match["round"] or match["plain"]
    letter = LETTERS.index(given.upper())
    after = line[match.end() :]
    whole = index is not None and index >= 0 and fold(after) == fold(options[index])
    whole = whole or not after.strip()
    marked = match["round"] or (match["mark"] and given.isupper()) or whole
    return _unless_taken_back(index, line, options) if index == letter and marked else None


def beginning_of_line(text: str, options: Sequence[str]) -> int | None:
    """Index that the beginning of a text gives, CONTRADICTION where the line takes it back."""
    return _unless_taken_back(letter_or_text(text, options), text, options)


def _unless_taken_back(index: int | None, text: str, options: Sequence[str]) -> int | None:
    """The index, CONTRADICTION where the rest of the line takes it back.

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
    """A line without ", not A" and without other options next to their letters ("than the dog
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


def only_named(text: str, options: Sequence[str]) -> int | None:
    """Index of the one option that a text names, by letter or by its words, and denies nothing;
    CONTRADICTION where it names several.
    """
    if DENIAL.search(text):
        return None
    letters = {a or b for a, b in _NAMED_LETTER.findall(text)}
    letters = {x for x in letters if LETTERS.index(x) < len(options)}
    folded = f" {fold(text)} "
    named = [i for i, o in enumerate(options) if fold(o) and f" {fold(o)} " in folded]
    named = [
        i for i in named
        if not any(i != j and f" {fold(options[i])} " in f" {fold(options[j])} " for j in named)
    ]  # fmt: skip
    found = {LETTERS.index(x) for x in letters} | set(named)
    if len(found) > 1:
        return CONTRADICTION
    return found.pop() if found else None


def one_in_brackets(text: str, options: Sequence[str]) -> int | None:
    """Index of the one option whose letter stands in brackets behind its text."""
    if DENIAL.search(text):
        return None
    named = {m[2] for m in re.finditer(r"([\w'-]+)\s*\(([A-Z])\b", text)}
    if len(named) != 1:
        return None
    index = LETTERS.index(named.pop())
    return index if index < len(options) and fold(options[index]) in fold(text) else None
