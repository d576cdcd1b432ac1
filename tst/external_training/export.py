"""Writes a stress test's folds for another trainer."""

from __future__ import annotations

import logging
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from tst.config.schema import RunConfig, to_plain
from tst.core.errors import UserError
from tst.core.folds import split
from tst.diagnostics.llm.model.layers import adapted_layers
from tst.diagnostics.llm.model.loading import DTYPES, outline, pick_device
from tst.diagnostics.llm.model.weights_digest import digest_weights
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.diagnostics.llm.settings import ModelSettings, require_valid
from tst.external_training.dataset_rows import (
    as_text,
    dataset_info,
    file_suffix,
    heldout_rows,
    training_rows,
)
from tst.external_training.manifest import (
    MANIFEST,
    Manifest,
    describe_plan,
    read_manifest,
)
from tst.external_training.rendering import Differences, compare_rendering, template_that_ends
from tst.external_training.settings import FOR_LLAMAFACTORY, exported_config
from tst.external_training.trainer_settings import TrainedBase, as_yaml, fold_name, fold_settings
from tst.records.files import checksum, read_json, write_json, write_text
from tst.stress_testing.build import resolve_auto
from tst.stress_testing.run import load_table, plan_for

log = logging.getLogger("tst")

BASE = "base"
CONFIG, TEMPLATE = "config.json", "chat_template.jinja"
DATASETS = "dataset_info.json"
RUN_SCRIPT = Path(__file__).parent / "run_folds.sh"
LOCAL = ("tracking", "job", "null", "n_jobs", "outputs_root", "device", "fail_fast", "dry_run")
"""Parts of the config that are this machine's, and not the folds'."""


@dataclass(frozen=True)
class Exported:
    """What was written, and what someone who trains should know.

    differences: of the model's own chat template
    ends: the exported base has a template that ends with the answer, and so no ``more_tokens``
    """

    folder: Path
    manifest: Manifest
    differences: Differences
    ends: bool


def export_folds(config: RunConfig, folder: Path, style: str) -> Exported:
    """Write per fold a training file, its settings and its held-out questions; then the manifest.

    Raises UserError for settings that others cannot follow, and for a folder that holds something
    else. An export that is there already is completed; adapters in it stay.
    """
    config = resolve_auto(exported_config(config))
    lora = config.diagnostic
    require_valid(lora, config.model, config.optimizer)
    table = load_table(config)
    plan = plan_for(config, table)
    known = outline(config.model, pick_device(config.device))
    encoder = Encoder(known.tokenizer, lora.max_length)
    encoder.letter_ids(table.frame)
    model = known.empty(config.model)
    assert known.source is not None  # models built on the spot are refused with the settings
    own = Path(known.source).expanduser().resolve()
    source = str(own) if own.is_dir() else known.source
    differences = compare_rendering(table.frame, encoder)
    template = None
    if style in FOR_LLAMAFACTORY and own.is_dir():
        template = template_that_ends(table.frame, encoder, differences)
        if template is not None or known.config.dtype != DTYPES[config.model.dtype]:
            source = BASE
    base = TrainedBase(
        source,
        sorted({name.split(".")[-1] for name in adapted_layers(model, list(lora.targets))}),
        sum(p.numel() for p in model.parameters()),
    )
    names: list[str] = []
    files: dict[str, str] = {}
    for fold in plan.folds(config.fold.only):
        train, heldout = split(table.frame, plan, *fold)
        settings = fold_settings(config, base, style, fold, plan.seed, len(train))
        name, suffix = fold_name(fold), file_suffix(style)
        names.append(name)
        ids = table.frame.loc[heldout.index, "id"].astype(str).tolist()
        files |= {
            f"train-{name}{suffix}": as_text(training_rows(train, encoder, style), suffix),
            f"train-{name}.yaml": as_yaml(settings, style),
            f"heldout-{name}.jsonl": as_text(heldout_rows(heldout, ids, encoder, fold), ".jsonl"),
        }
    manifest = Manifest(
        format=style,
        trainer="llamafactory" if style in FOR_LLAMAFACTORY else "unknown",
        table={
            "name": table.name,
            "fingerprint": table.fingerprint,
            "questions": len(table.frame),
        },
        plan=describe_plan(table.frame, plan),
        base=_describe_base(config.model, known.config, known.source),
        folds=names,
        config=_shared(config),
        files={},
        rendering=differences.to_plain(),
    )
    _require_own(folder, manifest)
    if source == BASE:
        _link_base(own, folder / BASE, config.model.dtype, template)
    return Exported(folder, _write(folder, manifest, files), differences, template is not None)


