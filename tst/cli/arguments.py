"""The command line in the order that serves it best, before Hydra parses it."""

from __future__ import annotations

MODEL_KEYS = ("model=", "model.name=")
MULTIRUN = ("-m", "--multirun")


def arrange(arguments: list[str]) -> list[str]:
    """The same arguments: flags that Hydra wants first, first; sweeps over models outermost.

    ``-m`` behind an override is refused by Hydra's parser. The first of several sweeps varies
    slowest, so with the model there, jobs that share a base follow each other and load it once.
    """
    flags = [a for a in arguments if a in MULTIRUN]
    rest = [a for a in arguments if a not in MULTIRUN]
    places = [i for i, a in enumerate(rest) if is_override(rest, i)]
    overrides = [rest[i] for i in places]
    ordered = sorted(overrides, key=lambda a: not a.startswith(MODEL_KEYS))
    for place, override in zip(places, ordered, strict=True):
        rest[place] = override
    return [*flags[:1], *rest]


def is_override(arguments: list[str], index: int) -> bool:
    """Whether an argument is a ``key=value``, and not a flag or a flag's value."""
    behind_flag = index > 0 and arguments[index - 1].startswith("--")
    argument = arguments[index]
    return "=" in argument and not argument.startswith("-") and not behind_flag
