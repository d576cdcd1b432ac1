"""A command line rearranged for Hydra, and Hydra's overrides as a person types them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from tst.benchmarks.files.reading import is_file_name

BENCHMARK = "benchmark="
MODEL_KEYS = ("model=", "model.name=")
MULTIRUN = ("-m", "--multirun")
WITHOUT_VALUE = ("-h", "--help", "--hydra-help", "--version", *MULTIRUN, "--resolve")
"""Flags of Hydra that stand alone."""


def arrange(arguments: list[str]) -> list[str]:
    """The same arguments: flags that Hydra wants first, first; sweeps over models outermost.

    ``-m`` behind an override is refused by Hydra's parser. The first of several sweeps varies
    slowest, so with the model there, jobs that share a base follow each other and load it once.
    """
    flags = [a for a in arguments if a in MULTIRUN]
    rest = [a for a in arguments if a not in MULTIRUN]
    places = [i for i, a in enumerate(rest) if _is_override(rest, i)]
    overrides = [rest[i] for i in places]
    ordered = sorted(overrides, key=lambda a: not a.startswith(MODEL_KEYS))
    for place, override in zip(places, ordered, strict=True):
        rest[place] = override
    return [*flags[:1], *rest]


def tell_swept(arguments: list[str]) -> list[str]:
    """The same arguments; of a sweep's overrides Hydra learns which are the same in every job.

    ``hydra.job.override_dirname`` then has those alone that tell one job from another.
    """
    if not any(flag in arguments for flag in MULTIRUN):
        return arguments
    same = []
    for place, argument in enumerate(arguments):
        if not _is_override(arguments, place):
            continue
        try:
            override = OverridesParser.create().parse_override(argument)
        except HydraException:
            return arguments  # Hydra says what is wrong with it
        if not override.is_sweep_override():
            same.append(f"'{override.key_or_group}'")
    keys = ",".join(same)
    return [*arguments, f"hydra.job.config.override_dirname.exclude_keys=[{keys}]"]


def part_words(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The plain words of a command line, which are neither settings nor flags, and the rest."""
    plain: list[str] = []
    rest: list[str] = []
    for flag, word in zip(["", *arguments], arguments, strict=False):
        takes_value = flag.startswith("-") and "=" not in flag and flag not in WITHOUT_VALUE
        is_plain = "=" not in word and not word.startswith("-") and not takes_value
        (plain if is_plain else rest).append(word)
    return plain, rest


def as_typed(command: str, overrides: Sequence[str], path: object = None) -> str:
    """The line that gives ``command`` these overrides: a file as its first word, read by a shell.

    path: what was typed for the file, where ``benchmark=`` names one (Hydra has it relative to the
        working directory)
    """
    words = list(overrides)
    for word in overrides:
        value = word.removeprefix(BENCHMARK).strip("'")
        if word.startswith(BENCHMARK) and is_file_name(value) and not value.startswith("["):
            words.remove(word)
            words.insert(0, str(path) if isinstance(path, str) else value)
            break
    return " ".join(["tst", command, *map(_quote, words)])


def _quote(word: str) -> str:
    """A word as a shell reads it; in double quotes where it has single ones."""
    if "'" in word and not re.search(r'["$`\\!]', word):
        return f'"{word}"'
    return shlex.quote(word)


def quoted(word: str) -> str:
    """A word as Hydra's parser takes it for a text, whatever commas or brackets are in it.

    Of backslashes, Hydra reads those in front of a quote as escapes, and no others.
    """
    escaped = re.sub(r"(\\*)'", lambda match: match[1] * 2 + "\\'", word)
    return "'" + re.sub(r"\\+$", lambda match: match[0] * 2, escaped) + "'"


def _is_override(arguments: list[str], index: int) -> bool:
    """Whether an argument is a ``key=value``, and not a flag or a flag's value."""
    behind_flag = index > 0 and arguments[index - 1].startswith("--")
    argument = arguments[index]
    return "=" in argument and not argument.startswith("-") and not behind_flag
