"""Keys: what training answers are counted by. One code per row, or several signed claims per row.

A key says "rows with the same code are alike"; an encoding then tells how often such rows were
right. A claim says what an option would imply if it were right ("the lamp appears before the tv"),
as a key and a sign, so that evidence from the opposite claim counts with the opposite sign.
"""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.surface_features import number_rank
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Claims, QuestionArrays
from tst.diagnostics.forest.text.templates import MaskedQuestions

MAX_COMPARED = 8


def option_keys(questions: QuestionArrays, masked: MaskedQuestions) -> dict[str, np.ndarray]:
    """Generic keys of every option, named family.key, each uint64 (m,)."""
    owner, whole = questions.owner, questions.texts.whole[questions.option]
    kind = questions.types[owner]
    question = questions.texts.whole[questions.question][owner]
    count = questions.n_options[owner]
    rank = (number_rank(questions) * 2 + 4).astype(np.uint64)
    with np.errstate(over="ignore"):
        option_set = np.add.reduceat(combine(whole), questions.start[:-1])[owner]
    template = masked.template[owner]
    free = masked.free[owner]
    keys = {
        "option.text": combine("o", whole),
        "option.type_text": combine(kind, whole),
        "option.set": combine(kind, option_set, whole),
        "option.set_rank": combine("r", option_set, rank),
        "option.shape": combine(kind, masked.shape),
        "option.head": combine("h", kind, _last_words(questions)),
        "length.rank": combine("l", count, _length_rank(questions)),
        "length.type_rank": combine(kind, count, _length_rank(questions)),
        "template.option": combine(template, whole),
        "template.shape": combine(template, masked.shape, count),
        "numbers.type_rank": combine(kind, count, rank),
        "position.type": combine(kind, count, questions.position),
        "position.all": combine("p", count, questions.position),
        "entities.question": combine(kind, question, whole),
        "entities.first": combine(kind, free[:, 0], whole),
        "entities.second": combine("2", kind, free[:, 1], whole),
        "entities.third": combine("3", kind, free[:, 2], whole),
        "entities.pair": combine(kind, free[:, 0], free[:, 1], whole),
        "entities.pair_13": combine("13", kind, free[:, 0], free[:, 2], whole),
        "entities.pair_23": combine("23", kind, free[:, 1], free[:, 2], whole),
        "entities.first_any_type": combine("any", free[:, 0], whole),
        "entities.couple": combine(
            "c", np.minimum(free[:, 0], whole), np.maximum(free[:, 0], whole)
        ),
        "entities.first_set": combine("set", free[:, 0], option_set, whole),
    }
    for field in range(questions.metadata.shape[1]):
        value = questions.metadata[owner, field]
        keys[f"metadata.{field}_text"] = combine(value, whole)
        keys[f"metadata.{field}_position"] = combine("p", value, count, questions.position)
    for name, key in questions.keys.items():
        keys[name] = combine(name, kind, key[owner], whole)
    for name, key in questions.option_keys.items():
        keys[name] = combine(name, kind, key)
    return keys


def _last_words(questions: QuestionArrays) -> np.ndarray:
    tokens, starts = questions.texts.tokens(questions.option)
    return np.append(tokens, np.uint64(0))[np.maximum(starts[1:] - 1, 0)]


def _length_rank(questions: QuestionArrays) -> np.ndarray:
    lengths = questions.texts.measure(questions.option, "characters").astype(float)
    return (questions.rank(lengths) * 2).astype(np.uint64)


def option_claims(questions: QuestionArrays, masked: MaskedQuestions) -> dict[str, Claims]:
    """Generic claims of every option, named family.claim."""
    whole = questions.texts.whole[questions.option]
    kind = questions.types[questions.owner]
    context = combine(masked.free[:, 0], masked.free[:, 1], masked.free[:, 2])[questions.owner]
    one, two = _option_pairs(questions)
    high, low = np.maximum(whole[one], whole[two]), np.minimum(whole[one], whole[two])
    sign = np.where(whole[one] == high, 1.0, -1.0) * (whole[one] != whole[two])
    pair_code = combine("duel", high, low)
    first, second, third = _third_options(questions, one, two)
    claims = {
        "comparisons.with_third": Claims(
            first,
            combine(
                kind[first],
                context[first],
                np.maximum(whole[first], whole[second]),
                np.minimum(whole[first], whole[second]),
                whole[third],
            ),
            np.sign((whole[first] > whole[second]) - 0.5) * (whole[first] != whole[second]),
        ),
        "comparisons.pair": Claims(one, combine(kind[one], pair_code), sign),
        "comparisons.in_context": Claims(one, combine(kind[one], context[one], pair_code), sign),
        "comparisons.side": _side_claims(questions, masked, one, two),
        **_order_claims(questions, masked),
        **_axis_claims(questions, masked),
        **questions.claims,
    }
    return {name: claim for name, claim in claims.items() if len(claim.row)}


def _option_pairs(questions: QuestionArrays) -> tuple[np.ndarray, np.ndarray]:
    """Every ordered pair of different options of a question with few options."""
    few = questions.n_options[questions.owner] <= MAX_COMPARED
    one = np.repeat(np.flatnonzero(few), questions.n_options[questions.owner][few])
    first = questions.start[questions.owner[one]]
    place = np.arange(len(one)) - np.searchsorted(one, one)
    two = first + place
    keep = one != two
    return one[keep], two[keep]


