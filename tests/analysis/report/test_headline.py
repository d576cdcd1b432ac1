import pytest

from tst.analysis.report.headline import describe_headline


def entry(name: str, state: str, to_mend: int = 0, kind: str = "mc") -> dict[str, object]:
    return {
        "question_type": name, "format": kind, "state": state, "n": 40, "score": 0.5,
        "chance": 0.25, "p": 0.01, "to_mend": to_mend,
    }  # fmt: skip


def part(score: float | None, baseline: float | None, n: int = 40) -> dict[str, object]:
    bounds = [None, None] if score is None else [score - 0.1, score + 0.1]
    return {
        "n": n, "score_hard": score, "baseline": baseline, "interval": {"score_hard": bounds}
    }  # fmt: skip


def headline(exposure: list[dict[str, object]], **per_type: dict[str, object]) -> dict[str, object]:
    return describe_headline({"exposure": exposure, "per_type": per_type, "overall": {"n": 1200}})


@pytest.mark.parametrize(
    ("exposure", "sentence"),
    [
        (
            [entry("a", "no sign"), entry("b", "no sign")],
            "No sign of a shortcut in 2 question types.",
        ),
        ([entry("a", "too few")], "Too few questions to tell in the 1 question type."),
        (
            [entry("a", "exposed", 900), entry("b", "one answer", 200), entry("c", "too few")],
            "2 of 3 question types are answered without looking (too few questions to tell in "
            "1): about 1,100 of 1,200 questions to mend.",
        ),
        (
            [entry("a", "exposed", 9), entry("a", "too few", 0, "open"), entry("b", "no sign")],
            "1 of 2 question types is answered without looking: about 9 of 1,200 questions to "
            "mend.",
        ),
    ],
)  # fmt: skip
def test_one_sentence(exposure, sentence):
    assert headline(exposure)["sentence"] == sentence


def test_the_excess_is_over_a_types_own_baseline_the_highest_first():
    found = headline(
        [entry("low", "no sign"), entry("high", "exposed", 12)],
        low=part(0.3, 0.25), high=part(0.6, 0.2), unknown=part(None, None, 0),
    )["excess"]  # fmt: skip
    assert [row["name"] for row in found] == ["high", "low"]
    high = found[0]
    assert (high["state"], high["to_mend"], high["n"]) == ("exposed", 12, 40)
    assert high["excess"] == pytest.approx(0.4)
    assert (high["low"], high["high"]) == (pytest.approx(0.3), pytest.approx(0.5))
