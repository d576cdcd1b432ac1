"""What a record says, in words: which question types are answered without looking, by what, and how
many of their questions are to be mended.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tst.core.number_text import decimal, percent
from tst.scoring.exposure import (
    EXPOSED,
    FEWEST_QUESTIONS,
    NO_SIGN,
    ONE_ANSWER,
    TOO_FEW,
    name_parts,
    states_by_type,
)

CHANCE = {"mc": "by chance", "num": "for the best constant", "open": "for the most frequent answer"}
MOSTLY = 0.5
"""The least share of a type's questions to mend that a shortcut named for the type gives away."""

FEW_GROUPS = 20
"""Fewer groups than this make intervals too narrow: "few" is 20 to 50 clusters in Cameron and
Miller, "A practitioner's guide to cluster-robust inference", 2015, section VI."""


def headline(summary: dict[str, Any]) -> str:
    """What a record says, in one sentence; the first words of a report and of an audit."""
    states = list(states_by_type(summary["exposure"]).values())
    exposed = sum(state in (EXPOSED, ONE_ANSWER) for state in states)
    few = states.count(TOO_FEW)
    if few == len(states):
        return f"Too few questions to tell in {_all_types(few)}."
    untold = f" (too few questions to tell in {few})" if few else ""
    if not exposed:
        return f"No sign of a shortcut in {_types(len(states) - few)}{untold}."
    to_mend = sum(entry["to_mend"] for entry in summary["exposure"])
    return (
        f"{exposed} of {_types(len(states))} {'is' if exposed == 1 else 'are'} answered without "
        f"looking{untold}: about {to_mend:,} of {summary['overall']['n']:,} questions to mend."
    )


def describe_verdict(summary: dict[str, Any]) -> list[str]:
    """One sentence per exposed question type, most to mend first, then one on all the others.

    summary: a record's summary.json with ``exposure``; ``shortcuts`` where folds are complete
    A type that is exposed in several of its formats has a sentence for each.
    """
    types = summary["exposure"]
    names = name_parts(types)
    lines = [_exposed(entry, names, summary) for entry in types if entry["state"] == EXPOSED]
    lines += [_one_answer(entry, names, summary) for entry in types if entry["state"] == ONE_ANSWER]
    states = list(states_by_type(types).values())
    clean, few = states.count(NO_SIGN), states.count(TOO_FEW)
    if lines or (clean and few):
        others = "other " if lines else ""
        if clean:
            untold = f" (too few questions to tell in {few})" if few else ""
            lines.append(f"No sign of a shortcut in {_types(clean, others)}{untold}.")
        elif few:
            lines.append(f"Too few questions to tell in {_types(few, others)}.")
    elif clean:
        lines.append(f"No sign of a shortcut in {_all_types(clean)}.")
    else:
        lines.append(f"Too few questions to tell in {_all_types(few)}.")
    return [*lines, *_advise_merging(types), *_few_groups(summary)]


def _few_groups(summary: dict[str, Any]) -> list[str]:
    """A warning where intervals resample few groups; none for records from before it."""
    resampled = summary.get("resampled")
    if resampled is None or resampled["n"] >= FEW_GROUPS:
        return []
    return [
        f"Intervals resample {resampled['n']} groups ({resampled['group']}): with fewer than "
        f"{FEW_GROUPS} they are too narrow, and scores vary more than they say."
    ]


def _advise_merging(types: Sequence[dict[str, Any]]) -> list[str]:
    """How types with too few questions can be judged together, where they have enough of them."""
    states = states_by_type(types)
    small = [entry["n"] for entry in types if states[entry["question_type"]] == TOO_FEW]
    if sum(state == TOO_FEW for state in states.values()) < 2 or sum(small) < FEWEST_QUESTIONS:
        return []
    return [
        f"A type needs {FEWEST_QUESTIONS} questions to be judged: "
        f"benchmark.merge_types_under={FEWEST_QUESTIONS} judges these {sum(small):,} as one."
    ]


def describe_nulls(null: dict[str, Any]) -> list[str]:
    """Whether the method is fooled where there is nothing to learn."""
    told = []
    for kind, entry in null.items():
        if entry["holds"] is None:
            told.append(f"The {kind} null cannot be judged: {entry['holds_reason']}.")
            continue
        draws = "draw" if entry["draws"] == 1 else "draws"
        of_mc = " to the multiple-choice questions alone" if kind == "uniform" else ""
        verdict = "holds" if entry["holds"] else "IS VIOLATED: do not trust the scores above"
        p = ""
        if "p" in entry:
            least = entry["p"] <= 1 / (1 + entry["draws"])
            p = f"; p = {decimal(entry['p'])} for the score above"
            p += ", the smallest that so many draws can show" if least else ""
        told.append(
            f"With {kind} answers{of_mc} ({entry['draws']} {draws}) the model scores "
            f"{percent(entry['score_hard'])}%, expected {percent(entry['expected'])}%: the null "
            f"{verdict}{p}."
        )
    return told


def _exposed(
    entry: dict[str, Any], names: dict[tuple[str, str], str], summary: dict[str, Any]
) -> str:
    part = summary["per_type"].get(entry["question_type"], {})
    bounds = [b for b in part.get("interval", {}).get("score_hard") or [] if b is not None]
    alone = part.get("n") == entry["n"] and len(bounds) == 2
    interval = f" [{100 * bounds[0]:.0f}, {100 * bounds[1]:.0f}]" if alone else ""
    right = "right" if entry["format"] != "num" else "relative accuracy"
    return (
        f"{_name(entry, names)}: {100 * entry['score']:.0f}%{interval} {right} without looking "
        f"against {100 * entry['chance']:.0f}% {CHANCE[entry['format']]}; "
        f"{_shortcut(entry, summary)}about {entry['to_mend']} of {entry['n']} to mend."
    )


def _one_answer(
    entry: dict[str, Any], names: dict[tuple[str, str], str], summary: dict[str, Any]
) -> str:
    return (
        f"{_name(entry, names)}: one answer to every question scores "
        f"{100 * entry['chance']:.0f}%; {_shortcut(entry, summary)}{entry['to_mend']} of "
        f"{entry['n']} to mend."
    )


def _name(entry: dict[str, Any], names: dict[tuple[str, str], str]) -> str:
    return names[entry["question_type"], entry["format"]]


def _shortcut(entry: dict[str, Any], summary: dict[str, Any]) -> str:
    """What most of a type's questions to mend have in common, with an example; else nothing."""
    found = summary.get("shortcuts", {}).get(entry["question_type"])
    if not found or not found["shortcut"] or found["share"] < MOSTLY:
        return ""
    example = f", as in: {found['why']}" if found["why"] else ""
    return f"mostly {found['shortcut']}{example}; "


def _types(count: int, others: str = "") -> str:
    return f"{count} {others}question type{'' if count == 1 else 's'}"


def _all_types(count: int) -> str:
    return f"any of the {_types(count)}" if count > 1 else f"the {_types(count)}"