def _side_claims(
    questions: QuestionArrays, masked: MaskedQuestions, one: np.ndarray, two: np.ndarray
) -> Claims:
    """Comparisons about one free entity X: in a triangle (X, o, o'), side X-o beats side X-o'.

    Sides are keyed by their own ends, so that questions about another corner count too.
    """
    corner = masked.free[:, 0][questions.owner[one]]
    about = np.flatnonzero((corner > 0) & (masked.free[:, 1] == 0)[questions.owner[one]])
    one, two, corner = one[about], two[about], corner[about]
    whole = questions.texts.whole[questions.option]
    triangle = combine(*np.sort(np.stack([corner, whole[one], whole[two]]), axis=0))
    sides = [
        combine(triangle, np.minimum(corner, whole[end]), np.maximum(corner, whole[end]))
        for end in (one, two)
    ]
    signs = np.repeat([1.0, -1.0], len(one))
    return Claims(np.concatenate([one, one]), np.concatenate(sides), signs)


def _third_options(
    questions: QuestionArrays, one: np.ndarray, two: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair of options with each third one, for questions of 3 to 5 options."""
    size = questions.n_options[questions.owner[one]]
    pair = np.flatnonzero((size > 2) & (size <= 5))
    repeated = np.repeat(pair, size[pair])
    place = np.arange(len(repeated)) - np.searchsorted(repeated, repeated)
    third = questions.start[questions.owner[one[repeated]]] + place
    keep = (third != one[repeated]) & (third != two[repeated])
    return one[repeated[keep]], two[repeated[keep]], third[keep]


def _order_claims(questions: QuestionArrays, masked: MaskedQuestions) -> dict[str, Claims]:
    """Options that list the same parts in different orders: each pair of parts in its order."""
    size = len(questions.option)
    parts = np.bincount(masked.part_owner, minlength=size)
    bag = np.zeros(size, dtype=np.uint64)
    with np.errstate(over="ignore"):
        np.add.at(bag, masked.part_owner, combine(masked.part))
    first_bag = bag[questions.start[:-1]]
    same = questions.total(bag == first_bag[questions.owner]) == questions.n_options
    is_order = same[questions.owner] & (parts > 1) & (parts <= MAX_COMPARED)
    inside = np.flatnonzero(is_order[masked.part_owner])
    owner, part = masked.part_owner[inside], masked.part[inside]
    last = np.searchsorted(owner, owner, side="right")
    later = last - np.arange(len(owner)) - 1
    one = np.repeat(np.arange(len(owner)), later)
    two = one + 1 + np.arange(len(one)) - np.searchsorted(one, one)
    high, low = np.maximum(part[one], part[two]), np.minimum(part[one], part[two])
    sign = np.where(part[one] == high, 1.0, -1.0)
    row = owner[one]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    kind = questions.types[questions.owner]
    early = np.where(place < (parts[owner] - 1) / 2, 1.0, -1.0)
    pair, third = _with_third_part(owner, part, one, two)
    return {
        "order.with_third": Claims(
            row[pair],
            combine(kind[row[pair]], "third", high[pair], low[pair], third),
            sign[pair],
        ),
        "order.pairs": Claims(row, combine(kind[row], "before", high, low), sign),
        "order.early": Claims(owner, combine(kind[owner], "early", part), early),
        "order.place": Claims(owner, combine(kind[owner], place, part), np.ones(len(owner))),
    }


def _with_third_part(
    owner: np.ndarray, part: np.ndarray, one: np.ndarray, two: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Every pair of parts (by its place among the pairs) with each third part of its option."""
    first = np.searchsorted(owner, owner)
    last = np.searchsorted(owner, owner, side="right")
    size = (last - first)[one]
    pair = np.repeat(np.arange(len(one)), size)
    third = first[one[pair]] + np.arange(len(pair)) - np.searchsorted(pair, pair)
    keep = (third != one[pair]) & (third != two[pair])
    return pair[keep], part[third[keep]]


def _axis_claims(questions: QuestionArrays, masked: MaskedQuestions) -> dict[str, Claims]:
    """Opposites (left and right, above and below ...) with the question's entities swapped.

    Sorting the entities by an odd permutation reverses the claim: if A is left of B, B is right
    of A; if C is left on the way from A to B, it is right on the way from B to A.
    """
    claims: dict[str, Claims] = {}
    free = masked.free[:, :3]
    order = np.argsort(free, axis=1, kind="stable")
    entities = combine(*np.take_along_axis(free, order, axis=1).T)
    from_first = combine(
        free[:, 0], np.minimum(free[:, 1], free[:, 2]), np.maximum(free[:, 1], free[:, 2])
    )
    filled = (free > 0).sum(1)
    odd = np.zeros(len(free), dtype=bool)
    for a in range(3):
        for b in range(a + 1, 3):
            odd ^= (free[:, a] > free[:, b]) & (free[:, a] > 0) & (free[:, b] > 0)
    turn = np.where(odd, -1.0, 1.0)[questions.owner]
    kind = questions.types[questions.owner]
    for axis in range(3):
        sign = questions.texts.measure(questions.option, f"axis_{axis}").astype(float)
        row = np.flatnonzero((sign != 0) & (filled >= 2)[questions.owner])
        if not len(row):
            continue
        key = combine(axis, entities[questions.owner[row]])
        claims[f"opposites.turned_{axis}"] = Claims(row, key, (sign * turn)[row])
        two = row[(filled == 2)[questions.owner[row]]]
        if len(two):
            ends = [combine(axis, "end", free[questions.owner[two], end]) for end in (0, 1)]
            claims[f"opposites.ends_{axis}"] = Claims(
                np.concatenate([two, two]),
                np.concatenate(ends),
                np.concatenate([sign[two], -sign[two]]),
            )
        claims[f"opposites.from_first_{axis}"] = Claims(
            row, combine(axis, "from", from_first[questions.owner[row]]), sign[row]
        )
        claims[f"opposites.plain_{axis}"] = Claims(row, combine(kind[row], key), sign[row])
    return claims
