"""A round's inputs must not know the answers of the inner fold that it leaves out."""

import numpy as np
import pytest

from tst.benchmarks.planted import plant_rows
from tst.core.questions import build_table
from tst.diagnostics.forest.features.target_encoding import inner_folds
from tst.diagnostics.forest.models.option_inputs import OptionEncoder
from tst.diagnostics.forest.text.question_reader import QuestionReader

LEFT_OUT = 1


@pytest.fixture(scope="module")
def planted():
    table = build_table("planted", plant_rows(160, 0)).frame
    table = table[table["format"] == "mc"].reset_index(drop=True)
    table["unit"] = table["id"]
    questions = QuestionReader([]).read(table.drop(columns="answer"), np.arange(len(table)), [])
    return questions, table["answer"].to_numpy(dtype=int)


def encode(questions, gold):
    correct = np.zeros(len(questions.option))
    correct[questions.start[:-1] + gold] = 1.0
    fold = inner_folds(questions.units, 4, 0)
    return OptionEncoder(1.0, 4, 10_000).fit(questions, correct, fold, 0), fold


def test_other_answers_in_the_fold_left_out_change_no_input(planted):
    questions, gold = planted
    encoder, fold = encode(questions, gold)
    changed = np.where(fold == LEFT_OUT, (gold + 1) % questions.n_options, gold)
    other, _ = encode(questions, changed)
    one, two = encoder.of_training(LEFT_OUT), other.of_training(LEFT_OUT)
    for here, there in zip(one.blocks, two.blocks, strict=True):
        assert np.abs(here.values - there.values).max() == 0
    # without leaving it out they do, so that the comparison above can fail
    moved = encoder.of_training().encodings.values != other.of_training().encodings.values
    assert moved.any()


def test_a_family_is_permuted_in_every_block_that_has_it(planted):
    questions, gold = planted
    inputs = encode(questions, gold)[0].of_training()
    rows = np.roll(np.arange(len(questions.option)), 1)
    changed = inputs.permuted("option", rows)
    for block, other in zip(inputs.blocks, changed.blocks, strict=True):
        mine = block.columns_of("option")
        before, after = (
            np.asarray(
                b.values[:, mine].todense()
                if b is not None and not isinstance(b.values, np.ndarray)
                else b.values[:, mine]
            )
            for b in (block, other)
        )
        assert np.array_equal(after, before[rows])
        rest = block.values[:, ~mine] - other.values[:, ~mine]
        assert abs(rest).sum() == 0
    assert "option" in inputs.indicators.families
