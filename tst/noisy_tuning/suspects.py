"""Single pairs that look wrong: their scores, how well these find corrupted pairs, and the list.

Four scores, each turned so that higher is more suspicious:

===========  ==================================================================================
prompt_gain  minus how much the prompt lowers the response's loss before training: log p(response |
             prompt) - log p(response | empty prompt), summed over its tokens, in nats
loss_before  the pair's loss before training
loss_drop    minus how much training lowered it; not for pairs that were not trained on
confidence   minus the mean C that the pair's own gradient would get from the optimizer's state
             after training, in a step that is not taken
===========  ==================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from tst.noisy_tuning.encoding import Example
from tst.noisy_tuning.measures import Figures
from tst.noisy_tuning.settings import SCORES

START = 80
"""Characters of a prompt, and of a response, in suspects.csv."""


def describe_scores(
    scored: pd.DataFrame,
    before: Mapping[str, np.ndarray],
    after: np.ndarray,
    confidence: np.ndarray,
) -> pd.DataFrame:
    """pair_scores.parquet: source_row, id, part, corrupted, and the four figures of each pair.

    scored: rows of a table of pairs with ``part`` and ``corrupted`` (absent: not known)
    before: SCORES_BEFORE by name; after: the losses after training
    loss_drop is NaN for pairs that were not trained on
    """
    trained = (scored["part"] == "train").to_numpy()
    return scored[["source_row", "id", "part"]].assign(
        corrupted=scored["corrupted"].eq(True).to_numpy(),
        **before,
        loss_drop=np.where(trained, before["loss_before"] - after, np.nan),
        confidence=confidence,
    )


def scores_before(
    loss: np.ndarray, without_prompt: np.ndarray, examples: Sequence[Example]
) -> dict[str, np.ndarray]:
    """SCORES_BEFORE by name, from mean losses of the pairs and of the same responses alone."""
    tokens = np.array([len(target) for _, target in examples])
    return {"prompt_gain": (without_prompt - loss) * tokens, "loss_before": loss}


def suspicion(scores: Mapping[str, np.ndarray] | pd.DataFrame, score: str) -> np.ndarray:
    """A score of ``describe_scores``, turned so that higher is more suspicious: float (n,)."""
    values = np.asarray(scores[score])
    return values if score == "loss_before" else -values


def suspect_detection(scores: pd.DataFrame) -> dict[str, Figures]:
    """How well each score finds the corrupted pairs.

    n, n_corrupted: pairs that have the score; base_rate: n_corrupted / n
    auroc: P(a corrupted pair is more suspicious than a clean one), ties count half
    precision: share of corrupted pairs among the n_corrupted most suspicious
    mean_clean, mean_corrupted: of the score itself, not turned
    A figure that cannot be computed is NaN, with a reason.
    """
    found: dict[str, Figures] = {}
    for score in SCORES:
        known = scores[np.isfinite(scores[score])]
        corrupted = known["corrupted"].to_numpy(dtype=bool)
        n, wrong = len(known), int(corrupted.sum())
        figures: Figures = {"n": n, "n_corrupted": wrong}
        if 0 < wrong < n:
            suspicious = suspicion(known, score)
            top = np.argsort(-suspicious, kind="stable")[:wrong]
            figures |= {
                "base_rate": wrong / n,
                "auroc": float(roc_auc_score(corrupted, suspicious)),
                "precision": float(corrupted[top].mean()),
                "mean_clean": float(known.loc[~corrupted, score].mean()),
                "mean_corrupted": float(known.loc[corrupted, score].mean()),
            }
        else:
            names = ("base_rate", "auroc", "precision", "mean_clean", "mean_corrupted")
            reason = "corrupted and clean pairs are needed, and not both are known"
            if not n:
                reason = f"no pair has a {score}"
            figures |= {**dict.fromkeys(names, np.nan), "reason": reason}
        found[score] = figures
    return found


def list_suspects(scored: pd.DataFrame, scores: pd.DataFrame, score: str) -> pd.DataFrame:
    """suspects.csv: the pairs that have the score, most suspicious first.

    Columns row (0-based, in the source), id, score (higher is more suspicious), start.
    """
    listed = pd.DataFrame(
        {
            "row": scores["source_row"].to_numpy(),
            "id": scores["id"].to_numpy(),
            "score": suspicion(scores, score),
            "start": [
                f"{_start(prompt[-1]['content'])} | {_start(response)}"
                for prompt, response in zip(scored["prompt"], scored["response"], strict=True)
            ],
        }
    )
    listed = listed[np.isfinite(listed["score"])]
    return listed.sort_values(["score", "row"], ascending=[False, True], ignore_index=True)


def _start(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= START else line[: START - 3] + "..."
