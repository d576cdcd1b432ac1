"""The three hypotheses over all settings: one row per setting, one mark per contender."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from tst.analysis.figures.style import BASELINE, CYCLE, new_figure
from tst.analysis.noisy_hypotheses import label_settings

PANELS = {
    "robustness": ("memorised at equal loss,\nminus AdamW's (nats)", 0.0),
    "steps": ("steps to AdamW's best,\nminus AdamW's", 0.0),
    "auroc": ("AUROC of confidence,\nsingle pairs", 0.5),
}
"""Column of ``noisy_hypotheses.overview`` -> its axis, and the value that means no difference."""


def draw_overview(overview: pd.DataFrame) -> Figure:
    """Means over seeds with 95% intervals, of the contenders that have a confidence.

    overview: as of ``noisy_hypotheses.overview``. Left of the line is what was hoped for in the
    first two panels, right of it in the third.
    """
    shown = overview[overview["auroc"].notna()]
    labels = label_settings(shown)
    contenders = list(dict.fromkeys(shown["optimizer"]))
    figure, axes = new_figure(1.2 + 0.25 * len(labels), len(PANELS))
    for panel, (column, (title, neutral)) in zip(axes, PANELS.items(), strict=True):
        panel.axvline(neutral, color=BASELINE, linewidth=0.8)
        for place, (contender, colour) in enumerate(zip(contenders, CYCLE, strict=False)):
            own = shown[shown["optimizer"] == contender].set_index("setting")
            own = own.reindex(list(labels))
            rows = [row + 0.25 * (place - (len(contenders) - 1) / 2) for row in range(len(own))]
            panel.hlines(rows, own[f"{column}_low"], own[f"{column}_high"], color=colour)
            panel.scatter(own[column], rows, s=10, color=colour, label=contender)
        panel.set(
            yticks=range(len(labels)),
            yticklabels=list(labels.values()),
            ylim=(len(labels) - 0.5, -0.5),
        )
        panel.set_xlabel(title, fontsize=7)
        panel.grid(axis="x")
    for panel in axes[1:]:
        panel.set_yticklabels([])
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center",
                  ncols=len(contenders), frameon=False, fontsize=7)  # fmt: skip
    return figure
