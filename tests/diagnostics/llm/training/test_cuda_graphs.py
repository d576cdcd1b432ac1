"""Training passes as CUDA graphs: the same numbers, and a failed capture costs only speed."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

import pytest
import torch

from tst.diagnostics.llm.training.cuda_graphs import GraphedPass, _Price

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
    graphed.capture(_inputs(), uses=1)
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
    graphed.capture(_inputs(), uses=1)
    assert graphed.enabled


def test_a_shape_is_captured_where_its_uses_save_more_than_that_takes() -> None:
    weights = _weights()
    graphed = GraphedPass(_run(weights, 0.0), weights, enabled=True)
    wide = {"x": torch.ones(8, 8, device="cuda")}
    graphed.capture(wide, uses=1)  # the first in any case
    graphed._price = _Price(capture=1.0, saved=0.1)
    graphed.capture(_inputs(), uses=9)
    assert len(graphed._graphs) == 1
    graphed.capture(_inputs(), uses=11)
    assert len(graphed._graphs) == 2


def test_what_a_capture_takes_and_saves_is_measured_with_the_first() -> None:
    weights = _weights()

    def run(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        if not torch.cuda.is_current_stream_capturing():
            time.sleep(0.05)  # work of the host, which a replay does without
        return _run(weights, 0.0)(inputs)

    graphed = GraphedPass(run, weights, enabled=True)
    graphed.capture(_inputs(), uses=1)
    price = graphed._price
    assert price is not None and 0.04 < price.saved < 1.0 and price.capture > 0.05


def _leave_garbage() -> None:
    weights = _weights()
    old = GraphedPass(_run(weights, 0.5), weights, enabled=True)
    old.capture(_inputs(), uses=1)
    old.run = lambda inputs: old(inputs)  # a cycle


def _gradient(dropout: float, captured: bool) -> torch.Tensor:
    weights = _weights()
    graphed = GraphedPass(_run(weights, dropout), weights, enabled=captured)
    graphed.capture(_inputs(), uses=1)
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
