"""Kinds of table that were once read wrongly without a word, each with its right reading."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.benchmarks.loading import settings_of
from tests.benchmarks.understanding.reading import formats, load, load_csv, reasons, warnings
from tst.benchmarks.load import load_benchmark
from tst.core.errors import UserError

# --- yes or no, 0 or 1 ---


def test_yes_and_no_are_options(tmp_path):
    records = [
        {"question_id": i, "image": f"p{i // 3}.png", "text": f"Is a {w} there?", "label": a}
        for i, (w, a) in enumerate([("kiln", "yes"), ("barge", "No"), ("kiln", "Yes.")] * 4)
    ]
    table = load(tmp_path, records)
    assert table.frame["options"].tolist() == [["yes", "no"]] * 12
    assert table.frame["answer"].tolist() == [0, 1, 0] * 4
    assert table.groups == ["image"]
    assert table.frame["id"].tolist() == [str(i) for i in range(12)]


@pytest.mark.parametrize(
    ("golds", "options"),
    [
        (["True", "False"], ["true", "false"]),
        ([True, False], ["true", "false"]),
        (["Y", "N"], ["yes", "no"]),
        (["是", "否"], ["是", "否"]),
        (["对", "错"], ["对", "错"]),
    ],
)
def test_other_words_for_yes_and_no(tmp_path, golds, options):
    records = [{"question": f"Q{i}", "answer": golds[i % 2]} for i in range(8)]
    table = load(tmp_path, records)
    assert table.frame["options"].tolist() == [options] * 8
    assert table.frame["answer"].tolist() == [0, 1] * 4


def test_yes_true_y_and_1_in_one_column_are_one_answer(tmp_path):
    """They were read as texts: every one a class of its own."""
    golds = ["yes", "Yes", "TRUE", "y", "1", "no", "N", "False", "0", "No"]
    records = [{"question": f"Is there a kiln {i}?", "answer": a} for i, a in enumerate(golds)]
    table = load(tmp_path, records)
    assert table.frame["options"].tolist() == [["yes", "no"]] * 10
    assert table.frame["answer"].tolist() == [0] * 5 + [1] * 5


def test_1_stays_a_number_beside_yes_where_others_are_counts(tmp_path):
    golds = ["yes", "no", "yes", "1", "0", "7", "12"]
    records = [
        {"question": f"{'Is there a' if i < 3 else 'How many'} kiln {i}?", "answer": a}
        for i, a in enumerate(golds)
    ]
    assert formats(load(tmp_path, records)) == {"num": 4, "mc": 3}


def test_a_text_that_is_no_is_an_answer_where_that_is_not_asked(tmp_path):
    records = [{"question": f"What says sign {i}?", "answer": w} for i, w in
               enumerate(["stop", "exit", "no", "yes", "push", "open", "bar", "inn"])]  # fmt: skip
    assert formats(load(tmp_path, records)) == {"open": 8}
    records[2]["question"], records[3]["question"] = "Is sign 2 lit?", "Is sign 3 lit?"
    assert formats(load(tmp_path, records)) == {"open": 6, "mc": 2}


def test_zero_and_one_stay_numbers_with_a_loud_warning(tmp_path):
    records = [{"question": f"Is cork {i} out?", "gold": i % 2, "kind": "corks"} for i in range(8)]
    table = load(tmp_path, records)
    assert formats(table) == {"num": 8}
    assert "all 8 gold numbers are 0 or 1" in warnings(table)
    assert "'benchmark.options=[no,yes]'" in warnings(table)
    table = load(tmp_path, records, options=["no", "yes"])
    assert table.frame["answer"].tolist() == [0, 1] * 4
    assert formats(table) == {"mc": 8}
    with pytest.raises(UserError, match=r"index \(option 1\), yes/no \(option 2\)"):
        load(tmp_path, records, options=["yes", "no"])


def test_constant_options_take_only_what_is_one_of_them(tmp_path):
    records = [
        {"question": f"Q{i}?", "answer": a} for i, a in enumerate(["left", "right", "5"] * 4)
    ]
    table = load(tmp_path, records, options=["left", "right"])
    assert formats(table) == {"mc": 8, "num": 4}
    assert table.frame.query("format == 'mc'")["answer"].tolist() == [0, 1] * 4


# --- numbers ---


def test_percent_is_a_unit(tmp_path):
    table = load_csv(tmp_path, "question,answer\n" + "".join(f"Q{i},{20 + i}%\n" for i in range(5)))
    assert table.frame["answer"].tolist() == [20.0, 21.0, 22.0, 23.0, 24.0]
    assert table.frame["answer_unit"].unique().tolist() == ["%"]


def test_what_stands_for_no_number_is_left_out(tmp_path):
    golds = ["3", "4", "5", "6", "7", "8", "none", "[1, 4]", "two or three", "9", "10", "11"]
    records = [{"question": f"How many nets {i}?", "answer": g} for i, g in enumerate(golds)]
    table = load(tmp_path, records)
    assert formats(table) == {"num": 9}
    assert set(reasons(table)) == {7, 8, 9}


def test_texts_beside_numbers_are_questions_of_their_own(tmp_path):
    records = [{"question": f"How many nets {i}?", "answer": i} for i in range(9)]
    records += [{"question": f"Which port {i}?", "answer": f"port {i}"} for i in range(4)]
    assert formats(load(tmp_path, records)) == {"num": 9, "open": 4}
    mixed = [r | {"question": f"Q{i}?"} for i, r in enumerate(records)]
    assert formats(load(tmp_path, mixed)) == {"num": 9, "open": 4}


def test_mostly_texts_make_numbers_texts(tmp_path):
    golds = ["red", "4", "blue", "7", "grey", "tan", "pink", "teal"]
    records = [{"question": f"Q{i}?", "answer": g} for i, g in enumerate(golds)]
    assert formats(load(tmp_path, records)) == {"open": 8}
    table = load(
        tmp_path,
        [r | {"answer": g} for r, g in zip(records, "4567wxyz", strict=True)],
    )
    assert "4 of 8 gold answers are numbers" in warnings(table)


# --- formats ---


def test_names_of_formats_of_other_tools(tmp_path):
    said = [
        "multi_choice",
        "multiple-choice",
        "MCQ",
        "free_form",
        "open-ended",
        "Yes/No",
        "numeric",
    ]
    golds = ["A", "B", "A", "hat", "7", "no", "7"]
    records = [
        {"question": f"Q{i}?", "answer": g, "question_type": s,
         "options": ["red", "blue"] if i < 3 else None}
        for i, (s, g) in enumerate(zip(said, golds, strict=True))
    ]  # fmt: skip
    table = load(tmp_path, records)
    assert table.frame["format"].tolist() == ["mc", "mc", "mc", "open", "num", "mc", "num"]
    assert table.frame["question_type"].tolist() == said
    named = load(tmp_path, records, columns={"format": "question_type"})
    assert named.fingerprint == table.fingerprint


def test_a_mixed_table_needs_one_run(tmp_path):
    records = []
    for i in range(30):
        kind = i % 3
        records.append(
            {
                "question": (f"Which {i}?", f"Is it {i}?", f"How long is {i}?")[kind],
                "options": ["red", "blue", f"g{i}"] if kind == 0 else None,
                "answer": ("ABC"[i // 3 % 3], ("yes", "no")[i // 3 % 2], f"{i / 4} m")[kind],
            }
        )
    table = load(tmp_path, records)
    assert formats(table) == {"mc": 20, "num": 10}
    assert [len(o or []) for o in table.frame["options"]] == [3, 2, 0] * 10
    # a format that is set concerns only rows without options
    table = load(tmp_path, records, format="open")
    assert formats(table) == {"mc": 10, "open": 20}


# --- ids ---


def test_an_id_that_repeats_is_refused_with_what_to_name_instead(tmp_path):
    records = [{"id": f"img{i // 4}", "question": f"Q{i}?", "answer": f"a{i}"} for i in range(8)]
    with pytest.raises(UserError, match=r"id repeats in 6 of 8 rows .*line 2") as caught:
        load(tmp_path, records)
    assert caught.value.settings == ("benchmark.columns.id=",)
    assert "'benchmark.columns.groups={shared: id}'" in str(caught.value)
    table = load(tmp_path, records, columns={"id": "", "groups": {"shared": "id"}})
    assert table.frame["id"].is_unique and table.frame["group_shared"].nunique() == 2


def test_a_named_id_must_not_repeat_at_all(tmp_path):
    records = [{"id": str(max(i, 1)), "question": f"Q{i}?", "answer": f"a{i}"} for i in range(9)]
    assert [b.reason for b in load(tmp_path, records).left_out] == ["duplicate id"]
    with pytest.raises(UserError, match="repeats in 1 of 9 rows"):
        load(tmp_path, records, columns={"id": "id"})


# --- the files of the maintainers' own cases, where they are ---

CASES = Path(__file__).parents[4] / "shared" / "cases"


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases in {CASES}")
@pytest.mark.parametrize(
    ("file", "changes", "kinds", "left_out"),
    [
        ("yes_no.jsonl", {}, {"mc": 10}, 0),
        ("zero_one.csv", {}, {"num": 10}, 0),
        ("letters_no_options.tsv", {}, {"mc": 10}, 0),
        ("options_inside_text.json", {}, {"mc": 10}, 0),
        ("choices_in_question.jsonl", {}, {"mc": 10}, 0),
        ("choices_in_question.jsonl", {"reader": "tst.benchmarks.mmstar.read_row"}, {"mc": 10}, 0),
        ("missing_options.csv", {}, {"mc": 7}, 3),
        ("nan_options.csv", {}, {"mc": 10}, 0),
        ("vqa_dicts.jsonl", {}, {"open": 10}, 0),
        ("dict_keys.jsonl", {"answer_as": "index1"}, {"mc": 10}, 0),
        ("mixed_numbers.json", {}, {"num": 19, "mc": 10}, 1),
        ("format_names.jsonl", {}, {"mc": 5, "open": 5}, 0),
        ("percent.csv", {}, {"num": 10}, 0),
        ("eighty_percent_numbers.csv", {}, {"num": 8}, 2),
        ("mmvp.csv", {}, {"mc": 10}, 0),
        ("dict_of_records.json", {}, {"mc": 10}, 0),
        ("questions_apart.json", {"answers": {"path": str(CASES / "answers_apart.json")}},
         {"mc": 10}, 0),
        ("list_of_dicts.jsonl", {}, {"mc": 10}, 0),
    ],
)  # fmt: skip
def test_the_maintainers_cases(file, changes, kinds, left_out):
    table = load_benchmark(settings_of("table", path=str(CASES / file), **changes))
    assert formats(table) == kinds
    assert len(table.left_out) == left_out


def test_frames_of_pandas_read_like_files(tmp_path):
    from tst.benchmarks.load import table_from_frame

    frame = pd.DataFrame(
        [["q0", "Which?", ["x", "y"], "B"], ["q1", "Who?", ["x", "z"], "A"]]
    )  # integer column names
    columns = {"id": "0", "question": "1", "options": "2", "answer": "3"}
    table = table_from_frame(settings_of("table", columns=columns), frame)
    assert table.frame["answer"].tolist() == [1, 0]
    frame.columns = ["qid", "Question", "Choices", "Label"]
    assert table_from_frame(settings_of("table"), frame).fingerprint == table.fingerprint
    indexed = frame.set_index("qid")
    assert table_from_frame(settings_of("table"), indexed).fingerprint == table.fingerprint
