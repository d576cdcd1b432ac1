"""What the report shows of one record, as plain values for JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from tst.analysis.report.distributions import histogram, joint_histogram, reliability
from tst.analysis.report.headline import describe_headline
from tst.core.questions import GROUP_PREFIX
from tst.records.run_records import RunRecord
from tst.stress_testing.shortcuts.repairs import REPAIRS
from tst.stress_testing.shortcuts.sentences import UNNAMED
from tst.stress_testing.shortcuts.to_mend import by_shortcut

SET_FIELDS = (
    "n",
    "score_hard",
    "score_soft",
    "zero_shot_hard",
    "zero_shot_soft",
    "delta_hard",
    "delta_soft",
    "baseline",
    "majority",
    "adjusted_hard",
    "adjusted_soft",
    "bits",
    "log_likelihood",
    "prior_log_likelihood",
    "uniform_log_likelihood",
    "ece",
    "ece_floor",
    "nothing_beyond_counting",
    "interval",
    "fold_sd",
)
TO_MEND_COLUMNS = ("id", "question_type", "question", "gold", "answered", "probability", "shortcut",
                   "why", "repair")  # fmt: skip
MOST_SHORTCUTS = 25
"""Shortcuts of question types in the page; to_mend.csv in the record has every question."""
MOST_NEAR_DUPLICATES = 15
"""Clusters of near-duplicates that are shown: the first that give away more than guessing."""


def describe_record(
    record: RunRecord, title: str, name: str, questions: pd.DataFrame, outputs_root: Path | None
) -> dict[str, Any]:
    """Everything but the questions: identity, summary figures, distributions, importance.

    title: of its set of questions; name: what no other record of these questions is called
    """
    summary = record.summary
    has_zero_shot = bool(questions["s_zero_shot"].notna().any())
    return {
        "hash": record.hash,
        "benchmark": title,
        "name": name,
        "subject": record.subject,
        "folds": record.folds,
        "seed": record.seed,
        "repeats": summary["folds"]["repeats"],
        "path": str(record.path.relative_to(outputs_root.resolve()))
        if outputs_root is not None and record.path.is_relative_to(outputs_root.resolve())
        else str(record.path),
        "finished_at": record.finished_at,
        **describe_headline(summary),
        "overall": _fields(summary["overall"]),
        "macro": _fields(summary["macro"]),
        "formats": [{"name": k, **_fields(v)} for k, v in summary["per_format"].items()],
        "types": [{"name": k, **_fields(v)} for k, v in summary["per_type"].items()],
        "s": histogram(questions, "s", 0.0, 1.0),
        "delta": histogram(questions, "delta", -1.0, 1.0) if has_zero_shot else [],
        "joint_histogram": joint_histogram(questions) if has_zero_shot else [],
        "reliability": reliability(questions, "p_options"),
        "reliability_zero_shot": reliability(questions, "p_options_zero_shot"),
        "importance": _rows(record.optional_table("importance.csv")),
        "to_mend": describe_to_mend(record.optional_table("to_mend.csv")),
        "near_duplicates": describe_near_duplicates(record.optional_table("near_duplicates.csv")),
        "planted": summary.get("planted") or {},
        "null": summary.get("null"),
        "cost": summary.get("cost") or {},
        "left_out": len(summary["data"].get("left_out", [])),
        "unparsed": int((questions["parsed"] < 1).sum()),
        "letter_mass": _mean(questions["letter_mass"]),
    }


def describe_to_mend(listed: pd.DataFrame | None) -> dict[str, Any] | None:
    """What there is to mend, a row per question type and shortcut, those with most questions first.

    Each row has how many questions it stands for (n), how that shortcut is mended, and the question
    that gives most away. None where a record has no such list.
    """
    if listed is None:
        return None
    rows = by_shortcut(listed.assign(shortcut=listed["shortcut"].astype(object).fillna("")))
    shown = rows.head(MOST_SHORTCUTS)
    repair = shown["shortcut"].map(REPAIRS)
    shown = shown.assign(repair=repair, shortcut=shown["shortcut"].replace("", UNNAMED))
    return {
        "n": len(listed),
        "shortcuts": len(rows),
        "rows": _rows(shown[["n", *TO_MEND_COLUMNS]]),
    }


def describe_near_duplicates(clusters: pd.DataFrame | None) -> dict[str, Any] | None:
    """Near-duplicates across folds: how many, what they give away in all, the most telling ones."""
    if clusters is None:
        return None
    n = clusters["n_questions"]
    total = int(n.sum())
    shown = clusters[clusters["gives_away"] > clusters["baseline"]].head(MOST_NEAR_DUPLICATES)
    columns = ["question_type", "n_questions", "n_folds", "gives_away", "baseline", "answer"]
    return {
        "clusters": len(clusters),
        "questions": total,
        "gives_away": float((clusters["gives_away"] * n).sum() / total) if total else None,
        "baseline": float((clusters["baseline"] * n).sum() / total) if total else None,
        "rows": _rows(shown[[*columns, "template", "options"]]),
    }


def _fields(part: dict[str, Any]) -> dict[str, Any]:
    return {name: part[name] for name in SET_FIELDS if name in part}


def _mean(values: pd.Series) -> float | None:
    mean = float(values.astype(float).mean())
    return mean if math.isfinite(mean) else None


def _rows(frame: pd.DataFrame | None) -> list[dict[str, Any]]:
    return [] if frame is None else json.loads(frame.to_json(orient="records"))


def question_columns(questions: pd.DataFrame) -> dict[str, Any]:
    """The question table by columns (lists), JSON decoded, scores rounded to four decimals."""
    decoded = ("options", "answer", "prediction", "p_options", "p_options_zero_shot", "reasons")
    scores = ("s", "s_zero_shot", "delta", "bits", "baseline", "adjusted", "margin", "letter_mass")
    texts = ["id", "question_type", "format", "question", "generated", "cue"]
    texts += [c for c in map(str, questions) if c.startswith(GROUP_PREFIX)]
    columns: dict[str, Any] = {c: _texts(questions[c]) for c in texts if c in questions}
    columns |= {c: _decode(questions[c]) for c in decoded}
    columns |= {c: _scores(questions[c]) for c in scores}
    columns["fold"] = questions["fold"].astype(int).tolist()
    return {name: values for name, values in columns.items() if any(v is not None for v in values)}


def _texts(values: pd.Series) -> list[str | None]:
    return [str(v) if isinstance(v, str) else None for v in values]


def _decode(values: pd.Series) -> list[Any]:
    """Cells of JSON, parsed as one text; lists of floats rounded."""
    cells = json.loads("[" + ",".join(v if isinstance(v, str) else "null" for v in values) + "]")
    return [
        [round(v, 4) for v in cell]
        if isinstance(cell, list) and all(isinstance(v, float) for v in cell)
        else cell
        for cell in cells
    ]


def _scores(values: pd.Series) -> list[float | None]:
    rounded = values.astype(float).round(4)
    return [float(v) if math.isfinite(v) else None for v in rounded]
