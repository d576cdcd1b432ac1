"""Question words x option words: those that count, within bounds."""

import numpy as np
import pandas as pd
import pytest

from tst.diagnostics.forest.features import word_crosses
from tst.diagnostics.forest.features.nearest_answers import NearestAnswers
from tst.diagnostics.forest.features.text_pieces import TextPieces
from tst.diagnostics.forest.features.word_crosses import WordCrosses
from tst.diagnostics.forest.text.hashing import combine, text_code
from tst.diagnostics.forest.text.question_reader import QuestionReader


def read(questions, options):
    frame = pd.DataFrame(
        {"question_type": "t", "question": questions, "options": options,
         "metadata": [{}] * len(questions), "unit": [str(i) for i in range(len(questions))]}
    )  # fmt: skip
    return QuestionReader([]).read(frame, np.arange(len(frame)), [])


def draw_texts(n, length, seed=0):
    rng = np.random.default_rng(seed)
    return [" ".join(f"w{chr(97 + k)}" for k in rng.integers(26, size=length)) for _ in range(n)]


def cross(one, other):
    return int(combine("cross", np.uint64(text_code(one)), np.uint64(text_code(other))))


def test_words_of_one_question_alone_are_not_crossed():
    questions = read(
        ["where is lamp", "where is unique lamp"], [["left side", "odd"], ["left", "left side"]]
    )
    rows, keys = WordCrosses().fit(questions).entries(questions)
    found = {(int(row), int(key)) for row, key in zip(rows, keys, strict=True)}
    wanted = {
        (row, cross(word, asked))
        for row, words in enumerate((["left", "side"], [], ["left"], ["left", "side"]))
        for word in words
        for asked in ("where", "is", "lamp")
    }
    assert found == wanted
    assert len(rows) == len(wanted)


def test_columns_are_those_that_two_questions_have_and_no_others():
    """Against crossing every word with every word."""
    questions = read(draw_texts(40, 6), [draw_texts(3, 2, seed) for seed in range(40)])
    pieces = TextPieces()
    pieces.fit(questions)
    texts = questions.texts
    asked, asked_starts = texts.tokens(questions.question)
    offered, starts = texts.tokens(questions.option)
    owners: dict[int, set[int]] = {}
    for option, owner in enumerate(questions.owner.tolist()):
        for word in offered[starts[option] : starts[option + 1]]:
            for other in asked[asked_starts[owner] : asked_starts[owner + 1]]:
                owners.setdefault(int(combine("cross", word, other)), set()).add(owner)
    shared = {key for key, of in owners.items() if len(of) > 1}
    assert set(pieces._known["crosses.words"].tolist()) == shared


def test_too_many_crosses_leave_out_the_words_that_make_most(monkeypatch):
    texts = [f"often {'rare' if i < 2 else f'once{chr(97 + i)}'}" for i in range(20)]
    questions = read(texts, [["left", "right"]] * 20)
    crosses = WordCrosses()
    assert len(crosses.fit(questions).entries(questions)[0]) == 44
    monkeypatch.setattr(word_crosses, "CELLS", 39)
    rows, keys = crosses.fit(questions).entries(questions)
    assert rows.tolist() == [0, 1, 2, 3]
    assert set(keys.tolist()) == {cross("left", "rare"), cross("right", "rare")}
    monkeypatch.setattr(word_crosses, "CELLS", 3)
    assert len(crosses.fit(questions).entries(questions)[0]) == 0


def test_batches_of_neighbours_change_no_evidence(monkeypatch):
    questions = read(draw_texts(50, 5), [draw_texts(2 + seed % 3, 3, seed) for seed in range(50)])
    correct = np.zeros(len(questions.option))
    correct[questions.start[:-1]] = 1.0
    model = NearestAnswers().fit(questions, correct, np.arange(50) % 5, 5)
    whole = model.of_training(), model.transform(questions)
    monkeypatch.setattr("tst.diagnostics.forest.features.nearest_answers.BATCH", 7)
    assert np.abs(whole[0][:, 2]).max() > 0
    np.testing.assert_array_equal(model.of_training(), whole[0])
    np.testing.assert_array_equal(model.transform(questions), whole[1])


@pytest.mark.parametrize("options", [["a" * 20_000, "b " * 3_000], ["!", "?"]])
def test_any_text_is_read(options):
    """A passage with long options took 24 GiB where all words were crossed."""
    questions = read(["long words " * 3_000 + str(i) for i in range(6)], [options] * 6)
    assert TextPieces().fit(questions).shape[0] == 12
