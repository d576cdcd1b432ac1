"""What a study makes of grids: choices and fronts, on records made by hand."""

import math

import numpy as np
import pytest

from tests.noisy_tuning.handmade import make_curve, make_run
from tst.analysis.figures.noisy import draw_fronts
from tst.analysis.noisy_fronts import (
    LEVELS,
    end_points,
    first_at,
    front_at,
    front_table,
    gap_at_equal_loss,
)
from tst.analysis.noisy_groups import group_runs, group_variants
from tst.analysis.noisy_sentences import describe_choices
from tst.noisy_study import NoisyStudyConfig, study
from tst.noisy_tuning.choice import Variant


def test_a_level_is_reached_between_two_measurements():
    curve = make_curve([2.0, 1.6, 1.2, 1.4, 1.0], [0.0, 0.1, 0.3, 0.4, 0.9])
    assert first_at(curve, 1.6, "memorised") == pytest.approx(0.1)
    assert first_at(curve, 1.4, "memorised") == pytest.approx(0.2)  # on the way down, not back up
    assert first_at(curve, 1.4, "step") == pytest.approx(15)
    assert first_at(curve, 2.5, "memorised") == 0
    assert math.isnan(first_at(curve, 0.9, "memorised"))


def test_a_front_is_the_least_memorised_of_all_runs():
    slow, fast = make_curve([2.0, 1.5], [0.0, 0.1]), make_curve([2.0, 1.0], [0.0, 0.6])
    assert front_at([slow, fast], 1.5) == pytest.approx(0.1)
    assert front_at([slow, fast], 1.0) == pytest.approx(0.6)
    assert math.isnan(front_at([slow], 1.0))


def test_two_fronts_are_compared_where_both_still_are():
    own = {0: [make_curve([2.0, 1.0], [0.0, 0.2])], 1: [make_curve([2.0, 1.0], [0.0, 0.2])]}
    other = {
        0: [make_curve([2.0, 1.2], [0.0, 0.4])],
        1: [make_curve([2.0, 0.8], [0.0, 0.6])],
        2: [make_curve([2.0, 0.1], [0.0, 0.6])],
    }
    gap = gap_at_equal_loss(own, other)
    # seed 0 at 1.2: 0.16 against 0.4; seed 1 at 1.0: 0.2 against 0.5
    assert gap["n"] == 2 and gap["mean"] == pytest.approx((-0.24 - 0.3) / 2)


def test_seeds_in_which_a_side_learns_nothing_are_not_compared():
    never = make_curve([2.0, 2.1, 2.3], [0.0, 0.3, 0.5])
    good = make_curve([2.0, 1.0], [0.0, 0.2])
    own, other = {0: [never], 1: [never, good]}, {0: [good], 1: [good]}
    gap = gap_at_equal_loss(own, other)
    assert gap["n"] == 1 and gap["mean"] == 0
    assert gap_at_equal_loss({0: [never]}, {0: [never]})["n"] == 0


def test_rates_are_chosen_on_their_own_seeds_and_these_are_not_compared(grid):
    _, runs = grid
    grouped = group_variants(runs)
    choice = grouped.choices["study"]["adamw"]
    assert choice.variant == Variant(4e-4)  # the best of seeds 10 and 11, not of 0 to 2
    assert choice.losses == pytest.approx({Variant(1e-4): 1.4, Variant(4e-4): 1.2})
    assert choice.at_the_edge
    assert "learning rate 0.0004, the lowest or highest" in describe_choices(
        grouped.choices["study"]
    )
    ((setting, compared),) = group_runs(runs)[0].items()
    assert {o: sorted(by_seed) for o, by_seed in compared.items()} == {
        "adamw": [0, 1, 2], "casmo": [0, 1, 2],
    }  # fmt: skip
    assert all(r.summary["run"]["learning_rate"] == 4e-4 for r in compared["adamw"].values())
    fronts = grouped.fronts(setting)
    assert list(fronts["adamw"]) == [Variant(1e-4), Variant(4e-4)]
    assert sorted(fronts["adamw"][Variant(1e-4)]) == [0, 1, 2]


def test_a_choice_holds_for_other_corruptions_and_schedules(grid):
    folder, runs = grid
    runs.append(make_run(folder, "adamw", 0, 4e-4, schedule="probe"))
    runs.append(make_run(folder, "adamw", 0, 1e-4, schedule="probe", share=0.5))
    groups, _ = group_runs(runs)
    by_name = {(s.schedule, s.share): compared for s, compared in groups.items()}
    assert list(by_name["probe", 0.3]) == ["adamw"]
    assert ("probe", 0.5) not in by_name  # not with the rate that was chosen


