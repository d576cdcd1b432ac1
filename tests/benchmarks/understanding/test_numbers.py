"""Numbers in gold cells."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.loading import load
from tst.benchmarks.understanding.numbers import COMMA, POINT, parse_number_cell
from tst.core.errors import UserError


@pytest.mark.parametrize(
    ("cell", "value", "unit"),
    [
        ("4", 4.0, ""),
        ("4.", 4.0, ""),
        (".5", 0.5, ""),
        (3, 3.0, ""),
        ("−3", -3.0, ""),
        ("2e3", 2000.0, ""),
        ("1.2×10^3", 1200.0, ""),
        ("1.5 x 10^-2", 0.015, ""),
        ("1,234.5", 1234.5, ""),
        ("1 234", 1234.0, ""),
        ("1\u202f234.5", 1234.5, ""),
        ("1'234", 1234.0, ""),
        ("20%", 20.0, "%"),
        ("20 percent", 20.0, "%"),
        ("2.3m", 2.3, "m"),
        ("2.3 metres", 2.3, "m"),
        ("12 cm²", 12.0, "cm²"),
        ("5 km/h", 5.0, "km/h"),
        ("$5", 5.0, "$"),
        ("-$5", -5.0, "$"),
        ("€3.50", 3.5, "€"),
        ("5 USD", 5.0, "$"),
        ("1/2", 0.5, ""),
        ("3 1/2", 3.5, ""),
        ("2½", 2.5, ""),
        ("$7$", 7.0, ""),
        ("5 apples", 5.0, "apple"),
        ("3个", 3.0, "个"),
    ],
)
def test_what_is_a_number(cell, value, unit):
    number = parse_number_cell(cell)
    assert number is not None
    assert number.read(POINT) == pytest.approx(value)
    assert number.unit == unit


@pytest.mark.parametrize(
    "cell",
    ["", "five", "about 5", "3-5", "[1, 4]", "2024-01-02", "3:45", "5+", ">5", "7th", "3D", "A4",
     "0x10", "1_000", "e5", ".", "3 4", "1/0", True, None, "inf", "nan", "9" * 400,
     "12,34", "1e999"],
)  # fmt: skip
def test_what_is_none(cell):
    number = parse_number_cell(cell)
    assert number is None or number.read(POINT) is None


@given(st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: round(x, 3)))
def test_every_way_of_writing_a_number_reads_alike(value):
    for text, sign in (
        (f"{value:f}", POINT),
        (f"{value:,f}", POINT),
        (f"{value:,f}".translate(str.maketrans(",.", ".,")), COMMA),
        (f"{value:,f}".replace(",", " "), POINT),
        (f"{value:f} m", POINT),
    ):
        number = parse_number_cell(text)
        assert number is not None and number.read(sign) == pytest.approx(value)


def numbers(tmp_path, golds, **changes):
    records = [{"question": f"How much is {i}?", "answer": g} for i, g in enumerate(golds)]
    return load(tmp_path, records, **changes)


@pytest.mark.parametrize(
    ("golds", "read"),
    [
        (["1,5", "2,25", "1.000"], [1.5, 2.25, 1000.0]),
        (["1,200", "2.5", "30"], [1200.0, 2.5, 30.0]),
        (["1,234,567", "1,000"], [1234567.0, 1000.0]),
        (["0,125", "1,500"], [0.125, 1.5]),
        (["1.234.567", "1,500"], [1234567.0, 1.5]),
        (["1.234", "5.678"], [1.234, 5.678]),
    ],
)
def test_the_decimal_sign_is_the_column_s(tmp_path, golds, read):
    assert numbers(tmp_path, golds).frame["answer"].tolist() == read


def test_a_point_that_may_part_thousands_is_told(tmp_path):
    def told(golds, **changes):
        understood = numbers(tmp_path, golds, **changes).understanding
        return [w for w in understood.warnings if "decimal point" in w]

    assert told(["1.500", "12.250", "7"]) == [
        "1.500 (and 1 more like it) are read with a decimal point. If they are thousands (1500), "
        "set benchmark.decimal=comma."
    ]
    assert not told(["1.500", "2.25", "7"])
    assert not told(["0.125", "1.500"])
    assert not told(["1.500", "12.250"], decimal="point")
    assert not told([1.125, 2.375])


def test_two_readings_are_refused_and_a_setting_decides(tmp_path):
    golds = ["1,200", "350", "2,750"]
    with pytest.raises(UserError, match=r"1,200 .* may be 1200 or 1\.200") as caught:
        numbers(tmp_path, golds)
    assert caught.value.settings == ("benchmark.decimal=point",)
    read = numbers(tmp_path, golds, decimal="point").frame["answer"].tolist()
    assert read == [1200.0, 350.0, 2750.0]
    read = numbers(tmp_path, golds, decimal="comma").frame["answer"].tolist()
    assert read == [1.2, 350.0, 2.75]
    with pytest.raises(UserError, match="expected point or comma"):
        numbers(tmp_path, golds, decimal="dot")
    with pytest.raises(UserError, match=r"some .* decimal point .* others a decimal comma"):
        numbers(tmp_path, ["1.5", "2,5", "3"])


def test_one_unit_per_type(tmp_path):
    table = numbers(tmp_path, ["2 m", "3.5 m", "4", "20 cm"])
    assert table.frame["answer"].tolist() == [2.0, 3.5, 4.0]
    assert table.frame["answer_unit"].tolist() == ["m"] * 3
    assert table.left_out[0].reason == "its unit is cm, and that of its type is m"
    assert table.understanding is not None
    assert table.understanding.types[0].unit == "m"


def test_a_share_among_percentages_is_no_percentage(tmp_path):
    table = numbers(tmp_path, ["20%", "35%", "50", "0.4"])
    assert table.frame["answer"].tolist() == [20.0, 35.0, 50.0]
    assert "may be a share" in table.left_out[0].reason


def test_counted_words_are_a_unit_only_where_all_are_alike(tmp_path):
    table = numbers(tmp_path, ["2 dogs", "1 dog", "5 dogs"])
    assert table.frame["answer"].tolist() == [2.0, 1.0, 5.0]
    assert table.frame["answer_unit"].unique().tolist() == ["dog"]
    assert set(numbers(tmp_path, ["2 dogs", "3 cats", "1 cow"]).frame["format"]) == {"open"}


def test_units_change_no_fingerprint(tmp_path):
    with_unit, without = numbers(tmp_path, ["2 m", "3 m"]), numbers(tmp_path, ["2", "3"])
    assert with_unit.fingerprint == without.fingerprint
    assert "answer_unit" not in without.frame


def test_codes_and_dates_are_warned_of(tmp_path):
    table = numbers(tmp_path, ["007", "012", "100", "30"])
    assert table.understanding is not None
    assert "007 is read as 7" in "".join(table.understanding.warnings)
    records = [
        {"question": f"Q{i}?", "options": ["1-2", "2024-03-04 00:00:00"], "answer": "A"}
        for i in range(3)
    ]
    table = load(tmp_path, records)
    assert table.understanding is not None
    assert "are dates (lines 1, 2, 3)" in "".join(table.understanding.warnings)
    json.dumps(table.understanding.to_plain())
