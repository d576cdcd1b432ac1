"""Words and pairs of words of questions, as codes, and back to texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tst.diagnostics.forest.text.hashing import code_all, combine, run_codes, text_code
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.templates import MaskedQuestions
from tst.diagnostics.forest.text.text_cache import tokenise

COMMON_SHARE = 0.4
"""Words that more of a type's questions have belong to its wording."""
FEWEST = 3
"""Questions that a word or pair must stand in."""
MOST_WORDS = 12
"""Words of a question that are looked at, the most frequent ones."""
MOST_QUESTIONS = 20_000
"""Tables with more questions are searched for single words alone."""
FILLERS = {
    "entities.first": (0,),
    "entities.second": (1,),
    "entities.third": (2,),
    "entities.pair": (0, 1),
    "entities.pair_13": (0, 2),
    "entities.pair_23": (1, 2),
    "entities.couple": (0,),
    "entities.first_set": (0,),
    "entities.high": (0, 1),
    "entities.low": (0, 1),
}
"""Statistic, of options or of answers -> which of the question's fillers it is about."""
LONGEST_RUN = 8


@dataclass
class Mentions:
    """What questions mention: question (e,), code of what is mentioned (e,), its words (e, 2)."""

    question: np.ndarray
    code: np.ndarray
    words: np.ndarray


def mention_words(questions: QuestionArrays) -> Mentions:
    """The less common words of each question's type that several of its questions have."""
    owner, tokens = questions.texts.owned_tokens(questions.question)
    apart = np.unique(np.stack([owner.astype(np.uint64), tokens]), axis=1)
    owner, token = apart[0].astype(np.int64), apart[1]
    _, type_of, sizes = np.unique(questions.types, return_inverse=True, return_counts=True)
    _, which, times = np.unique(
        combine(questions.types[owner], token), return_inverse=True, return_counts=True
    )
    frequency = times[which]
    kept = (frequency >= FEWEST) & (frequency <= COMMON_SHARE * sizes[type_of][owner])
    owner, token, frequency = owner[kept], token[kept], frequency[kept]
    order = np.lexsort((token, -frequency, owner))
    owner, token = owner[order], token[order]
    first = np.arange(len(owner)) - np.searchsorted(owner, owner) < MOST_WORDS
    owner, token = owner[first], token[first]
    return Mentions(owner, token, np.stack([token, np.zeros_like(token)], axis=1))


def mention_pairs(words: Mentions, types: np.ndarray) -> Mentions:
    """Every two of a question's words that stand together in several questions of its type."""
    owner, token = words.question, words.code
    later = np.searchsorted(owner, owner, side="right") - np.arange(len(owner)) - 1
    one = np.repeat(np.arange(len(owner)), later)
    two = one + 1 + np.arange(len(one)) - np.searchsorted(one, one)
    low, high = np.minimum(token[one], token[two]), np.maximum(token[one], token[two])
    question, code = owner[one], combine("pair", low, high)
    _, which, times = np.unique(
        combine(types[question], code), return_inverse=True, return_counts=True
    )
    kept = times[which] >= FEWEST
    pairs = np.stack([token[one], token[two]], axis=1)
    return Mentions(question[kept], code[kept], pairs[kept])


def read_codes(text: str) -> dict[int, str]:
    """Code -> text, for every word of a question and every run of its words up to LONGEST_RUN."""
    tokens = tokenise(text)
    known = {text_code(token): token for token in tokens}
    most = np.minimum(LONGEST_RUN, len(tokens) - np.arange(len(tokens)))
    first = np.repeat(np.arange(len(tokens)), most)
    size = np.arange(len(first)) - np.repeat(np.cumsum(most) - most, most) + 1
    begin = np.cumsum(size) - size
    source = np.arange(size.sum()) + np.repeat(first - begin, size)
    # all runs at once: one by one they took a fifth of a run's time
    codes = run_codes(code_all(tokens)[source], begin).tolist()
    for code, start, length in zip(codes, first.tolist(), size.tolist(), strict=True):
        known[code] = " ".join(tokens[start : start + length]).replace(" - ", "-")
    return known


def read_fillers(name: str, masked: MaskedQuestions) -> tuple[np.ndarray, np.ndarray]:
    """Which questions (n,) have the fillers that a statistic of ``FILLERS`` is about, and these, as
    codes (n, 2) with 0 where there is no second.
    """
    fillers = masked.free[:, list(FILLERS[name])]
    about = np.zeros((len(fillers), 2), dtype=np.uint64)
    about[:, : fillers.shape[1]] = fillers
    return np.all(fillers > 0, axis=1), about
