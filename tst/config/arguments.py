"""Command lines made readable for Hydra: files as benchmarks, and names in any script.

``benchmark=my.csv`` chooses no option of the group ``benchmark``, but Hydra can only choose
options: the file is made one, a ``table`` with this path. Names of columns and files that Hydra's
grammar does not know without quotes (other scripts, brackets) get them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, QuotedString
from hydra.errors import HydraException

from tst.benchmarks.files.reading import is_file_name

BENCHMARK = "benchmark="
TEXT_KEYS = ("id", "question", "question_type", "answer", "format")
_NAMES = re.compile(
    r"(?P<key>benchmark\.(?:columns|answers|options|path|sheet|local|decimal)[\w.]*)=(?P<value>.*)",
    re.DOTALL,
)
_PLAIN = re.compile(r"[\w./\\:+@%-]*", re.ASCII)


def prepare(arguments: Sequence[str]) -> list[str]:
    """The arguments as Hydra can read them; the files among them are registered as benchmarks."""
    prepared: list[str] = []
    for argument in arguments:
        if argument.startswith(BENCHMARK):
            prepared += _name_files(argument.removeprefix(BENCHMARK))
        elif match := _NAMES.fullmatch(argument):
            prepared.append(f"{match['key']}={_quote_names(match['key'], match['value'])}")
        else:
            prepared.append(argument)
    return prepared


def _name_files(value: str) -> list[str]:
    """``benchmark=`` with a file, several of a sweep, or a list of files as one benchmark."""
    if not any(is_file_name(part) for part in re.split(r"[,\]\s]+", value.rstrip("]'\""))):
        return [BENCHMARK + value]
    if Path(value).expanduser().exists() and is_file_name(value):
        return [BENCHMARK + _register(value)]
    try:
        read = OverridesParser.create().parse_override(BENCHMARK + value)
    except HydraException:
        read = None
    if read is not None and isinstance(read.value(), list):
        return [f"{BENCHMARK}table", f"benchmark.path={value}"]
    choices = _choices(read) if read is not None else [value]
    return [BENCHMARK + ",".join(_register(c) if is_file_name(c) else c for c in choices)]


def _choices(read: Override) -> list[str]:
    """The values of an override: one, or those of a sweep."""
    value = read.value()
    items = value.list if isinstance(value, ChoiceSweep) else [value]
    return [item.text if isinstance(item, QuotedString) else str(item) for item in items]


def _register(path: str) -> str:
    """Make a file an option of the group ``benchmark``; how the option is written."""
    expanded = str(Path(path).expanduser())
    # an option's name is a path below the group, so it cannot begin with a slash
    name = os.path.relpath(expanded) if Path(expanded).is_absolute() else expanded
    folder, _, last = name.rpartition("/")
    ConfigStore.instance().store(
        group="/".join(part for part in ("benchmark", folder) if part),
        name=last,
        node={"defaults": ["/benchmark/table@_here_"], "path": expanded},
        package="benchmark",
    )
    return _quoted(name)


def _quoted(text: str) -> str:
    """A text in quotes where Hydra's grammar needs them."""
    if _PLAIN.fullmatch(text) and text:
        return text
    escaped = re.sub(r"(\\+)(?='|$)", r"\1\1", text).replace("'", "\\'")
    return f"'{escaped}'"


def _quote_names(key: str, value: str) -> str:
    """A value with quotes round the names that need them; one that Hydra reads as meant stays."""
    try:
        read: Any = OverridesParser.create().parse_override(f"{key}={value}").value()
        if key.rpartition(".")[2] not in TEXT_KEYS or not isinstance(read, list | dict):
            return value
    except HydraException:
        pass
    stripped = value.strip()
    if key.rpartition(".")[2] not in TEXT_KEYS:
        if stripped.startswith("[") and stripped.endswith("]"):
            return f"[{','.join(_quote_item(item) for item in stripped[1:-1].split(','))}]"
        if stripped.startswith("{") and stripped.endswith("}"):
            pairs = (item.partition(":") for item in stripped[1:-1].split(","))
            return f"{{{','.join(f'{_quote_item(k)}:{_quote_item(v)}' for k, _, v in pairs)}}}"
    return _quote_item(value)


def _quote_item(text: str) -> str:
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text if is_quoted else _quoted(text)
