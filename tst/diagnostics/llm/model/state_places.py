"""Where states at a cut are kept: on the device, in host memory, in a file; a budget for each."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tst.diagnostics.llm.model.quantization import total_memory

GPU_SHARE = 0.25
"""Of a GPU's memory that is free before training: what is trained and scored needs the rest."""
HOST_SHARE = 0.25
"""Of the machine's (or the container's) memory."""
DISK_SHARE = 0.5
"""Of what is free on the disk of temporary files (``TMPDIR``)."""


@dataclass
class Place:
    """Somewhere that states can be kept.

    room: bytes that are left in it
    allocate: shape, dtype -> an empty tensor there
    """

    name: str
    room: float
    allocate: Callable[[tuple[int, int], torch.dtype], torch.Tensor]


def memory_places(device: torch.device) -> list[Place]:
    """The places of this machine, the fastest first."""
    host = HOST_SHARE * total_memory(torch.device("cpu"))
    folder = tempfile.gettempdir()
    disk = Place("a file", DISK_SHARE * shutil.disk_usage(folder).free, _in_file)
    if device.type == "cpu":
        return [Place("memory", host, lambda shape, dtype: torch.empty(shape, dtype=dtype)), disk]
    unused = total_memory(device) - torch.cuda.memory_allocated(device)
    free = GPU_SHARE * min(torch.cuda.mem_get_info(device)[0], unused)
    return [
        Place(
            "GPU",
            GPU_SHARE * free,
            lambda shape, dtype: torch.empty(shape, dtype=dtype, device=device),
        ),
        Place(
            "host memory",
            host,
            lambda shape, dtype: torch.empty(shape, dtype=dtype, pin_memory=True),
        ),
        disk,
    ]


def _in_file(shape: tuple[int, int], dtype: torch.dtype) -> torch.Tensor:
    """An empty tensor in a temporary file, which is gone when the tensor is."""
    handle, path = tempfile.mkstemp(prefix="tst-states-")
    os.close(handle)
    try:
        return torch.from_file(path, shared=True, size=math.prod(shape), dtype=dtype).view(shape)
    finally:
        Path(path).unlink()
