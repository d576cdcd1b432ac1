"""The loss at answer positions."""

import torch

from tst.diagnostics.llm.model import answer_head as answers
from tst.diagnostics.llm.model.answer_head import answer_losses


def test_losses_in_parts_are_the_losses_at_once(monkeypatch):
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(23, 50, generator=draw, requires_grad=True)
    targets = torch.randint(0, 50, (23,), generator=draw)
    weights = torch.rand(23, generator=draw)
    whole = answer_losses(logits, targets, weights)
    (wanted,) = torch.autograd.grad(whole.sum(), [logits])
    monkeypatch.setattr(answers, "FLOAT_LOGITS", 50 * 4)
    parts = answer_losses(logits, targets, weights)
    (found,) = torch.autograd.grad(parts.sum(), [logits])
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close(found, wanted)
    assert "Cat" in type(parts.grad_fn.next_functions[0][0]).__name__
