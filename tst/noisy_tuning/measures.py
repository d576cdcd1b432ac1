"""What a run shows: whether confidence falls on corrupted steps, and what the model memorises.

A table of steps has one row per optimizer step: ``kind`` (clean, corrupted, mixed), ``share`` (of
corrupted pairs in the batch), ``confidence`` and ``agar`` (NaN for optimizers that have none).
A figure that cannot be computed is NaN, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import roc_auc_score

from tst.noisy_tuning.schedule import CLEAN, CORRUPTED, KINDS, MIXED

Figures = dict[str, float | str]

PARTS = ("train_clean", "train_corrupted", "held_out")
HELD_OUT_CORRUPTED = "held_out_corrupted"
"""Held-out pairs, corrupted as the training pairs are: never trained on."""
TRUTH = "corrupted_truth"
"""The corrupted training pairs with their true response, which is not trained on with this prompt.
Where corruption is shuffled, each of these responses is trained on with another prompt."""
HIGHER_ON_CORRUPTED = ("loss", "grad_norm")
"""Signals expected to be higher on corrupted steps; the others on clean ones."""


def detection(steps: pd.DataFrame, signal: str) -> Figures:
    """How well a signal of the steps (confidence, loss, ...) separates clean from corrupted steps.

    mean_clean, mean_corrupted, mean_mixed: the signal's means by kind of step
    auroc: P(a clean step's signal is above a corrupted step's), ties count half; for signals of
        HIGHER_ON_CORRUPTED that it is below. 0.5 is chance; above 0.5 is detection in the expected
        direction
    auroc_in_round: the same within each round of a probe schedule, so that the trend over training
        does not matter
    correlation, rank_correlation: of the signal with the share of corrupted pairs (Pearson,
        Spearman), over all steps
    left_out: number of steps whose signal is NaN or infinite (divergence); they are in no figure
    """
    known = steps[np.isfinite(steps[signal])]
    left_out = len(steps) - len(known)
    if known.empty:
        reason = f"this optimizer has no {signal} in these steps"
        if steps[signal].notna().any():
            reason = f"no {signal} of these steps is finite"
        names = [f"mean_{kind}" for kind in KINDS]
        names += ["auroc", "auroc_in_round", "correlation", "rank_correlation"]
        return {**dict.fromkeys(names, np.nan), "left_out": left_out, "reason": reason}
    figures: Figures = {
        f"mean_{kind}": float(known.loc[known["kind"] == kind, signal].mean()) for kind in KINDS
    }
    pure = known[known["kind"] != MIXED]
    reasons = []
    if pure["kind"].nunique() == 2:
        expected = CORRUPTED if signal in HIGHER_ON_CORRUPTED else CLEAN
        figures["auroc"] = float(roc_auc_score(pure["kind"] == expected, pure[signal]))
        figures["auroc_in_round"] = _auroc_in_round(known, signal, expected)
    else:
        figures |= {"auroc": np.nan, "auroc_in_round": np.nan}
        reasons.append("AUROC needs clean and corrupted steps: schedule.kind=probe")
    if known["share"].nunique() > 1 and known[signal].nunique() > 1:
        figures["correlation"] = float(stats.pearsonr(known["share"], known[signal]).statistic)
        ranks = stats.spearmanr(known["share"], known[signal])
        figures["rank_correlation"] = float(ranks.statistic)
    else:
        figures |= {"correlation": np.nan, "rank_correlation": np.nan}
        reasons.append(f"the share of corrupted pairs or the {signal} never varies")
    figures["left_out"] = left_out
    if reasons:
        figures["reason"] = "; ".join(reasons)
    return figures


def _auroc_in_round(steps: pd.DataFrame, signal: str, expected: str) -> float:
    """Share of complete rounds in which the step of the expected kind has the higher signal.

    Ties count half; NaN where no round is complete.
    """
    rounds = steps.assign(round=steps["step"] // len(KINDS))
    by_kind = rounds.pivot(index="round", columns="kind", values=signal)
    other = CLEAN if expected == CORRUPTED else CORRUPTED
    gaps = (by_kind[expected] - by_kind[other]).dropna()
    return float(((gaps > 0) + 0.5 * (gaps == 0)).mean()) if len(gaps) else float("nan")


def memorisation(before: Mapping[str, np.ndarray], after: Mapping[str, np.ndarray]) -> Figures:
    """Mean losses of the pairs of each part, before and after training.

    before, after: losses per pair (nats per target token) of PARTS, HELD_OUT_CORRUPTED and TRUTH
    <part>_before, <part>_after, <part>_drop: means over pairs, each pair counting once whatever
        its length, and before - after; NaN where the part has no pair
    memorised: train_corrupted_drop - held_out_corrupted_drop. The loss of corrupted pairs that were
        never trained on falls too (form, style, a response that ignores its prompt); only the
        difference is memory of single pairs.
    overfitted: train_clean_drop - held_out_drop, the same for clean pairs
    truth_preferred_before, truth_preferred_after: share of corrupted pairs whose true response has
        the lower loss than the wrong one that was trained on
    """
    figures: Figures = {}
    drops = {}
    for part in (*PARTS, HELD_OUT_CORRUPTED, TRUTH):
        known = len(before[part]) > 0
        start, end = (float(np.mean(v[part])) if known else np.nan for v in (before, after))
        drops[part] = start - end
        figures |= {f"{part}_before": start, f"{part}_after": end, f"{part}_drop": drops[part]}
    figures["memorised"] = drops["train_corrupted"] - drops[HELD_OUT_CORRUPTED]
    figures["overfitted"] = drops["train_clean"] - drops["held_out"]
    if not len(before["train_corrupted"]):
        figures["reason"] = "no pair is known to be corrupted"
    elif not len(before[HELD_OUT_CORRUPTED]):
        figures["reason"] = "no held-out pair could be corrupted: hold out more (data.held_out)"
    for when, losses in (("before", before), ("after", after)):
        preferred = losses[TRUTH] < losses["train_corrupted"]
        figures[f"truth_preferred_{when}"] = float(preferred.mean()) if len(preferred) else np.nan
    return figures


def over_seeds(values: Iterable[float], within: tuple[float, float] | None = None) -> Figures:
    """Mean over seeds with Student's 95% t interval: mean -+ t_{n-1} sd / sqrt(n), sd with ddof 1.

    within: the range that values can lie in, which the interval is cut to
    Values that are not finite are left out; with fewer than two the interval is NaN, with a reason.
    """
    known = np.array([v for v in values if np.isfinite(v)], dtype=float)
    n = len(known)
    figures: Figures = {"n": n, "mean": float(known.mean()) if n else np.nan}
    if n < 2:
        reason = f"{n} seed{'s' * (n != 1)}: no interval"
        return {**figures, "low": np.nan, "high": np.nan, "reason": reason}
    half = stats.t.ppf(0.975, n - 1) * known.std(ddof=1) / np.sqrt(n)
    least, most = within or (-np.inf, np.inf)
    low, high = max(least, figures["mean"] - half), min(most, figures["mean"] + half)
    return {**figures, "low": low, "high": high}


def paired_difference(first: Mapping[int, float], second: Mapping[int, float]) -> Figures:
    """``over_seeds`` of first - second, over the seeds that both have (same data, same order)."""
    return over_seeds(first[seed] - second[seed] for seed in sorted(first.keys() & second.keys()))
