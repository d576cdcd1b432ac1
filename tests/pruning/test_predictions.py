import csv
import json

import numpy as np
import openpyxl
import pandas as pd
import pytest

from tst.core.errors import UserError
from tst.core.questions import build_table
from tst.core.scoring_rules import DEFAULT_RULES, ScoringRules
from tst.pruning.judging import Removal
from tst.pruning.model_answers.files import answer_text, key_text
from tst.pruning.model_answers.gaps import compare_gaps
from tst.pruning.model_answers.scoring import read_answers
from tst.pruning.settings import PredictionSettings

SOURCE = [
    {"id": "1", "split": "a", "idx": 0, "picture": "a/0.png", "question": "Which is near?"},
    {"id": "2", "split": "a", "idx": 1, "picture": "a/1.png", "question": "Which is far?"},
    {"id": "3", "split": "b", "idx": 0, "picture": "b/0.png", "question": "How many?"},
    {"id": "4", "split": "b", "idx": 1, "picture": "b/1.png", "question": "Name it."},
]
FRAME = build_table(
    "made",
    [
        {"id": "1", "question_type": "t", "format": "mc", "question": "Which is near?",
         "options": ["dog", "cat"], "answer": 1},
        {"id": "2", "question_type": "t", "format": "mc", "question": "Which is far?",
         "options": ["dog", "cat"], "answer": 0},
        {"id": "3", "question_type": "u", "format": "num", "question": "How many?", "answer": 10.0},
        {"id": "4", "question_type": "u", "format": "open", "question": "Name it.",
         "answer": ["a vase", "vase"]},
    ],
).frame  # fmt: skip
ANSWERS = ["B) cat", "I do not know", "11", "Vase."]


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return str(path)


def write_xlsx(path, rows):
    book = openpyxl.Workbook()
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append([row.get(c) for c in rows[0]])
    book.save(path)
    return str(path)


def read(files, rules=DEFAULT_RULES, **settings):
    return read_answers(
        "prune.predictions.m", files, PredictionSettings(**settings), SOURCE, FRAME, "id", rules
    )


def check(answers):
    assert answers.scores["score"].tolist() == [1.0, 0.0, 0.8, 1.0]
    assert answers.scores["state"].tolist() == ["parsed", "unparsed", "parsed", "parsed"]
    described = answers.describe(FRAME["id"].to_numpy())
    assert [described[k] for k in ("parsed", "ambiguous", "unparsed", "share_parsed")] == [
        3, 0, 1, 0.75
    ]  # fmt: skip
    assert described["examples"]["unparsed"] == [{"id": "2", "text": "I do not know", "read": ""}]
    assert [e["read"] for e in described["examples"]["parsed"]] == ["B. cat", "11", "Vase."]


def test_vlmevalkit_xlsx_joined_on_the_picture(tmp_path):
    # its index restarts in the second file
    rows = [
        {"index": i % 2, "image_path": s["picture"], "question": s["question"], "A": o[0],
         "B": o[1], "prediction": a}
        for i, (s, a, o) in enumerate(
            zip(SOURCE, ANSWERS, [("dog", "cat"), ("dog", "cat"), (None, None), (None, None)],
                strict=True)
        )
    ]  # fmt: skip
    files = [write_xlsx(tmp_path / "a.xlsx", rows[:2]), write_xlsx(tmp_path / "b.xlsx", rows[2:])]
    check(read(files, key={"image_path": "picture"}))
    with pytest.raises(UserError, match=r"an empty id, which.*key=\{image_path: picture\}"):
        read(files)


def test_lmms_eval_samples(tmp_path):
    rows = [
        {"doc_id": i, "doc": s, "target": "x", "resps": [[a]], "filtered_resps": [a]}
        for i, (s, a) in enumerate(zip(SOURCE, ANSWERS, strict=True))
    ]
    check(read(write_jsonl(tmp_path / "samples.jsonl", rows)))
    for row in rows:
        del row["filtered_resps"]
    check(read(write_jsonl(tmp_path / "samples.jsonl", rows), key=["split", "idx"]))


