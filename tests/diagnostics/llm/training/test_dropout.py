"""Dropout masks that follow from (seed, step, question) alone."""

from __future__ import annotations

import pytest
import torch

from tst.core.errors import UserError
from tst.diagnostics.llm.training.dropout import DropoutMasks, dropout_keys, feature_hashes

WIDTH, FEATURES = 40, 96


def kept(probability: float, keys: list[int], layer: int = 0, width: int = WIDTH) -> torch.Tensor:
    """Which elements are kept: float (rows, width, FEATURES) of 0 and 1."""
    masks = DropoutMasks(probability)
    masks.begin(torch.tensor(keys), width)
    ones = torch.ones(len(keys), width, FEATURES)
    dropped = masks.drop(ones, feature_hashes(layer, FEATURES, torch.device("cpu")))
    return (dropped * (1 - probability)).round()


def correlation(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1])


@pytest.mark.parametrize("probability", [0.05, 0.1, 0.5])
def test_the_share_of_dropped_elements_is_the_probability(probability):
    mask = kept(probability, dropout_keys(7, 3, range(100)))
    error = (probability * (1 - probability) / mask.numel()) ** 0.5
    assert abs(float(1 - mask.mean()) - probability) < 4 * error
    # of single tokens and single features as well: their shares spread as binomial shares do
    for shares, n in ((mask.mean(2), FEATURES), (mask.mean((0, 1)), mask.shape[0] * WIDTH)):
        expected = (probability * (1 - probability) / n) ** 0.5
        assert 0.8 < float(shares.std()) / expected < 1.2


def test_kept_elements_are_scaled_up_and_gradients_follow_the_mask():
    masks = DropoutMasks(0.5)
    masks.begin(torch.tensor(dropout_keys(0, 0, range(2))), 3)
    x = torch.randn(2, 3, FEATURES, requires_grad=True)
    out = masks.drop(x, feature_hashes(0, FEATURES, torch.device("cpu")))
    out.sum().backward()
    factor = out.detach() / x.detach()
    assert set(factor.unique().tolist()) == {0.0, 2.0}
    torch.testing.assert_close(x.grad, factor)


def test_neither_mask_nor_input_is_kept_for_the_gradient():
    masks = DropoutMasks(0.5)
    masks.begin(torch.tensor(dropout_keys(0, 0, range(2))), 3)
    x = torch.randn(2, 3, FEATURES, requires_grad=True)
    kept: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: (kept.append(t.numel()), t)[1], lambda t: t
    ):
        masks.drop(x, feature_hashes(0, FEATURES, torch.device("cpu")))
    assert kept == [2 * 3, FEATURES]  # the hashes of tokens and features


def test_a_rows_mask_does_not_depend_on_other_rows_nor_on_padding():
    keys = dropout_keys(7, 3, range(8))
    alone = kept(0.3, keys[5:6], width=17)
    assert torch.equal(alone[0], kept(0.3, keys)[5, :17])


def test_masks_differ_between_folds_steps_questions_layers_and_tokens():
    first = kept(0.3, dropout_keys(7, 3, range(50)))
    others = {
        "fold": kept(0.3, dropout_keys(8, 3, range(50))),
        "step": kept(0.3, dropout_keys(7, 4, range(50))),
        "question": first.roll(1, 0),
        "layer": kept(0.3, dropout_keys(7, 3, range(50)), layer=1),
        "token": first.roll(1, 1),
        "feature": first.roll(1, 2),
    }
    for name, other in others.items():
        assert abs(correlation(first, other)) < 0.01, name


def test_a_layer_that_reads_other_tokens_is_one_message():
    masks = DropoutMasks(0.5)
    masks.begin(torch.tensor(dropout_keys(0, 0, range(2))), 3)
    with pytest.raises(UserError, match=r"diagnostic\.dropout=0"):
        masks.drop(torch.ones(2, 1, FEATURES), feature_hashes(0, FEATURES, torch.device("cpu")))
