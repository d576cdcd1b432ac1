import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from tst.scoring.exposure import (
    EXPOSED,
    NO_SIGN,
    ONE_ANSWER,
    TOO_FEW,
    find_exposed,
    holm,
    name_parts,
    p_above,
    states_by_type,
)

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")


def exposures(*types, units=None):
    """types: (name, format, hard scores, chance or majority)"""
    table, rows = [], []
    for name, kind, hard, level in types:
        for score in hard:
            table.append({"question_type": name, "format": kind})
            rows.append({"hard": score, "majority": level, "baseline": level})
    units = np.arange(len(rows)) if units is None else np.asarray(units)
    return {
        e.question_type: e for e in find_exposed(pd.DataFrame(rows), pd.DataFrame(table), units)
    }


def right(share, n):
    return [1.0] * round(share * n) + [0.0] * (n - round(share * n))


def test_states_and_what_is_to_mend():
    found = exposures(
        ("cued", "mc", right(0.7, 80), 0.25),
        ("clean", "mc", right(0.25, 80), 0.25),
        ("small", "mc", right(1.0, 19), 0.25),
        ("constant", "num", right(0.6, 40), 0.6),
        ("low", "num", right(0.3, 40), 0.3),
    )
    assert {name: e.state for name, e in found.items()} == {
        "cued": EXPOSED, "clean": NO_SIGN, "small": TOO_FEW, "constant": ONE_ANSWER, "low": NO_SIGN,
    }  # fmt: skip
    assert found["cued"].to_mend == round(80 * (0.7 - 0.25) / 0.75) == 48
    assert found["constant"].to_mend == 40  # the constant scores 0.6 on each
    assert [e.to_mend for e in found.values()] == [48, 40, 0, 0, 0]  # most first
    assert np.isnan(found["small"].p)
    assert [name for name, e in found.items() if e.is_exposed] == ["cued", "constant"]


def test_what_each_format_is_compared_with():
    """mc with 1/n (the baseline), num and open with the best constant (the majority)."""
    n = 40
    table = pd.DataFrame({"question_type": ["a"] * n + ["b"] * n + ["c"] * n,
                          "format": ["mc"] * n + ["num"] * n + ["open"] * n})  # fmt: skip
    scores = pd.DataFrame({"hard": right(0.45, n) * 3, "majority": [0.4] * 3 * n,
                           "baseline": [0.2] * 3 * n}).astype(object)  # fmt: skip
    found = {e.question_type: e for e in find_exposed(scores, table, np.arange(3 * n))}
    assert [found[t].chance for t in "abc"] == pytest.approx([0.2, 0.4, 0.4])
    assert [found[t].score for t in "abc"] == pytest.approx([0.45] * 3)
    assert [found[t].n for t in "abc"] == [n] * 3
    assert [found[t].format for t in "abc"] == ["mc", "num", "open"]
    assert [found[t].state for t in "abc"] == [EXPOSED, NO_SIGN, NO_SIGN]
    for t in "abc":
        differences = np.array(right(0.45, n)) - found[t].chance
        assert found[t].p == pytest.approx(p_above(differences, np.arange(n)))
    assert found["a"].to_mend == round(n * 0.25 / 0.8)


def test_where_a_type_is_judged_and_where_one_answer_does_it():
    found = exposures(
        ("twenty", "mc", right(1.0, 20), 0.25),
        ("half", "open", right(0.5, 40), 0.5),
        ("choice", "mc", right(0.5, 40), 0.5),
    )
    assert [found[t].state for t in ("twenty", "half", "choice")] == [EXPOSED, ONE_ANSWER, NO_SIGN]
    assert found["half"].to_mend == 40


def test_questions_without_a_score_do_not_count():
    found = exposures(("some", "mc", [*right(1.0, 19), np.nan, np.nan], 0.25),
                      ("none", "num", [np.nan] * 30, 0.6))  # fmt: skip
    assert (found["some"].state, found["some"].n, found["some"].score) == (TOO_FEW, 19, 1.0)
    assert (found["none"].state, found["none"].n) == (TOO_FEW, 0)
    assert np.isnan([found["none"].score, found["none"].chance, found["none"].p]).all()


