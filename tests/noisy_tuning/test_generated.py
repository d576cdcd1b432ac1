"""The generated pairs: varied, short, reproducible, and every answer right."""

import re
from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from tst.core.errors import UserError
from tst.noisy_tuning.generated import FAMILIES, MOST_PAIRS, UNITS, generate_pairs
from tst.noisy_tuning.pairs import prompt_text

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"


def numbers(text):
    return [int(n) for n in re.findall(r"\d+", text)]


def quoted(text):
    return re.findall(r'"([^"]+)"', text)


def table(given):
    return {k: int(v.split()[0]) for k, v in (line.split(": ") for line in given.split("\n"))}


def solve_date(ask):
    first, last = (date.fromisoformat(d) for d in re.findall(r"\d{4}-\d{2}-\d{2}", ask))
    return str(sum(1 for _ in range(first.toordinal(), last.toordinal())))


def solve_clock(ask):
    clock, minutes = re.search(r"(\d\d:\d\d)", ask)[1], int(re.search(r"(\d+) minutes", ask)[1])
    return (datetime.strptime(clock, "%H:%M") + timedelta(minutes=minutes)).strftime("%H:%M")


def solve_weekday(ask):
    days = DAYS.split()
    week = days[days.index(re.search(rf"({'|'.join(days)})", ask)[1]) :] + days
    return (week + days * 4)[numbers(ask)[0]]


def solve_units(ask):
    amount, large, small = re.match(r"Convert (\d+) (\w+) to (\w+)", ask).groups()
    factor = next(f for a, b, f in UNITS if (a, b) == (large, small))
    return f"{int(amount) * factor} {small}"


MARKS = {"hyphens": "-", "plus signs": "+", "slashes": "/"}
PLACES = ["first", "second", "third", "fourth", "fifth"]

SOLVERS = {
    "add": lambda ask, given: str(sum(numbers(ask))),
    "subtract": lambda ask, given: str(numbers(ask)[0] - numbers(ask)[1]),
    "multiply": lambda ask, given: str(numbers(ask)[0] * numbers(ask)[1]),
    "remainder": lambda ask, given: str(numbers(ask)[0] % numbers(ask)[1]),
    "parity": lambda ask, given: ("even", "odd")[numbers(ask)[0] & 1],
    "sequence": lambda ask, given: str(2 * numbers(given)[3] - numbers(given)[2]),
    "sort_numbers": lambda ask, given: ", ".join(
        map(str, sorted(numbers(given), reverse="largest to" in ask))
    ),
    "extreme_number": lambda ask, given: str((max if "largest" in ask else min)(numbers(given))),
    "reverse_word": lambda ask, given: "".join(reversed(given)),
    "uppercase": lambda ask, given: given.upper(),
    "count_letter": lambda ask, given: str(len(re.findall(quoted(ask)[0], given))),
    "count_vowels": lambda ask, given: str(len(re.findall("[aeiou]", given))),
    "count_words": lambda ask, given: str(len(given.split())),
    "sort_words": lambda ask, given: ", ".join(sorted(given.split(", "))),
    "nth_word": lambda ask, given: next(
        w for p, w in zip(PLACES, given.split(", "), strict=True) if p in ask
    ),
    "initials": lambda ask, given: "".join(re.findall(r"\b\w", given)).upper(),
    "join_words": lambda ask, given: given.replace(
        " ", next(m for n, m in MARKS.items() if n in ask)
    ),
    "replace_word": lambda ask, given: re.sub(rf"\b{quoted(ask)[0]}\b", quoted(ask)[1], given),
    "is_listed": lambda ask, given: "yes" if quoted(ask)[0] in given.split(", ") else "no",
    "look_up_price": lambda ask, given: (
        f"{table(given)[re.search(r'for (.+)[?]', ask)[1]]} dollars"
    ),
    "who_has_most": lambda ask, given: (max if "most" in ask else min)(
        table(given), key=table(given).get
    ),
    "convert_units": lambda ask, given: solve_units(ask),
    "days_between": lambda ask, given: solve_date(ask),
    "weekday_after": lambda ask, given: solve_weekday(ask),
    "clock_after": lambda ask, given: solve_clock(ask),
}


def test_every_answer_is_right():
    pairs = generate_pairs(MOST_PAIRS, seed=1)
    assert {p.family for p in pairs} == SOLVERS.keys()
    for pair in pairs:
        ask, _, given = pair.prompt[0]["content"].partition("\n\n")
        assert SOLVERS[pair.family](ask, given) == pair.response, (ask, given)


def test_prompts_differ_and_families_are_even():
    pairs = generate_pairs(400, seed=0)
    assert len({prompt_text(p.prompt) for p in pairs}) == 400
    counts = Counter(p.family for p in pairs)
    assert len(counts) == len(FAMILIES) and set(counts.values()) == {400 // len(FAMILIES)}
    assert max(len(prompt_text(p.prompt)) + len(p.response) for p in pairs) < 300
    assert Counter(p.response for p in pairs).most_common(1)[0][1] < 0.1 * len(pairs)


def test_a_seed_decides_everything():
    assert generate_pairs(50, seed=3) == generate_pairs(50, seed=3)
    assert generate_pairs(50, seed=3) != generate_pairs(50, seed=4)
    assert generate_pairs(50, seed=3) == generate_pairs(80, seed=3)[:50]


def test_more_than_can_differ_is_refused():
    with pytest.raises(UserError, match="at most 1000"):
        generate_pairs(MOST_PAIRS + 1, seed=0)