def _write(folder: Path, manifest: Manifest, files: dict[str, str]) -> Manifest:
    """Write an export's files, its manifest, with their checksums, last."""
    for file, text in files.items():
        write_text(folder / file, text)
    kept = [file for file in files if not file.endswith(".yaml")]
    if manifest.format in FOR_LLAMAFACTORY:
        names = [f"train-{name}" for name in manifest.folds]
        write_json(folder / DATASETS, dataset_info(names, manifest.format))
        shutil.copy(RUN_SCRIPT, folder / "run.sh")
        kept.append(DATASETS)
    whole = replace(manifest, files={file: checksum(folder / file) for file in kept})
    write_json(folder / MANIFEST, asdict(whole))
    return whole


def _describe_base(model: ModelSettings, config: Any, source: str) -> dict[str, Any]:
    return {
        "name": model.name,
        "revision": model.revision,
        "commit": vars(config).get("_commit_hash"),
        "digest": digest_weights(source, model.revision),
    }


def _link_base(source: Path, folder: Path, dtype: str, template: str | None) -> None:
    """A folder of links to the base's files, but for the dtype and the chat template.

    LLaMA-Factory loads a base in the dtype of its config.json, whatever its settings say: float16,
    on a CPU several times slower than float32, and less exact. And it learns all that the base's
    chat template writes after an answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(p for p in source.iterdir() if p.name != CONFIG):
        link = folder / path.name
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    about = {k: v for k, v in read_json(source / CONFIG).items() if k != "torch_dtype"}
    write_json(folder / CONFIG, about | {"dtype": dtype})
    if template is not None:
        (folder / TEMPLATE).unlink(missing_ok=True)
        write_text(folder / TEMPLATE, template)


def _shared(config: RunConfig) -> dict[str, Any]:
    """The config without what is this machine's; paths of files are absolute."""
    plain = {key: value for key, value in to_plain(config).items() if key not in LOCAL}
    benchmark = plain["benchmark"]
    benchmark["path"] = _absolute(benchmark["path"])
    benchmark["answers"]["path"] = _absolute(benchmark["answers"]["path"])
    plain["data_root"] = _absolute(plain["data_root"])
    return plain


def _absolute(path: Any) -> Any:
    """A path, or each of a list, that is there: from the root; else as it is."""
    if isinstance(path, list):
        return [_absolute(each) for each in path]
    if isinstance(path, str) and Path(path).expanduser().exists():
        return str(Path(path).expanduser().resolve())
    return path


def _require_own(folder: Path, manifest: Manifest) -> None:
    """Make the folder; UserError where that fails, or it holds something else than this export."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise UserError(f"to={folder}: is a file; expected a folder.") from error
    except OSError as error:
        raise UserError(f"to={folder}: cannot be made ({error.strerror}).") from error
    there = read_manifest(folder)
    if there is None:
        if any(folder.iterdir()):
            raise UserError(f"to={folder}: holds other files and no {MANIFEST}; name a new folder.")
        return
    if replace(there, files={}) != manifest:
        raise UserError(
            f"to={folder}: holds another export; name a new folder, or remove this one with its "
            "adapters."
        )
