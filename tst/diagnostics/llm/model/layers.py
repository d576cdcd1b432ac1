"""Which layers of a model get adapters, and which of them read the same input."""

from __future__ import annotations

from torch import nn
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from tst.core.errors import UserError

ALL_LINEAR = "all-linear"
ALL_LAYERS = "all"
# PEFT refuses these layers of these models: their kernels read the weights past the adapter
WITHOUT_ADAPTER = {"out_proj"}
STATE_SPACE = {"falcon_h1", "falcon_mamba", "mamba", "mamba2", "nemotron_h"}
# siblings that read the same input
SHARED_INPUTS = (("q_proj", "k_proj", "v_proj"), ("gate_proj", "up_proj"))


def adapted_layers(
    model: PreTrainedModel, targets: list[str], top_layers: int | str = ALL_LAYERS
) -> list[str]:
    """Names of the linear layers that get adapters: those that the targets name, or all-linear.

    top_layers: of the decoder's upper layers, all or so many

    all-linear is every linear layer of the decoder: no head, no vision tower. A mixture of experts
    has adapters on its attention (or recurrent) layers: experts are no linear layers, a router that
    moves changes which of them answers, and PEFT takes a dense block in an expert block's place for
    experts. Raises UserError where no layer is left.
    """
    linear = decoder_layers(model)
    if targets == [ALL_LINEAR]:
        experts = [name for name, module in model.named_modules() if _has_experts(module)]
        places = tuple(map(_place, experts))
        names = [name for name in linear if not _place(name).startswith(places)]
        if not names:  # every kind of block is called alike (Nemotron-H)
            names = [n for n in linear if not n.startswith(tuple(f"{e}." for e in experts))]
    else:
        names = [name for name in linear if any(f".{name}".endswith(f".{t}") for t in targets)]
    if model.config.model_type in STATE_SPACE:
        names = [name for name in names if name.split(".")[-1] not in WITHOUT_ADAPTER]
    if top_layers != ALL_LAYERS:
        place, layers = decoder_blocks(model)
        cut = len(layers) - int(top_layers)
        if cut <= 0:
            raise UserError(
                f"diagnostic.top_layers={top_layers}: {type(model).__name__} has {len(layers)} "
                f"layers; name fewer, or use diagnostic.top_layers={ALL_LAYERS}."
            )
        above = tuple(f"{place}.{i}." for i in range(cut, len(layers)))
        names = [name for name in names if name.startswith(above)]
    if not names:
        known = ", ".join(sorted({name.split(".")[-1] for name in linear}))
        fix = f"Name some of {known}, or use [{ALL_LINEAR}]."
        if targets == [ALL_LINEAR]:
            fix = f"Name some of its linear layers: {known or 'it has none'}."
        raise UserError(
            f"diagnostic.targets={targets}: {type(model).__name__} has no such linear layer. {fix}"
        )
    return names


def language_model(model: PreTrainedModel) -> nn.Module:
    """What reads token ids and gives the head its states; some call the head their decoder."""
    decoder: nn.Module = model.get_decoder()
    return model.base_model if decoder is model.get_output_embeddings() else decoder


def decoder_layers(model: PreTrainedModel) -> dict[str, nn.Linear | Conv1D]:
    """The linear layers of the language model by name, without its head."""
    head = model.get_output_embeddings()
    inside = {id(module) for module in language_model(model).modules()} - {id(head)}
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, Conv1D)) and id(module) in inside
    }


def decoder_blocks(model: PreTrainedModel) -> tuple[str, nn.ModuleList]:
    """The decoder's layers, one after the other, and the name of their list in the model.

    Raises UserError where the model keeps them in another way.
    """
    count = model.config.get_text_config().num_hidden_layers
    inside = {id(module) for module in language_model(model).modules()}
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == count and id(module) in inside:
            return name, module
    raise UserError(
        f"diagnostic.top_layers: {type(model).__name__} does not list its {count} layers; use "
        f"diagnostic.top_layers={ALL_LAYERS}."
    )


def _place(name: str) -> str:
    """A module's name, the same in every layer; with a dot at its end."""
    return ".".join("*" if part.isdigit() else part for part in name.split(".")) + "."


def _has_experts(module: nn.Module) -> bool:
    return any(
        name == "experts" or "Experts" in type(child).__name__
        for name, child in module.named_children()
    )


def shared_inputs(names: list[str]) -> list[list[str]]:
    """Names of adapted layers, those that read the same input together."""
    groups: list[list[str]] = []
    seen: set[str] = set()
    for name in names:
        if name in seen:
            continue
        parent, _, child = name.rpartition(".")
        family = next((f for f in SHARED_INPUTS if child in f), (child,))
        group = [n for n in (f"{parent}.{c}" if parent else c for c in family) if n in names]
        seen.update(group)
        groups.append(group)
    return groups
