"""Rows scaled to float8 in one pass over memory: largest value, division and cast in one kernel."""

from __future__ import annotations

import torch
import triton
import triton.language as tl


@triton.jit
def _quantise_row(
    x,
    multiplier,
    quantised,
    scales,
    columns,  # no types: Triton reads annotations itself
    MULTIPLIED: tl.constexpr,
    LARGEST: tl.constexpr,
    SMALLEST: tl.constexpr,
    BLOCK: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64)
    at = tl.arange(0, BLOCK)
    inside = at < columns
    values = tl.load(x + row * columns + at, mask=inside, other=0.0).to(tl.float32)
    if MULTIPLIED:
        values *= tl.load(multiplier + at, mask=inside, other=0.0)
    scale = tl.maximum(tl.max(tl.abs(values), axis=0), SMALLEST) / LARGEST
    tl.store(scales + row, scale)
    scaled = tl.minimum(tl.maximum(values / scale, -LARGEST), LARGEST)
    tl.store(quantised + row * columns + at, scaled.to(tl.float8e4nv), mask=inside)


def quantise_rows_fused(
    x: torch.Tensor, multiplier: torch.Tensor | None, largest: float, smallest: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """``fp8.quantise_rows`` on a GPU; a row lies in the registers of one block of threads.

    largest, smallest: what a row's largest number becomes, and the least that it counts as
    """
    x = x.contiguous()
    rows, columns = x.shape
    quantised = torch.empty(rows, columns, dtype=torch.float8_e4m3fn, device=x.device)
    scales = torch.empty(rows, 1, dtype=torch.float32, device=x.device)
    block = triton.next_power_of_2(columns)
    with torch.cuda.device(x.device):
        _quantise_row[(rows,)](
            x,
            scales if multiplier is None else multiplier,
            quantised,
            scales,
            columns,
            MULTIPLIED=multiplier is not None,
            LARGEST=largest,
            SMALLEST=smallest,
            BLOCK=block,
            num_warps=min(16, max(1, block // 256)),
        )
    return quantised, scales
