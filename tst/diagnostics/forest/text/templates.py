"""Masked templates: which words of a question recur in its type, and what stands in between.

A word is part of the template when at least ``TEMPLATE_SHARE`` of the like questions have it (same
type and same first two words; the whole type where such a group is small). The runs of other words
are the fillers: in templated benchmarks, the entities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tst.diagnostics.forest.text.hashing import combine, run_codes
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.text_cache import COMMA, SEMICOLON

MAX_FILLERS = 8
SMALL_GROUP = 20
TEMPLATE_SHARE = 0.4
OFFERED_SHARE = 0.9
"""The share for words that are also in the question's options: an entity that is often among the
options is no template word, however common it is."""
BREAKS = np.array([COMMA, SEMICOLON], dtype=np.uint64)


@dataclass
class MaskedQuestions:
    """Template and fillers of n questions, and their options in terms of the fillers.

    template: code of the question with its fillers masked, (n,)
    filler: codes of the first MAX_FILLERS fillers in reading order, 0 where there are fewer, (n, F)
    free: the same without fillers that are (part of) an option, moved up, (n, F)
    part_owner, part: each option's comma-separated parts, option index and code, (p,)
    shape: code of an option with fillers replaced by their place in the question, (m,)
    mentions: how many parts of an option are fillers of the question, (m,)
    """

    template: np.ndarray
    filler: np.ndarray
    free: np.ndarray
    part_owner: np.ndarray
    part: np.ndarray
    shape: np.ndarray
    mentions: np.ndarray


class LikeQuestions:
    """Groups questions of one type by their first two words, where SMALL_GROUP or more share them.

    types: codes (n,); tokens: codes (t,) of all questions' words; starts: (n + 1,), where each
    question's words begin
    """

    def fit(self, types: np.ndarray, tokens: np.ndarray, starts: np.ndarray) -> LikeQuestions:
        openings, counts = np.unique(_openings(types, tokens, starts), return_counts=True)
        self._openings = openings[counts >= SMALL_GROUP]
        return self

    def transform(self, types: np.ndarray, tokens: np.ndarray, starts: np.ndarray) -> np.ndarray:
        """The group of each question: a code of type and opening, or the type's own, (n,)."""
        opening = _openings(types, tokens, starts)
        return np.where(np.isin(opening, self._openings), opening, types)


def find_template_words(
    group: np.ndarray, tokens: np.ndarray, owner: np.ndarray, share: np.ndarray
) -> np.ndarray:
    """Codes ``combine(group, word)`` of words that a large enough share of their group has.

    group: of each question, (n,); owner: the question of each token, (t,); share: of each token,
    (t,), the same for equal words of a question. A question that is alone in its group has none.
    """
    in_group, which, frequency = _document_frequency(combine(group[owner], tokens), owner)
    _, group_of, sizes = np.unique(group, return_inverse=True, return_counts=True)
    group_size = sizes[group_of][owner[which]]
    return in_group[(frequency >= share[which] * group_size) & (group_size > 1)]


class TemplateMiner:
    """Learns template words from training questions (never from answers) and masks with them."""

    def fit(self, questions: QuestionArrays) -> TemplateMiner:
        tokens, starts = questions.texts.tokens(questions.question)
        owner = np.repeat(np.arange(len(questions)), np.diff(starts))
        self._like = LikeQuestions().fit(questions.types, tokens, starts)
        group = self._like.transform(questions.types, tokens, starts)
        offered = np.isin(combine(owner, tokens), _option_words(questions))
        share = np.where(offered, OFFERED_SHARE, TEMPLATE_SHARE)
        self._words = find_template_words(group, tokens, owner, share)
        return self

    def transform(self, questions: QuestionArrays) -> MaskedQuestions:
        tokens, starts = questions.texts.tokens(questions.question)
        owner = np.repeat(np.arange(len(questions)), np.diff(starts))
        group = self._like.transform(questions.types, tokens, starts)
        fixed = np.isin(combine(group[owner], tokens), self._words)
        filler_owner, filler_code, run_start = _runs(tokens, owner, ~fixed)
        place = _place_in_group(filler_owner)
        filler = np.zeros((len(questions), MAX_FILLERS), dtype=np.uint64)
        kept = place < MAX_FILLERS
        filler[filler_owner[kept], place[kept]] = filler_code[kept]
        earlier = np.tri(MAX_FILLERS, k=-1, dtype=bool)
        repeated = (filler[:, :, None] == filler[:, None, :]) & earlier
        filler = _move_up(np.where(repeated.any(2), np.uint64(0), filler))
        template = _templates(tokens, owner, fixed, run_start, len(questions))
        return MaskedQuestions(combine(group, template), filler, *_match_options(questions, filler))


