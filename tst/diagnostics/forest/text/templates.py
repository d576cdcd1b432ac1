"""Masked templates: which words of a question recur in its type, and what fills the gaps.

A word is part of the template when it stands in at least ``share`` of the questions of its group
(same type, same first two words; the whole type where such a group is small). The runs of other
words between template words are the slots: in templated benchmarks, the entities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tst.diagnostics.forest.text.hashing import combine, run_codes
from tst.diagnostics.forest.text.question_arrays import Sheet
from tst.diagnostics.forest.text.text_cache import COMMA, SEMICOLON

MAX_SLOTS = 8
SMALL_GROUP = 20
BREAKS = np.array([COMMA, SEMICOLON], dtype=np.uint64)


@dataclass
class Slots:
    """What fills the slots of n questions, and their options in terms of these.

    template: code of the question with slots masked, (n,)
    slot: codes of the first MAX_SLOTS fillers in reading order, 0 where there are fewer, (n, S)
    free: the same without fillers that are (part of) an option, moved up, (n, S)
    part_owner, part: each option's comma-separated parts, option index and code, (p,)
    shape: code of an option with fillers replaced by their slot number, (m,)
    mentions: how many parts of an option are fillers of the question, (m,)
    """

    template: np.ndarray
    slot: np.ndarray
    free: np.ndarray
    part_owner: np.ndarray
    part: np.ndarray
    shape: np.ndarray
    mentions: np.ndarray


class TemplateMiner:
    """Learns template words from training questions (never from answers) and masks with them."""

    def __init__(self, share: float = 0.4) -> None:
        self.share = share

    def fit(self, sheet: Sheet) -> TemplateMiner:
        tokens, starts = sheet.corpus.tokens(sheet.question)
        owner = np.repeat(np.arange(len(sheet)), np.diff(starts))
        opening = _openings(sheet, tokens, starts)
        groups, counts = np.unique(opening, return_counts=True)
        self._openings = groups[counts >= SMALL_GROUP]
        group = self._groups(sheet, opening)
        in_group, which, frequency = _document_frequency(combine(group[owner], tokens), owner)
        _, group_of, sizes = np.unique(group, return_inverse=True, return_counts=True)
        group_size = sizes[group_of][owner[which]]
        # an entity that is often among the options is no template word, however common it is
        offered = np.isin(combine(owner, tokens), _option_words(sheet))[which]
        share = np.where(offered, max(self.share, 0.9), self.share)
        self._words = in_group[(frequency >= share * group_size) & (group_size > 1)]
        return self

    def transform(self, sheet: Sheet) -> Slots:
        tokens, starts = sheet.corpus.tokens(sheet.question)
        owner = np.repeat(np.arange(len(sheet)), np.diff(starts))
        group = self._groups(sheet, _openings(sheet, tokens, starts))
        fixed = np.isin(combine(group[owner], tokens), self._words)
        slot_owner, slot_code, run_start = _runs(tokens, owner, ~fixed)
        place = _place_in_group(slot_owner)
        slot = np.zeros((len(sheet), MAX_SLOTS), dtype=np.uint64)
        kept = place < MAX_SLOTS
        slot[slot_owner[kept], place[kept]] = slot_code[kept]
        repeated = (slot[:, :, None] == slot[:, None, :]) & np.tri(MAX_SLOTS, k=-1, dtype=bool)
        slot = _move_up(np.where(repeated.any(2), np.uint64(0), slot))
        template = _templates(tokens, owner, fixed, run_start, len(sheet))
        return Slots(combine(group, template), slot, *_match_options(sheet, slot))

    def _groups(self, sheet: Sheet, opening: np.ndarray) -> np.ndarray:
        return np.where(np.isin(opening, self._openings), opening, sheet.types)


def _openings(sheet: Sheet, tokens: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """A code of (type, first two words) a question."""
    padded = np.append(tokens, np.zeros(2, dtype=np.uint64))
    lengths = np.diff(starts)
    first = np.where(lengths > 0, padded[starts[:-1]], 0)
    second = np.where(lengths > 1, padded[starts[:-1] + 1], 0)
    return combine(sheet.types, first, second)


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


def _option_words(sheet: Sheet) -> np.ndarray:
    """Codes of (question, word) for every word in its options."""
    tokens, starts = sheet.corpus.tokens(sheet.option)
    return combine(np.repeat(sheet.owner, np.diff(starts)), tokens)


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
    masked = np.where(fixed, tokens, np.uint64(1))[kept]
    template = np.zeros(n, dtype=np.uint64)
    owners, first = np.unique(owner[kept], return_index=True)
    template[owners] = run_codes(masked, first)
    return template


def _place_in_group(owner: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within each stretch of equal owners (owners rise)."""
    first = np.searchsorted(owner, owner)
    return np.arange(len(owner)) - first


def _move_up(slot: np.ndarray) -> np.ndarray:
    """The same rows with their zeros at the end."""
    return np.take_along_axis(slot, np.argsort(slot == 0, axis=1, kind="stable"), axis=1)


def _match_options(sheet: Sheet, slot: np.ndarray) -> tuple[np.ndarray, ...]:
    """The fields of Slots from ``free`` on: options and their parts found among the fillers."""
    tokens, starts = sheet.corpus.tokens(sheet.option)
    owner = np.repeat(np.arange(len(sheet.option)), np.diff(starts))
    part_owner, part, _ = _runs(tokens, owner, ~np.isin(tokens, BREAKS))
    question = sheet.owner[part_owner]
    same = part[:, None] == slot[question]
    slot_number = np.where(same.any(1), same.argmax(1) + 1, 0).astype(np.uint64)
    used = np.zeros(slot.shape, dtype=bool)
    hits, which = np.nonzero(same)
    used[question[hits], which] = True
    free = _move_up(np.where(used, np.uint64(0), slot))
    shape = np.zeros(len(sheet.option), dtype=np.uint64)
    owners, first = np.unique(part_owner, return_index=True)
    if len(owners):
        shape[owners] = run_codes(np.where(slot_number > 0, slot_number, part), first)
    mentions = np.bincount(part_owner, weights=slot_number > 0, minlength=len(sheet.option))
    return free, part_owner, part, shape, mentions
