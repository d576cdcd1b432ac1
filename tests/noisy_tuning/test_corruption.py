"""Corruption: one test a property of method.md, section 8."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tst.core.errors import UserError
from tst.noisy_tuning.corruption import corrupt, corrupt_held_out, derange
from tst.noisy_tuning.settings import CorruptionSettings


def make_frame(responses, rejected=None):
    return pd.DataFrame(
        {
            "prompt": [[{"role": "user", "content": f"q{i}"}] for i in range(len(responses))],
            "response": pd.Series(responses, dtype=object),
            "rejected": pd.Series(rejected or [None] * len(responses), dtype=object),
        }
    )


def settings(kind="shuffled", share=0.3):
    return CorruptionSettings(kind, share)


TEXTS = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=60)


def feasible(texts, n):
    """Whether n rows exist that can exchange texts so that nobody keeps its own."""
    return n >= 2 and sum(min(c, n // 2) for c in Counter(texts).values()) >= n


@given(n=st.integers(7, 300), share=st.floats(0.1, 0.9), seed=st.integers(0, 99))
def test_exactly_the_rounded_share_is_flagged(n, share, seed):
    assume(2 <= round(share * n) < n)
    noisy = corrupt(make_frame([f"r{i}" for i in range(n)]), settings(share=share), seed)
    assert noisy["corrupted"].sum() == round(share * n)


@given(texts=TEXTS, share=st.floats(0.05, 0.95), seed=st.integers(0, 99))
def test_no_corrupted_row_keeps_its_text_or_the_case_is_refused(texts, share, seed):
    n = round(share * len(texts))
    assume(0 < n < len(texts))
    if not feasible(texts, n):
        with pytest.raises(UserError, match="cannot exchange"):
            corrupt(make_frame(texts), settings(share=share), seed)
        return
    noisy = corrupt(make_frame(texts), settings(share=share), seed)
    bad = noisy[noisy["corrupted"]]
    assert (bad["response"] != bad["clean_response"]).all()
    assert len(bad) == n


@given(texts=TEXTS, seed=st.integers(0, 99))
def test_responses_are_exchanged_among_the_corrupted(texts, seed):
    assume(round(0.3 * len(texts)) > 0 and feasible(texts, round(0.3 * len(texts))))
    noisy = corrupt(make_frame(texts), settings(), seed)
    bad = noisy[noisy["corrupted"]]
    assert Counter(bad["response"]) == Counter(bad["clean_response"])


@given(texts=TEXTS, seed=st.integers(0, 99))
def test_derangement_is_a_permutation_without_own_texts(texts, seed):
    texts = np.array(texts, dtype=object)
    assume(max(Counter(texts).values()) <= len(texts) // 2)
    permutation = derange(texts, np.random.default_rng(seed))
    assert sorted(permutation) == list(range(len(texts)))
    assert (texts[permutation] != texts).all()


@given(texts=st.lists(st.sampled_from("abcd"), min_size=1, max_size=30), seed=st.integers(0, 99))
@pytest.mark.parametrize("kind", ["shuffled", "random", "rejected"])
def test_held_out_pairs_get_wrong_responses_from_among_themselves(kind, texts, seed):
    frame = make_frame(texts, [*["a"] * (len(texts) - 1), None])
    wrong = corrupt_held_out(frame, settings(kind), seed)
    own = frame.set_index(frame["prompt"].map(str))["response"]
    assert (wrong["response"].to_numpy() != own[wrong["prompt"].map(str)].to_numpy()).all()
    most = max(Counter(texts).values())
    expected = {
        "shuffled": min(len(texts), 2 * (len(texts) - most)),
        "random": len(texts) if len(set(texts)) > 1 else 0,
        "rejected": sum(text != "a" for text in texts[:-1]),
    }
    assert len(wrong) == expected[kind]


def test_clean_rows_are_untouched():
    frame = make_frame([f"r{i}" for i in range(40)])
    noisy = corrupt(frame, settings(), 0)
    clean = ~noisy["corrupted"]
    assert (noisy["response"][clean] == frame["response"][clean]).all()
    assert (noisy["clean_response"] == frame["response"]).all()
    assert noisy["prompt"].equals(frame["prompt"])
    assert "corrupted" not in frame


def test_the_flag_stays_with_its_row():
    noisy = corrupt(make_frame([f"r{i}" for i in range(40)]), settings(), 0)
    moved = noisy.sample(frac=1, random_state=1)
    wrong = moved["response"] != moved["clean_response"]
    assert (wrong == moved["corrupted"]).all()


def test_a_seed_decides_which_rows_and_what_they_get():
    frame = make_frame([f"r{i}" for i in range(100)])
    first, again, other = (corrupt(frame, settings(), seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["corrupted"].equals(other["corrupted"])


def test_every_kind_corrupts_the_same_rows_of_a_seed():
    frame = make_frame([f"r{i} x" for i in range(50)], [f"bad {i}" for i in range(50)])
    flags = [
        corrupt(frame, settings(k), 0)["corrupted"] for k in ("shuffled", "random", "rejected")
    ]
    assert flags[0].equals(flags[1]) and flags[0].equals(flags[2])


def test_every_row_is_equally_likely_to_be_corrupted():
    frame = make_frame([f"r{i}" for i in range(20)])
    counts = sum(corrupt(frame, settings(), seed)["corrupted"].astype(int) for seed in range(400))
    expected, sd = 400 * 0.3, (400 * 0.3 * 0.7) ** 0.5
    assert (abs(counts - expected) < 4.5 * sd).all()


def test_mostly_equal_texts_still_find_rows_that_can_exchange():
    noisy = corrupt(make_frame(["same"] * 17 + ["x", "y", "z"]), settings(), 0)
    bad = noisy[noisy["corrupted"]]
    assert Counter(bad["clean_response"])["same"] == 3
    assert (bad["response"] != bad["clean_response"]).all()


def test_impossible_exchanges_say_why():
    with pytest.raises(UserError, match=r"19 of the 20 pairs have the response 'same'"):
        corrupt(make_frame(["same"] * 19 + ["x"]), settings(), 0)
    with pytest.raises(UserError, match="a single pair"):
        corrupt(make_frame(["a", "b", "c"]), settings(), 0)
    with pytest.raises(UserError, match="makes 0 corrupted pairs"):
        corrupt(make_frame(["a"]), settings(), 0)


@given(
    texts=st.lists(
        st.lists(st.sampled_from(["red", "green", "blue"]), min_size=1, max_size=5).map(" ".join),
        min_size=4,
        max_size=30,
    ),
    seed=st.integers(0, 99),
)
def test_random_texts_are_as_long_from_the_vocabulary_and_different(texts, seed):
    vocabulary = {word for text in texts for word in text.split()}
    if len(vocabulary) == 1:
        with pytest.raises(UserError, match="made of the one word"):
            corrupt(make_frame(texts), settings("random"), seed)
        return
    bad = corrupt(make_frame(texts), settings("random"), seed).query("corrupted")
    for new, old in zip(bad["response"], bad["clean_response"], strict=True):
        assert new != old
        assert len(new.split()) == len(old.split())
        assert set(new.split()) <= vocabulary


def test_rejected_uses_the_rows_own_rejected_response():
    rejected = [None if i % 2 else f"bad {i}" for i in range(20)]
    rejected[0] = "r0"  # the same as its response: of no use
    bad = corrupt(make_frame([f"r{i}" for i in range(20)], rejected), settings("rejected"), 0)
    bad = bad[bad["corrupted"]]
    assert len(bad) == 6 and 0 not in bad.index
    assert (bad["response"] == bad["rejected"]).all()


def test_too_few_rejected_responses_are_refused():
    with pytest.raises(UserError, match="0 of the 20 training pairs have a different"):
        corrupt(make_frame([f"r{i}" for i in range(20)]), settings("rejected"), 0)
