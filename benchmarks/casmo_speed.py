"""Time of one optimizer step on LoRA-shaped parameter lists: Casmo against torch's AdamW.

    python benchmarks/casmo_speed.py [--model gemma2b|smollm2] [--rank 16] [--device cuda]

On a GPU, also the kernels of a step, the host time of a step (until step() returns), the scratch
memory, and whether the host waits. Random gradients; the list is that of all linear layers of the
decoder.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import torch

from tst.optimizers.casmo import Casmo

# the number of decoder blocks, and (input x output) of each adapted layer of one
SHAPES = {
    "gemma2b": (26, "2304x2048 2304x1024 2304x1024 2048x2304 2304x9216 2304x9216 9216x2304"),
    "smollm2": (30, "576x576 576x192 576x192 576x576 576x1536 576x1536 1536x576"),
}


def lora_list(model: str, rank: int, device: str) -> list[torch.nn.Parameter]:
    """The A (rank, input) and B (output, rank) matrices of every adapted layer, float32."""
    blocks, layers = SHAPES[model]
    widths = [tuple(map(int, layer.split("x"))) for layer in layers.split()]
    shapes = [s for n_in, n_out in widths for s in ((rank, n_in), (n_out, rank))] * blocks
    params = [torch.nn.Parameter(torch.randn(s, device=device)) for s in shapes]
    for p in params:
        p.grad = torch.randn_like(p)
    return params


def contestants(
    params: list[torch.nn.Parameter], device: str
) -> Iterator[tuple[str, torch.optim.Optimizer]]:
    settings = {"lr": 2e-4, "weight_decay": 0.01}
    yield "adamw loop", torch.optim.AdamW(params, foreach=False, **settings)
    yield "adamw foreach", torch.optim.AdamW(params, foreach=True, **settings)
    yield "adamw fused", torch.optim.AdamW(params, fused=True, **settings)
    yield "casmo", Casmo(params, **settings)


def milliseconds(step: Callable[[], object], device: str, steps: int) -> tuple[float, float]:
    """Medians of (whole step, host part of it)."""
    whole, host = [], []
    for i in range(steps + 3):
        start = time.perf_counter()
        step()
        returned = time.perf_counter()
        if device == "cuda":
            torch.cuda.synchronize()
        if i >= 3:
            whole.append(time.perf_counter() - start)
            host.append(returned - start)
    return 1e3 * statistics.median(whole), 1e3 * statistics.median(host)


def kernels(step: Callable[[], object]) -> int:
    """Kernels launched by one step."""
    activities = [torch.profiler.ProfilerActivity.CUDA]
    with torch.profiler.profile(activities=activities) as profile:
        step()
        torch.cuda.synchronize()
    return sum(1 for e in profile.events() if e.device_type == torch.autograd.DeviceType.CUDA)


def waits(step: Callable[[], object]) -> bool:
    """Whether a step makes the host wait for the device."""
    torch.cuda.set_sync_debug_mode("error")
    try:
        step()
    except RuntimeError:
        return True
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=SHAPES, default="gemma2b")
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    params = lora_list(arguments.model, arguments.rank, arguments.device)
    size = sum(p.numel() for p in params) / 1e6
    print(
        f"{arguments.model} r {arguments.rank}: {len(params)} tensors, {size:.1f} M, fp32, "
        f"{arguments.device}, torch {torch.__version__}"
    )
    for name, optimizer in contestants(params, arguments.device):
        whole, host = milliseconds(optimizer.step, arguments.device, arguments.steps)
        line = f"{name:14s} {whole:8.2f} ms per step, {host:8.2f} ms on the host"
        if arguments.device == "cuda":
            before = torch.cuda.memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            optimizer.step()
            scratch = (torch.cuda.max_memory_allocated() - before) / 2**20
            line += f", {kernels(optimizer.step)} kernels, {scratch:.0f} MiB of scratch"
            line += ", waits for the device" if waits(optimizer.step) else ""
        print(line)
        del optimizer


if __name__ == "__main__":
    main()
