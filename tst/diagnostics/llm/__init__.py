"""TsT-LLM: QLoRA adapters on a benchmark's own text."""

import logging

# where imported on some CPUs, it warns of a kernel that it would fetch from the hub
logging.getLogger("bitsandbytes.backends.cpu.ops").setLevel(logging.ERROR)
