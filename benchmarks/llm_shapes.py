"""Random models of real shapes, built on the device: speed and memory need no real weights."""

from __future__ import annotations

from typing import Any

import torch
from transformers import AutoModelForCausalLM, Gemma2Config, LlamaConfig, MistralConfig, Qwen2Config

from tst.diagnostics.llm.model.fp8 import to_fp8
from tst.diagnostics.llm.model.kernels import fuse_kernels, pick_kernels
from tst.diagnostics.llm.model.loading import BaseModel

SHAPES: dict[str, Any] = {
    "tiny": LlamaConfig(
        vocab_size=49152, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
    ),
    "smollm2": LlamaConfig(
        vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30,
        num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True,
        max_position_embeddings=8192,
    ),
    "gemma2_2b": Gemma2Config(
        vocab_size=256000, hidden_size=2304, intermediate_size=9216, num_hidden_layers=26,
        num_attention_heads=8, num_key_value_heads=4, head_dim=256,
    ),
    "mistral7b": MistralConfig(
        vocab_size=32768, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32,
        num_attention_heads=32, num_key_value_heads=8, sliding_window=None,
    ),
    "qwen2_7b": Qwen2Config(
        vocab_size=152064, hidden_size=3584, intermediate_size=18944, num_hidden_layers=28,
        num_attention_heads=28, num_key_value_heads=4,
    ),
}  # fmt: skip


def random_base(
    shape: str, tokenizer: Any, device: torch.device, quantization: str, kernels: str = "auto"
) -> BaseModel:
    """A base of this shape with random weights, bf16 on CUDA or nf4, float32 on a CPU."""
    config = SHAPES[shape]
    config.vocab_size = max(config.vocab_size, 49152)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    capped = config.to_dict().get("attn_logit_softcapping") is not None
    torch.manual_seed(0)
    with device:
        model = AutoModelForCausalLM.from_config(
            config, dtype=dtype, attn_implementation="eager" if capped else "sdpa"
        )
    if quantization == "nf4":
        _to_nf4(model, dtype)
    elif quantization == "fp8":
        to_fp8(model)
    model.requires_grad_(False)
    model.eval()
    model.config.use_cache = False
    used = pick_kernels(kernels, config, device)
    base = BaseModel(model, tokenizer, device, dtype, quantization, f"random-{shape}/{used}")
    if used == "liger":
        base.release = fuse_kernels(model)
    return base


def _to_nf4(model: Any, dtype: torch.dtype) -> None:
    """Quantise every linear layer but the head, as from_pretrained would."""
    import bitsandbytes as bnb

    head = model.get_output_embeddings()
    for name, module in list(model.named_modules()):
        if isinstance(module, torch.nn.Linear) and module is not head:
            small = bnb.nn.Linear4bit(
                module.in_features,
                module.out_features,
                bias=module.bias is not None,
                compute_dtype=dtype,
                compress_statistics=True,
                quant_type="nf4",
                device="cpu",
            )
            small.weight = bnb.nn.Params4bit(
                module.weight.data.cpu(),
                requires_grad=False,
                compress_statistics=True,
                quant_type="nf4",
            )
            if module.bias is not None:
                small.bias = torch.nn.Parameter(module.bias.data.cpu(), requires_grad=False)
            parent, _, child = name.rpartition(".")
            setattr(model.get_submodule(parent), child, small.to(model.device))
    model.is_loaded_in_4bit = True
