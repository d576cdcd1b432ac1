"""Training steps as CUDA graphs: one capture a shape, then one launch instead of thousands."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers.modeling_layers import GradientCheckpointingLayer

log = logging.getLogger(__name__)
_Inputs = dict[str, torch.Tensor]
MOST_SHAPES = 24


@contextmanager
def compiled_layers(model: torch.nn.Module, enabled: bool) -> Iterator[None]:
    """Decoder layers compiled inside this block: one compilation, all layers and lengths share it.

    What cannot be compiled runs as it is, with a word from torch.
    """
    layers = [m for m in model.modules() if isinstance(m, GradientCheckpointingLayer)]
    if not enabled or not layers:
        yield
        return
    before = torch._dynamo.config.suppress_errors
    torch._dynamo.config.suppress_errors = True
    for layer in layers:
        layer.compile(dynamic=True)
    try:
        yield
    finally:
        torch._dynamo.config.suppress_errors = before
        for layer in layers:
            layer._compiled_call_impl = None
        torch._dynamo.reset()


@dataclass
class _Captured:
    graph: torch.cuda.CUDAGraph
    inputs: _Inputs
    loss: torch.Tensor


class GraphedStep:
    """Forward and backward of a micro-batch, replayed; adds to ``gradient``, returns the loss.

    run: inputs -> loss; every tensor it reads beside its inputs must stay where it is
    weights: the one leaf that gets a gradient
    A shape is run once as it is (libraries initialise, kernels are chosen) and captured the second
    time it is met. Where capturing fails, steps go on uncaptured, with a word in the log.
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

    def __call__(self, inputs: _Inputs) -> torch.Tensor:
        if self.weights.grad is None:
            self.gradient.zero_()
            self.weights.grad = self.gradient
        if not self.enabled:
            return self._eager(inputs)
        key = tuple(t.shape for t in inputs.values())
        known = self._graphs.get(key)
        if known is None:
            if len(self._graphs) >= MOST_SHAPES:
                return self._eager(inputs)
            known = self._capture(inputs)
            if known is None:
                return self._eager(inputs)
            self._graphs[key] = known
        for name, tensor in inputs.items():
            known.inputs[name].copy_(tensor, non_blocking=True)
        known.graph.replay()
        return known.loss

    def _eager(self, inputs: _Inputs) -> torch.Tensor:
        loss = self.run(inputs)
        (gradient,) = torch.autograd.grad(loss, [self.weights])
        self.gradient.add_(gradient)
        return loss.detach()

    def _capture(self, inputs: _Inputs) -> _Captured | None:
        static = {name: tensor.clone() for name, tensor in inputs.items()}
        before = self.gradient.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        random_state = torch.cuda.get_rng_state()
        with torch.cuda.stream(side):
            self._eager(static)
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.set_rng_state(random_state)
        self.gradient.copy_(before)
        del before
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, pool=self._pool):
                loss = self._eager(static)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as problem:
            reason = str(problem).split("\n")[0]
            log.warning("CUDA graphs do not work here (%s): steps run uncaptured", reason)
            self.enabled = False
            return None
        self._pool = self._pool or graph.pool()
        return _Captured(graph, static, loss)
