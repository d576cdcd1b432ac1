from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from tst.benchmarks.planted import plant_rows
from tst.core.diagnostic import Predictions
from tst.core.errors import UserError
from tst.core.folds import plan_folds, split
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES
from tst.diagnostics.forest.diagnostic import ForestDiagnostic, join_formats
from tst.diagnostics.forest.settings import MEMBERS, ForestSettings
from tst.scoring.scores import score_predictions

FAST = ForestSettings(trees=10, importance=False, reasons=False)


def planted(n=200, seed=3):
    return build_table("planted", plant_rows(n, seed)).frame


def flat(predictions):
    options = [p for p in predictions.p_options if p is not None]
    return np.concatenate([*options, predictions.value])


def run(table, settings=FAST, n_jobs=1, folds=((0, 0),), group_by=None):
    plan = plan_folds(table, 5, 0, 1, group_by)
    diagnostic = ForestDiagnostic(settings, [], n_jobs=n_jobs)
    return plan, dict(diagnostic.run_folds(table, plan, list(folds), 0))


def scores_of(table, settings=FAST, group_by=None):
    plan, done = run(table, settings, 2, [(0, f) for f in range(5)], group_by)
    parts = []
    for (repeat, fold), predictions in done.items():
        rows = split(table, plan, repeat, fold)[1].index
        parts.append(score_predictions(table.loc[rows], predictions, DEFAULT_RULES))
    return pd.concat(parts).sort_index()


def test_every_setting_outside_its_range_is_named_at_once():
    wrong = ForestSettings(trees=0, leaf=-3, inner_folds=1, prior=0, max_rows=0)  # fmt: skip
    with pytest.raises(UserError) as refused:
        ForestDiagnostic(wrong, [])
    named = [line.split("=")[0] for line in str(refused.value).splitlines()]
    numbers = ("trees", "leaf", "inner_folds", "prior", "max_rows")  # fmt: skip
    assert named == [f"diagnostic.{name}" for name in numbers]


@pytest.mark.parametrize("members", [[], ["trees", "trees"], ["trees", "forest"]])
def test_members_are_some_of_those_there_are_each_once(members):
    with pytest.raises(UserError, match=r"diagnostic.members=.*expected one or more of .* once"):
        ForestDiagnostic(replace(FAST, members=members), [])


@pytest.mark.parametrize("members", [list(MEMBERS), *([member] for member in MEMBERS)])
def test_changing_heldout_answers_moves_nothing(members):
    table, settings = planted(), replace(FAST, members=members)
    plan = plan_folds(table, 5, 0)
    train, heldout = split(table, plan, 0, 0)
    assert "answer" not in heldout
    before = ForestDiagnostic(settings, []).fit_predict(train, heldout, 1)
    changed = table.copy()
    for row in heldout.index:
        kind = changed.at[row, "format"]
        changed.at[row, "answer"] = 0 if kind == "mc" else 123.0
    train_again, heldout_again = split(changed, plan, 0, 0)
    after = ForestDiagnostic(settings, []).fit_predict(train_again, heldout_again, 1)
    assert np.array_equal(flat(before), flat(after), equal_nan=True)


def test_row_order_jobs_and_other_folds_change_nothing():
    table = planted()
    _, alone = run(table)
    _, together = run(table, n_jobs=3, folds=[(0, 1), (0, 0), (0, 2)])
    assert np.array_equal(flat(alone[0, 0]), flat(together[0, 0]), equal_nan=True)
    shuffled = table.sample(frac=1.0, random_state=0).reset_index(drop=True)
    _, other = run(shuffled)
    assert np.array_equal(flat(alone[0, 0]), flat(other[0, 0]), equal_nan=True)


def test_a_used_diagnostic_answers_like_a_fresh_one():
    table, settings = planted(), FAST
    plan = plan_folds(table, 5, 0)
    used = ForestDiagnostic(settings, [], n_jobs=1)
    list(used.run_folds(planted(160, 9), plan_folds(planted(160, 9), 5, 0), [(0, 1)], 0))
    [(_, again)] = used.run_folds(table, plan, [(0, 0)], 0)
    _, fresh = run(table)
    assert np.array_equal(flat(again), flat(fresh[0, 0]), equal_nan=True)


