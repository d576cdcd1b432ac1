"""The embedded default: short instruction pairs whose answers can be checked, from a seed.

Every family of tasks is one function of a random generator; pairs alternate between families.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import cycle

from tst.core.errors import UserError
from tst.noisy_tuning.pairs import Pair, prompt_text, user_turn

Task = tuple[str, str, str]
"""(instruction, its input or an empty text, response)."""

_WORDS = (
    "anchor basket bridge button candle carpet castle cherry cotton desert engine falcon feather "
    "forest garden guitar hammer harbor island jacket kitten ladder lantern lemon magnet marble "
    "meadow mirror needle orange parrot pencil pepper pillow planet pocket rabbit ribbon river "
    "saddle school shadow silver spider spring summer temple thunder ticket tunnel turtle valley "
    "velvet violin walnut window winter wizard yellow zipper"
)
_PEOPLE = "Ada Bruno Carla Dario Elena Farid Greta Hugo Irene Jonas Kira Luis Mona Nils Olga"
_GOODS = "apples bread cheese coffee dates eggs figs grapes honey juice milk nuts olives rice tea"
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
WORDS, PEOPLE, GOODS, DAYS = (t.split() for t in (_WORDS, _PEOPLE, _GOODS, _DAYS))
UNITS = (
    ("kilometers", "meters", 1000),
    ("meters", "centimeters", 100),
    ("kilograms", "grams", 1000),
    ("hours", "minutes", 60),
    ("minutes", "seconds", 60),
    ("days", "hours", 24),
    ("weeks", "days", 7),
    ("feet", "inches", 12),
    ("dozens", "pieces", 12),
    ("liters", "milliliters", 1000),
)


def _add(rng: random.Random) -> Task:
    a, b = rng.randint(11, 99), rng.randint(11, 99)
    ask = rng.choice(["What is {} plus {}?", "Add {} and {}.", "Calculate {} + {}."])
    return ask.format(a, b), "", str(a + b)


def _subtract(rng: random.Random) -> Task:
    b, difference = rng.randint(11, 60), rng.randint(1, 60)
    ask = rng.choice(["What is {} minus {}?", "Calculate {} - {}."])
    return ask.format(b + difference, b), "", str(difference)


def _multiply(rng: random.Random) -> Task:
    a, b = rng.randint(2, 9), rng.randint(11, 40)
    ask = rng.choice(["What is {} times {}?", "Multiply {} by {}."])
    return ask.format(a, b), "", str(a * b)


def _remainder(rng: random.Random) -> Task:
    a, b = rng.randint(20, 99), rng.randint(3, 9)
    return f"What is the remainder when {a} is divided by {b}?", "", str(a % b)


def _parity(rng: random.Random) -> Task:
    a = rng.randint(100, 999)
    return f"Is {a} even or odd?", "", "odd" if a % 2 else "even"


def _sequence(rng: random.Random) -> Task:
    start, step = rng.randint(1, 30), rng.randint(2, 12)
    shown = ", ".join(str(start + i * step) for i in range(4))
    return "Which number comes next in the sequence?", shown, str(start + 4 * step)


def _sort_numbers(rng: random.Random) -> Task:
    numbers = rng.sample(range(1, 100), rng.randint(4, 6))
    falling = rng.random() < 0.5
    order = "largest to smallest" if falling else "smallest to largest"
    given, answer = (", ".join(map(str, n)) for n in (numbers, sorted(numbers, reverse=falling)))
    return f"Sort the numbers from {order}.", given, answer


def _extreme_number(rng: random.Random) -> Task:
    numbers = rng.sample(range(10, 1000), rng.randint(4, 7))
    name, pick = rng.choice([("largest", max), ("smallest", min)])
    return (
        f"Which of these numbers is the {name}?",
        ", ".join(map(str, numbers)),
        str(pick(numbers)),
    )


def _reverse_word(rng: random.Random) -> Task:
    word = rng.choice(WORDS)
    ask = rng.choice(["Write the word backwards.", "Reverse the letters of the word."])
    return ask, word, word[::-1]


def _uppercase(rng: random.Random) -> Task:
    text = " ".join(rng.sample(WORDS, 3))
    ask = rng.choice(["Write the text in capital letters.", "Convert the text to uppercase."])
    return ask, text, text.upper()


def _count_letter(rng: random.Random) -> Task:
    word = rng.choice(WORDS)
    letter = rng.choice(sorted(set(word)))
    return (
        f'How many times does the letter "{letter}" occur in the word?',
        word,
        str(word.count(letter)),
    )


def _count_vowels(rng: random.Random) -> Task:
    word = rng.choice(WORDS)
    return (
        "How many vowels (a, e, i, o, u) are in the word?",
        word,
        str(sum(letter in "aeiou" for letter in word)),
    )


def _count_words(rng: random.Random) -> Task:
    words = rng.sample(WORDS, rng.randint(3, 9))
    return "How many words does the text have?", " ".join(words), str(len(words))


def _sort_words(rng: random.Random) -> Task:
    words = rng.sample(WORDS, rng.randint(3, 5))
    return "Sort the words alphabetically.", ", ".join(words), ", ".join(sorted(words))


def _nth_word(rng: random.Random) -> Task:
    words = rng.sample(WORDS, 5)
    place = rng.randrange(5)
    name = ("first", "second", "third", "fourth", "fifth")[place]
    return f"Which word is the {name} in the list?", ", ".join(words), words[place]


def _initials(rng: random.Random) -> Task:
    words = rng.sample(WORDS, rng.randint(3, 5))
    ask = "Write the first letter of each word as one word in capitals."
    return ask, " ".join(words), "".join(word[0] for word in words).upper()


def _join_words(rng: random.Random) -> Task:
    words = rng.sample(WORDS, rng.randint(3, 4))
    name, mark = rng.choice([("hyphens", "-"), ("plus signs", "+"), ("slashes", "/")])
    return f"Join the words with {name}, without spaces.", " ".join(words), mark.join(words)


def _replace_word(rng: random.Random) -> Task:
    words = rng.sample(WORDS, 4)
    new = rng.choice([w for w in WORDS if w not in words])
    old = rng.choice(words)
    answer = " ".join(new if word == old else word for word in words)
    return f'Replace the word "{old}" by "{new}".', " ".join(words), answer


def _is_listed(rng: random.Random) -> Task:
    words = rng.sample(WORDS, 5)
    word = rng.choice(words if rng.random() < 0.5 else [w for w in WORDS if w not in words])
    answer = "yes" if word in words else "no"
    return f'Is "{word}" in the list? Answer yes or no.', ", ".join(words), answer


def _look_up_price(rng: random.Random) -> Task:
    goods = rng.sample(GOODS, 4)
    prices = rng.sample(range(2, 30), 4)
    which = rng.randrange(4)
    table = "\n".join(f"{g}: {p} dollars" for g, p in zip(goods, prices, strict=True))
    return f"How much does the list ask for {goods[which]}?", table, f"{prices[which]} dollars"


def _who_has_most(rng: random.Random) -> Task:
    people = rng.sample(PEOPLE, 4)
    points = rng.sample(range(1, 50), 4)
    name, pick = rng.choice([("most", max), ("fewest", min)])
    table = "\n".join(f"{p}: {n}" for p, n in zip(people, points, strict=True))
    return f"Who has the {name} points?", table, people[points.index(pick(points))]


def _convert_units(rng: random.Random) -> Task:
    large, small, factor = rng.choice(UNITS)
    amount = rng.randint(2, 30)
    return f"Convert {amount} {large} to {small}.", "", f"{amount * factor} {small}"


def _days_between(rng: random.Random) -> Task:
    start = date(rng.randint(2001, 2030), 1, 1) + timedelta(rng.randrange(300))
    days = rng.randint(2, 60)
    return f"How many days are there from {start} to {start + timedelta(days)}?", "", str(days)


def _weekday_after(rng: random.Random) -> Task:
    day, days = rng.randrange(7), rng.randint(2, 20)
    return f"Today is {DAYS[day]}. Which day is it in {days} days?", "", DAYS[(day + days) % 7]


def _clock_after(rng: random.Random) -> Task:
    start, minutes = rng.randrange(24 * 60), 5 * rng.randint(2, 30)
    end = (start + minutes) % (24 * 60)
    ask = f"It is {start // 60:02d}:{start % 60:02d}. What time is it in {minutes} minutes?"
    return ask, "", f"{end // 60:02d}:{end % 60:02d}"


FAMILIES: tuple[Callable[[random.Random], Task], ...] = (
    *(_add, _subtract, _multiply, _remainder, _parity, _sequence, _sort_numbers, _extreme_number),
    *(_reverse_word, _uppercase, _count_letter, _count_vowels, _count_words, _sort_words),
    *(_nth_word, _initials, _join_words, _replace_word, _is_listed, _look_up_price),
    *(_who_has_most, _convert_units, _days_between, _weekday_after, _clock_after),
)
MOST_PAIRS = 1000
"""Some families have few prompts: more pairs than this could not all be different."""


def generate_pairs(n: int, seed: int) -> list[Pair]:
    """n pairs with different prompts, alternating between the families.

    Raises UserError for more than MOST_PAIRS.
    """
    if n > MOST_PAIRS:
        raise UserError(
            f"data.n={n}: at most {MOST_PAIRS} pairs are generated; set data.path=FILE or "
            "data=alpaca for more."
        )
    return [pair for _, pair in zip(range(n), _endless(random.Random(seed)), strict=False)]


def _endless(rng: random.Random) -> Iterator[Pair]:
    seen: set[str] = set()
    for family in cycle(FAMILIES):
        while True:
            instruction, given, response = family(rng)
            prompt = user_turn(instruction, given)
            if prompt_text(prompt) not in seen:
                break
        seen.add(prompt_text(prompt))
        yield Pair(prompt, response, family=family.__name__.lstrip("_"))
