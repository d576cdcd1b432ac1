"""What a record says, in words: which question types are answered without looking, and how many
questions are to be mended.
"""

from __future__ import annotations

from typing import Any

from tst.scoring.exposure import EXPOSED, NO_SIGN, ONE_ANSWER, TOO_FEW

CHANCE = {"mc": "by chance", "num": "for the best constant", "open": "for the most frequent answer"}


def describe_verdict(summary: dict[str, Any]) -> list[str]:
    """One sentence per exposed question type, most to mend first, then one on all the others.

    summary: a record's summary.json with ``exposure``
    """
    types = summary["exposure"]
    lines = [_exposed(entry, summary) for entry in types if entry["state"] == EXPOSED]
    lines += [_one_answer(entry) for entry in types if entry["state"] == ONE_ANSWER]
    clean = sum(entry["state"] == NO_SIGN for entry in types)
    few = sum(entry["state"] == TOO_FEW for entry in types)
    if not lines and not few:
        return [f"No sign of a shortcut in any of the {clean} question types."]
    if clean or few:
        untold = f"; too few questions to tell in {_types(few)}" if few else ""
        lines.append(f"No sign of a shortcut in {_types(clean)}{untold}.")
    return lines


def _exposed(entry: dict[str, Any], summary: dict[str, Any]) -> str:
    part = summary["per_type"].get(entry["question_type"], {})
    bounds = [b for b in part.get("interval", {}).get("score_hard") or [] if b is not None]
    alone = part.get("n") == entry["n"] and len(bounds) == 2
    interval = f" [{100 * bounds[0]:.0f}, {100 * bounds[1]:.0f}]" if alone else ""
    right = "right" if entry["format"] != "num" else "relative accuracy"
    return (
        f"{entry['question_type']}: {100 * entry['score']:.0f}%{interval} {right} without looking, "
        f"against {100 * entry['chance']:.0f}% {CHANCE[entry['format']]}; about {entry['to_mend']} "
        f"of {entry['n']} questions to mend."
    )


def _one_answer(entry: dict[str, Any]) -> str:
    return (
        f"{entry['question_type']}: one answer to every question scores "
        f"{100 * entry['chance']:.0f}%; {entry['to_mend']} of {entry['n']} questions to mend."
    )


def _types(count: int) -> str:
    return f"{count} question type{'' if count == 1 else 's'}"
