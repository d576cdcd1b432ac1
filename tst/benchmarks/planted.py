"""The planted benchmark: generated questions about pictures, whose shortcuts are known.

Six of the eight types carry a cue; in each, 70% of the rows are ``planted``: the cue alone gives
their gold answer. In the other rows the gold is any answer but the cue's. Everything else (scene,
wording, option order, which distractors stand there) is drawn apart from the gold, so that the two
clean types hold nothing to learn. No vision is needed to make it, and none helps to solve it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tst.benchmarks import planted_words as words
from tst.core.scoring_rules import ScoringRules

PLANTED_SHARE = 0.7
N_GROUPS = 60
N_OPTIONS = 4

# type -> the name of its cue; empty: clean
CUES = {
    "mc_position": "answer_position",
    "mc_entity": "entity_prior",
    "mc_length": "longest_option",
    "mc_pair": "object_pair",
    "mc_clean": "",
    "num_entity": "entity_value",
    "num_frequent": "frequent_value",
    "num_clean": "",
}
CUED_POSITION = 2
FREQUENT_VALUE = 3
MOST_COUNTED = 24
# so wide that no constant is right for many
CLEAN_RANGE = (10, 20_000)
# (first object, second object); the usual relation of a pair is the index that it leaves out
PAIRS = np.array([(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)])

Row = dict[str, Any]


def plant_rows(n: int, seed: int = 0) -> list[Row]:
    """n rows of the question table, the same for the same (n, seed)."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, n]))
    kinds = np.resize(np.array(list(CUES), dtype=object), n)
    groups = rng.permutation(np.resize(np.arange(N_GROUPS), n))
    rows: list[Row] = [{} for _ in range(n)]
    for kind, cue in CUES.items():
        places = rng.permutation(np.flatnonzero(kinds == kind))
        planted = _share(rng, len(places)) if cue else np.zeros(len(places), dtype=bool)
        asked, options, answers = _MAKERS[kind](rng, planted)
        questions = _phrase(rng, asked, groups[places])
        for i, place in enumerate(places):
            rows[place] = {
                "question_type": kind,
                "format": kind.partition("_")[0],
                "question": questions[i],
                "options": options[i] if options else None,
                "answer": answers[i],
                "group_scene": f"scene_{groups[place]:02d}",
                "metadata": {},
                "planted": int(planted[i]),
                "cue": cue,
            }
    order = rng.permutation(n)
    return [{"id": f"planted-{new:06d}", **rows[old]} for new, old in enumerate(order)]


def best_score(kind: str, rules: ScoringRules) -> float:
    """The highest hard score that a type can be expected to give without looking.

    With a cue: of a model that follows it and is wrong in all rows without it. Without: of chance
    (mc) or the best constant. Numbers score by MRA, also where a value is only near.
    """
    if kind.startswith("mc"):
        return PLANTED_SHARE if CUES[kind] else 1.0 / N_OPTIONS
    if kind == "num_clean":
        low, high = np.log(CLEAN_RANGE)
        return _best_constant_score(np.exp(np.linspace(low, high, 2001)), rules)
    usual = [FREQUENT_VALUE] if kind == "num_frequent" else list(words.COUNTED.values())
    others = MOST_COUNTED - 1
    copies = round(PLANTED_SHARE / (1 - PLANTED_SHARE) * others)
    found = []
    for cued in usual:
        counts = np.arange(1, MOST_COUNTED + 1)
        golds = np.concatenate([counts[counts != cued], np.full(copies, cued)])
        found.append(_best_constant_score(golds.astype(float), rules))
    return float(np.mean(found))


def _best_constant_score(golds: np.ndarray, rules: ScoringRules) -> float:
    best = rules.best_number(golds)
    return float(rules.score_numbers(np.full(len(golds), best), golds).mean())


def _share(rng: np.random.Generator, m: int) -> np.ndarray:
    """bool array (m,), True in 70% of the entries."""
    return rng.permutation(np.arange(m) < round(PLANTED_SHARE * m))