def test_csv_of_keys_and_answers(tmp_path):
    path = tmp_path / "p.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "said"])
        writer.writerows([s["id"], a] for s, a in zip(SOURCE, ANSWERS, strict=True))
    check(read(str(path), column="said"))
    with pytest.raises(UserError, match=r"set predictions.column to one of: id, said"):
        read(str(path))
    with pytest.raises(UserError, match=r"no column nope"):
        read(str(path), column="nope")


def test_the_rules_of_scoring_reach_a_models_own_answers(tmp_path):
    rows = [{"id": "3", "prediction": "7"}]  # the gold is 10: an error equal to a threshold
    path = write_jsonl(tmp_path / "p.jsonl", rows)
    assert read(path).scores["score"].tolist() == [0.4]
    assert read(path, ScoringRules(mra_inclusive=True)).scores["score"].tolist() == [0.5]


def rows_of(key, **changes):
    rows = [{key: s[key], "prediction": a} for s, a in zip(SOURCE, ANSWERS, strict=True)]
    return [{**row, **changes} for row in rows]


def test_ambiguous_joins_are_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"ambiguous: 2 keys .* predictions with different answers, e.g. 0"
    ):
        read(write_jsonl(tmp_path / "p.jsonl", rows_of("idx")), key="idx")
    once = rows_of("idx")[:2]
    with pytest.raises(UserError, match=r"ambiguous: 2 keys .* among the questions"):
        read(write_jsonl(tmp_path / "p.jsonl", once), key="idx")


def test_other_questions_and_other_options_are_refused(tmp_path):
    wrong = rows_of("id", question="Which is near?")
    with pytest.raises(UserError, match=r"question 2 does not agree: .*'Which is near\?'"):
        read(write_jsonl(tmp_path / "p.jsonl", wrong))
    swapped = [{"id": "1", "prediction": "A", "A": "cat", "B": "dog"}]
    with pytest.raises(UserError, match=r"question 1 has other options"):
        read(write_jsonl(tmp_path / "p.jsonl", swapped))
    longer = [{"id": "1", "prediction": "B", "question": "Which  is NEAR?\nA. dog B. cat"}]
    assert read(write_jsonl(tmp_path / "p.jsonl", longer)).scores["score"].tolist() == [1.0]


def test_what_belongs_to_no_question_is_counted_and_nothing_in_common_is_refused(tmp_path):
    rows = [*rows_of("id"), {"id": "99", "prediction": "A"}]
    answers = read(write_jsonl(tmp_path / "p.jsonl", rows))
    assert (answers.rows, answers.unmatched) == (5, 1)
    part = read(write_jsonl(tmp_path / "p.jsonl", rows[:1]))
    assert part.describe(FRAME["id"].to_numpy())["without_answer"] == 3
    with pytest.raises(UserError, match=r"none of its 1 rows has the key"):
        read(write_jsonl(tmp_path / "p.jsonl", rows[-1:]))
    with pytest.raises(UserError, match=r"does not exist"):
        read(str(tmp_path / "no.jsonl"))
    with pytest.raises(UserError, match=r"a list of files"):
        read([])


def test_rows_of_one_question_count_once_where_they_agree(tmp_path):
    rows = rows_of("id")
    check(read(write_jsonl(tmp_path / "p.jsonl", [*rows, *rows])))


def test_filters_of_lm_eval_choose_among_rows(tmp_path):
    strict = rows_of("id", filter="strict-match")
    loose = rows_of("id", filter="flexible-extract", prediction="A")
    path = write_jsonl(tmp_path / "p.jsonl", [*loose, *strict])
    with pytest.raises(UserError, match=r"predictions.filter=flexible-extract \(there are flex"):
        read(path)
    check(read(path, filter="strict-match"))
    one = read(path, filter={"filter": "strict-match", "id": "1"})
    assert one.scores["read"].tolist() == ["B. cat"]
    with pytest.raises(UserError, match=r"no row is left .*filter: flexible-extract, strict-match"):
        read(path, filter="none-such")


