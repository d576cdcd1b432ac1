"""A command line rearranged for Hydra: flags first, models outermost, what a sweep varies."""

from __future__ import annotations

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

MODEL_KEYS = ("model=", "model.name=")
MULTIRUN = ("-m", "--multirun")


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


def _is_override(arguments: list[str], index: int) -> bool:
    """Whether an argument is a ``key=value``, and not a flag or a flag's value."""
    behind_flag = index > 0 and arguments[index - 1].startswith("--")
    argument = arguments[index]
    return "=" in argument and not argument.startswith("-") and not behind_flag
