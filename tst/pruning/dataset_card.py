"""The dataset card that goes with a pruned benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tst.core.number_text import percent
from tst.core.questions import QuestionTable
from tst.pruning.judging import INDEPENDENCE
from tst.records.files import write_text

RULES = {
    "adjusted": "(s - baseline) / (1 - baseline)",
    "s": "s",
    "delta": "s minus the zero-shot score",
    "bits": "information about the answer beyond its position, in bits",
}


def write_card(path: Path, table: QuestionTable, summary: dict[str, Any]) -> None:
    """README.md of the pruned benchmark: its files, source, how it was chosen, results."""
    done = summary["pruning"]
    chooser = f"{summary['chooser']} {summary['model']}".strip()
    revision = f", revision `{table.revision}`" if table.revision else ""
    files = _files(Path(done["file"]).name, f"{table.name}_pruned")
    lines = [
        f"# {table.name}, pruned of questions that are answered without looking",
        "",
        f"{done['kept']} of {done['removed'] + done['kept']} questions; {done['removed']} were "
        f"removed by Iterative Bias Pruning (TsT, `{chooser}`) in batches of {done['batch']}, "
        f"those with the highest {RULES[summary['rank_by']]} first, where s is the score of a "
        "model that was trained only on the text of other questions.",
        "",
        f"Source: {table.source}{revision}. The rows are the source's own, in its columns; "
        "pictures and other binary columns are not included. The source's licence applies.",
        "",
        "| file | rows |",
        "|---|---|",
        f"| {files} | the {done['kept']} questions that are kept |",
        "| `full.jsonl`, `full.parquet` | all questions, with a column `pruned` |",
        "",
        f"It stopped because: {done.get('reason', done['stopped'])}.",
        "",
        "| question type | before | removed | kept |",
        "|---|---|---|---|",
    ]
    for name, counts in done["per_type"].items():
        lines.append(f"| {name} | {counts['before']} | {counts['removed']} | {counts['kept']} |")
    for judged in summary["judged"]:
        lines += ["", *_judgement(judged)]
    if not summary["judged"]:
        lines += ["", "The questions that are kept have been diagnosed by the chooser only."]
    write_text(path, "\n".join(lines) + "\n")


def _files(shown: str, stem: str) -> str:
    """The files of the pruned benchmark: the one in the source's format first."""
    names = dict.fromkeys([shown, f"{stem}.jsonl", f"{stem}.parquet"])
    return ", ".join(f"`{name}`" for name in names)


def _judgement(judged: dict[str, Any]) -> list[str]:
    judge = f"{judged['judge']} {judged.get('model', '')}".strip()
    lines = [
        f"The remaining questions, diagnosed again by `{judge}` ({judged['folds']} folds, seeds "
        f"{judged['seeds']}):",
        "",
        "| removed by | n left | score | adjusted | 95% interval of adjusted | judge |",
        "|---|---|---|---|---|---|",
    ]
    for name, entry in judged["lists"].items():
        low, high = entry["interval"]["adjusted_hard"]
        independent = INDEPENDENCE[entry["independent"]]
        lines.append(
            f"| {name} | {entry['n']} | {percent(entry['score_hard'])} | "
            f"{percent(entry['adjusted_hard'])} | {percent(low)} to {percent(high)} | "
            f"{independent} |"
        )
    if band := judged.get("random"):
        low, high = band["adjusted_hard"]["low"], band["adjusted_hard"]["high"]
        lines.append(
            f"| random, mean of {band['adjusted_hard']['draws']} | | "
            f"{percent(band['score_hard']['mean'])} | {percent(band['adjusted_hard']['mean'])} | "
            f"range {percent(low)} to {percent(high)} | independent |"
        )
    for name, reason in judged.get("left_out", {}).items():
        lines += ["", f"Left out: {name} ({reason})."]
    return lines
