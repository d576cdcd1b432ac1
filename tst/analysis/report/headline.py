"""The report's first sentence about a record, and the excess over its baseline by question type."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tst.core.number_text import is_known
from tst.scoring.exposure import TOO_FEW, states_by_type
from tst.stress_testing.verdict import describe_nulls, describe_verdict, headline


def describe_headline(summary: dict[str, Any]) -> dict[str, Any]:
    """``sentence``, ``verdict`` (the sentences of a run and of its nulls), ``excess``
    (``find_excess``), and ``violated``: the sentences of nulls that do not hold.
    """
    nulls = summary.get("null") or {}
    violated = {kind: entry for kind, entry in nulls.items() if entry["holds"] is False}
    return {
        "sentence": headline(summary),
        "verdict": [*describe_verdict(summary), *describe_nulls(nulls)],
        "violated": describe_nulls(violated),
        "excess": find_excess(summary),
    }


def find_excess(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Per question type how far its hard score is above its baseline, the highest first.

    Rows with name, n, state, to_mend, score, baseline, excess, and low and high, the 95% interval
    of the excess (of the score, less the baseline), None where there is none. Shares of 1.
    """
    states = states_by_type(summary["exposure"])
    to_mend: Counter[str] = Counter()
    for entry in summary["exposure"]:
        to_mend[entry["question_type"]] += entry["to_mend"]
    rows = []
    for name, part in summary["per_type"].items():
        score, baseline = part["score_hard"], part["baseline"]
        if not (is_known(score) and is_known(baseline)):
            continue
        bounds = part["interval"]["score_hard"]
        low, high = ((b - baseline) if is_known(b) else None for b in bounds)
        rows.append(
            {
                "name": name,
                "n": part["n"],
                "state": states.get(name, TOO_FEW),
                "to_mend": to_mend[name],
                "score": score,
                "baseline": baseline,
                "excess": score - baseline,
                "low": low,
                "high": high,
            }
        )
    return sorted(rows, key=lambda row: (-row["excess"], row["name"]))
