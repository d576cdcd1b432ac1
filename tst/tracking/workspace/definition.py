"""The workspace: leaderboard, a section per benchmark, curves, prunings, noisy tuning, cost.

Every key it names is one that a run has; a test says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import wandb_workspaces.reports.v2 as panels
import wandb_workspaces.workspaces as ws

from tst.records.kinds import stress_test
from tst.records.kinds.kind import key_part
from tst.tracking.wandb_run import QUESTIONS

COLUMNS = (
    *(f"summary:{key}" for key in ("score_hard", "score_soft", "zero_shot_soft", "delta_soft",
                                   "baseline", "majority", "adjusted_hard", "adjusted_soft", "n",
                                   "state")),
    *(f"config:{key}" for key in ("benchmark.name", "diagnostic.name", "model.name",
                                  "fold.group_by", "fold.seed", "record.hash")),
)  # fmt: skip
MOST_TYPES = 20
"""Question types in one panel; more cannot be told apart."""
COSTS = {
    "Training tokens": "cost/train_tokens",
    "Peak memory (bytes)": "cost/peak_memory_bytes",
    "Training (s)": "cost/train_seconds",
    "Held-out (s)": "cost/heldout_seconds",
    "Zero-shot (s)": "cost/zero_shot_seconds",
    "Fitting (s)": "cost/fit_seconds",
}


def build_workspace(
    entity: str, project: str, name: str, types: dict[str, list[str]], folds: int
) -> ws.Workspace:
    """The workspace of a project; nothing is sent.

    types: question types by benchmark, the most exposed first
    """
    sections = [leaderboard(), *(of_benchmark(b, names) for b, names in types.items())]
    sections += [curves(folds), pruning(), noisy_tuning(), cost()]
    return ws.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=sections,
        settings=ws.WorkspaceSettings(max_runs=50, smoothing_type="none"),
        runset_settings=ws.RunsetSettings(
            order=[ws.Ordering(ws.Summary("adjusted_hard"), ascending=False)],
            pinned_columns=["run:displayName", *COLUMNS],
        ),
        auto_generate_panels=False,
    )


def _bars(title: str, names: Sequence[str]) -> panels.BarPlot:
    return panels.BarPlot(title=title, metrics=list(names))


def leaderboard() -> ws.Section:
    """All runs side by side, and the questions with the highest s."""
    shown: list[Any] = [
        _bars("Adjusted: above what guessing gives", ["adjusted_hard"]),
        _bars("Score (hard)", ["score_hard"]),
        _bars("Zero-shot, trained on the test set's text (soft)", ["zero_shot_soft", "score_soft"]),
        _bars("Baseline and majority", ["baseline", "majority"]),
        panels.ScatterPlot(
            title="What the test set teaches",
            x=panels.SummaryMetric("zero_shot_soft"),
            y=panels.SummaryMetric("score_soft"),
        ),
        panels.WeavePanelSummaryTable(table_name=QUESTIONS),
    ]
    return ws.Section(name="Leaderboard", panels=shown, is_open=True, pinned=True)


def of_benchmark(benchmark: str, types: list[str]) -> ws.Section:
    """A benchmark's question types: score, gain over zero-shot, adjusted; MOST_TYPES at most."""
    shown_types = types[:MOST_TYPES]
    which = f", the {MOST_TYPES} most exposed of {len(types)}" if len(types) > MOST_TYPES else ""
    shown: list[Any] = [
        _bars(f"{title}{which}", [f"type/{key_part(name)}/{key}" for name in shown_types])
        for title, key in (
            ("Score by question type (soft)", "score_soft"),
            ("Gain over zero-shot by question type", "delta_soft"),
            ("Adjusted by question type (soft)", "adjusted_soft"),
        )
    ]
    return ws.Section(name=f"Question types: {benchmark}", panels=shown, is_open=True)


def pruning() -> ws.Section:
    """What is left after each iteration of a pruning, and its scores."""
    shown: list[Any] = [
        panels.LinePlot(title=title, x="iteration", y=[*keys])
        for title, keys in (
            ("Score of what is left", ["score_hard", "baseline"]),
            ("Adjusted of what is left", ["adjusted_hard", "adjusted_soft"]),
            ("Questions left", ["n"]),
            ("The highest score left, the lowest removed", ["highest", "lowest_removed"]),
        )
    ]
    return ws.Section(name="Pruning", panels=shown)


def noisy_tuning() -> ws.Section:
    """What an optimizer does and notices while it tunes on pairs of which some are wrong."""
    shown: list[Any] = [
        panels.LinePlot(title=title, x="step", y=[*keys])
        for title, keys in (
            ("Training loss", ["loss"]),
            ("Loss of held-out clean pairs", ["held_out"]),
            ("Loss by kind of step", ["clean/loss", "corrupted/loss", "mixed/loss"]),
            ("Confidence by kind of step", ["clean/confidence", "corrupted/confidence"]),
        )
    ]
    shown.append(_bars("AUROC of a signal for corrupted steps", ["confidence/auroc", "loss/auroc"]))
    return ws.Section(name="Noisy tuning", panels=shown)


def curves(folds: int) -> ws.Section:
    """Training: each fold's loss and learning rate; fold scores; tokens per second."""
    shown: list[Any] = []
    for fold in range(folds):
        prefix = stress_test.curve_prefix(0, fold)
        shown.append(
            panels.LinePlot(
                title=f"Fold {fold}: training loss",
                x=f"{prefix}/step",
                y=[f"{prefix}/loss"],
                smoothing_factor=0.6,
                smoothing_show_original=True,
            )
        )
    rate = stress_test.curve_prefix(0, 0)
    shown += [
        panels.LinePlot(title="Learning rate", x=f"{rate}/step", y=[f"{rate}/learning_rate"]),
        panels.LinePlot(title="Score by fold", x=stress_test.FOLD, y=[stress_test.FOLD_SCORE]),
        panels.LinePlot(
            title="Tokens per second by fold", x=stress_test.FOLD, y=[stress_test.SPEED]
        ),
    ]
    return ws.Section(name="Training", panels=shown, is_open=True)


def cost() -> ws.Section:
    """What a run took."""
    return ws.Section(name="Cost", panels=[_bars(t, [key]) for t, key in COSTS.items()])