def test_without_a_choice_several_rates_are_compared_in_fronts_only(tmp_path):
    runs = [make_run(tmp_path, "adamw", seed, rate) for seed in (0, 1) for rate in (1e-4, 2e-4)]
    groups, notes = group_runs(runs)
    assert groups == {} and "2 learning rates" in notes[0] and "seed=10,11" in notes[0]
    grouped = group_variants(runs)
    (setting,) = grouped.variants
    assert len(grouped.fronts(setting)["adamw"]) == 2


def test_a_front_is_of_the_chosen_filter_share(tmp_path):
    runs = [
        make_run(tmp_path, "adamw, filtered", seed, rate, (2.0, 1 + share + rate), (0, 0.1), share)
        for seed in (10, 11, 0) for rate in (1e-4, 2e-4) for share in (0.1, 0.3)
    ]  # fmt: skip
    grouped = group_variants(runs)
    (setting,) = grouped.variants
    assert list(grouped.fronts(setting)["adamw, filtered"]) == [
        Variant(1e-4, 0.1), Variant(2e-4, 0.1),
    ]  # fmt: skip


def test_fronts_have_intervals_and_a_figure(grid):
    _, runs = grid
    grouped = group_variants(runs)
    (setting,) = grouped.variants
    fronts = grouped.fronts(setting)
    table = front_table(fronts)
    casmo = table[table["optimizer"] == "casmo"]
    assert casmo["change"].iloc[0] == pytest.approx(-0.6)
    assert casmo["mean"].iloc[0] == pytest.approx(0.1) and casmo["mean"].iloc[-1] == 0
    assert (casmo["low"] <= casmo["mean"]).all() and (casmo["n"] == 3).all()
    adamw = table[table["optimizer"] == "adamw"]
    assert adamw["change"].iloc[0] == pytest.approx(-0.6) and len(adamw) == len(casmo) == LEVELS
    ends = end_points(fronts).set_index(["optimizer", "learning_rate"])
    assert ends.loc[("adamw", 1e-4), "memorised"] == pytest.approx(0.301)
    assert ends.loc[("adamw", 1e-4), "memorised_low"] < 0.301
    assert ends.loc[("adamw", 4e-4), "change"] == pytest.approx(-0.2)
    (axes,) = draw_fronts(fronts).axes
    assert len(axes.lines) == 2 and len(axes.texts) == 4


def test_fronts_have_the_same_levels_so_that_contenders_can_be_compared(tmp_path):
    ends = {"adamw": 1.3, "casmo": 1.55, "adamw, smoothed 0.1": 2.1}
    runs = [
        make_run(tmp_path, name, seed, held_out=(2.0, end), memorised=(0.0, 0.7))
        for name, end in ends.items() for seed in (0, 1)
    ]  # fmt: skip
    grouped = group_variants(runs)
    (setting,) = grouped.variants
    table = front_table(grouped.fronts(setting))
    levels = {name: own["change"].tolist() for name, own in table.groupby("optimizer")}
    assert levels["adamw"] == pytest.approx(np.linspace(-0.7, 0.0, LEVELS))
    assert levels["casmo"][0] == pytest.approx(-0.45)
    assert set(levels["casmo"][1:]) <= set(levels["adamw"]) and len(levels["casmo"]) > 5
    assert levels["adamw, smoothed 0.1"] == [0.0]  # its loss never fell
    at = table.set_index(["optimizer", "change"])["mean"]
    assert at["adamw", levels["casmo"][1]] == pytest.approx(-levels["casmo"][1])
    assert front_table({}).empty


def test_the_study_writes_what_was_chosen_and_the_fronts(tmp_path, capsys):
    for seed in (10, 11):
        for rate in (1e-4, 2e-4):
            make_run(tmp_path, "adamw", seed, rate, (2.0, 1.0 + 1000 * rate))
    for rate in (2e-4, 4e-4):
        make_run(tmp_path, "adamw", 0, rate, share=0.5)
    folder = tmp_path / "study"
    study(NoisyStudyConfig(str(tmp_path), str(folder)))
    said = capsys.readouterr().out
    assert "adamw: learning rate 0.0001" in said
    assert {p.suffix for p in folder.iterdir()} == {".txt", ".csv", ".pdf"}
    assert (folder / "chosen-study.txt").read_text().startswith("adamw: learning rate 0.0001")