def test_questions_without_a_chance_are_not_judged():
    """Where one fold holds out all questions of a format, no training answer says its chance."""
    found = exposures(
        ("alone", "num", right(0.5, 30), np.nan), ("cued", "mc", right(0.7, 80), 0.25)
    )
    assert (found["alone"].state, found["alone"].n, found["alone"].to_mend) == (TOO_FEW, 0, 0)
    assert found["cued"].state == EXPOSED


def test_without_clusters_it_is_the_t_test():
    differences = np.array(right(0.4, 50)) - 0.25
    expected = ttest_1samp(differences, 0.0, alternative="greater").pvalue
    assert p_above(differences, np.arange(50)) == pytest.approx(expected)


def test_clusters_count_once():
    few = np.array([1.0, 0.0, 1.0, 1.0, 0.0]) - 0.25
    units = np.repeat(np.arange(5), 10)
    assert p_above(np.repeat(few, 10), units) == pytest.approx(p_above(few, np.arange(5)))
    assert p_above(np.repeat(few, 10), np.arange(50)) < p_above(few, np.arange(5)) / 10
    assert p_above(np.ones(30), np.zeros(30)) == 1.0  # one group tells nothing
    assert p_above(np.ones(30), np.arange(30)) == 0.0
    assert p_above(-np.ones(30), np.arange(30)) == 1.0
    assert p_above(np.zeros(30), np.arange(30)) == 1.0
    two = np.array([0.1, 0.3])
    assert p_above(two, np.arange(2)) == pytest.approx(ttest_1samp(two, 0).pvalue / 2)


def test_holm_by_hand():
    p = {("a", ""): 0.012, ("b", ""): 0.02, ("c", ""): 0.03, ("d", ""): 0.9}
    # 0.012 <= 0.05 / 4, then 0.02 > 0.05 / 3
    assert holm(p, 0.05) == {("a", "")}
    assert holm({**p, ("b", ""): 0.016}, 0.05) == {("a", ""), ("b", "")}  # then 0.03 > 0.05 / 2
    assert holm({}, 0.05) == set()
    assert holm({**p, ("a", ""): 0.05 / 4}, 0.05) == {("a", "")}  # equal is enough


def test_many_clean_types_are_seldom_called_exposed():
    rng = np.random.default_rng(5)
    named = 0
    for _ in range(40):
        types = [
            (f"t{i}", "mc", (rng.random(rng.integers(20, 60)) < 0.25).astype(float), 0.25)
            for i in range(40)
        ]
        named += any(e.is_exposed for e in exposures(*types).values())
    assert named <= 4


def entries(*parts):
    return [dict(zip(("question_type", "format", "state"), part, strict=True)) for part in parts]


def test_a_type_with_several_formats_has_its_most_telling_state():
    found = entries(
        ("a", "mc", NO_SIGN), ("b", "num", TOO_FEW), ("a", "num", ONE_ANSWER),
        ("a", "open", TOO_FEW), ("c", "mc", EXPOSED), ("c", "num", NO_SIGN),
    )  # fmt: skip
    assert states_by_type(found) == {"a": ONE_ANSWER, "b": TOO_FEW, "c": EXPOSED}
    assert states_by_type([]) == {}


def test_a_type_is_called_by_its_format_too_where_it_has_several():
    found = entries(("a", "mc", NO_SIGN), ("b", "num", NO_SIGN), ("a", "num", NO_SIGN))
    assert name_parts(found) == {("a", "mc"): "a (mc)", ("a", "num"): "a (num)", ("b", "num"): "b"}


def test_a_verdict_needs_none_of_the_slow_imports():
    """``scipy.stats`` took half a second of every command that shows a record."""
    code = (
        "import sys, tst.cli.console, tst.stress_testing.verdict, tst.scoring.exposure\n"
        "print(sorted({'scipy.stats', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
