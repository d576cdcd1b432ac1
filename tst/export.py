"""``python -m tst.export``: write folds for training by another program.

Examples::

    tst export benchmark=vsi_bench fold=grouped5 format=llamafactory to=folds
    tst export benchmark=my.csv model=qwen2_7b format=trl to=folds
"""

from __future__ import annotations

from pathlib import Path

from tst.cli.command import Command
from tst.cli.outcomes import FINISHED, Outcome
from tst.external_training.settings import (
    FOR_LLAMAFACTORY,
    ExportConfig,
    find_export_problems,
    set_exported,
)


def export(config: ExportConfig) -> Outcome:
    """Write the folds and say what was set, what differs, and what comes next."""
    from tst.external_training.export import export_folds

    done = export_folds(config, Path(config.to).expanduser(), config.format)
    manifest = done.manifest
    print(
        f"{manifest.table['name']}: {manifest.table['questions']} questions, "
        f"{len(manifest.folds)} folds -> {done.folder}/ ({config.format})"
    )
    print(
        "set for training elsewhere: mc_scoring=letters, validation=0, order=random (all training "
        "rows, shuffled as transformers does, fixed epochs, no temperature)"
    )
    base = manifest.base
    print(f"base: {base['name']}, weights {base['digest'] or 'not on this machine'}")
    for sentence in done.differences.sentences():
        print(f"as the model's own chat template renders them: {sentence}")
    if done.ends:
        print(f"left out by {done.folder}/base/chat_template.jinja, which LLaMA-Factory reads")
    print("next")
    if config.format in FOR_LLAMAFACTORY:
        print(f"  bash {done.folder}/run.sh      (in LLaMA-Factory's environment)")
    else:
        print(f"  train every {done.folder}/train-*.jsonl as its YAML says; save each adapter to "
              f"{done.folder}/adapters/REPEAT-FOLD")  # fmt: skip
    print(f"  tst score {done.folder}")
    return Outcome(FINISHED)


COMMAND = Command("export", ExportConfig, export, find_export_problems, complete=set_exported)
main = COMMAND.main

if __name__ == "__main__":
    main()
