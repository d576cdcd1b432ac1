from tst.stress_testing.verdict import describe_verdict, headline


def entry(name, state, kind="mc", n=75, score=0.69, chance=0.25, to_mend=0):
    return {
        "question_type": name, "format": kind, "state": state, "n": n, "score": score,
        "chance": chance, "p": 0.0, "to_mend": to_mend,
    }  # fmt: skip


def part(n, low, high):
    return {"n": n, "interval": {"score_hard": [low, high]}}


def test_every_state_has_its_sentence():
    summary = {
        "exposure": [
            entry("position", "exposed", to_mend=44),
            entry("length", "exposed", "num", score=0.6, chance=0.31, to_mend=30),
            entry("counting", "one answer", "num", score=0.62, chance=0.62, to_mend=40),
            entry("near", "no sign"),
            entry("far", "no sign"),
            entry("rare", "too few"),
        ],
        "shortcuts": {
            "position": {
                "listed": 50,
                "shortcut": "position",
                "share": 0.9,
                "why": "the option in place C is right in 42 of 60 training questions "
                "(15.0 by chance)",
            },
            "length": {"listed": 9, "shortcut": "entity", "share": 0.4, "why": "not typical"},
        },
        "per_type": {"position": part(75, 0.59, 0.79), "length": part(75, None, None)},
    }
    assert describe_verdict(summary) == [
        "position: 69% [59, 79] right without looking against 25% by chance; mostly position, as "
        "in: the option in place C is right in 42 of 60 training questions (15.0 by chance); "
        "about 44 of 75 to mend.",
        "length: 60% relative accuracy without looking against 31% for the best constant; "
        "about 30 of 75 to mend.",
        "counting: one answer to every question scores 62%; 40 of 75 to mend.",
        "No sign of a shortcut in 2 other question types (too few questions to tell in 1).",
    ]


def test_a_clean_benchmark_is_told_so():
    summary = {"exposure": [entry("near", "no sign"), entry("far", "no sign")], "per_type": {}}
    assert describe_verdict(summary) == ["No sign of a shortcut in any of the 2 question types."]


def test_types_that_are_all_too_small_are_told_apart_from_clean_ones():
    summary = {"exposure": [entry("near", "too few"), entry("far", "too few")], "per_type": {}}
    assert describe_verdict(summary) == [
        "Too few questions to tell in any of the 2 question types.",
        "A type needs 20 questions to be judged: benchmark.merge_types_under=20 judges these 150 "
        "as one.",
    ]


def test_one_type_and_types_that_are_all_exposed_or_small():
    def told(*entries):
        return describe_verdict({"exposure": list(entries), "per_type": {}})

    assert told(entry("near", "no sign")) == ["No sign of a shortcut in the 1 question type."]
    assert told(entry("near", "too few", n=9), entry("far", "too few", n=10)) == [
        "Too few questions to tell in any of the 2 question types."
    ]
    exposed = told(entry("maps", "exposed", to_mend=44), entry("near", "too few", n=9))
    assert exposed[1:] == ["Too few questions to tell in 1 other question type."]


def test_a_type_with_several_formats_counts_once_by_the_format_that_tells_most():
    summary = {
        "exposure": [
            entry("maps", "exposed", to_mend=44),
            entry("maps", "too few", "open", n=9),
            entry("charts", "no sign"),
            entry("charts", "too few", "open", n=9),
            entry("signs", "too few", n=9),
            entry("signs", "too few", "num", n=9),
        ],
        "per_type": {"maps": part(84, 0.59, 0.79)},
        "overall": {"n": 186},
    }
    assert headline(summary) == (
        "1 of 3 question types is answered without looking (too few questions to tell in 1): "
        "about 44 of 186 questions to mend."
    )
    assert describe_verdict(summary) == [
        "maps (mc): 69% right without looking against 25% by chance; about 44 of 75 to mend.",
        "No sign of a shortcut in 1 other question type (too few questions to tell in 1).",
    ]


def test_one_sentence_on_clean_and_on_small_benchmarks():
    def told(*entries):
        return headline({"exposure": list(entries), "overall": {"n": 100}})

    assert told(entry("near", "no sign"), entry("far", "too few")) == (
        "No sign of a shortcut in 1 question type (too few questions to tell in 1)."
    )
    assert told(entry("far", "too few"), entry("near", "too few")) == (
        "Too few questions to tell in any of the 2 question types."
    )


def test_intervals_over_few_groups_are_told_to_be_too_narrow():
    exposure = [entry("near", "no sign")]
    many = {"exposure": exposure, "resampled": {"group": "video", "n": 20}}
    few = {"exposure": exposure, "resampled": {"group": "video", "n": 3}}
    assert describe_verdict(few)[:-1] == describe_verdict(many)
    assert describe_verdict(few)[-1] == (
        "Intervals resample 3 groups (video): with fewer than 20 they are too narrow, and "
        "scores vary more than they say."
    )
