"""Lists that people open in a spreadsheet."""

from __future__ import annotations

import pandas as pd
import pytest

from tst.auditing.spreadsheet import write_spreadsheet


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("@SUM(1)", "'@SUM(1)"), ("+x", "'+x"),
        ("-2", "-2"), ("-3.5e2", "-3.5e2"), ("a=b", "a=b"), ("- none", "'- none"), ("", ""),
    ],
)  # fmt: skip
def test_texts_do_not_run_as_formulas_and_ids_stay(tmp_path, text, written):
    frame = pd.DataFrame({"rank": [1], "id": ["=1"], "question": [text], "adjusted": [-0.5]})
    write_spreadsheet(tmp_path / "a.csv", frame, exact="id")
    read = pd.read_csv(tmp_path / "a.csv", dtype={"question": str}, keep_default_na=False)
    assert read.iloc[0].tolist() == [1, "=1", written, -0.5]


def test_other_scripts_are_marked_as_utf_8(tmp_path):
    for text, marked in (("Which sail?", False), ("哪个帆?", True)):
        write_spreadsheet(tmp_path / "a.csv", pd.DataFrame({"id": [1], "q": [text]}), exact="id")
        assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf") == marked
        assert pd.read_csv(tmp_path / "a.csv")["q"].tolist() == [text]
