import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console

from tst.cli.console import show_first
from tst.cli.tables import Column, Row, choose_columns, fit_text, say, show_table, standard_output

COLUMNS = [
    Column("question type", is_text=True),
    Column("n"),
    Column("score"),
    Column("95% interval", rank=1),
    Column("majority", rank=3),
    Column("soft", rank=2),
]
LONG = "Diagnostics_and_Laboratory_Medicine of very many departments"
ROWS = [
    Row(["short", "75", "69.3", "[60.0, 78.8]", "17.3", "44.6"]),
    Row([LONG, "899", "−4.9", "[12.5, 31.4]", "14.7", "24.3"], "bold"),
    Row(["位置の問題" * 6, "20", "21.3", "", "14.7", "24.3"]),
]


def lines(width, columns=COLUMNS, rows=ROWS):
    console = Console(width=width, highlight=False, color_system=None)
    with console.capture() as capture:
        show_table(columns, rows, console)
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [50, 60, 80, 120])
def test_a_table_has_a_line_per_row_and_none_is_too_wide(width):
    shown = lines(width)
    assert all(cell_len(line) <= width for line in shown)
    assert shown[1].startswith("short ") and shown[2].startswith("Diagnostics_and_")
    assert len(shown) == (1 + len(ROWS) if width >= 80 else 2 + len(ROWS))


def test_columns_of_the_highest_rank_go_first_and_are_named():
    assert "majority" in lines(80)[0]
    shown = lines(58)
    assert "majority" not in shown[0] and "soft" in shown[0]
    assert shown[-1] == "58 columns have no room for: majority"
    shown = lines(46)
    assert shown[0].split() == ["question", "type", "n", "score", "95%", "interval"]
    assert lines(24)[0].split()[-2:] == ["n", "score"]  # rank 0 stays, whatever the room


def test_a_column_without_a_heading_is_named_where_it_is_left_out():
    columns = [Column("score"), Column("", rank=1, name="intervals of the score")]
    rows = [Row(["69.3", "[60.0, 78.8]"])]
    assert lines(30, columns, rows)[1].split(maxsplit=1) == ["69.3", "[60.0, 78.8]"]
    told = " ".join(lines(12, columns, rows)[2:])
    assert told == "12 columns have no room for: intervals of the score"


def test_columns_that_cannot_be_left_out_are_kept_in_a_room_too_small():
    assert choose_columns([Column("a"), Column("b")], [10, 10], 5) == [0, 1]


def test_everything_is_shown_where_there_is_room():
    assert all(LONG in "".join(lines(width)) for width in (140, 1000))


@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("position", 10, "position  "),
        ("position", 5, "posi…"),
        ("位置の問題", 6, "位置… "),
        ("/data/here/my.csv", 8, "…/my.csv"),
        ("two\nlines", 9, "two lines"),
    ],
)
def test_fit_text(text, width, fitted):
    assert fit_text(text, width, left=True) == fitted
    assert cell_len(fitted) == width


def test_sentences_break_between_words_and_paths_do_not_break():
    console = Console(width=30, color_system=None)
    with console.capture() as capture:
        say("some words and /a/path/that/is/longer/than/a/line and more", console, "  ")
    shown = capture.get().splitlines()
    assert shown[1] == "  /a/path/that/is/longer/than/a/line"
    assert all(line.startswith("  ") for line in shown)


def test_off_a_terminal_no_line_is_broken(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    say("word " * 200, standard_output())
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_of_each_type_the_first_question_to_mend_is_shown():
    rows = [
        {"rank": rank, "id": f"q{rank}", "question_type": kind, "question": f"Which {rank}?",
         "shortcut": "length", "why": "the longest", "repair": "shorten it"}
        for rank, kind in enumerate("aaabac", start=1)
    ]  # fmt: skip
    console = Console(width=80, highlight=False, color_system=None)
    with console.capture() as capture:
        show_first(pd.DataFrame(rows), console, 2)
        show_first(pd.DataFrame(rows), console, 3)
        show_first(pd.DataFrame(rows).head(0), console)
    shown = capture.get().splitlines()
    assert [line.split()[1] for line in shown if "Which" in line] == ["q1", "q4", "q1", "q4", "q6"]
    heads = [line for line in shown if line.startswith("questions")]
    assert heads == [
        "questions to mend (6; of 2 types the first)",
        "questions to mend (6; of each type the first)",
    ]