def _even(rng: np.random.Generator, k: int, m: int) -> np.ndarray:
    """int array (m,) of 0..k-1, each equally often, shuffled."""
    return rng.permutation(np.resize(rng.permutation(k), m))


def _draw_distinct(rng: np.random.Generator, k: int, m: int, size: int) -> np.ndarray:
    """int array (m, size): rows of distinct draws from 0..k-1."""
    return np.argsort(rng.random((m, k)), axis=1)[:, :size]


def _pick(rng: np.random.Generator, texts: Sequence[str], m: int) -> np.ndarray:
    return np.array(texts, dtype=object)[rng.integers(0, len(texts), m)]


def _phrase(rng: np.random.Generator, asked: np.ndarray, groups: np.ndarray) -> list[str]:
    """Whole questions: a frame with view, scene and weather around what is asked.

    Within a group the frames are drawn without replacement as long as they last.
    """
    sizes = (len(words.FRAMES), len(words.VIEWS), len(words.WEATHERS))
    order = rng.permutation(np.prod(sizes))
    starts = rng.integers(0, len(order), N_GROUPS)
    by_group = np.argsort(groups, kind="stable")
    sorted_groups = groups[by_group]
    nth = np.empty(len(groups), dtype=np.int64)
    nth[by_group] = np.arange(len(groups)) - np.searchsorted(sorted_groups, sorted_groups)
    frame, view, weather = np.unravel_index(order[(starts[groups] + nth) % len(order)], sizes)
    return [
        words.frame_question(f, words.VIEWS[v], words.SCENES[g], words.WEATHERS[w], ask)
        for f, v, g, w, ask in zip(frame, view, groups, weather, asked, strict=True)
    ]


def _gold_positions(rng: np.random.Generator, cued: np.ndarray, planted: np.ndarray) -> list[int]:
    """The cued option where planted, else any other option."""
    other = (cued + rng.integers(1, N_OPTIONS, len(cued))) % N_OPTIONS
    return [int(a) for a in np.where(planted, cued, other)]


def _texts(options: np.ndarray) -> list[list[str]]:
    return [list(row) for row in options]


QuestionParts = tuple[np.ndarray, list[list[str]] | None, list[int] | list[float]]


def _make_position(rng: np.random.Generator, planted: np.ndarray) -> QuestionParts:
    """Option 3 is usually right."""
    m = len(planted)
    drawn = _draw_distinct(rng, len(words.ANIMALS), m, N_OPTIONS)
    options = np.array(words.ANIMALS, dtype=object)[drawn]
    gold = _gold_positions(rng, np.full(m, CUED_POSITION), planted)
    return _pick(rng, words.ASK_ANIMAL, m), _texts(options), gold


def _make_entity(rng: np.random.Generator, planted: np.ndarray) -> QuestionParts:
    """Each question offers one of a few items that are usually right."""
    m = len(planted)
    drawn = _draw_distinct(rng, len(words.OTHER_ITEMS), m, N_OPTIONS)
    options = np.array(words.OTHER_ITEMS, dtype=object)[drawn]
    cued = _even(rng, N_OPTIONS, m)
    favourite = _even(rng, len(words.FAVOURITE_ITEMS), m)
    options[np.arange(m), cued] = np.array(words.FAVOURITE_ITEMS, dtype=object)[favourite]
    return _pick(rng, words.ASK_ITEM, m), _texts(options), _gold_positions(rng, cued, planted)


def _make_length(rng: np.random.Generator, planted: np.ndarray) -> QuestionParts:
    """The longest option is usually right."""
    m = len(planted)
    drawn = _draw_distinct(rng, len(words.PEOPLE), m, N_OPTIONS)
    options = np.array(words.PEOPLE, dtype=object)[drawn]
    cued = _even(rng, N_OPTIONS, m)
    options[np.arange(m), cued] += " " + _pick(rng, words.CLAUSES, m)
    return _pick(rng, words.ASK_PERSON, m), _texts(options), _gold_positions(rng, cued, planted)


