"""Entities of CV-Bench's templates: counted things, the two ends of a relation, boxed objects."""

from __future__ import annotations

import re

from tst.diagnostics.forest.text.entities import Facts

COUNT = re.compile(r"^How many (?P<thing>.+?) are (?:there )?in the image")
RELATION = re.compile(
    r"relative positions of (?:the )?(?P<one>.+?) and (?:the )?(?P<two>.+?) in the image"
)
BOXED = re.compile(r"\s*\((?:annotated|highlighted) by (?:the|an?) [a-z]+ box\)")
DISTANCE = re.compile(r"closer to the (?P<anchor>.+?) \(highlighted")
AXES = {"left": ("across", 1), "right": ("across", -1), "above": ("up", 1), "below": ("up", -1)}


class CvBenchFeatures:
    """Which thing is counted among which numbers, and where a thing usually stands."""

    def describe(
        self, question_type: str, question: str, options: list[str] | None
    ) -> Facts | None:
        if not options:
            return None
        count, relation = COUNT.search(question), RELATION.search(question)
        if count:
            offered = ",".join(sorted(options))
            thing = count["thing"]
            return Facts(keys={"counts.thing": thing, "counts.offered": f"{thing}|{offered}"})
        if relation:
            return relation_facts(relation["one"], relation["two"], options)
        distance = DISTANCE.search(question)
        if distance:
            return distance_facts(distance["anchor"], options)
        return None


def relation_facts(one: str, two: str, options: list[str]) -> Facts:
    """Things that stand high or low, left or right, alone and as a pair."""
    boxed = f"{bool(BOXED.search(one))}{bool(BOXED.search(two))}"
    one, two = BOXED.sub("", one), BOXED.sub("", two)
    alone: list[list[tuple[str, int]]] = []
    heads: list[list[tuple[str, int]]] = []
    for option in options:
        axis, sign = AXES.get(option.strip().lower(), ("", 0))
        alone.append([(f"{axis}|{one}", sign), (f"{axis}|{two}", -sign)] if sign else [])
        last = (one.split()[-1], two.split()[-1])
        heads.append([(f"{axis}|{last[0]}", sign), (f"{axis}|{last[1]}", -sign)] if sign else [])
    return Facts(
        keys={"relation.boxed": boxed},
        claims={"relation.thing": alone, "relation.head": heads},
    )


def distance_facts(anchor: str, options: list[str]) -> Facts:
    """Pairs of things that stand close to each other, whichever of the two is asked about."""
    return Facts(option_keys={"distance.couple": ["|".join(sorted((anchor, o))) for o in options]})
