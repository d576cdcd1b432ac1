"""Entities of VSI-Bench's templates: the corners and angles of relative directions, route turns."""

from __future__ import annotations

import re

from tst.diagnostics.forest.text.entities import Facts

DIRECTION = re.compile(
    r"standing by the (?P<at>.+?) and facing the (?P<facing>.+?), is the (?P<target>.+?) to "
)
ROUTE = re.compile(r"beginning at the (?P<at>.+?) (?:and )?facing (?:the )?(?P<facing>.+?)\. You")
STEP = re.compile(r"\d\. (\[please fill in\]|Go forward until (?:the )?[^.\d]+)")
FORWARD = re.compile(r"Go forward until (?:the )?")
TURNS = {"left": 1, "right": -1}


class VsiBenchFeatures:
    """Relative directions as angles at the standing point; route turns as triangle orientations."""

    def describe(
        self, question_type: str, question: str, options: list[str] | None
    ) -> Facts | None:
        if not options:
            return None
        direction = DIRECTION.search(question)
        if direction:
            at, facing, target = direction.group("at", "facing", "target")
            sides = [orientation(at, facing, target, turn_of(o)) for o in options]
            angles = [angle_claims(at, facing, target, option) for option in options]
            return Facts(
                claims={
                    "directions.side": sides,
                    "directions.right_angle": [right for right, _ in angles],
                    "directions.wide_angle": [wide for _, wide in angles],
                }
            )
        route = ROUTE.search(question)
        if route:
            return route_facts(question, (route["at"], route["facing"]), options)
        return None


def turn_of(text: str) -> int:
    """+1 for left, -1 for right, 0 for neither."""
    return next((sign for word, sign in TURNS.items() if word in text.lower()), 0)


def orientation(at: str, facing: str, target: str, turn: int) -> list[tuple[str, int]]:
    """The claim that the target lies to the left (+1) or right (-1) on the way from at to facing.

    The key is the sorted triple; an odd permutation of the corners reverses the sign.
    """
    corners = (at, facing, target)
    if turn == 0 or len(set(corners)) < 3:
        return []
    a, b, c = (sorted(corners).index(corner) for corner in corners)
    odd = ((a > b) + (a > c) + (b > c)) % 2
    return [("|".join(sorted(corners)), -turn if odd else turn)]


def angle_claims(
    at: str, facing: str, target: str, option: str
) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Claims about the angle at a corner: under 90 degrees, and under 135 degrees.

    A triangle has one wide angle at most: one behind my back makes the other two sharp.
    """
    here = f"{at}|{'|'.join(sorted((facing, target)))}"
    elsewhere = [
        f"{facing}|{'|'.join(sorted((at, target)))}",
        f"{target}|{'|'.join(sorted((at, facing)))}",
    ]
    words = option.lower()
    others = [(corner, 1) for corner in elsewhere]
    if words.startswith("back-"):
        return [(here, -1), *others], others
    if words.startswith("front-"):
        return [(here, 1)], [(here, 1)]
    if words.startswith("back"):
        return [(here, -1), *others], [(here, -1), *others]
    return [], [(here, 1)]


def route_facts(question: str, start: tuple[str, str], options: list[str]) -> Facts:
    """Each turn of a route as the orientation of (where from, where at or facing, where to)."""
    previous, ahead = start
    steps = [FORWARD.sub("", step).strip() for step in STEP.findall(question)]
    places = [step for step in steps if not step.startswith("[")]
    corners: list[tuple[str, str, str]] = []
    reached = 0
    for step in steps:
        if not step.startswith("["):
            previous, ahead = (previous if reached == 0 else places[reached - 1]), step
            reached += 1
        elif reached < len(places):
            corners.append((previous, ahead, places[reached]))
    sides, shapes = [], []
    for option in options:
        turns = [turn_of(part) for part in option.split(",")]
        sides.append(
            [
                claim
                for corner, turn in zip(corners, turns, strict=False)
                for claim in orientation(*corner, turn)
            ]
        )
        shapes.append(f"{len(steps)}|{','.join(map(str, turns))}")
    same = f"{start[0] == start[1]}"
    return Facts(
        option_keys={"route.shape": shapes, "route.start": [f"{same}|{s}" for s in shapes]},
        claims={"directions.side": sides},
    )
