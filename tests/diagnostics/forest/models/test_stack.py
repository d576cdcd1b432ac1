"""Weights of members on made questions whose best member is known."""

import numpy as np
import pandas as pd
import pytest

from tst.diagnostics.forest.models import stack as stack_module
from tst.diagnostics.forest.models.choice_model import choose_rounds
from tst.diagnostics.forest.models.stack import default_stack, fit_stack
from tst.diagnostics.forest.text.question_arrays import take
from tst.diagnostics.forest.text.question_reader import QuestionReader

DEFAULTS = np.array([0.5, 0.5])


def made(n, types=("t",)):
    frame = pd.DataFrame(
        {
            "question_type": [types[i % len(types)] for i in range(n)],
            "format": "mc",
            "question": [f"Which {i}?" for i in range(n)],
            "options": [["a", "b", "c", "d"]] * n,
            "metadata": [{}] * n,
            "unit": [str(i) for i in range(n)],
        }
    )
    questions = QuestionReader([]).read(frame, np.arange(n), [])
    gold = np.random.default_rng(0).integers(4, size=n)
    correct = np.zeros(4 * n)
    correct[questions.start[:-1] + gold] = 1.0
    return questions, correct


def logs_of(questions, utilities):
    return np.log(questions.softmax(utilities))


def test_a_member_that_does_not_pay_gets_no_weight():
    questions, correct = made(2000)
    rng = np.random.default_rng(1)
    good = logs_of(questions, 1.5 * correct + rng.normal(0, 1.2, len(correct)))
    noise = logs_of(questions, rng.normal(0, 1.0, len(correct)))
    prior = questions.baseline
    stack = fit_stack(questions, np.stack([good, noise], 1), prior, correct, DEFAULTS)
    assert stack.common[0] > 0.8
    assert stack.common[1] < 0.25 * DEFAULTS[1]
    assert (stack.by_kind >= 0).all()


def test_on_noise_the_stack_says_nothing():
    questions, correct = made(600)
    rng = np.random.default_rng(2)
    noise = np.stack([logs_of(questions, rng.normal(0, 1.0, len(correct))) for _ in range(2)], 1)
    stack = fit_stack(questions, noise, questions.baseline, correct, DEFAULTS)
    probability = stack.predict(questions, noise, questions.baseline)
    assert probability.sum() == pytest.approx(600)
    assert np.abs(probability - 0.25).mean() < 0.03


def test_types_whose_best_member_differs_get_weights_of_their_own():
    questions, correct = made(2000, ("first", "second"))
    rng = np.random.default_rng(3)
    signal, noise = (correct + rng.normal(0, 0.7, len(correct)), rng.normal(0, 0.7, len(correct)))
    first = (questions.types == questions.types[0])[questions.owner]
    logs = np.stack(
        [logs_of(questions, np.where(first, signal, noise)),
         logs_of(questions, np.where(first, noise, signal))], axis=1,
    )  # fmt: skip
    stack = fit_stack(questions, logs, questions.baseline, correct, DEFAULTS)
    weights = stack.weights(questions)
    assert weights[0, 0] > weights[0, 1] + 0.3
    assert weights[1, 1] > weights[1, 0] + 0.3


def test_few_questions_keep_the_default_weights():
    questions, correct = made(4)
    logs = np.log(np.full((16, 2), 0.25))
    stack = fit_stack(questions, logs, questions.baseline, correct, DEFAULTS)
    assert stack.common == pytest.approx(DEFAULTS, abs=0.01)
    assert default_stack(DEFAULTS).weights(questions).tolist() == [[0.5, 0.5]] * 4


def test_weights_follow_the_best_member_far_where_that_pays():
    """Shrunk to equal weights, a stack of one good member and noise was too timid by a third."""
    questions, correct = made(900)
    rng = np.random.default_rng(4)
    good = logs_of(questions, 0.5 * (3.0 * correct + rng.normal(0, 1.0, len(correct))))
    noise = np.stack([logs_of(questions, rng.normal(0, 1.0, len(correct))) for _ in range(7)], 1)
    logs = np.column_stack([good, noise])
    train, rows = take(questions, np.arange(0, 900, 2))
    test, others = take(questions, np.arange(1, 900, 2))
    defaults = np.full(8, 1 / 8)
    stack = fit_stack(train, logs[rows], train.baseline, correct[rows], defaults)
    probability = stack.predict(test, logs[others], test.baseline)
    found = np.log(probability[correct[others] > 0]).mean()
    known = stack_module._Known(train, logs[rows], train.baseline, correct[rows])
    tight = stack_module._fit_weights(known, defaults, stack_module.PENALTIES[0])
    shrunk = tight.predict(test, logs[others], test.baseline)
    assert found > np.log(shrunk[correct[others] > 0]).mean()
    assert stack.common[0] > tight.common[0]


@pytest.mark.parametrize("sharpness", [0.25, 1.0, 3.0])
def test_the_stack_is_as_certain_as_it_is_right(sharpness):
    """The defaults' direction is wrong here, so that shrunk weights alone are too small."""
    questions, correct = made(6000)
    rng = np.random.default_rng(5)
    utility = sharpness * (1.5 * correct + rng.normal(0, 1.0, len(correct)))
    noise = [logs_of(questions, rng.normal(0, 1.0, len(correct))) for _ in range(5)]
    logs = np.column_stack([logs_of(questions, utility), *noise])
    train, rows = take(questions, np.arange(2000))
    test, others = take(questions, np.arange(2000, 6000))
    defaults = np.array([0.0, *[0.2] * 5])
    stack = fit_stack(train, logs[rows], train.baseline, correct[rows], defaults)
    probability = stack.predict(test, logs[others], test.baseline)
    certain = test.largest(probability)
    right = probability[correct[others] > 0] >= certain
    assert certain.mean() == pytest.approx(right.mean(), abs=0.03)


def test_rounds_cover_enough_questions_and_never_leave_all_out():
    assert choose_rounds(np.arange(100) % 10, 10) == [0, 1, 2, 3, 4]
    assert choose_rounds(np.arange(9000) % 10, 10) == [0, 1, 2]
    assert choose_rounds(np.zeros(5, dtype=int), 10) == []
    assert choose_rounds(np.array([2, 7]), 10) == [2, 7]
