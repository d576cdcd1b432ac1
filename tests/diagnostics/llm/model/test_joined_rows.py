"""Joined rows hold every text, let none see another, and give the gradients of whole rows."""

from __future__ import annotations

import pytest
import torch

from tests.diagnostics.llm.model.test_lower_states import CONFIGS, model_of, padded
from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.diagnostics.llm.model.joined_rows import (
    MOST_JOINED,
    additive_mask,
    common_beginning,
    join_rows,
)

ALIKE = [7, 9, 30, 41, 5, 12, 50, 61, 23]
TEXTS: list[list[int] | None] = [
    [*ALIKE, 4, 17],  # a fold's
    [*ALIKE, 17, 18, 44, 3],
    [*ALIKE[:8], 11, 2],
    [*ALIKE, 6],  # another's
    None,
    [*ALIKE, 6, 6, 2, 19],
    [5, 6, 7, 8],  # one without a beginning
    [*ALIKE, 21],
    [14],
    None,  # one that is done
    None,
    None,
]
WIDTH = 14


def test_every_token_sees_what_stands_before_it_in_its_text_and_nothing_else():
    ids, _ = padded(TEXTS, WIDTH)
    joined = join_rows(TEXTS, WIDTH, folds=4)
    assert joined is not None
    assert joined.source.shape[0] == 4
    rows = ids.flatten()[joined.source]
    for row, text in enumerate(TEXTS):
        for column in range(len(text or [])):
            place = int(joined.places[row * WIDTH + column])
            own, at = divmod(place, rows.shape[1])
            assert own == row // 3, "in the row of its fold"
            seen = joined.sees[own, at].nonzero()[:, 0]
            assert rows[own, seen].tolist() == text[: column + 1]
            assert joined.positions[own, seen].tolist() == list(range(column + 1))
    assert joined.sees.diagonal(dim1=1, dim2=2).all(), "attention of padding has something to see"
    first, second = (joined.places[row * WIDTH : row * WIDTH + 9] for row in (0, 1))
    assert first[:8].tolist() == second[:8].tolist() and first[8] != second[8]


def test_many_texts_take_several_rows():
    texts = [[*ALIKE, i] for i in range(2 * (MOST_JOINED + 1))]
    joined = join_rows(texts, 10, folds=2)
    assert joined is not None and joined.source.shape == (4, len(ALIKE) + MOST_JOINED)
    owners = joined.places.view(-1, 10)[:, 0] // joined.source.shape[1]
    assert owners.tolist() == [0] * MOST_JOINED + [1] + [2] * MOST_JOINED + [3]


@pytest.mark.parametrize(
    "texts",
    [
        [[*ALIKE[:7], 1, 2], [*ALIKE[:7], 3, 4]],
        [[*ALIKE, 2], [4, *ALIKE]],
        [[*ALIKE, *range(50)], [*ALIKE, *range(1, 51)]],
        [[*ALIKE, 2]],
    ],
    ids=["short", "other beginnings", "little of long texts", "alone"],
)
def test_rows_stay_whole_where_that_saves_too_little(texts):
    assert join_rows(texts, max(map(len, texts)), folds=1) is None


def test_common_beginning():
    assert common_beginning([(1, 2, 3), (1, 2), (1, 2, 4)]) == 2
    assert common_beginning([(1, 2), (1, 2)]) == 2
    assert common_beginning([(1,), (2,)]) == 0


def gradients(model: torch.nn.Module, joins: bool) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits at some places of the texts, and the gradients of all weights for their squares."""
    ids, _ = padded(TEXTS, WIDTH)
    # a shared token, own ones, and column 0 as for a place that is not used
    places = [(0, 7), (0, 10), (1, 7), (1, 12), (2, 9), (3, 0), (5, 12), (6, 3), (8, 0), (10, 0)]
    positions = torch.tensor([row * WIDTH + column for row, column in places])
    how: dict[str, torch.Tensor] = {}
    if joins:
        joined = join_rows(TEXTS, WIDTH, folds=4)
        assert joined is not None
        ids, positions = ids.flatten()[joined.source], joined.places[positions]
        how["position_ids"] = joined.positions
        how["attention_mask"] = additive_mask(joined.sees[:, None], torch.float32)
    model.zero_grad()
    head = AnswerHead(model)
    with head.attached():
        logits, _ = head.logits(ids, positions, use_cache=False, **how)
    logits = logits[:-1]  # of an empty row: not used
    logits.square().sum().backward()
    return logits.detach(), [p.grad.clone() for p in model.parameters() if p.grad is not None]


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2"])
def test_gradients_through_joined_rows_are_those_through_whole_ones(kind):
    model = model_of(CONFIGS[kind]).requires_grad_(True)
    for weight in model.parameters():  # as if trained: attention and places matter
        weight.data.mul_(4.0)
    logits, whole = gradients(model, joins=False)
    again, joined = gradients(model, joins=True)
    torch.testing.assert_close(again, logits, rtol=1e-4, atol=1e-4)
    assert len(whole) == len(joined) > 10
    for one, other in zip(whole, joined, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-3, atol=1e-4 * float(one.abs().max()))
