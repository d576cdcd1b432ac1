"""Answers from a file: read exactly, counted, or refused; and a record that says so."""

from __future__ import annotations

import json
import logging
import math

import numpy as np
import pandas as pd
import pytest

from tst.core.errors import UserError
from tst.external_training.answers import option_probabilities
from tst.external_training.predictions import read_predictions
from tst.external_training.score import score_elsewhere
from tst.records.run_records import read_record


def rows_of(folder) -> list[dict]:
    """The held-out questions of an export, each with an answer."""
    rows = []
    for path in sorted(folder.glob("heldout-*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            given = {k: row[k] for k in ("id", "repeat", "fold")}
            if row["letters"]:
                n = len(row["letters"])
                given["logprobs"] = {x: math.log(1 / n) for x in row["letters"]}
            else:
                given["value"] = 3.0
            rows.append(given)
    return rows


def write(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def test_the_record_has_the_file_s_probabilities_and_says_that_nothing_is_verified(
    exported, score_config
):
    rows = rows_of(exported.folder)
    first = next(row for row in rows if len(row.get("logprobs", {})) == 4)
    first["logprobs"] = {"B": math.log(0.7), "A": math.log(0.1)}
    path = write(exported.folder / "gpt41.jsonl", rows)
    result = score_elsewhere(score_config(f"predictions={path}"))
    record = read_record(result.record)
    assert record.label == "predictions (not verified leak-free)" and record.model == "gpt41"
    assert result.complete and len(result.questions) == 24
    questions = result.questions.set_index("id")
    p = json.loads(questions.loc[first["id"], "p_options"])
    np.testing.assert_allclose(p, [0.1, 0.7, 0.1, 0.1])
    numbers = questions[questions["format"] == "num"]
    assert set(numbers["prediction"].astype(float)) == {3.0}
    assert result.summary["cost"]["letters_not_given"] == 2.0
    assert not result.summary["diagnostic"]["has_zero_shot"]
    # the same answers under another name are another record
    other = score_elsewhere(score_config(f"predictions={path}", "trainer=mine"))
    assert other.record != result.record and read_record(other.record).model == "mine"


@pytest.mark.parametrize(
    ("given", "n", "p", "mass", "absent"),
    [
        ({"A": 0.5, "B": 0.25}, 2, [2 / 3, 1 / 3], 0.75, 0),
        ({"A": 0.5, "B": 0.25}, 3, [0.5, 0.25, 0.25], 0.75, 1),
        ({"C": 0.6}, 4, [0.4 / 3, 0.4 / 3, 0.6, 0.4 / 3], 0.6, 3),
        ({"a": 1.0}, 2, [1.0, 0.0], 1.0, 1),
    ],
)
def test_letters_that_are_not_given_share_what_is_left(given, n, p, mass, absent):
    logs = {letter: math.log(value) for letter, value in given.items()}
    found, in_letters, missing = option_probabilities(logs, n)
    np.testing.assert_allclose(found, p)
    assert in_letters == pytest.approx(mass) and missing == absent


@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ({"A": 0.3}, "at most 0"),
        ({"A": -0.1, "B": -0.1}, "add up to 1.8"),
        ({"E": -1.0}, "letter 'E' of 2 options"),
        ({}, "at most 0"),
        ({"A": float("nan")}, "at most 0"),
        ({"A": "low"}, "expected a number, not 'low'"),
        ({"A": {"x": 1}}, "expected a number, not {'x': 1}"),
        ({" A": -0.5, "a": -3.0}, "letter 'A' twice"),
        ({"A": float("-inf"), "B": float("-inf")}, "every letter has probability 0"),
    ],
)
def test_what_are_no_log_probabilities_is_refused(logs, message):
    with pytest.raises(ValueError, match=message):
        option_probabilities(logs, 2)


def test_absent_letters_are_counted_and_letters_and_texts_are_answers_too(
    exported, score_config, caplog
):
    rows = rows_of(exported.folder)
    mc = [row for row in rows if "logprobs" in row]
    mc[0]["logprobs"].pop("A")
    mc[1] = mc[1].pop("logprobs") and mc[1]
    mc[1]["text"] = "B."
    number = next(row for row in rows if "value" in row)
    number.pop("value")
    number["text"] = "I see four pears"
    path = write(exported.folder / "answers.jsonl", rows)
    with caplog.at_level(logging.WARNING, logger="tst"):
        result = score_elsewhere(score_config(f"predictions={path}"))
    assert "1 option letters of 1 questions have no log-probability" in caplog.text
    questions = result.questions.set_index("id")
    assert json.loads(questions.loc[mc[1]["id"], "p_options"])[1] == 1.0
    assert float(questions.loc[number["id"], "prediction"]) == 4.0


def test_what_is_missing_doubled_unknown_or_of_another_fold_is_one_message(exported, score_config):
    rows = rows_of(exported.folder)
    lost = rows.pop(0)
    moved = rows[0]
    moved["fold"] = 1 - moved["fold"]
    rows.append(dict(rows[5]))
    rows.append({"id": "nobody", "fold": 0, "text": "A"})
    rows.append({"fold": "x"})
    path = write(exported.folder / "answers.jsonl", rows)
    with pytest.raises(UserError) as refused:
        score_elsewhere(score_config(f"predictions={path}"))
    message = str(refused.value)
    assert lost["id"] in message and "have no answer" in message
    assert "1 rows answer a question of a fold again" in message
    assert "1 ids are of no question: nobody" in message
    assert "expected id, fold" in message and "1 lack them: line 26" in message
    assert "does not hold out" in message


def test_an_answer_of_the_wrong_kind_is_named(exported, score_config):
    rows = rows_of(exported.folder)
    bad = next(row for row in rows if "logprobs" in row)
    bad.pop("logprobs")
    path = write(exported.folder / "answers.jsonl", rows)
    with pytest.raises(UserError, match=f"{bad['id']} .mc: expected logprobs by letter"):
        score_elsewhere(score_config(f"predictions={path}"))


@pytest.mark.parametrize(
    ("kind", "answer", "message"),
    [
        ("value", {"value": "three"}, "expected a number, not 'three'"),
        ("value", {"value": 10**400}, "expected a number, not 10000"),
        ("logprobs", {"logprobs": "[" * 100_000}, "as JSON, with double quotes"),
        ("value", {"value": [3]}, r"expected a number, not \[3\]"),
        ("value", {"value": True}, "expected a number, not True"),
        ("logprobs", {"logprobs": [-1, -2]}, "expected logprobs by letter"),
        ("logprobs", {"logprobs": "{'A': -1}"}, "as JSON, with double quotes"),
        ("logprobs", {"text": "The answer is B"}, "or a letter as text"),
    ],
)
def test_what_cannot_be_read_is_one_message(exported, score_config, kind, answer, message):
    rows = rows_of(exported.folder)
    row = next(row for row in rows if kind in row)
    row.pop(kind)
    row.update(answer)
    path = write(exported.folder / "answers.jsonl", rows)
    with pytest.raises(UserError, match=f"1 answers cannot be read: {row['id']} .*{message}"):
        score_elsewhere(score_config(f"predictions={path}"))


@pytest.mark.parametrize("fold", ["one", 0.5, True, None])
def test_rows_without_a_fold_are_counted_in_one_line(exported, fold):
    rows = [row | {"fold": fold} for row in rows_of(exported.folder)]
    reading = read_predictions(write(exported.folder / "answers.jsonl", rows))
    assert not reading.answers
    (problem,) = reading.problems
    assert problem.endswith("24 lack them: line 1, line 2, line 3 and 21 more.")


@pytest.mark.parametrize("name", [None, ""])
def test_rows_without_an_id_are_counted_in_one_line(exported, name):
    rows = rows_of(exported.folder)
    for row in rows:
        row["id"] = name
    reading = read_predictions(write(exported.folder / "answers.jsonl", rows))
    assert not reading.answers
    (problem,) = reading.problems
    assert f"{len(rows)} lack them" in problem


def test_a_csv_is_read_as_well(exported, score_config):
    rows = rows_of(exported.folder)
    for row in rows:
        row["fold"] = str(row["fold"])
        if "logprobs" in row:
            row["logprobs"] = json.dumps(row["logprobs"])
    path = exported.folder / "answers.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    assert score_elsewhere(score_config(f"predictions={path}")).complete


def test_fold_only_asks_for_that_fold_alone(exported, score_config):
    rows = [row for row in rows_of(exported.folder) if row["fold"] == 1]
    path = write(exported.folder / "answers.jsonl", rows)
    with pytest.raises(UserError, match="fold 0-0: 12 of 12"):
        score_elsewhere(score_config(f"predictions={path}"))
    result = score_elsewhere(score_config(f"predictions={path}", "fold.only=[1]"))
    assert not result.complete and len(result.questions) == 12


def test_logits_are_told_from_log_probabilities(exported, score_config, caplog):
    rows = rows_of(exported.folder)
    path = write(exported.folder / "answers.jsonl", rows)
    score_elsewhere(score_config(f"predictions={path}"))
    assert "not logits" not in caplog.text
    for row in rows:
        if "logprobs" in row:
            row["logprobs"] = {letter: value - 20 for letter, value in row["logprobs"].items()}
    score_elsewhere(score_config(f"predictions={write(path, rows)}"))
    assert "not logits?" in caplog.text
