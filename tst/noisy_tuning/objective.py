"""The loss of a training pass over pairs: cross-entropy of target tokens, perhaps smoothed."""

from __future__ import annotations

import torch

from tst.diagnostics.llm.model.answer_head import answer_losses
from tst.diagnostics.llm.training.loss_history import LossHistory


def pair_loss(
    logits: torch.Tensor,
    inputs: dict[str, torch.Tensor],
    smoothing: torch.Tensor | None,
    history: LossHistory,
) -> torch.Tensor:
    """What the passes of one or several runs are trained to lower (0-dim).

    logits: (m, vocabulary), at the target tokens; inputs: ``Batch.inputs``
    smoothing: float (runs,), each run's label smoothing; None where it is 0 for all
    history: gets the plain cross-entropies, so that losses of all runs can be compared

    Cross-entropy towards (1 - e) target + e / vocabulary exceeds the plain one by e times the
    distance of the target's logit from the mean logit (Szegedy et al. 2016, section 7).
    """
    targets, weights = inputs["targets"], inputs["weights"]
    losses = answer_losses(logits, targets, weights)
    rows_per_run = inputs["input_ids"].numel() // len(history.current)
    run = inputs["positions"] // rows_per_run
    history.add(losses, run)
    if smoothing is None:
        return losses.sum()
    of_target = logits.gather(1, targets[:, None]).squeeze(1).float()
    above_mean = of_target - logits.mean(1, dtype=torch.float32)
    return (losses + smoothing[run] * weights * above_mean).sum()
