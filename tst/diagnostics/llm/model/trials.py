"""Trying another way of running a model: on what, what it may raise, how far it may be off."""

from __future__ import annotations

import torch

PROBE = ((5, 6, 7, 8, 9), (9, 8, 7, 6, 5))
"""Token ids that both ways of running a model must agree on."""
FAILURES = (TypeError, AttributeError, KeyError, IndexError, ValueError, RuntimeError)
"""What a model raises that cannot be run in some way, as from a cache."""


def agree(found: torch.Tensor, expected: torch.Tensor, dtype: torch.dtype) -> bool:
    """Whether logits are off by at most ten steps of the compute dtype, of the largest expected."""
    found, expected = found.float(), expected.float()
    apart = (found - expected).abs().max() / expected.abs().max()
    return bool(apart <= 10 * torch.finfo(dtype).eps)