def test_processes_answer_like_threads(monkeypatch):
    monkeypatch.setattr("tst.diagnostics.forest.diagnostic.WORTH_PROCESSES", range(1, 1000))
    table, settings = planted(), ForestSettings(trees=5)
    plan = plan_folds(table, 5, 0)
    asked_again = ForestDiagnostic(settings, [], n_jobs=2)
    in_threads = dict(asked_again.run_folds(table, plan, [(0, 0), (0, 1)], 0))
    in_processes = dict(asked_again.run_folds(table, plan, [(0, 0), (0, 1)], 0))
    for fold, one in in_threads.items():
        other = in_processes[fold]
        assert np.array_equal(flat(one), flat(other), equal_nan=True)
        assert one.reasons == other.reasons
        assert list(one.permuted) == list(other.permuted)
        for family, permuted in one.permuted.items():
            assert np.array_equal(flat(permuted), flat(other.permuted[family]), equal_nan=True)


def test_a_fold_costs_what_its_formats_cost():
    choices, numbers = Predictions.empty(3), Predictions.empty(3)
    choices.cost = {"fit_seconds": 1.0, "heldout_seconds": 2.0}
    numbers.cost = {"fit_seconds": 0.5}
    whole = join_formats({"mc": choices, "num": numbers})
    assert whole.cost == {"fit_seconds": 1.5, "heldout_seconds": 2.0}
    _, done = run(planted())
    assert set(done[0, 0].cost) == {"fit_seconds", "heldout_seconds"}
    assert min(done[0, 0].cost.values()) > 0


def test_planted_shortcuts_are_found():
    table = planted(600, 0)
    scores = scores_of(table, ForestSettings(importance=False, reasons=False))
    for kind, rows in table.groupby("question_type"):
        if rows["planted"].astype(int).nunique() == 2:
            area = roc_auc_score(rows["planted"].astype(int), scores.loc[rows.index, "s"])
            assert area >= 0.8, kind


def test_shuffled_answers_are_not_learnt():
    table = planted(600, 1)
    rng = np.random.default_rng(0)
    table = table[table["format"] == "mc"].reset_index(drop=True)
    answers = [int(rng.integers(len(options))) for options in table["options"]]
    table["answer"] = pd.Series(answers, dtype=object)
    chance = (1 / table["options"].map(len)).mean()
    hard = scores_of(table)["hard"]
    assert abs(hard.mean() - chance) < 3 * hard.std() / len(table) ** 0.5


def question(kind, text, answer, options=None, question_type="t", **metadata):
    return {
        "question_type": question_type, "format": kind, "question": text, "options": options,
        "answer": answer, "metadata": metadata,
    }  # fmt: skip


def table_of(rows):
    rows = [{"id": str(i), **row} for i, row in enumerate(rows)]
    return build_table("made", rows, strict=True).frame


def test_option_order_does_not_matter_without_position_cues():
    rng = np.random.default_rng(0)
    colours = ["red", "green", "blue", "black"]
    rows = []
    for i in range(80):
        order = rng.permutation(4).tolist()
        gold = order.index(0) if i % 4 else int(rng.integers(4))
        rows.append(question("mc", f"Which one is it, {i}?", gold, [colours[j] for j in order]))
    table = table_of(rows)
    plan = plan_folds(table, 5, 0)
    train, heldout = split(table, plan, 0, 0)
    turned = heldout.copy()
    turned["options"] = [list(reversed(o)) for o in heldout["options"]]
    diagnostic = ForestDiagnostic(FAST, [], n_jobs=1)
    one, two = (diagnostic.fit_predict(train, part, 0) for part in (heldout, turned))
    for here, there, options in zip(one.p_options, two.p_options, heldout["options"], strict=True):
        assert options[int(here.argmax())] == "red"
        assert list(reversed(options))[int(there.argmax())] == "red"


