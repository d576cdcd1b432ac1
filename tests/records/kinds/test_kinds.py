import math
from pathlib import Path

import pandas as pd
import pytest

from tst.records.files import write_json, write_parquet
from tst.records.kinds import KINDS, NOISY_TUNING, PRUNING, STRESS_TEST, kind_of
from tst.records.kinds.kind import numbers
from tst.records.kinds.stress_test import evenly_spaced


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.folder)
def test_a_record_is_found_where_its_kind_puts_it(tmp_path: Path, kind) -> None:
    place = tuple(f"part {level}/{number}" for number, level in enumerate(kind.levels))
    path = kind.path(tmp_path, place, "0123456789ab")
    assert path.name == "0123456789ab"
    assert kind.find(tmp_path) == []
    write_json(path / "status.json", {"state": "running"})
    assert kind.find(tmp_path) == [path]
    assert kind_of(path, tmp_path) is kind
    assert not any(other.find(tmp_path) for other in KINDS if other is not kind)
    assert kind.place(path)[0] == f"part-{kind.levels[0].replace(' ', '-')}-0"


def test_a_benchmark_may_have_the_name_of_a_kind(tmp_path: Path) -> None:
    path = STRESS_TEST.path(tmp_path, ("prune", "rf", "random5"), "0123456789ab")
    assert kind_of(path, tmp_path) is STRESS_TEST
    assert STRESS_TEST.place(path) == ("prune", "rf", "random5")
    with pytest.raises(ValueError, match="runs, prune, noisy, blends"):
        kind_of(tmp_path / "hydra" / "x", tmp_path)


def test_a_name_that_no_folder_can_have_stays_one_folder(tmp_path: Path) -> None:
    path = PRUNING.path(tmp_path, ("../a b/c", "..."), "0123456789ab")
    assert path == tmp_path / "prune" / "a-b-c" / "unnamed" / "0123456789ab"


def test_numbers_are_finite_and_named_by_their_way() -> None:
    nested = {"": {"n": 3, "text": "x"}, "type": {"a/b": {"score": 0.5, "no": math.nan}},
              "none": None, "list": [1.0]}  # fmt: skip
    assert numbers(nested) == {"n": 3, "type/a-b/score": 0.5}


def test_ends_of_intervals_stand_beside_their_figure() -> None:
    entry = {"score": 0.5, "interval": {"score": [0.25, 0.75], "bits": [None, None]}}
    assert numbers({"": entry, "type": {"a": entry}}) == {
        "score": 0.5, "score_low": 0.25, "score_high": 0.75,
        "type/a/score": 0.5, "type/a/score_low": 0.25, "type/a/score_high": 0.75,
    }  # fmt: skip


def test_folds_come_in_number_order_with_curve_and_scores(tmp_path: Path) -> None:
    for name in ("0-10", "0-2", "1-0"):
        write_json(tmp_path / "folds" / f"{name}.json", {"cost": {}})
    assert STRESS_TEST.parts(tmp_path) == ["0-2", "0-10", "1-0"]
    cost = {"train_seconds": 2.0, "train_tokens": 8.0, "train_loss": 0.25}
    write_json(tmp_path / "folds" / "1-0.json", {"cost": cost})
    write_parquet(tmp_path / "folds" / "1-0.parquet", pd.DataFrame({"hard": [0, 1], "s": [0.5, 1]}))
    history = {"step": [1, 2], "epoch": [0.5, 1], "loss": [2, 1], "learning_rate": 0.1, "tokens": 4}
    write_parquet(tmp_path / "history" / "1-0.parquet", pd.DataFrame(history))
    curve, scores = STRESS_TEST.series(tmp_path, "1-0")
    assert curve.index.name == "repeat1/fold0/step"
    assert curve["repeat1/fold0/loss"].to_dict() == {1: 2, 2: 1}
    assert scores.index.name == "fold"
    assert scores.loc[0].to_dict() == {
        "fold_score": 0.5, "repeat1/fold0/fold_score": 0.5, "loss": 0.25,
        "fold_score_soft": 0.75, "repeat1/fold0/fold_score_soft": 0.75,
        "tokens_per_second": 4.0, "repeat1/fold0/tokens_per_second": 4.0,
    }  # fmt: skip


def test_a_long_curve_is_thinned_evenly_to_its_last_step() -> None:
    kept = evenly_spaced(pd.DataFrame({"step": range(1001)}), 5)["step"]
    assert kept.tolist() == [0, 250, 500, 750, 1000]


def test_noisy_tuning_has_numbers_when_it_has_ended(tmp_path: Path) -> None:
    write_json(tmp_path / "status.json", {"state": "running"})
    assert NOISY_TUNING.parts(tmp_path) == []
    write_json(tmp_path / "status.json", {"state": "finished"})
    steps = {"step": [0, 1], "kind": ["clean", "mixed"], "share": [0.0, 0.5], "loss": [2.0, 1.0],
             "confidence": [None, 0.5], "agar": [0.1, 0.2], "grad_norm": [1, 2]}  # fmt: skip
    write_parquet(tmp_path / "steps.parquet", pd.DataFrame(steps))
    curve = pd.DataFrame({"step": [0, 2], "held_out": [3.0, 2.5]})
    write_parquet(tmp_path / "curve.parquet", curve)
    (table,) = NOISY_TUNING.series(tmp_path, *NOISY_TUNING.parts(tmp_path))
    assert table.index.name == "step"
    rows = {at: numbers(row) for at, row in table.to_dict("index").items()}
    assert rows[0] == {"held_out": 3.0}
    assert rows[1]["clean-loss"] == rows[1]["loss"] == 2.0
    assert not any("confidence" in name for name in rows[1])
    assert (rows[2]["held_out"], rows[2]["mixed-confidence"]) == (2.5, 0.5)
