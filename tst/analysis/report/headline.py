"""The report's first sentence about a record, and the excess over its baseline by question type."""

from __future__ import annotations

import math
from typing import Any

from tst.scoring.exposure import EXPOSED, NO_SIGN, ONE_ANSWER, TOO_FEW
from tst.stress_test.verdict import describe_verdict

MOST_TELLING = (EXPOSED, ONE_ANSWER, NO_SIGN, TOO_FEW)
"""Of a type with several formats the first of these states is shown."""


def describe_headline(summary: dict[str, Any]) -> dict[str, Any]:
    """``sentence``, ``verdict`` (the sentences of a run) and ``excess`` (see ``find_excess``)."""
    states, to_mend = judge_types(summary)
    exposed = sum(state in (EXPOSED, ONE_ANSWER) for state in states.values())
    few = sum(state == TOO_FEW for state in states.values())
    n = summary["overall"]["n"]
    if exposed:
        sentence = (
            f"{exposed} of {_types(len(states))} {'is' if exposed == 1 else 'are'} answered "
            f"without looking: about {sum(to_mend.values()):,} of {n:,} questions to mend"
        )
    elif few == len(states):
        sentence = f"Too few questions to tell in any of {_types(few)}"
    else:
        sentence = f"No sign of a shortcut in {_types(len(states) - few)}"
    if few and few < len(states):
        sentence += f" (too few questions to tell in {few})"
    return {
        "sentence": f"{sentence}.",
        "verdict": describe_verdict(summary),
        "excess": find_excess(summary),
    }


def _types(count: int) -> str:
    return f"{count} question type{'' if count == 1 else 's'}"


def judge_types(summary: dict[str, Any]) -> tuple[dict[str, str], dict[str, int]]:
    """By question type, over its formats: its most telling state, and how many are to be mended."""
    states: dict[str, str] = {}
    to_mend: dict[str, int] = {}
    for entry in summary["exposure"]:
        name, state = entry["question_type"], entry["state"]
        states[name] = min(states.get(name, TOO_FEW), state, key=MOST_TELLING.index)
        to_mend[name] = to_mend.get(name, 0) + entry["to_mend"]
    return states, to_mend


def find_excess(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Per question type how far its hard score is above its baseline, the highest first.

    Rows with name, n, state, to_mend, score, baseline, excess, and low and high, the 95% interval
    of the excess (of the score, less the baseline), None where there is none. Shares of 1.
    """
    states, to_mend = judge_types(summary)
    rows = []
    for name, part in summary["per_type"].items():
        score, baseline = part["score_hard"], part["baseline"]
        if not (_is_known(score) and _is_known(baseline)):
            continue
        bounds = part["interval"]["score_hard"]
        low, high = ((b - baseline) if _is_known(b) else None for b in bounds)
        rows.append(
            {
                "name": name,
                "n": part["n"],
                "state": states.get(name, TOO_FEW),
                "to_mend": to_mend.get(name, 0),
                "score": score,
                "baseline": baseline,
                "excess": score - baseline,
                "low": low,
                "high": high,
            }
        )
    return sorted(rows, key=lambda row: (-row["excess"], row["name"]))


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
