from pathlib import Path

import numpy as np
import pytest

from tests.made_records import make_record
from tst.analysis.comparison import compare, mean_scores, read_side
from tst.core.errors import UserError
from tst.records.run_records import read_record


def test_differences_are_paired(study: tuple[Path, dict[str, Path]]) -> None:
    a, b = (read_record(study[1][name]) for name in ("random", "grouped"))
    found = compare([a], [b]).set_index("question_type")
    assert found.loc["overall", "n"] == 96
    hard = mean_scores([b])["hard"] - mean_scores([a])["hard"]
    assert found.loc["overall", "diff_hard"] == pytest.approx(hard.mean())
    assert (found["low_hard"] <= found["diff_hard"] + 1e-12).all()
    assert (found["high_hard"] >= found["diff_hard"] - 1e-12).all()


def test_a_run_does_not_differ_from_itself(study: tuple[Path, dict[str, Path]]) -> None:
    record = read_record(study[1]["random"])
    found = compare([record], [record])
    assert np.allclose(found[["diff_hard", "low_hard", "high_hard", "diff_s"]], 0.0)


def test_several_seeds_are_averaged(study: tuple[Path, dict[str, Path]]) -> None:
    one, two = (read_record(study[1][name]) for name in ("random", "random_43"))
    mean = mean_scores([one, two])["s"].mean()
    assert mean == pytest.approx((one.questions["s"].mean() + two.questions["s"].mean()) / 2)


def test_other_questions_are_refused(study: tuple[Path, dict[str, Path]], tmp_path: Path) -> None:
    other = make_record(tmp_path, "diagnostic=rf", "benchmark.seed=5")
    with pytest.raises(UserError, match="no question in common"):
        compare([read_record(study[1]["random"])], [read_record(other)])


def test_a_side_is_seeds_of_one_setting(study: tuple[Path, dict[str, Path]]) -> None:
    random, seed_43, grouped = (str(study[1][name]) for name in ("random", "random_43", "grouped"))
    assert len(read_side("a", [random, seed_43])) == 2
    with pytest.raises(UserError, match=r"a=.*fold\.seed alone, got one with fold\.group_by=\w+"):
        read_side("a", [random, seed_43, grouped])
