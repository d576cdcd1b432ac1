import numpy as np
import pandas as pd
import pytest

from tst.diagnostics.forest.text.hashing import combine, run_codes
from tst.diagnostics.forest.text.question_arrays import take
from tst.diagnostics.forest.text.question_reader import QuestionReader
from tst.diagnostics.forest.text.templates import TemplateMiner
from tst.diagnostics.forest.text.text_cache import TextCache, read_number, tokenise


def frame_of(questions, options=None, kind="mc"):
    n = len(questions)
    return pd.DataFrame(
        {
            "question_type": ["t"] * n,
            "format": [kind] * n,
            "question": questions,
            "options": options or [["left", "right"]] * n,
            "metadata": [{}] * n,
            "unit": [str(i) for i in range(n)],
        }
    )


def read(frame):
    return QuestionReader([]).read(frame, np.arange(len(frame)), [])


def test_tokens_and_numbers():
    assert tokenise("How many chairs are in the room?") == [
        "how",
        "many",
        "chairs",
        "are",
        "in",
        "room",
    ]
    assert read_number("about 1,200 m", ["about", "1,200", "m"]) == (1200.0, 1.0)
    assert read_number("three", ["three"]) == (3.0, 1.0)
    assert np.isnan(read_number("none", ["none"])[0])


def test_codes_do_not_depend_on_the_order_of_texts():
    one, two = TextCache(), TextCache()
    one.add(["a b", "c"])
    ids = two.add(["c", "a b"])
    assert two.whole[ids].tolist() == one.whole[[1, 0]].tolist()


def test_codes_depend_on_order_and_runs_on_content():
    a, b = np.uint64(1), np.uint64(2)
    assert combine(a, b) != combine(b, a)
    tokens = np.array([5, 6, 5, 6, 7], dtype=np.uint64)
    runs = run_codes(tokens, np.array([0, 2, 4]))
    assert runs[0] == runs[1] != runs[2]


def test_fillers_are_the_words_that_vary_in_a_template():
    things = ["lamp", "red sofa", "tv", "bed", "desk", "oven", "rug", "vase"]
    questions = [
        f"Is the {a} left or right of the {b}?" for a in things for b in things if a != b
    ] * 2
    questions = read(frame_of(questions))
    masked = TemplateMiner().fit(questions).transform(questions)
    assert len(set(masked.template.tolist())) == 1
    assert ((masked.filler > 0).sum(1) == 2).all()
    # the first question asks about (lamp, red sofa), the eighth about (red sofa, lamp)
    assert masked.free[0, 0] == masked.free[7, 1]
    assert masked.free[0, 1] == masked.free[7, 0]


def test_answers_are_refused():
    with pytest.raises(ValueError, match="answer column"):
        read(frame_of(["q"]).assign(answer=[0]))


def test_within_question_statistics():
    questions = read(frame_of(["q", "r"], [["a", "b", "c"], ["d", "e"]]))
    values = np.array([3.0, 1.0, 1.0, np.nan, 2.0])
    assert questions.rank(values).tolist() == [2.0, 0.5, 0.5, 1.0, 0.0]
    assert questions.total(np.ones(5)).tolist() == [3.0, 2.0]
    assert questions.softmax(np.zeros(5)).tolist() == pytest.approx([1 / 3] * 3 + [1 / 2] * 2)
    part, rows = take(questions, np.array([1]))
    assert rows.tolist() == [3, 4]
    assert part.n_options.tolist() == [2]
