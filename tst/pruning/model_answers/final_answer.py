"""The marked-up, spoken part of a model's text: what it says its answer is, and number words."""

from __future__ import annotations

import re

from tst.core.metrics import as_number, normalise_text

_THOUGHT = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\s*\{(?:\\text\s*\{)?([^{}]*)\}+")
_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"[*_`#$]+|\\[()\[\]]")
# "the answer is", "Correct option:", "final answer =", and what follows on the line and the next
_STATED = re.compile(
    r"\b(?P<kind>final|correct|best|right)?\s*(?:answer|option|choice)\s*"
    r"(?:to (?:the|this) question\s*)?(?:is\s*:?|:|=|would be|should be)"
    r"(?=\s*(?P<rest>[^\n]*(?:\n\s*[^\n]*)?))",
    re.IGNORECASE,
)
DENIAL = re.compile(
    r"\b(?:not|no|neither|nor|never|cannot|without|except|\w+n['’]t)\b", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"[.!?](?=\s|$)")
NUMBER_WORDS = {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12",
}  # fmt: skip


def final_parts(text: str) -> list[str]:
    """What a text marks as its answer (tags, boxes) where that is one, and the whole of it."""
    spoken = _THOUGHT.sub(" ", text)
    marked = [m for found in (_TAGGED, _BOXED) for m in found.findall(spoken)]
    marked = marked if len({normalise_text(m) for m in marked}) == 1 else []
    return [*marked[:1], spoken]


def plain_speech(text: str) -> str:
    """A text without thoughts in tags and without markup."""
    return without_markup(_BOXED.sub(r"\1", _THOUGHT.sub(" ", text)))


def without_markup(text: str) -> str:
    """A text without asterisks, dollars and the like."""
    return _MARKUP.sub("", text)


def stated_answers(text: str) -> list[str]:
    """What follows each "the answer is"; of "final answer" alone where there is one."""
    found = [(m["kind"] or "", m["rest"]) for m in _STATED.finditer(text) if m["rest"].strip()]
    final = [rest for kind, rest in found if kind.lower() == "final"]
    return final or [rest for _, rest in found]


def first_sentence(text: str) -> str:
    """What stands before the first full stop, question or exclamation mark, or line break."""
    return _SENTENCE_END.split(text.strip().partition("\n")[0], maxsplit=1)[0]


def fold(text: str) -> str:
    """Lower case words without punctuation and articles; number words as digits."""
    number = as_number(text)
    if number is not None:
        return f"{number:g}"
    words = normalise_text(text).split()
    return " ".join(NUMBER_WORDS.get(word, word) for word in words)
