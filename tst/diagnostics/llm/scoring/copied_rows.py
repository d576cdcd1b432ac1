"""Continuations of a prompt with a copy of its key-value cache each: any model with a cache can."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tst.diagnostics.llm.model.answer_head import AnswerHead, padded_cache
from tst.diagnostics.llm.prompting.batches import collate_prompts
from tst.diagnostics.llm.prompting.encoded_questions import Prompt


def read_copies(
    head: AnswerHead, prompts: Sequence[Prompt | None], fed: torch.Tensor, multiple: int = 1
) -> tuple[torch.Tensor, torch.Tensor] | None:
    """Logits (m, vocabulary) at m prompts' ends, and (m * copies * t, vocabulary) after each token
    that is fed to a copy of its prompt.

    fed: int64 (m, copies, t), token ids; None where the model's state cannot be continued
    """
    device = next(head.model.parameters()).device
    ids, positions = (t.to(device) for t in collate_prompts(prompts, multiple))
    rows, width = ids.shape
    copies, steps = fed.shape[1:]
    last = positions[:, 0]
    lengths = last - torch.arange(rows, device=device) * width + 1
    first, output = head.logits(ids, last, use_cache=True)
    cache = padded_cache(output)
    if cache is None:
        return None
    cache.batch_repeat_interleave(copies)
    # the prompt's padding lies between it and the continuation, and is masked out
    seen = torch.arange(width, device=device)[None, :] < lengths[:, None]
    mask = torch.cat([seen, seen.new_ones(rows, steps)], 1).long()
    places = lengths[:, None] + torch.arange(steps, device=device)
    logits, _ = head.logits(
        fed.to(device).reshape(rows * copies, steps),
        torch.arange(rows * copies * steps, device=device),
        attention_mask=mask.repeat_interleave(copies, 0),
        position_ids=places.repeat_interleave(copies, 0),
        past_key_values=cache,
        use_cache=True,
    )
    return first, logits
