"""What a model can read at all: as many tokens as it has positions, of the vocabulary it has."""

from __future__ import annotations

from collections.abc import Iterable

from transformers import PretrainedConfig, PreTrainedModel

from tst.core.errors import UserError

POSITIONS = "max_position_embeddings"
WINDOWS = ("sliding_window", "window_size", "attention_chunk_size")
"""What configurations call the tokens that attention looks back on, in some layers or all."""


def count_positions(config: PretrainedConfig) -> int | None:
    """Tokens of the longest text that a model was made for; None where it does not say.

    Learned positions end there, and rotary ones were never trained beyond it.
    """
    text = config.get_text_config()
    found = text.to_dict().get(type(text).attribute_map.get(POSITIONS, POSITIONS))
    return found if isinstance(found, int) and found > 0 else None


def attention_window(config: PretrainedConfig) -> int | None:
    """Tokens that the layers of shortest sight look back on; None where all look back on all."""
    facts = config.get_text_config().to_dict()
    return min((facts[name] for name in WINDOWS if isinstance(facts.get(name), int)), default=None)


def require_readable(model: PreTrainedModel, texts: Iterable[list[int]]) -> None:
    """Raise UserError for token ids that the model has no embedding for, and for a text that is
    longer than its positions.
    """
    known = len(model.get_input_embeddings().weight)  # type: ignore[arg-type]
    positions = count_positions(model.config)
    for ids in texts:
        if max(ids, default=0) >= known:
            raise UserError(
                f"The tokenizer writes token {max(ids)}, and the model knows {known} tokens "
                f"(vocab_size): they do not belong together. Put the model's own tokenizer beside "
                f"{model.config.name_or_path or 'its weights'}, or resize and train the model's "
                "embeddings for this one."
            )
        if positions is not None and len(ids) > positions:
            raise UserError(
                f"A prompt has {len(ids)} tokens, and {type(model).__name__} reads at most "
                f"{positions} ({POSITIONS}). Its options alone are too long to be cut: leave such "
                "questions out, or use a model that reads longer texts."
            )
