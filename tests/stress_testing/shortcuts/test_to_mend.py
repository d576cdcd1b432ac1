"""Which questions are listed, in which order, and what of them may be published."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tst.benchmarks.planted import plant_rows
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES
from tst.diagnostics.forest.shortcuts import all_shortcuts
from tst.scoring.exposure import EXPOSED, NO_SIGN, ONE_ANSWER, TypeExposure
from tst.stress_testing.run import run
from tst.stress_testing.shortcuts.repairs import REPAIRS
from tst.stress_testing.shortcuts.to_mend import (
    COLUMNS,
    TEXTS,
    find_to_mend,
    leading_shortcuts,
    read_to_mend,
    without_texts,
)

DOCS = Path(__file__).parents[3] / "docs" / "shortcuts.md"


def exposed(question_type, state, kind="mc"):
    return TypeExposure(question_type, kind, state, 12, 0.6, 0.25, 0.0, 5)


@pytest.fixture(scope="module")
def planted():
    return build_table("planted", plant_rows(240, 0))


def answered(table, **more):
    """As questions.parquet has it: every question answered rightly, s falling with the position."""
    frame = table.frame
    n = len(frame)
    mc = (frame["format"] == "mc").to_numpy()
    s = np.linspace(1.0, 0.3, n)
    return pd.DataFrame(
        {
            "id": frame["id"], "question_type": frame["question_type"], "format": frame["format"],
            "question": frame["question"],
            "options": [None if o is None else pd.Series([list(o)]).to_json(orient="values")[1:-1]
                        for o in frame["options"]],
            "answer": frame["answer"].astype(str), "prediction": frame["answer"].astype(str),
            "p_options": np.where(mc, "[0.1, 0.7, 0.1, 0.1]", None),
            "correct": np.where(mc, 1.0, np.nan), "majority": 0.0, "baseline": 0.25, "s": s,
            "adjusted": (s - 0.25) / 0.75, "contributions": None, **more,
        }
    )  # fmt: skip


def list_to_mend(table, questions, exposure):
    fold = np.arange(len(table.frame)) % 5
    return find_to_mend(table, fold, questions, exposure, DEFAULT_RULES)


def test_only_exposed_types_are_listed_by_adjusted(planted):
    exposure = [exposed("mc_position", EXPOSED), exposed("mc_clean", NO_SIGN)]
    found = list_to_mend(planted, answered(planted), exposure)
    assert list(found) == list(COLUMNS)
    assert set(found["question_type"]) == {"mc_position"}
    assert len(found) == 30
    assert found["rank"].tolist() == list(range(1, 31))
    assert found["adjusted"].is_monotonic_decreasing
    assert (found["probability"] == 0.7).all()
    row = planted.frame.set_index("id").loc[found["id"].iloc[0]]
    assert found["gold"].iloc[0] == f"{'ABCD'[row['answer']]}. {row['options'][row['answer']]}"


def test_wrong_answers_and_those_below_the_baseline_are_not_listed(planted):
    questions = answered(planted)
    kind = questions["question_type"] == "mc_position"
    wrong, low = questions.index[kind][:2]
    questions.loc[wrong, "correct"] = 0.0
    questions.loc[low, "adjusted"] = -0.1
    found = list_to_mend(planted, questions, [exposed("mc_position", EXPOSED)])
    assert len(found) == 28
    assert not set(questions.loc[[wrong, low], "id"]) & set(found["id"])


def test_of_a_type_that_one_answer_solves_those_that_it_gets_right(planted):
    questions = answered(planted)
    kind = questions["question_type"] == "num_frequent"
    questions.loc[questions.index[kind][:4], "majority"] = 1.0
    found = list_to_mend(planted, questions, [exposed("num_frequent", ONE_ANSWER, "num")])
    assert set(found["id"]) == set(questions["id"][kind][:4])
    assert found["probability"].isna().all()


def test_what_moved_the_model_stands_in_where_no_statistic_tells(planted):
    moved = '{"length": 0.9, "position": 0.1}'
    questions = answered(planted, contributions=moved)
    found = list_to_mend(planted, questions, [exposed("mc_clean", EXPOSED)])
    moved_by = found[found["why"].str.contains("what moved the model most")]
    assert len(moved_by) > 5
    assert (moved_by["shortcut"] == "length").all()
    assert (moved_by["repair"] == REPAIRS["length"]).all()


def test_what_is_published_quotes_nothing(planted):
    exposure = [exposed(t, EXPOSED) for t in ("mc_entity", "mc_pair")]
    exposure.append(exposed("num_entity", EXPOSED, "num"))
    found = list_to_mend(planted, answered(planted), exposure)
    assert found["why"].str.contains("'").any()
    shown = without_texts(found)
    assert not set(TEXTS) & set(shown)
    sentences = [*shown["why"], *shown["repair"]]
    quoted = [said for sentence in sentences for said in re.findall(r"'(.*)'", sentence)]
    assert quoted
    assert set(quoted) == {"…"}


def test_the_leading_shortcut_of_each_type():
    frame = pd.DataFrame(
        {
            "question_type": ["a", "a", "a", "b"], "shortcut": ["pair", "pair", "length", ""],
            "about": ["x + y", "u + v", "", ""], "why": ["1", "2", "3", "4"],
        }
    )  # fmt: skip
    assert leading_shortcuts(frame) == {
        "a": {"listed": 3, "shortcut": "pair", "share": 2 / 3, "why": "1"},
        "b": {"listed": 1, "shortcut": "", "share": 1.0, "why": "4"},
    }


def test_every_shortcut_has_a_repair_and_a_section():
    assert set(all_shortcuts()) == set(REPAIRS)
    sections = re.findall(r"^## (\w+)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sections == list(REPAIRS)


def test_a_run_leaves_the_list_in_its_record(quick_config):
    result = run(quick_config("benchmark.n=240"))
    found = result.to_mend
    exposed_types = {e["question_type"] for e in result.summary["exposure"]
                     if e["state"] in (EXPOSED, ONE_ANSWER)}  # fmt: skip
    assert exposed_types
    assert set(found["question_type"]) <= exposed_types
    assert (found["why"] != "").all()
    pd.testing.assert_frame_equal(found, read_to_mend(result.record))
    assert {s["listed"] for s in result.summary["shortcuts"].values()} == set(
        found["question_type"].value_counts()
    )
