"""LoRA adapters: their PEFT configuration, and the file that keeps one."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from tst.diagnostics.llm.model.layers import adapted_layers
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.settings import LoraSettings

WEIGHTS = "adapter_model.safetensors"


def lora_config(settings: LoraSettings, model: PreTrainedModel) -> LoraConfig:
    """PEFT's configuration of one fold's adapter on a model that has none."""
    return LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,  # type: ignore[arg-type]
        lora_dropout=settings.dropout,
        target_modules=adapted_layers(model, list(settings.targets), settings.top_layers),
        use_dora=settings.use_dora,
        use_rslora=settings.use_rslora,
        bias="none",
        task_type="CAUSAL_LM",
    )


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write an adapter as plain PEFT reads it, in bf16."""
    model.save_pretrained(str(folder), save_embedding_layers=False)
    readme = folder / "README.md"
    readme.unlink(missing_ok=True)
    weights = load_file(folder / WEIGHTS)
    halved = {name: w.to(torch.bfloat16) for name, w in weights.items()}
    save_file(halved, folder / WEIGHTS, metadata={"format": "pt"})


def adapter_folders(folder: Path, count: int) -> list[Path]:
    """Where a fold keeps its adapters: in its own folder, or each in one where there are more."""
    if count == 1:
        return [folder]
    return [folder / f"adapter-{place + 1}" for place in range(count)]


def attach_saved(base: PreTrainedModel, folder: Path) -> PeftModel:
    """The base with a saved adapter on it, ready to score; ``unload()`` gives the base back."""
    model = PeftModel.from_pretrained(base, str(folder), is_trainable=False)
    model.eval()
    return model


def attach_new(base: PreTrainedModel, settings: LoraSettings, seed: int) -> PeftModel:
    """The base with a fresh adapter whose initialisation comes from the seed alone.

    The same draws as SFTTrainer's own (seed everything, then create the adapter).
    """
    devices = [base.device] if base.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(torch_seed(seed))
        return get_peft_model(base, lora_config(settings, base))


def torch_seed(seed: int) -> int:
    """A 32-bit fold seed as Trainer takes it."""
    return seed % 2**31


@contextmanager
def bare_again(base: BaseModel) -> Iterator[None]:
    """Give the base back as it was: no adapter, no patched forward, no gradients.

    SFTTrainer puts its own ``forward`` on the model, one more layer with each trainer; Accelerate
    marks the model as prepared, and the next trainer would leave out mixed precision.
    """
    model = base.model
    before = dict(vars(model))
    try:
        yield
    finally:
        _remove_adapters(model)
        with warnings.catch_warnings():  # the names changed between transformers 5.17 and 5.23
            warnings.simplefilter("ignore", FutureWarning)
            if model.is_gradient_checkpointing:
                model.gradient_checkpointing_disable()
                model.disable_input_require_grads()
        for name in set(vars(model)) - set(before):
            del vars(model)[name]
        if "forward" in before:
            model.forward = before["forward"]
        model.requires_grad_(False)
        model.eval()
        model.config.use_cache = False


def _remove_adapters(model: torch.nn.Module) -> None:
    """Put the original linear layers back, also after a failure half-way."""
    layers = [(n, m) for n, m in model.named_modules() if isinstance(m, BaseTunerLayer)]
    for name, layer in layers:
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, layer.get_base_layer())
