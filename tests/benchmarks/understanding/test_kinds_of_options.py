"""Kinds of options that were once read wrongly without a word, each with its right reading."""

from __future__ import annotations

import pytest

from tests.benchmarks.understanding.reading import formats, load, load_csv, reasons, told, warnings
from tst.core.errors import UserError


def test_letters_find_their_columns(tmp_path):
    text = "index\tquestion\tA\tB\tC\tD\tanswer\tcategory\n" + "".join(
        f"{i}\tWhich sail has boat {i}?\tred {i}\tblue\tgreen\tgrey\t{'ADCB'[i % 4]}\tsails\n"
        for i in range(8)
    )
    table = load_csv(tmp_path, text, ".tsv")
    assert table.frame["answer"].tolist() == [0, 3, 2, 1] * 2
    assert table.frame["question_type"].unique().tolist() == ["sails"]
    assert table.understanding is not None
    assert table.understanding.columns["options"] == "A, B, C, D"
    assert set(table.understanding.guessed) >= {"options", "answer", "id", "question_type"}


@pytest.mark.parametrize(
    "asked",
    [
        "What does it?\nA. runs {}\nB. sits\nC. reads",
        "What does it?\nA.runs {}\nB.sits\nC.reads",
        "What does it?\nA:runs {}\nB:sits\nC:reads",
        "What does it? (a) runs {} (b) sits (c) reads",
        "What does it? (A)runs {}(B)sits(C)reads",
        "What does it? A. runs {} B. sits C. reads",
        "What does it?\nOptions: A: runs {}, B: sits, C: reads",
        "What does it? Options: (A) runs {}; (B) sits; (C) reads",
        "What does it?\na) runs {}\nb) sits\nc) reads\nPlease answer with the letter alone.",
        "What does it?\n（A）runs {}\n（B）sits\n（C）reads\n请直接回答。",
        "What does it?\nA、runs {}\nB、sits\nC、reads",
        "What does it?\nChoices:\nA. runs {}\nB. sits\nC. reads\n"
        "Answer with the option's letter from the given choices directly.",
    ],
)
@pytest.mark.parametrize("gold", ["letter", "text", "both", "bracketed"])
def test_options_inside_the_question(tmp_path, asked, gold):
    texts = ["runs {}", "sits", "reads"]
    records = []
    for i in range(6):
        text = texts[i % 3].format(i)
        written = {"letter": "ABC"[i % 3], "text": text, "both": f"{'ABC'[i % 3]}. {text}",
                   "bracketed": f"({'abc'[i % 3]})"}[gold]  # fmt: skip
        records.append({"question": asked.format(i), "answer": written})
    table = load(tmp_path, records)
    assert table.frame["question"].tolist() == ["What does it?"] * 6
    assert table.frame["options"].tolist() == [[f"runs {i}", "sits", "reads"] for i in range(6)]
    assert table.frame["answer"].tolist() == [0, 1, 2] * 2


def test_what_only_looks_like_options_stays_in_the_question(tmp_path):
    asked = ["Is gate (a) left of gate (b)?", "How far is (a) from (b)?", "See A. Ray. B. who?"]
    records = [
        {"question": q, "answer": a} for q, a in zip(asked, ["yes", "4", "art"], strict=True)
    ]
    table = load(tmp_path, records)
    assert table.frame["question"].tolist() == asked


def test_a_letter_without_options_is_left_out_among_rows_that_have_some(tmp_path):
    records = [
        {"question": f"Which oar {i}?", "options": str(["left", "right"]), "answer": "AB"[i % 2]}
        for i in range(7)
    ]
    records += [{"question": f"Odd one {i}?", "options": None, "answer": c} for i, c in
                enumerate("BDC")]  # fmt: skip
    table = load(tmp_path, records)
    assert len(table.frame) == 7
    assert {b.row: b.reason for b in table.left_out} == {
        8 + i: f"mc row without options: its gold {c!r} is a letter" for i, c in enumerate("BDC")
    }
    table = load(tmp_path, [r | {"options": None} for r in records])
    assert formats(table) == {"open": 10}
    assert "10 gold answers are single letters" in warnings(table)


def test_words_for_nothing_are_no_options(tmp_path):
    records = [
        {"question": f"Which oar {i}?", "a": "left", "b": f"r{i}", "c": "nan", "d": "None",
         "gold": "AB"[i % 2]}
        for i in range(6)
    ]  # fmt: skip
    table = load(tmp_path, records)
    assert table.frame["options"].map(len).unique().tolist() == [2]
    assert "'None' (6 times), 'nan' (6 times) are read as no option" in warnings(table)
    # an option that is the gold of some row is one
    records[0] |= {"c": "steer", "gold": "D"}
    table = load(tmp_path, [r | {"c": "steer"} for r in records])
    assert table.frame["options"].map(len).unique().tolist() == [4]


def test_none_of_them_is_an_option(tmp_path):
    records = [
        {"question": f"Which oar {i}?", "options": ["C", "B", "none"], "answer": "AB"[i % 2]}
        for i in range(6)
    ]
    assert load(tmp_path, records).frame["options"].map(len).tolist() == [3] * 6


@pytest.mark.parametrize(
    ("sign", "gold"), [(" | ", "text"), ("\n", "letter"), ("; ", "letter"), (", ", "text")]
)
def test_options_in_one_cell(tmp_path, sign, gold):
    texts = ["north", "south", "east"]
    records = [
        {"question": f"Q{i}?", "options": sign.join([*texts, f"west {i}"]),
         "answer": texts[i % 3] if gold == "text" else "ABC"[i % 3]}
        for i in range(6)
    ]  # fmt: skip
    table = load(tmp_path, records)
    assert table.frame["options"].tolist() == [[*texts, f"west {i}"] for i in range(6)]
    assert table.frame["answer"].tolist() == [0, 1, 2] * 2
    assert "Options are parted by" in told(table)


def test_a_few_faulty_rows_do_not_hide_what_parts_the_options(tmp_path):
    records = [
        {"question": f"Q{i}?", "options": f"north | south | west {i}", "answer": "(abc)"[i % 3 + 1]}
        for i in range(40)
    ]
    records[3]["answer"] = "A,C"
    records[4]["options"] = "north, south"
    records[5]["options"], records[5]["answer"] = "", "a and c"
    records[6]["options"], records[6]["answer"] = "", "(b)"
    table = load(tmp_path, records)
    assert len(table.frame) == 36 and formats(table) == {"mc": 36}
    assert "Options are parted by '|'" in told(table)
    assert reasons(table) == {
        4: "the gold 'A,C' names several options, not one",
        5: "fewer than 2 options (1)",
        6: "mc row without options: its gold 'a and c' is letters",
        7: "mc row without options: its gold '(b)' is a letter",
    }


def test_options_that_nothing_parts_are_refused_with_the_fix(tmp_path):
    records = [{"question": f"Q{i}?", "options": "north, south", "answer": "A"} for i in range(3)]
    with pytest.raises(UserError, match=r"benchmark.options_separator"):
        load(tmp_path, records)


def test_keys_of_an_object_keep_their_order(tmp_path):
    records = [
        {"question": f"Which bay {i}?", "options": {str(k): f"bay {k}" for k in range(1, 12)},
         "answer": str(i + 1)}
        for i in range(11)
    ]  # fmt: skip
    for form in ("auto", "index1"):
        table = load(tmp_path, records, answer_as=form)
        assert table.frame["answer"].tolist() == list(range(11))
        assert table.frame["options"][0][-1] == "bay 11"
