"""Training passes as CUDA graphs: one capture per shape, then one launch instead of thousands."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

log = logging.getLogger(__name__)
_Inputs = dict[str, torch.Tensor]


@dataclass
class _Captured:
    graph: torch.cuda.CUDAGraph
    inputs: _Inputs
    loss: torch.Tensor


@dataclass(frozen=True)
class _Price:
    """Seconds that capturing a shape takes, and that one replay saves over a pass as it is."""

    capture: float
    saved: float


class GraphedPass:
    """Forward and backward of a pass, replayed; adds to ``gradient``, returns the loss.

    run: inputs -> loss; every tensor it reads besides its inputs must keep its address
    weights: the one leaf that gets a gradient
    A shape that was captured is replayed, any other runs as it is. Where capturing fails, passes
    run uncaptured and the log says so.
    """

    def __init__(
        self, run: Callable[[_Inputs], torch.Tensor], weights: torch.nn.Parameter, enabled: bool
    ) -> None:
        self.run = run
        self.weights = weights
        self.enabled = enabled
        self.gradient = torch.zeros_like(weights)
        self._graphs: dict[tuple[torch.Size, ...], _Captured] = {}
        self._pool: Any = None
        self._price: _Price | None = None  # measured with the first shape

    def __call__(self, inputs: _Inputs) -> torch.Tensor:
        if self.weights.grad is None:
            self.gradient.zero_()
            self.weights.grad = self.gradient
        known = self._graphs.get(_shapes(inputs))
        if known is None:
            return self._eager(inputs)
        for name, tensor in inputs.items():
            known.inputs[name].copy_(tensor, non_blocking=True)
        known.graph.replay()
        return known.loss

    def capture(self, inputs: _Inputs, uses: int) -> None:
        """Capture this shape where so many uses of it save more time than capturing takes.

        The first shape is captured in any case, and both times are measured with it. Leaves invalid
        values in ``gradient``, which the next step clears. The pass runs as it is before it is
        captured: libraries initialise, kernels are chosen.
        """
        price = self._price
        if not self.enabled or (price is not None and uses * price.saved < price.capture):
            return
        static = {name: tensor.clone() for name, tensor in inputs.items()}
        plain = 0.0
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self._eager(static)
            if price is None:
                plain = _seconds(lambda: self._eager(static))
        torch.cuda.current_stream().wait_stream(side)
        started = time.perf_counter()
        graph = torch.cuda.CUDAGraph()
        try:
            with (
                _without_collecting(),
                torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"),
            ):
                loss = self._eager(static)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as problem:
            reason = str(problem.__context__ or problem).split("\n")[0]
            log.warning("CUDA graphs do not work here (%s): passes run uncaptured", reason)
            self.enabled = False
            self._graphs.clear()
            _leave_capture(static)
            return
        self._pool = self._pool or graph.pool()
        self._graphs[_shapes(inputs)] = _Captured(graph, static, loss)
        if price is None:
            graph.replay()  # the first one also moves the graph to the device
            torch.cuda.synchronize()
            seconds = time.perf_counter() - started + plain
            self._price = _Price(seconds, plain - _seconds(graph.replay))

    def _eager(self, inputs: _Inputs) -> torch.Tensor:
        loss = self.run(inputs)
        (gradient,) = torch.autograd.grad(loss, [self.weights])
        self.gradient.add_(gradient)
        return loss.detach()


def _seconds(work: Callable[[], object]) -> float:
    """How long this takes on the device."""
    torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - started


@contextmanager
def _without_collecting() -> Iterator[None]:
    """No cyclic garbage is freed meanwhile: an earlier job's graphs in it would end the capture."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _leave_capture(inputs: _Inputs) -> None:
    """After a failed capture: the random generator would refuse every later dropout."""
    device = next(iter(inputs.values())).device
    generator = torch.cuda.default_generators[device.index]
    generator.graphsafe_set_state(generator.clone_state())


def _shapes(inputs: _Inputs) -> tuple[torch.Size, ...]:
    return tuple(tensor.shape for tensor in inputs.values())
