import pandas as pd
import pytest

from tst.analysis.report.record_data import MOST_SHORTCUTS, TO_MEND_COLUMNS, describe_to_mend
from tst.stress_testing.shortcuts.repairs import REPAIRS
from tst.stress_testing.shortcuts.sentences import UNNAMED


def listed(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    """A to_mend.csv of (id, question type, shortcut), the most telling question first."""
    frame = pd.DataFrame(rows, columns=["id", "question_type", "shortcut"])
    return frame.reindex(columns=list(TO_MEND_COLUMNS)).assign(question="Which?", repair="this one")


def test_questions_of_one_type_and_shortcut_are_one_row() -> None:
    rows = [("q1", "size", "constant"), ("q2", "place", "position"), ("q3", "place", "position")]
    found = describe_to_mend(listed([*rows, ("q4", "place", "")]))
    assert found is not None
    assert (found["n"], found["shortcuts"]) == (4, 3)
    told = [(r["question_type"], r["shortcut"], r["n"], r["id"]) for r in found["rows"]]
    assert told == [
        ("place", "position", 2, "q2"), ("size", "constant", 1, "q1"), ("place", UNNAMED, 1, "q4"),
    ]  # fmt: skip
    assert [r["repair"] for r in found["rows"]] == [REPAIRS["position"], REPAIRS["constant"], None]


def test_questions_without_a_shortcut_are_counted_when_read_from_a_file() -> None:
    found = describe_to_mend(
        listed([("q1", "size", "constant"), ("q2", "size", "x")]).replace("x", None)
    )
    assert found is not None
    assert [(r["shortcut"], r["n"]) for r in found["rows"]] == [("constant", 1), (UNNAMED, 1)]


@pytest.mark.parametrize("n", [0, MOST_SHORTCUTS + 3])
def test_few_rows_are_in_the_page_and_all_are_counted(n: int) -> None:
    found = describe_to_mend(listed([(f"q{i}", f"type {i}", "length") for i in range(n)]))
    assert found is not None
    assert (found["n"], found["shortcuts"], len(found["rows"])) == (n, n, min(n, MOST_SHORTCUTS))


def test_a_record_without_the_list() -> None:
    assert describe_to_mend(None) is None