def _openings(types: np.ndarray, tokens: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A code of (type, first two words) per question."""
    padded = np.append(tokens, np.zeros(2, dtype=np.uint64))
    lengths = np.diff(starts)
    first = np.where(lengths > 0, padded[starts[:-1]], 0)
    second = np.where(lengths > 1, padded[starts[:-1] + 1], 0)
    return combine(types, first, second)


def _document_frequency(
    words: np.ndarray, owner: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct words, one place of each, and in how many questions it stands."""
    order = np.lexsort((owner, words))
    ordered, owners = words[order], owner[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (ordered[1:] != ordered[:-1]) | (owners[1:] != owners[:-1])
    distinct, first, counts = np.unique(ordered[fresh], return_index=True, return_counts=True)
    return distinct, order[np.flatnonzero(fresh)[first]], counts


def _option_words(questions: QuestionArrays) -> np.ndarray:
    """Codes of (question, word) for every word in its options."""
    tokens, starts = questions.texts.tokens(questions.option)
    return combine(np.repeat(questions.owner, np.diff(starts)), tokens)


def _runs(
    tokens: np.ndarray, owner: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Maximal runs of wanted tokens within an owner: owner, code and first token of each run."""
    inside = np.flatnonzero(wanted)
    if not len(inside):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing.astype(np.uint64), nothing
    fresh = np.ones(len(inside), dtype=bool)
    fresh[1:] = (np.diff(inside) > 1) | (np.diff(owner[inside]) > 0)
    first = np.flatnonzero(fresh)
    return owner[inside[first]], run_codes(tokens[inside], first), inside[first]


def _templates(
    tokens: np.ndarray, owner: np.ndarray, fixed: np.ndarray, run_start: np.ndarray, n: int
) -> np.ndarray:
    """A code of each question's template words with one mark for each run of others, (n,)."""
    kept = fixed.copy()
    kept[run_start] = True
    words = np.where(fixed, tokens, np.uint64(1))[kept]
    template = np.zeros(n, dtype=np.uint64)
    owners, first = np.unique(owner[kept], return_index=True)
    template[owners] = run_codes(words, first)
    return template


def _place_in_group(owner: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within each stretch of equal owners (owners rise)."""
    first = np.searchsorted(owner, owner)
    return np.arange(len(owner)) - first


def _move_up(filler: np.ndarray) -> np.ndarray:
    """The same rows with their zeros at the end."""
    return np.take_along_axis(filler, np.argsort(filler == 0, axis=1, kind="stable"), axis=1)


def _match_options(questions: QuestionArrays, filler: np.ndarray) -> tuple[np.ndarray, ...]:
    """The fields of MaskedQuestions from ``free`` on."""
    owner, tokens = questions.texts.owned_tokens(questions.option)
    part_owner, part, _ = _runs(tokens, owner, ~np.isin(tokens, BREAKS))
    question = questions.owner[part_owner]
    same = part[:, None] == filler[question]
    filler_number = np.where(same.any(1), same.argmax(1) + 1, 0).astype(np.uint64)
    used = np.zeros(filler.shape, dtype=bool)
    hits, which = np.nonzero(same)
    used[question[hits], which] = True
    free = _move_up(np.where(used, np.uint64(0), filler))
    shape = np.zeros(len(questions.option), dtype=np.uint64)
    owners, first = np.unique(part_owner, return_index=True)
    if len(owners):
        shape[owners] = run_codes(np.where(filler_number > 0, filler_number, part), first)
    mentions = np.bincount(part_owner, weights=filler_number > 0, minlength=len(questions.option))
    return free, part_owner, part, shape, mentions
