"""The loss of single pairs, measured without dropout."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.prompting.batches import EMPTY, collate_pairs, plan_scoring
from tst.noisy_tuning.encoding import Example

LOGITS = 2**27
"""Most logits per forward pass: 0.5 GiB in float32, and cross-entropy copies them."""
TOKENS = {"cpu": 2048, "cuda": 16384}
"""Most padded tokens per forward pass."""


@torch.no_grad()
def pair_losses(model: torch.nn.Module, examples: Sequence[Example]) -> np.ndarray:
    """Mean cross-entropy per target token of each example, in nats: float array (n,)."""
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    vocabulary = model.get_output_embeddings().weight.shape[0]  # type: ignore[operator]
    tokens = min(TOKENS[device.type], LOGITS // vocabulary)
    lengths = [len(prompt) + len(target) for prompt, target in examples]
    losses = np.full(len(examples), np.nan)
    head = AnswerHead(model)
    with head.attached():
        for rows in plan_scoring([lengths], tokens):
            members = [int(i) for i in rows[0] if i != EMPTY]
            losses[members] = _batch_losses(head, [examples[i] for i in members], device)
    model.train(was_training)
    return losses


def _batch_losses(
    head: AnswerHead, examples: Sequence[Example], device: torch.device
) -> np.ndarray:
    batch = collate_pairs([examples], [1]).to(device)
    sizes = [len(target) for _, target in examples]
    logits, _ = head.logits(batch.input_ids, batch.positions, use_cache=False)
    losses = torch.nn.functional.cross_entropy(logits.float(), batch.targets, reduction="none")
    return np.array([float(part.mean()) for part in losses.cpu().split(sizes)])
