import pytest

from tst.core import units
from tst.core.units import asked_unit, canonical_unit, unit_behind


@pytest.mark.parametrize(
    ("spelling", "unit"),
    [
        ("m", "m"), ("metres", "m"), ("Meters", "m"), ("cm", "cm"), ("KM", "km"), ("feet", "ft"),
        ("sq. ft", "ft²"), ("square  metres", "m²"), ("m^2", "m²"), ("m2", "m²"),
        ("cubic cm", "cm³"),
        ("percent", "%"), ("%", "%"), ("°C", "°C"), ("degrees celsius", "°C"), ("deg", "°"),
        ("seconds", "s"), ("kph", "km/h"), ("$", "$"), ("€", "€"), ("£", "£"), ("usd", "$"),
        ("L", "l"), ("hertz", "Hz"), ("V", "V"), ("acre", "acres"),
        ("mL", "ml"), ("°c", "°C"), ("USD", "$"), ("M", None), ("S", None),
        ("x", None), ("parsec", None), ("", None),
    ],
)  # fmt: skip
def test_spellings_of_a_unit(spelling, unit):
    assert canonical_unit(spelling) == unit


@pytest.mark.parametrize(
    ("text", "start", "found"),
    [
        ("3 m", 1, ("m", 3)),
        ("3m", 1, ("m", 2)),
        ("3-inch", 1, ("in", 6)),
        ("3 METRES long", 1, ("m", 8)),
        ("3 m²", 1, ("m²", 4)),
        ("3 sq ft.", 1, ("ft²", 7)),
        ("3 in", 1, ("in", 4)),
        ("3 in.", 1, ("in", 4)),
        ("3in the room", 1, ("in", 3)),
        ("3 in the room", 1, None),
        ("3 M", 1, None),
        ("3 mice", 1, None),
        ("3 chairs", 1, None),
        ("3", 1, None),
        ("3 x m", 1, None),
    ],
)
def test_the_unit_right_behind_a_number(text, start, found):
    assert unit_behind(text, start) == found


@pytest.mark.parametrize(
    ("question", "unit"),
    [
        ("How long is it, in metres?", "m"),
        ("How far is it (cm)?", "cm"),
        ("How many seconds pass?", "s"),
        ("What is the area in square feet?", "ft²"),
        ("What is the area in the (m²)?", "m²"),
        ("Give the number of days.", "d"),
        ("The unit is kg.", "kg"),
        ("units: km/h", "km/h"),
        ("How tall in cm or centimetres?", "cm"),
        ("How tall in cm or inches?", None),
        ("How tall in cm? Give it in inches.", None),
        ("How many chairs are in the room?", None),
        ("Who came in second?", None),
        ("How tall is it?", None),
    ],
)
def test_the_unit_that_a_question_wants(question, unit):
    assert asked_unit(question) == unit


def test_every_spelling_stands_for_one_unit():
    spelled = units._spellings()
    assert spelled["metre"] == "m"
    assert spelled["sq yards"] == "yd²"
    assert spelled["cubic km"] == "km³"
    assert spelled["kg"] == "kg"
    assert spelled == units._UNITS
