"""Training passes as CUDA graphs: the same numbers, and a failed capture costs only speed."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest
import torch

from tst.diagnostics.llm.training.cuda_graphs import GraphedPass

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

Run = Callable[[dict[str, torch.Tensor]], torch.Tensor]


@pytest.fixture
def restless_collector() -> Iterator[None]:
    """Garbage is collected at almost every allocation."""
    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    yield
    gc.set_threshold(*before)


def test_replayed_passes_give_what_plain_ones_give() -> None:
    assert torch.allclose(_gradient(0.0, captured=True), _gradient(0.0, captured=False))


def test_a_failed_capture_leaves_passes_with_dropout_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    weights = _weights()
    run = _run(weights, 0.5)

    def reads_back(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        loss = run(inputs)
        if torch.cuda.is_current_stream_capturing():
            loss.item()
        return loss

    graphed = GraphedPass(reads_back, weights, enabled=True)
    graphed.capture(_inputs())
    assert "run uncaptured" in caplog.text and not graphed.enabled
    torch.manual_seed(1)
    graphed(_inputs())
    assert torch.equal(graphed.gradient, _gradient(0.5, captured=False))


def test_an_earlier_jobs_graphs_in_the_garbage_do_not_end_a_capture(
    restless_collector: None,
) -> None:
    weights = _weights()
    graphed = GraphedPass(_run(weights, 0.5), weights, enabled=True)
    _leave_garbage()
    graphed.capture(_inputs())
    assert graphed.enabled


def _leave_garbage() -> None:
    weights = _weights()
    old = GraphedPass(_run(weights, 0.5), weights, enabled=True)
    old.capture(_inputs())
    old.run = lambda inputs: old(inputs)  # a cycle


def _gradient(dropout: float, captured: bool) -> torch.Tensor:
    weights = _weights()
    graphed = GraphedPass(_run(weights, dropout), weights, enabled=captured)
    graphed.capture(_inputs())
    torch.manual_seed(1)
    graphed(_inputs())
    return graphed.gradient


def _run(weights: torch.nn.Parameter, dropout: float) -> Run:
    def run(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        hidden = torch.nn.functional.dropout(inputs["x"], dropout)
        return (hidden @ weights).square().mean()

    return run


def _weights() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.linspace(-1, 1, 64, device="cuda").reshape(8, 8))


def _inputs() -> dict[str, torch.Tensor]:
    return {"x": torch.linspace(0, 1, 32, device="cuda").reshape(4, 8)}
