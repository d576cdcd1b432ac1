"""Why a model cannot be loaded, and what its user can do about it."""

from __future__ import annotations

from pathlib import Path

from tst.core.errors import UserError
from tst.diagnostics.llm.settings import ModelSettings

EXPECTED = "a folder as save_pretrained writes it: config.json, a tokenizer, *.safetensors or *.bin"
GGUF_ADVICE = (
    "GGUF files are not read: name the model that they were made from, or a folder with "
    "safetensors (transformers converts: from_pretrained(FOLDER, gguf_file=FILE), save_pretrained)"
)
HUB_ADVICE = (
    "gated model: accept its licence on huggingface.co and run `hf auth login`",
    "wrong name:  model.name takes a hub id such as Qwen/Qwen2-7B-Instruct, or a path",
    "adapter or GGUF files alone: name the model that they were made from",
)
UNKNOWN_ADVICE = (
    "unknown architecture: a newer transformers may have it (pip install -U transformers),",
    "or the model brings its own code: model.trust_remote_code=true",
)
WEIGHTS = ("*.safetensors", "*.bin")
TOKENIZERS = ("tokenizer*", "vocab*", "*.model", "*.tiktoken", "tekken.json")
LFS_POINTER = b"version https://git-lfs"
HUB_PARTS = 2
"""A name on the hub is owner/name, or name."""


def require_folder(settings: ModelSettings) -> None:
    """Raise UserError where ``model.name`` is a path, but not that of a folder."""
    path = Path(settings.name)
    if settings.name and path.is_dir():
        return
    if path.suffix == ".gguf":
        raise UserError(f"model.name={settings.name}: {GGUF_ADVICE}.")
    if path.is_file():
        raise UserError(f"model.name={settings.name}: this is a file; expected {EXPECTED}.")
    parts = settings.name.split("/")
    if len(parts) > HUB_PARTS or parts[0] in ("", ".", "..", "~"):
        raise UserError(
            f"model.name={settings.name}: there is no such folder; expected {EXPECTED}, or a hub "
            "id such as Qwen/Qwen2-7B-Instruct."
        )


def not_loaded(settings: ModelSettings, problem: Exception) -> UserError:
    """One message for what transformers raised while it read a model's files."""
    folder = Path(settings.name)
    if folder.is_dir():
        advice = _advice_on_folder(folder)
    else:
        advice = HUB_ADVICE if isinstance(problem, OSError) else ()
    if not advice and isinstance(problem, ImportError):
        advice = ("install what it needs, or use another model",)
    if not advice and isinstance(problem, ValueError):
        advice = UNKNOWN_ADVICE
    if not advice:
        advice = ("its files are damaged or do not belong together: copy or download them anew",)
    reason = str(problem).strip().split("\n")[0]
    first = f"model.name={settings.name}: cannot be loaded ({type(problem).__name__}: {reason})."
    return UserError("\n  ".join([first, *advice]))


def _advice_on_folder(folder: Path) -> tuple[str, ...]:
    """What the folder lacks; empty where it has all that a model needs."""

    def holds(*patterns: str) -> list[Path]:
        return [path for pattern in patterns for path in sorted(folder.glob(pattern))]

    if holds("adapter_config.json") and not holds("config.json"):
        return (
            "the folder holds an adapter alone: name its base model, or merge the adapter into it "
            "(PEFT's merge_and_unload, then save_pretrained)",
        )
    if holds("*.gguf") and not holds(*WEIGHTS):
        return (GGUF_ADVICE,)
    for path in holds(*WEIGHTS, *TOKENIZERS):
        with path.open("rb") as file:
            if file.read(len(LFS_POINTER)) == LFS_POINTER:
                return (f"{path.name} is a git-lfs pointer: run `git lfs pull` in the folder",)
    lacking = {"config.json": ("config.json",), "weights": WEIGHTS, "tokenizer": TOKENIZERS}
    missing = [name for name, patterns in lacking.items() if not holds(*patterns)]
    return (f"the folder has no {' and no '.join(missing)}; expected {EXPECTED}",) * bool(missing)
