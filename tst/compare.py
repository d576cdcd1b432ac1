"""``python -m tst.compare PATH PATH``: two runs on the same questions.

Examples::

    tst compare outputs/runs/planted/rf/random5/HASH outputs/runs/.../HASH
    tst compare 'a=[PATH,PATH]' 'b=[PATH,PATH]' out=differences.csv
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tst.cli.command import Command
from tst.cli.command_line import part_words, quoted
from tst.cli.outcomes import FINISHED, Outcome
from tst.core.ranges import expecting


def names_records(value: Any) -> bool:
    """Whether a setting is a path, or a list of paths."""
    paths = value if isinstance(value, list) else [value]
    return bool(paths) and all(isinstance(path, str) for path in paths)


EXPECTED = "a folder that a run printed as `record: PATH`, or a list of them"

SIDES = ("a", "b")


@dataclass
class CompareConfig:
    """a, b: a record's folder each, or a list of them (seeds, averaged); out: a CSV file."""

    a: Any = expecting(None, EXPECTED, names_records)
    b: Any = expecting(None, EXPECTED, names_records)
    out: str | None = None
    outputs_root: str = "outputs"
    fail_fast: bool = False


def compare(config: CompareConfig) -> Outcome:
    """Print the paired differences b - a by question type, and write them where asked."""
    from tst.analysis import comparison
    from tst.cli.comparison_console import show_comparison
    from tst.records.files import write_csv

    a, b = comparison.read_side("a", config.a), comparison.read_side("b", config.b)
    differences = comparison.compare(a, b)
    _, alone = comparison.pair(a, b)
    show_comparison(differences, a, b, alone)
    if config.out is not None:
        write_csv(Path(config.out), differences)
        print(config.out)
    return Outcome(FINISHED)


def arrange(arguments: Sequence[str]) -> list[str]:
    """The command line as Hydra reads it: the first plain word is ``a``, the second ``b``."""
    paths, rest = part_words(arguments)
    if len(paths) > len(SIDES):
        return list(arguments)
    return [*rest, *(f"{side}={quoted(p)}" for side, p in zip(SIDES, paths, strict=False))]


COMMAND = Command("compare", CompareConfig, compare)


def main() -> None:
    """Compare the records that the words of the command line name, or ``a=`` and ``b=``."""
    sys.argv[1:] = arrange(sys.argv[1:])
    COMMAND.main()


if __name__ == "__main__":
    main()