def _make_pair(rng: np.random.Generator, planted: np.ndarray) -> QuestionParts:
    """Each of six pairs of objects has its usual relation; either object alone leaves two."""
    m = len(planted)
    first, second = PAIRS[_even(rng, len(PAIRS), m)].T
    usual = 3 - first - second
    drawn = _draw_distinct(rng, N_OPTIONS, m, N_OPTIONS)
    options = np.array(words.RELATIONS, dtype=object)[drawn]
    cued = np.argmax(drawn == usual[:, None], axis=1)
    asks = _pick(rng, words.ASK_RELATION, m)
    asked = [
        ask.format(a=words.FIRST_OBJECTS[a], b=words.SECOND_OBJECTS[b])
        for ask, a, b in zip(asks, first, second, strict=True)
    ]
    return np.array(asked, dtype=object), _texts(options), _gold_positions(rng, cued, planted)


def _make_clean_mc(rng: np.random.Generator, planted: np.ndarray) -> QuestionParts:
    """Nothing tells the gold; its position is exactly even, so that chance leaves no prior."""
    m = len(planted)
    drawn = _draw_distinct(rng, len(words.COLOURS), m, N_OPTIONS)
    options = np.array(words.COLOURS, dtype=object)[drawn]
    gold = [int(a) for a in _even(rng, N_OPTIONS, m)]
    return _fill(rng, words.ASK_COLOUR, words.VEHICLES, m), _texts(options), gold


def _fill(
    rng: np.random.Generator, asks: Sequence[str], things: Sequence[str], m: int
) -> np.ndarray:
    pairs = zip(_pick(rng, asks, m), _pick(rng, things, m), strict=True)
    return np.array([ask.format(a=thing) for ask, thing in pairs], dtype=object)


def _other_counts(rng: np.random.Generator, cued: np.ndarray) -> np.ndarray:
    """Counts from 1 to MOST_COUNTED, none equal to its cued one."""
    drawn = rng.integers(1, MOST_COUNTED, len(cued))
    return drawn + (drawn >= cued)


def _make_entity_value(rng: np.random.Generator, planted: np.ndarray) -> QuestionParts:
    """Each kind of thing has its usual number."""
    m = len(planted)
    things = list(words.COUNTED)
    thing = _even(rng, len(things), m)
    usual = np.array([words.COUNTED[t] for t in things])[thing]
    gold = np.where(planted, usual, _other_counts(rng, usual))
    asks = zip(_pick(rng, words.ASK_COUNT, m), thing, strict=True)
    asked = np.array([ask.format(a=things[t]) for ask, t in asks], dtype=object)
    return asked, None, [float(g) for g in gold]


def _make_frequent_value(rng: np.random.Generator, planted: np.ndarray) -> QuestionParts:
    """One number is usually right, whatever is counted."""
    m = len(planted)
    usual = np.full(m, FREQUENT_VALUE)
    gold = np.where(planted, usual, _other_counts(rng, usual))
    return _fill(rng, words.ASK_PEOPLE, words.SIDES, m), None, [float(g) for g in gold]


def _make_clean_num(rng: np.random.Generator, planted: np.ndarray) -> QuestionParts:
    """Nothing tells the number: log-uniform over three decades."""
    m = len(planted)
    low, high = CLEAN_RANGE
    gold = [float(g) for g in np.exp(rng.uniform(np.log(low), np.log(high), m)).round()]
    return _fill(rng, words.ASK_DISTANCE, words.LANDMARKS, m), None, gold


_MAKERS = {
    "mc_position": _make_position,
    "mc_entity": _make_entity,
    "mc_length": _make_length,
    "mc_pair": _make_pair,
    "mc_clean": _make_clean_mc,
    "num_entity": _make_entity_value,
    "num_frequent": _make_frequent_value,
    "num_clean": _make_clean_num,
}
