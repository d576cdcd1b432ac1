"""What to say of a setting or an option that does not exist: what there is, what may be meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf.errors import ConfigAttributeError, ConfigKeyError

from tst.diagnostics.known import KNOWN, find_diagnostic

ALSO = {
    "benchmark": ", or a file of yours, as benchmark=my.csv",
    "model": ", or any other as model.name=PATH_OR_HUB_ID",
}
"""Other ways to choose than the options of a group."""


_NO_GROUP = re.compile(r"Could not override '([\w./]+)(?:@\w*)?'")


def describe_misspelt(error: BaseException, part: str = "") -> str:
    """One message for a setting, an option or an override that Hydra does not know; else empty.

    part: of the config, where the error is about this part alone: its keys begin there
    """
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, MissingConfigException) and cause.options:
            return _no_option(cause)
        if isinstance(cause, OverrideParseException):
            return _not_read(cause)
        if isinstance(cause, ConfigAttributeError | ConfigKeyError):
            kind: Any = cause.object_type
            if isinstance(kind, type) and cause.full_key:
                key = f"{part}.{cause.full_key}" if part else str(cause.full_key)
                return _no_setting(key, kind)
    missing = _NO_GROUP.match(str(error))
    return f"{missing[1]}: this command has no such group of options." if missing else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _not_read(error: OverrideParseException) -> str:
    """A message for an argument that is no override."""
    if "=" not in error.override:
        return f"{error.override}: expected a setting, written key=value."
    return (
        f"{error.override}: cannot be read ({str(error.message).splitlines()[0]}). A value with "
        "brackets or spaces stands in quotes: 'fold.only=[0,2]'"
    )


def _no_option(error: MissingConfigException) -> str:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    if group.partition("/")[0] in ALSO:  # a path, as of a file, or a model's hub id
        group, _, name = str(error.missing_cfg_file).partition("/")
    options = sorted(map(str, error.options or ()))
    near = did_you_mean(name, options, f"{group}=", cutoff=0.5)
    if group == "benchmark" and Path(name).exists():
        near = f" The file or folder of that name is ./{name}."
    return f"{group}={name}: expected one of {', '.join(options)}{ALSO.get(group, '')}.{near}"


def _no_setting(key: str, kind: type[Any]) -> str:
    """A message for the key that a dataclass lacks."""
    parent, _, name = key.rpartition(".")
    place = f"{parent}." if parent else ""
    names = [f.name for f in fields(kind)] if is_dataclass(kind) else []
    elsewhere = [k for k in _nested_keys(kind) if k.rpartition(".")[2] == name]
    if elsewhere and not parent:
        near = f" Did you mean {' or '.join(elsewhere)}?"
    else:
        near = did_you_mean(name, names, place)
    if not near and names:
        near = f" There are {', '.join(place + n for n in sorted(names))}."
    return f"{key}: there is no such setting.{near}"


def did_you_mean(name: str, known: Iterable[str], before: str = "", cutoff: float = 0.6) -> str:
    """A question that names the known word closest to ``name``; empty where none is close.

    cutoff: difflib's ratio from which a word is close; words that begin with ``name`` always are
    """
    words = list(known)
    begun = [word for word in words if name and word.startswith(name)]
    close = begun or difflib.get_close_matches(name, words, n=1, cutoff=cutoff)
    return f" Did you mean {before}{close[0]}?" if close else ""


def _nested_keys(kind: type[Any]) -> Iterator[str]:
    """Settings inside the parts of a config, with their full keys."""
    if not is_dataclass(kind):
        return
    for name, hint in get_type_hints(kind).items():
        parts = [hint] if is_dataclass(hint) else []
        if name == "diagnostic":
            parts = [find_diagnostic(known).settings_type for known in KNOWN]
        for part in parts:
            yield from dict.fromkeys(f"{name}.{f.name}" for f in fields(part))
