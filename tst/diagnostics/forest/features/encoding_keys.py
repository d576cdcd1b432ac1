"""Keys: what training answers are counted by. One code a row, or several signed claims a row.

A key says "rows with the same code are alike"; an encoding then tells how often such rows were
right. A claim says what an option would imply if it were right ("the lamp appears before the tv"),
as a key and a sign, so that evidence from the opposite claim counts with the opposite sign.
"""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.surface_features import number_rank
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Claims, Sheet
from tst.diagnostics.forest.text.templates import Slots

MAX_DUELS = 8


def option_keys(sheet: Sheet, slots: Slots) -> dict[str, np.ndarray]:
    """Generic keys of every option, named family.key, each uint64 (m,)."""
    owner, whole = sheet.owner, sheet.corpus.whole[sheet.option]
    kind = sheet.types[owner]
    asked = sheet.corpus.whole[sheet.question][owner]
    count = sheet.n_options[owner]
    rank = (number_rank(sheet) * 2 + 4).astype(np.uint64)
    with np.errstate(over="ignore"):
        option_set = np.add.reduceat(combine(whole), sheet.start[:-1])[owner]
    template = slots.template[owner]
    free = slots.free[owner]
    keys = {
        "option.text": combine("o", whole),
        "option.type_text": combine(kind, whole),
        "option.set": combine(kind, option_set, whole),
        "option.set_rank": combine("r", option_set, rank),
        "option.shape": combine(kind, slots.shape),
        "option.head": combine("h", kind, _last_words(sheet)),
        "length.rank": combine("l", count, _length_rank(sheet)),
        "length.type_rank": combine(kind, count, _length_rank(sheet)),
        "template.option": combine(template, whole),
        "template.shape": combine(template, slots.shape, count),
        "numbers.type_rank": combine(kind, count, rank),
        "position.type": combine(kind, count, sheet.position),
        "position.all": combine("p", count, sheet.position),
        "entities.question": combine(kind, asked, whole),
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
    for field in range(sheet.metadata.shape[1]):
        value = sheet.metadata[owner, field]
        keys[f"metadata.{field}_text"] = combine(value, whole)
        keys[f"metadata.{field}_position"] = combine("p", value, count, sheet.position)
    for name, key in sheet.keys.items():
        keys[name] = combine(name, kind, key[owner], whole)
    for name, key in sheet.option_keys.items():
        keys[name] = combine(name, kind, key)
    return keys


def _last_words(sheet: Sheet) -> np.ndarray:
    tokens, starts = sheet.corpus.tokens(sheet.option)
    return np.append(tokens, np.uint64(0))[np.maximum(starts[1:] - 1, 0)]


def _length_rank(sheet: Sheet) -> np.ndarray:
    lengths = sheet.corpus.measure(sheet.option, "characters").astype(float)
    return (sheet.rank(lengths) * 2).astype(np.uint64)


def option_claims(sheet: Sheet, slots: Slots) -> dict[str, Claims]:
    """Generic claims of every option, named family.claim."""
    whole = sheet.corpus.whole[sheet.option]
    kind = sheet.types[sheet.owner]
    context = combine(slots.free[:, 0], slots.free[:, 1], slots.free[:, 2])[sheet.owner]
    one, two = _duels(sheet)
    high, low = np.maximum(whole[one], whole[two]), np.minimum(whole[one], whole[two])
    sign = np.where(whole[one] == high, 1.0, -1.0) * (whole[one] != whole[two])
    duel = combine("duel", high, low)
    first, second, third = _bystanders(sheet, one, two)
    claims = {
        "duels.with_third": Claims(
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
        "duels.pair": Claims(one, combine(kind[one], duel), sign),
        "duels.in_context": Claims(one, combine(kind[one], context[one], duel), sign),
        "duels.side": _side_claims(sheet, slots, one, two),
        **_order_claims(sheet, slots),
        **_axis_claims(sheet, slots),
        **sheet.claims,
    }
    return {name: claim for name, claim in claims.items() if len(claim.row)}


def _duels(sheet: Sheet) -> tuple[np.ndarray, np.ndarray]:
    """Every ordered pair of different options of a question with few options."""
    few = sheet.n_options[sheet.owner] <= MAX_DUELS
    one = np.repeat(np.flatnonzero(few), sheet.n_options[sheet.owner][few])
    first = sheet.start[sheet.owner[one]]
    place = np.arange(len(one)) - np.searchsorted(one, one)
    two = first + place
    keep = one != two
    return one[keep], two[keep]


def _side_claims(sheet: Sheet, slots: Slots, one: np.ndarray, two: np.ndarray) -> Claims:
    """Duels about one free entity X: in the triangle (X, o, o') the side X-o beats the side X-o'.

    Sides are keyed by their own ends, so that questions about another corner count too.
    """
    corner = slots.free[:, 0][sheet.owner[one]]
    about = np.flatnonzero((corner > 0) & (slots.free[:, 1] == 0)[sheet.owner[one]])
    one, two, corner = one[about], two[about], corner[about]
    whole = sheet.corpus.whole[sheet.option]
    triangle = combine(*np.sort(np.stack([corner, whole[one], whole[two]]), axis=0))
    sides = [
        combine(triangle, np.minimum(corner, whole[end]), np.maximum(corner, whole[end]))
        for end in (one, two)
    ]
    signs = np.repeat([1.0, -1.0], len(one))
    return Claims(np.concatenate([one, one]), np.concatenate(sides), signs)


def _bystanders(
    sheet: Sheet, one: np.ndarray, two: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every duel with each third option of the question, for questions of 3 to 5 options."""
    size = sheet.n_options[sheet.owner[one]]
    duel = np.flatnonzero((size > 2) & (size <= 5))
    repeated = np.repeat(duel, size[duel])
    place = np.arange(len(repeated)) - np.searchsorted(repeated, repeated)
    third = sheet.start[sheet.owner[one[repeated]]] + place
    keep = (third != one[repeated]) & (third != two[repeated])
    return one[repeated[keep]], two[repeated[keep]], third[keep]


def _order_claims(sheet: Sheet, slots: Slots) -> dict[str, Claims]:
    """Options that list the same parts in different orders: each pair of parts in its order."""
    size = len(sheet.option)
    parts = np.bincount(slots.part_owner, minlength=size)
    bag = np.zeros(size, dtype=np.uint64)
    with np.errstate(over="ignore"):
        np.add.at(bag, slots.part_owner, combine(slots.part))
    first_bag = bag[sheet.start[:-1]]
    same = sheet.total(bag == first_bag[sheet.owner]) == sheet.n_options
    is_order = same[sheet.owner] & (parts > 1) & (parts <= MAX_DUELS)
    inside = np.flatnonzero(is_order[slots.part_owner])
    owner, part = slots.part_owner[inside], slots.part[inside]
    last = np.searchsorted(owner, owner, side="right")
    later = last - np.arange(len(owner)) - 1
    one = np.repeat(np.arange(len(owner)), later)
    two = one + 1 + np.arange(len(one)) - np.searchsorted(one, one)
    high, low = np.maximum(part[one], part[two]), np.minimum(part[one], part[two])
    sign = np.where(part[one] == high, 1.0, -1.0)
    row = owner[one]
    place = np.arange(len(owner)) - np.searchsorted(owner, owner)
    kind = sheet.types[sheet.owner]
    early = np.where(place < (parts[owner] - 1) / 2, 1.0, -1.0)
    beside, third = _listed_beside(owner, part, one, two)
    return {
        "order.with_third": Claims(
            row[beside],
            combine(kind[row[beside]], "third", high[beside], low[beside], third),
            sign[beside],
        ),
        "order.pairs": Claims(row, combine(kind[row], "before", high, low), sign),
        "order.early": Claims(owner, combine(kind[owner], "early", part), early),
        "order.place": Claims(owner, combine(kind[owner], place, part), np.ones(len(owner))),
    }


def _listed_beside(
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


def _axis_claims(sheet: Sheet, slots: Slots) -> dict[str, Claims]:
    """Opposites (left and right, above and below ...) with the question's entities swapped.

    Sorting the entities by an odd permutation turns the claim round: if A is left of B, B is right
    of A; if C is left on the way from A to B, it is right on the way from B to A.
    """
    claims: dict[str, Claims] = {}
    free = slots.free[:, :3]
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
    turn = np.where(odd, -1.0, 1.0)[sheet.owner]
    kind = sheet.types[sheet.owner]
    for axis in range(3):
        sign = sheet.corpus.measure(sheet.option, f"axis_{axis}").astype(float)
        row = np.flatnonzero((sign != 0) & (filled >= 2)[sheet.owner])
        if not len(row):
            continue
        key = combine(axis, entities[sheet.owner[row]])
        claims[f"opposites.turned_{axis}"] = Claims(row, key, (sign * turn)[row])
        two = row[(filled == 2)[sheet.owner[row]]]
        if len(two):
            ends = [combine(axis, "end", free[sheet.owner[two], end]) for end in (0, 1)]
            claims[f"opposites.ends_{axis}"] = Claims(
                np.concatenate([two, two]),
                np.concatenate(ends),
                np.concatenate([sign[two], -sign[two]]),
            )
        claims[f"opposites.from_first_{axis}"] = Claims(
            row, combine(axis, "from", from_first[sheet.owner[row]]), sign[row]
        )
        claims[f"opposites.plain_{axis}"] = Claims(row, combine(kind[row], key), sign[row])
    return claims