def test_weird_input():
    letters = [f"option {i}" for i in range(26)]
    rows = [question("mc", f"Plain {i}?", i % 3, ["x", "y", "z"]) for i in range(12)]
    rows += [question("num", f"Size {i}?", float(i % 4), question_type="n") for i in range(9)]
    rows += [
        question("mc", "Many?", 25, letters, "alone"),
        question("mc", "¿Größe des 猫? 😀", 1, ["ω", "", "1e999"], "unicode"),
        question("mc", "long " * 2000, 0, ["same", "same"], "long", domain="d"),
        question("num", "Nothing left?", 0.0, question_type="zero"),
        question("num", "Below?", -3.5, question_type="below"),
        question("open", "Name it", ["cat", "a cat"], question_type="open"),
        question("open", "Name it again", ["cat"], question_type="open2"),
    ]
    table = table_of(rows)
    plan, done = run(
        table, replace(FAST, importance=True, reasons=True), 2, [(0, f) for f in range(5)]
    )
    for (repeat, fold), predictions in done.items():
        heldout = split(table, plan, repeat, fold)[1]
        for place, kind in enumerate(heldout["format"]):
            if kind == "mc":
                assert predictions.p_options[place].sum() == pytest.approx(1.0)
                assert np.isfinite(predictions.p_options[place]).all()
            elif kind == "num":
                assert np.isfinite(predictions.value[place])
            else:
                assert predictions.text[place] == "cat"


def test_no_training_row_of_a_format():
    rows = [question("mc", f"Which {i}?", 0, ["a", "b"]) for i in range(5)]
    rows += [question("num", f"How many {i}?", 2.0) for i in range(5)]
    frame = table_of(rows).assign(unit=[str(i) for i in range(10)])
    mc, num = frame[frame["format"] == "mc"], frame[frame["format"] == "num"]
    diagnostic = ForestDiagnostic(replace(FAST, importance=True, reasons=True), [])
    uniform = diagnostic.fit_predict(num, mc.drop(columns="answer"), 0)
    assert [p.tolist() for p in uniform.p_options] == [[0.5, 0.5]] * 5
    assert np.isnan(diagnostic.fit_predict(mc, num.drop(columns="answer"), 0).value).all()


def test_reasons_and_permuted_predictions():
    table = planted(400, 0)
    plan, done = run(table, replace(FAST, importance=True, reasons=True))
    predictions = done[0, 0]
    heldout = split(table, plan, 0, 0)[1]
    entity = (heldout["question_type"] == "mc_entity").to_numpy()
    shown = [r for r, is_entity in zip(predictions.reasons, entity, strict=True) if is_entity]
    assert any("is right in" in sentence for sentences in shown for sentence in sentences)
    assert {"option", "position", "entities"} <= set(predictions.permuted)
    moved = predictions.permuted["position"]
    positions = np.flatnonzero((heldout["question_type"] == "mc_position").to_numpy())
    before = [int(predictions.p_options[i].argmax()) for i in positions]
    after = [int(moved.p_options[i].argmax()) for i in positions]
    assert np.mean(np.array(before) == after) < 0.8


def test_contributions_name_what_speaks_for_each_answer():
    table = planted(400, 0)
    plan, done = run(table, replace(FAST, reasons=True))
    heldout = split(table, plan, 0, 0)[1]
    kinds = heldout["question_type"].to_numpy()
    found = done[0, 0].contributions
    for added in found:
        assert list(added.values()) == sorted(added.values(), reverse=True)
    first = [next(iter(added), None) for added in found]
    position = np.flatnonzero(kinds == "mc_position")
    assert np.mean([first[place] == "position" for place in position]) > 0.8
    entity = np.flatnonzero(kinds == "num_entity")
    assert np.mean([first[place] == "entity" for place in entity]) > 0.8
    assert run(table)[1][0, 0].contributions is None
