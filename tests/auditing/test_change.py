"""The paired change after mending."""

import csv
from pathlib import Path

import pandas as pd

from tests.auditing.audited import run_audit, write_file
from tst.auditing.change import pair_ids


def test_mending_is_measured_on_the_same_questions(tmp_path: Path) -> None:
    old = write_file(tmp_path / "old.csv")
    mended = write_file(tmp_path / "my.csv", shortcut=False)
    rows = list(csv.DictReader(mended.open()))[:-2]  # two questions go
    with mended.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    audit, _ = run_audit(mended, tmp_path / "out", f"audit.before={old}")
    change = audit.change
    assert change is not None
    assert (change.removed, change.added) == (2, 0)
    assert change.mended > 20
    of_type = change.by_type.set_index("question_type")
    assert of_type.loc["colour", "high_hard"] < 0  # the interval of the fall is below 0
    assert of_type.loc["overall", "n"] == 157
    page = (audit.folder / "audit.md").read_text()
    assert "## What mending changed" in page
    assert "2 removed, 0 added" in page


def test_an_earlier_file_of_the_same_name_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = write_file(tmp_path / "old" / "my.csv")
    mended = write_file(tmp_path / "my.csv", shortcut=False)
    audit, _ = run_audit(mended, tmp_path / "out", f"audit.before={old}")
    assert audit.change is not None
    assert audit.change.before.fingerprint != audit.deciding.fingerprint
    page = (audit.folder / "report.html").read_text()
    assert "my (159 questions, " in page
    records = [audit.deciding, audit.runs["random"], audit.change.before]
    places = [page.index(f'"hash":"{record.hash}"') for record in records]
    assert places == sorted(places)  # the mended file first, and of it the folds that decide


def test_a_file_without_groups_before_is_compared_on_random_folds(tmp_path: Path) -> None:
    old = write_file(tmp_path / "old.csv", groups=0)
    mended = write_file(tmp_path / "my.csv", shortcut=False)
    audit, _ = run_audit(mended, tmp_path / "out", f"audit.before={old}")
    assert audit.change is not None
    assert audit.change.after.scheme == audit.change.before.scheme == "random"


def frame(ids: list[str], questions: list[str], kind: str = "mc") -> pd.DataFrame:
    content = {"question_type": "t", "format": kind, "question": questions}
    return pd.DataFrame(content, index=pd.Index(ids, name="id"))


def test_partners_have_an_id_or_a_text_of_their_own_in_common() -> None:
    left = frame(["a", "b", "h1", "h2", "h3"], ["one?", "two?", "three?", "same?", "same?"])
    right = frame(["a", "x", "g1", "g2"], ["one, mended?", "two?", "three?", "same?"])
    assert pair_ids(left, right).to_dict() == {"a": "a", "b": "x", "h1": "g1"}
    other = frame(["a"], ["one?"], kind="num")
    assert pair_ids(left, other).empty
