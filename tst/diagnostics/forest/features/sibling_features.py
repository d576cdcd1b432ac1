"""Options and questions compared with the text of their siblings (``features.context``)."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import QuestionArrays, Siblings
from tst.diagnostics.forest.text.templates import MaskedQuestions

FEW = 5
"""More siblings than this count alike."""


def sibling_surface(questions: QuestionArrays) -> dict[str, np.ndarray]:
    """How much of each option the siblings say, (m,) each; none without context."""
    siblings = questions.siblings
    if siblings is None:
        return {}
    share, total, mentions, offered = _compare(questions, siblings)
    return {
        "siblings.word_share": questions.relative(share),
        "siblings.words": questions.relative(total),
        "siblings.rank": questions.rank(share),
        "siblings.same_option": questions.relative(np.log1p(offered)),
        "siblings.same_rank": questions.rank(offered),
        "siblings.mentions": questions.relative(np.log1p(mentions)),
        "siblings.mention_rank": questions.rank(mentions),
    }


def sibling_keys(questions: QuestionArrays, masked: MaskedQuestions) -> dict[str, np.ndarray]:
    """Keys of options by what the siblings say, uint64 (m,) each; none without context."""
    siblings = questions.siblings
    if siblings is None:
        return {}
    share, _, mentions, offered = _compare(questions, siblings)
    kind, owner = questions.types[questions.owner], questions.owner
    whole = questions.texts.whole[questions.option]
    count = questions.n_options[owner]
    size = np.minimum(siblings.size, FEW).astype(np.uint64)[owner]
    every = np.arange(len(questions))
    entity = siblings.options.times_of(every, masked.free[:, 0])
    mentioned = np.minimum(entity, FEW).astype(np.uint64)[owner]
    keys = {
        "siblings.share_rank": combine("sr", kind, count, _doubled(questions.rank(share))),
        "siblings.same_rank": combine("so", kind, count, _doubled(questions.rank(offered))),
        "siblings.same_often": combine("sn", kind, count, np.minimum(offered, FEW)),
        "siblings.mention_rank": combine("sm", kind, count, _doubled(questions.rank(mentions))),
        "siblings.count_option": combine("sc", kind, size, whole),
        "siblings.entity_option": combine("se", kind, mentioned, whole),
    }
    for column, part in enumerate(siblings.parts[owner].T):
        keys[f"siblings.part_{column}_text"] = combine("part", part, whole)
        place = combine("part place", part, count, questions.position)
        keys[f"siblings.part_{column}_position"] = place
    return keys


def part_keys(questions: QuestionArrays) -> dict[str, np.ndarray]:
    """Keys of numeric questions by part of the set, uint64 (n,) each; none without context."""
    siblings = questions.siblings
    if siblings is None:
        return {}
    parts = enumerate(siblings.parts.T)
    return {f"siblings.part_{column}": combine(questions.types, part) for column, part in parts}


def _doubled(rank: np.ndarray) -> np.ndarray:
    """A rank, which may be a half, as a code."""
    return (rank * 2).astype(np.uint64)


def _compare(
    questions: QuestionArrays, siblings: Siblings
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of each option, (m,): weighted share and sum of its words that siblings have; how many
    siblings have its rarest word; how many offer the same option.
    """
    row, tokens = questions.texts.owned_tokens(questions.option)
    times = siblings.words.times_of(questions.owner[row], tokens)
    there = times > 0
    weight = siblings.weight(tokens)
    size = len(questions.option)
    mentions = np.full(size, np.inf)
    np.minimum.at(mentions, row, times)
    mentions[np.isinf(mentions)] = 0.0  # an option without words
    total = np.bincount(row, weights=weight * there, minlength=size)
    whole = np.bincount(row, weights=weight, minlength=size)
    offered = siblings.options.times_of(questions.owner, questions.texts.whole[questions.option])
    return total / np.maximum(whole, 1e-9), total, mentions, offered
