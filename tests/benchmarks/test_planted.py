"""The planted benchmark: sizes, cues that hold in 70% of rows, clean types, determinism."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks.loading import settings_of
from tst.benchmarks import planted_words as words
from tst.benchmarks.load import load_benchmark
from tst.benchmarks.planted import (
    CUED_POSITION,
    CUES,
    FREQUENT_VALUE,
    PAIRS,
    best_score,
    plant_rows,
)
from tst.core.errors import UserError
from tst.core.scoring_rules import DEFAULT_RULES

SIZES = (80, 152, 600, 601)


def frame_of(n: int, seed: int = 0) -> pd.DataFrame:
    return load_benchmark(settings_of("planted", n=n, seed=seed)).frame


def cued_answer(row) -> object:
    """What each cue alone answers, told from the text."""
    kind, options = row.question_type, row.options
    if kind == "mc_position":
        return CUED_POSITION
    if kind == "mc_entity":
        return [o in words.FAVOURITE_ITEMS for o in options].index(True)
    if kind == "mc_length":
        return int(np.argmax([len(o) for o in options]))
    if kind == "mc_pair":
        first = next(i for i, o in enumerate(words.FIRST_OBJECTS) if f" {o}" in row.question)
        second = next(i for i, o in enumerate(words.SECOND_OBJECTS) if f" {o}" in row.question)
        return options.index(words.RELATIONS[3 - first - second])
    if kind == "num_entity":
        return float(next(n for thing, n in words.COUNTED.items() if f" {thing} " in row.question))
    assert kind == "num_frequent"
    return float(FREQUENT_VALUE)


@pytest.mark.parametrize("n", SIZES)
def test_sizes_groups_and_truth_columns(n):
    frame = frame_of(n)
    assert len(frame) == n
    sizes = frame["question_type"].value_counts()
    assert len(sizes) == 8
    assert sizes.max() - sizes.min() <= 1
    assert frame["group_scene"].nunique() == 60
    assert (frame["question_type"].map(CUES) == frame["cue"]).all()
    shares = frame.groupby("cue")["planted"].mean()
    assert shares[""] == 0
    assert (shares.drop("") - 0.7).abs().max() < 0.05


@pytest.mark.parametrize("n", SIZES)
def test_the_cue_alone_answers_the_planted_rows_and_no_others(n):
    frame = frame_of(n)
    for row in frame[frame["cue"] != ""].itertuples():
        assert (row.answer == cued_answer(row)) == bool(row.planted)


@pytest.mark.parametrize("kind", CUES)
def test_the_best_score_is_that_of_the_best_answer_to_what_the_text_tells(kind):
    frame = frame_of(16_000)
    rows = frame[frame["question_type"] == kind]
    best = best_score(kind, DEFAULT_RULES)
    if kind.startswith("mc"):
        answers = rows["answer"].to_numpy()
        guess = [cued_answer(row) if row.cue else 0 for row in rows.itertuples()]
        assert best == pytest.approx((answers == np.array(guess)).mean(), abs=0.01)
        return
    known = [
        next(t for t in words.COUNTED if t in text) if kind == "num_entity" else ""
        for text in rows["question"]
    ]
    scores = []
    for _, part in rows.assign(known=known).groupby("known"):
        golds = part["answer"].to_numpy(dtype=float)
        constant = DEFAULT_RULES.best_number(golds)
        scores += DEFAULT_RULES.score_numbers(np.full(len(golds), constant), golds).tolist()
    assert best == pytest.approx(np.mean(scores), abs=0.02)


def test_each_cue_recurs_enough_to_be_learned():
    frame = frame_of(152)
    for kind in ("mc_entity", "mc_pair", "num_entity"):
        rows = frame[(frame["question_type"] == kind) & (frame["planted"] == 1)]
        right = Counter(
            row.options[row.answer] if row.options else row.answer for row in rows.itertuples()
        )
        assert len(right) <= 5
        assert sum(right.values()) >= 13


def test_one_object_of_a_pair_leaves_two_relations():
    for side in (0, 1):
        usual: dict[int, set[int]] = {}
        for pair in PAIRS:
            usual.setdefault(pair[side], set()).add(3 - pair.sum())
        assert all(len(relations) == 2 for relations in usual.values())


def test_clean_types_hold_no_simple_signal():
    frame = frame_of(16_000)
    mc = frame[frame["question_type"] == "mc_clean"]
    assert mc["answer"].value_counts().to_numpy() == pytest.approx(len(mc) / 4)
    shown = Counter(o for options in mc["options"] for o in options)
    right = Counter(o[a] for o, a in zip(mc["options"], mc["answer"], strict=True))
    for colour, count in shown.items():
        assert right[colour] / count == pytest.approx(0.25, abs=0.06)
    longest = [int(np.argmax([len(o) for o in options])) for options in mc["options"]]
    assert np.mean(mc["answer"] == longest) == pytest.approx(0.25, abs=0.03)
    num = frame[frame["question_type"] == "num_clean"]
    for part in (num["group_scene"], num["question"].str.split().str[-1]):
        sizes = np.log(num["answer"].astype(float))
        means = sizes.groupby(part).agg(["mean", "sem"])
        scores = (means["mean"] - sizes.mean()) / means["sem"]
        assert scores.abs().max() < 4.5


def test_cued_types_hold_no_second_signal():
    frame = frame_of(16_000)
    for kind in ("mc_entity", "mc_length", "mc_pair"):
        rows = frame[frame["question_type"] == kind]
        positions = rows["answer"].value_counts(normalize=True)
        assert positions.to_numpy() == pytest.approx(0.25, abs=0.03), kind
    rows = frame[frame["question_type"] == "mc_position"]
    right = Counter(o[a] for o, a in zip(rows["options"], rows["answer"], strict=True))
    assert max(right.values()) / len(rows) < 1.3 / len(words.ANIMALS)


def test_questions_are_unique_and_read_as_sentences():
    frame = frame_of(600)
    assert frame["question"].is_unique
    assert frame["question"].str.match(r"^[A-Z][^{}]+\?$").all()
    assert frame["options"].dropna().map(lambda o: len(set(o)) == 4).all()
    assert not frame["question"].str.contains("cue|planted|scene_", regex=True).any()


def test_the_same_seed_gives_the_same_rows():
    assert plant_rows(152, 1) == plant_rows(152, 1)
    assert plant_rows(152, 1) != plant_rows(152, 2)


def test_size_auto_is_600():
    whole, small = (load_benchmark(settings_of("planted", n=n)) for n in ("auto", 152))
    assert (len(whole.frame), len(small.frame)) == (600, 152)
    assert "n=152" in small.source
    assert small.fingerprint != whole.fingerprint


@pytest.mark.parametrize("n", ["many", 0, 15, True, 1.5])
def test_sizes_that_are_none(n):
    with pytest.raises(UserError, match=r"benchmark.n="):
        load_benchmark(settings_of("planted", n=n))


def test_many_rows_are_fast():
    start = time.time()
    assert len(plant_rows(50_000)) == 50_000
    assert time.time() - start < 10
