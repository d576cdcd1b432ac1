"""Batched greedy decoding with a key-value cache."""

from __future__ import annotations

import torch

from tst.diagnostics.llm.answers import AnswerHead
from tst.diagnostics.llm.batches import collate_prompts


def greedy(
    head: AnswerHead,
    prompts: list[list[int] | None],
    new_tokens: int,
    stop_ids: list[int],
    multiple: int = 1,
) -> list[list[int]]:
    """The most likely continuation of each prompt; ends when all rows have stopped.

    None marks an empty place. Returned ids include the stop token where there is one.
    """
    width = max(len(p) for p in prompts if p is not None)
    window = head.model.config.get_text_config().to_dict().get("sliding_window")  # type: ignore
    if window is not None and width + new_tokens + multiple > window:
        return _greedy_uncached(head, prompts, new_tokens, stop_ids)
    device = next(head.model.parameters()).device
    batch = collate_prompts(prompts, multiple).to(device)
    rows, width = batch.input_ids.shape
    flat = torch.arange(rows, device=device)
    lengths = batch.positions - flat * width + 1
    # Prompts stay right-padded (left padding feeds fully masked rows to attention). Prefill needs
    # no mask; afterwards the padding lies between a prompt and its continuation and is masked out.
    logits, output = head.logits(batch.input_ids, batch.positions, use_cache=True)
    mask = torch.zeros(rows, width + new_tokens, dtype=torch.long, device=device)
    mask[:, :width] = torch.arange(width, device=device)[None, :] < lengths[:, None]
    done = torch.tensor([p is None for p in prompts], device=device)
    stops = torch.tensor(stop_ids, device=device)
    tokens = []
    for step in range(new_tokens):
        token = logits.argmax(dim=1)
        tokens.append(token)
        done = done | torch.isin(token, stops)
        if step + 1 == new_tokens or bool(done.all()):
            break
        mask[:, width + step] = 1
        logits, output = head.logits(
            token[:, None],
            flat,
            attention_mask=mask[:, : width + step + 1],
            position_ids=(lengths + step)[:, None],
            past_key_values=output.past_key_values,
            use_cache=True,
        )
    return [_until_stop(row, stop_ids) for row in torch.stack(tokens, dim=1).tolist()]


def _greedy_uncached(
    head: AnswerHead, prompts: list[list[int] | None], new_tokens: int, stop_ids: list[int]
) -> list[list[int]]:
    """The same, reading the whole text anew for each token: exact where a sliding window would
    count the padding between prompt and continuation.
    """
    device = next(head.model.parameters()).device
    grown = [None if p is None else list(p) for p in prompts]
    done = [p is None for p in prompts]
    for _ in range(new_tokens):
        batch = collate_prompts(grown).to(device)
        logits, _ = head.logits(batch.input_ids, batch.positions, use_cache=False)
        for i, token in enumerate(logits.argmax(dim=1).tolist()):
            text = grown[i]
            if text is not None and not done[i]:
                text.append(token)
                done[i] = token in stop_ids
        if all(done):
            break
    pairs = zip(grown, prompts, strict=True)
    return [[] if g is None or p is None else g[len(p) :] for g, p in pairs]


def _until_stop(ids: list[int], stop_ids: list[int]) -> list[int]:
    for at, token in enumerate(ids):
        if token in stop_ids:
            return ids[: at + 1]
    return ids
