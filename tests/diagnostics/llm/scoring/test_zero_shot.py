from types import SimpleNamespace

import pandas as pd

from tests.diagnostics.llm.conftest import MemoryStore
from tst.diagnostics.llm.scoring.answers import COLUMNS
from tst.diagnostics.llm.scoring.zero_shot import zero_shot_answers


class Scorer:
    """Answers every question with a number of its own; counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, missing: pd.DataFrame) -> pd.DataFrame:
        self.asked.append(len(missing))
        answers = pd.DataFrame(dict.fromkeys(COLUMNS), index=missing.index, dtype=object)
        return answers.assign(value=[float(len(self.asked))] * len(missing))


def new_process(identity="model"):
    return SimpleNamespace(identity=identity, zero_shot={})


def test_answers_are_kept_under_the_settings_that_made_them(table, tmp_path):
    """In the process and in the store: other settings, another model or other questions are new."""
    questions, store, compute = table.drop(columns="answer"), MemoryStore(tmp_path), Scorer()
    base = new_process()

    def value(base, how="1024", asked=questions):
        answers, _ = zero_shot_answers(asked, base, how, store, compute)
        assert list(answers.index) == list(asked.index)
        return set(answers["value"])

    assert value(base) == value(base) == value(new_process()) == {1.0}
    assert value(base, asked=questions.iloc[[3, 1]]) == {1.0}
    assert value(base, "1024:8") == {2.0}
    assert value(base) == {1.0}
    assert value(new_process(), "1024:8") == {2.0}
    assert value(new_process("another")) == {3.0}
    assert compute.asked == [len(questions)] * 3


def test_only_questions_that_are_not_known_are_asked(table):
    questions, compute, base = table.drop(columns="answer"), Scorer(), new_process()
    zero_shot_answers(questions.iloc[:5], base, "", None, compute)
    answers, _ = zero_shot_answers(questions.iloc[:8], base, "", None, compute)
    assert compute.asked == [5, 3]
    assert answers["value"].tolist() == [1.0] * 5 + [2.0] * 3
