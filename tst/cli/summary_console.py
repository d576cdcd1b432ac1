"""The figures of a stress test on the terminal: a line per question type, then the whole."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from tst.cli.tables import Column, Row, say, show_table
from tst.core.number_text import is_known, percent, percent_interval

COLUMNS = (
    Column("question type", is_text=True),
    Column("n"),
    Column("score"),
    Column("95% interval", rank=1),
    Column("baseline"),
    Column("adjusted"),
    Column("zero-shot", rank=2),
    Column("delta", rank=4),
    Column("majority", rank=3),
    Column("soft", rank=5),
    Column("folds", rank=6),
)
ZERO_SHOT = ("zero-shot", "delta")


def show_summary(summary: dict[str, Any], console: Console) -> None:
    """Per question type and overall: n, scores, the hard one adjusted, references, interval."""
    formats = summary["per_format"] if len(summary["per_format"]) > 1 else {}
    parts = [
        *((name, part, "") for name, part in summary["per_type"].items()),
        *((f"all {name}", part, "") for name, part in formats.items()),
        ("overall", summary["overall"], "bold"),
        ("mean over types", summary["macro"], ""),
    ]
    has_zero_shot = is_known(summary["overall"]["zero_shot_hard"])
    shown = [c for c in COLUMNS if has_zero_shot or c.heading not in ZERO_SHOT]
    rows = []
    for name, part, style in parts:
        cells = {"question type": name, **_cells(part)}
        rows.append(Row([cells[column.heading] for column in shown], style))
    show_table(shown, rows, console)
    for name, part in summary.get("truth", {}).items():
        if has_zero_shot:
            low, high = part["interval"]["delta_soft"]
            say(f"{name} types together: delta (soft) {percent(part['delta_soft'])} "
                f"{percent_interval(low, high)}", console, "  ")  # fmt: skip
    show_information(summary["overall"], console)
    if planted := summary.get("planted", {}):
        found = ", ".join(f"{name} {entry['auroc']:.2f}" for name, entry in planted.items())
        say(f"AUROC of s(x) for planted rows: {found}", console, "  ")
        of_best = ", ".join(
            f"{name} {percent(summary['per_type'][name]['score_hard'])} of {percent(entry['best'])}"
            for name, entry in planted.items()
            if "best" in entry
        )
        if of_best:
            say(f"scores, and the best without looking: {of_best}", console, "  ")
    every = {**summary["per_type"], "overall": summary["overall"]}
    reasons = {n: part["interval_reason"] for n, part in every.items() if "interval_reason" in part}
    for reason in sorted(set(reasons.values())):
        names = ", ".join(name for name in reasons if reasons[name] == reason)
        say(f"no interval of {names}: {reason}", console, "  ")
    if "missing" in summary["overall"]:
        say(summary["overall"]["missing"], console, "  ")
    for name, null in summary.get("null", {}).items():
        say(describe_null(name, null), console, "  ")


def _cells(part: dict[str, Any]) -> dict[str, str]:
    """By column; the mean over types has neither interval nor spread."""
    cells = {
        "n": str(part["n"]),
        "score": percent(part["score_hard"]),
        "baseline": percent(part["baseline"]),
        "adjusted": percent(part["adjusted_hard"]),
        "zero-shot": percent(part["zero_shot_hard"]),
        "delta": percent(part["delta_hard"]),
        "majority": percent(part["majority"]),
        "soft": percent(part["score_soft"]),
        "95% interval": "",
        "folds": "",
    }
    if "fold_mean" in part:
        low, high = part["interval"]["score_hard"]
        mean, sd = part["fold_mean"]["score_hard"], part["fold_sd"]["score_hard"]
        cells["95% interval"] = percent_interval(low, high)
        cells["folds"] = f"{percent(mean)} ± {percent(sd)}"
    return cells


def describe_null(name: str, null: dict[str, Any]) -> str:
    """Whether a null test holds, in one sentence."""
    if null["holds"] is None:
        return f"{name} null cannot be judged: {null['holds_reason']}"
    by = " and ".join(f"the {name}" for name in null["violated_by"])
    verdict = f"is VIOLATED by {by}" if by else "holds"
    p_value = f", p = {null['p']:.3f}" if "p" in null else ""
    return (
        f"{name} null {verdict}: {percent(null['score_hard'])} over {null['draws']} draws, "
        f"majority {percent(null['majority'])}, "
        f"expected {percent(null['expected'])} ± {percent(null['standard_error'])}{p_value}"
    )


def show_information(overall: dict[str, Any], console: Console) -> None:
    """What the model knows beyond positions, and whether it is right as often as it says."""
    if "bits_reason" in overall:
        return
    bounds = overall["interval"]["bits"]
    interval = " [{:+.3f}, {:+.3f}]".format(*bounds) if all(map(is_known, bounds)) else ""
    sentence = (
        f"multiple choice: {overall['bits']:+.3f} bits per question beyond counting positions"
        f"{interval}; calibration error {overall['ece']:.1f} "
        f"(of a calibrated model: {overall['ece_floor']:.1f})"
    )
    say(sentence.replace("-", "−"), console, "  ")
    if nothing := overall.get("nothing_beyond_counting"):
        say(nothing, console, "  ")