def test_cells():
    assert [key_text(v) for v in (3, 3.0, "3.0", "3.50", "a.png", "v1.0")] == [
        "3", "3", "3", "3.50", "a.png", "v1.0"
    ]  # fmt: skip
    cells = (
        [["B"]],
        ["B", "B"],
        ["B", "C"],
        [],
        None,
        3,
        "['B']",
        '{"answer": "B"}',
        "[1, 2]",
        "[B]",
    )
    texts = ["B", "B", "B\nC", "", "", "3", "B", "B", "1\n2", "[B]"]
    assert [answer_text(v) for v in cells] == texts


def test_gaps_before_and_after():
    frame = pd.DataFrame({"id": list("abcd"), "question_type": ["t", "t", "u", "u"]})
    vision = pd.Series([1.0, 1.0, 0.0, 1.0])
    removals = {
        "nothing": Removal(np.array([], dtype=int)),
        "ours": Removal(np.array([0])),
        "random 0": Removal(np.array([1])),
        "random 1": Removal(np.array([2])),
    }
    blind = {
        "nothing": pd.Series([1.0, 0.0, 0.0, 0.0]),
        "ours": pd.Series([0.0, 0.0, 0.0], index=[1, 2, 3]),
        "random 0": pd.Series([1.0, 0.0, 0.5], index=[0, 2, 3]),
        "random 1": pd.Series([1.0, 0.0, 0.0], index=[0, 1, 3]),
    }
    result = compare_gaps(vision, blind, removals, frame)
    overall = result["overall"]
    after = overall["lists"]["after"]
    assert overall["lists"]["before"] == {
        "n": 4, "without_blind": 0, "vision": 0.75, "blind": 0.25, "gap": 0.5
    }  # fmt: skip
    assert after["gap"] == pytest.approx(2 / 3)
    assert after["gap_change"] == pytest.approx(1 / 6)
    assert overall["random"]["gap"]["low"] == pytest.approx(2 / 3 - 0.5)
    assert overall["random"]["gap"]["high"] == pytest.approx(1 - 1 / 3)
    assert not overall["gap_grows_beyond_random"]
    assert result["per_type"]["t"]["lists"]["after"] == {
        "n": 1, "without_blind": 0, "vision": 1.0, "blind": 0.0, "gap": 1.0,
        "vision_change": 0.0, "blind_change": -0.5, "gap_change": 0.5,
    }  # fmt: skip
    unknown = compare_gaps(vision, None, removals, frame)["overall"]
    assert np.isnan(unknown["lists"]["after"]["gap"])
    assert "gap_grows_beyond_random" not in unknown


def test_a_gap_compares_the_same_questions():
    frame = pd.DataFrame({"id": list("abcd"), "question_type": ["t", "t", "u", "u"]})
    vision = pd.Series([1.0, 0.0, 1.0, 1.0])
    own = pd.Series([1.0, 1.0], index=[0, 1])
    removals = {"nothing": Removal(np.array([], dtype=int)), "ours": Removal(np.array([0]))}
    result = compare_gaps(vision, dict.fromkeys(removals, own), removals, frame)
    lists = result["overall"]["lists"]
    assert lists["before"] == {
        "n": 2, "without_blind": 2, "vision": 0.5, "blind": 1.0, "gap": -0.5
    }  # fmt: skip
    assert (lists["after"]["n"], lists["after"]["without_blind"]) == (1, 2)
    assert lists["after"]["gap"] == -1.0
    nobody = result["per_type"]["u"]["lists"]["before"]
    assert (nobody["n"], nobody["without_blind"]) == (0, 2)
    assert np.isnan(nobody["gap"])
    assert compare_gaps(vision, None, removals, frame)["overall"]["lists"]["before"]["n"] == 4
