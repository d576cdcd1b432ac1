"""The loss of single pairs, measured without dropout, under one adapter or several at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.prompting.batches import EMPTY, collate_pairs, plan_scoring
from tst.noisy_tuning.encoding import Example

LOGITS = {"cpu": 2**27, "cuda": 2**29}
"""Most logits per forward pass: 0.5 and 2 GiB in float32, and cross-entropy copies them."""
TOKENS = {"cpu": 2048, "cuda": 16384}
"""Most padded tokens per forward pass."""


def pair_losses(model: torch.nn.Module, examples: Sequence[Example]) -> np.ndarray:
    """Mean cross-entropy per target token of each example, in nats: float array (n,)."""
    losses: np.ndarray = run_losses(model, examples, 1)[0]
    return losses


@torch.no_grad()
def run_losses(model: torch.nn.Module, examples: Sequence[Example], runs: int) -> np.ndarray:
    """The same under each of the adapters that are stacked on the model: float array (runs, n)."""
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    vocabulary = model.get_output_embeddings().weight.shape[0]  # type: ignore[operator]
    tokens = min(TOKENS[device.type], LOGITS[device.type] // vocabulary)
    lengths = [len(prompt) + len(target) for prompt, target in examples]
    losses = np.full((runs, len(examples)), np.nan)
    head = AnswerHead(model)
    with head.attached():
        for rows in plan_scoring([lengths], tokens // runs):
            members = [int(i) for i in rows[0] if i != EMPTY]
            losses[:, members] = _batch_losses(head, [examples[i] for i in members], runs, device)
    model.train(was_training)
    return losses


def _batch_losses(
    head: AnswerHead, examples: Sequence[Example], runs: int, device: torch.device
) -> np.ndarray:
    """(runs, n)"""
    batch = collate_pairs([examples] * runs, [1] * runs).to(device)
    sizes = [len(target) for _, target in examples]
    logits, _ = head.logits(batch.input_ids, batch.positions, use_cache=False)
    losses = torch.nn.functional.cross_entropy(logits.float(), batch.targets, reduction="none")
    means = [float(part.mean()) for part in losses.cpu().split(sizes * runs)]
    return np.array(means).reshape(runs, -1)
