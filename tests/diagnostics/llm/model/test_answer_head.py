"""Logits at answer positions, and their loss."""

import torch
import transformers as hf

from tst.diagnostics.llm.model import answer_head as answers
from tst.diagnostics.llm.model.answer_head import AnswerHead, answer_losses


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


def test_what_a_model_does_to_logits_of_three_dimensions_is_done():
    """Chameleon forbids the tokens of images after its head."""
    sizes = {"embed_dim": 8, "num_embeddings": 8, "base_channels": 32, "channel_multiplier": [1]}
    config = hf.ChameleonConfig(
        vocab_size=40, hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=2, num_key_value_heads=2, vq_config=sizes,
        vocabulary_map={"<image>": 10, "IMGIMGAAA": 11},
    )  # fmt: skip
    model = hf.ChameleonForConditionalGeneration(config).eval()
    ids = torch.tensor([[5, 6, 7, 8], [9, 8, 7, 6]])
    head = AnswerHead(model)
    with torch.no_grad(), head.attached():
        found, _ = head.logits(ids, torch.tensor([1, 7]), use_cache=False)
        whole = model(input_ids=ids, use_cache=False).logits
    torch.testing.assert_close(found, torch.stack([whole[0, 1], whole[1, 3]]))
