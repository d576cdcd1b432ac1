"""The layouts of JSON values that hold records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tst.benchmarks.column_names import PLAIN, plain_name
from tst.benchmarks.files.json_joins import join_lists
from tst.benchmarks.files.limits import list_names
from tst.benchmarks.files.records import Record
from tst.core.errors import UserError

LIST_NAMES = ("questions", "annotations", "data", "examples", "samples", "items", "records", "rows")
"""Keys under which the records of an object with several lists may stand."""

SPLITS = ("train", "training", "val", "valid", "validation", "dev", "test", "testing")
KEY_COLUMN = "key"


@dataclass
class Found:
    """The records of a JSON value and what finding them took."""

    records: list[Record]
    notes: list[str] = field(default_factory=list)


def find_records(data: Any, name: str, part: str | None) -> Found:
    """The records of a list of objects, of an object of records, lists or columns.

    part: key to read below; needed where several lists could be meant
    Raises UserError that says what was expected.
    """
    notes: list[str] = []
    if part is not None:
        if not isinstance(data, dict) or part not in data:
            has = list_names(list(data)) if isinstance(data, dict) else "no keys"
            raise UserError(f"{name}: benchmark.sheet={part}: no such key; it has {has}.")
        data = data[part]
    if isinstance(data, dict):
        data, notes = _unwrap(data, name)
    if not isinstance(data, list) or not all(isinstance(r, dict) for r in data):
        raise UserError(
            f"{name}: expected a JSON list of objects, an object with one such list in it, or an "
            "object whose values are the records."
        )
    return Found(data, notes)


def _unwrap(data: dict[str, Any], name: str) -> tuple[Any, list[str]]:
    """What is inside of an object: a list where there are records, else anything."""
    values = list(data.values())
    if set(data) >= {"columns", "data"} and isinstance(data["columns"], list):
        names = [str(column) for column in data["columns"]]  # pandas, orient="split"
        if isinstance(data["data"], list) and all(isinstance(row, list) for row in data["data"]):
            return [dict(zip(names, row, strict=False)) for row in data["data"]], []
    if _is_table_of_columns(data):
        return _turn_columns(data), ["Its keys are columns, not records."]
    if len(values) == 1 and isinstance(values[0], dict) and _holds_lists(values[0]):
        return _unwrap(values[0], name)
    if values and all(isinstance(value, dict) for value in values):
        return _keyed_records(data, name)
    if values and all(_is_scalar(value) for value in values):
        records = [{KEY_COLUMN: key, "answer": value} for key, value in data.items()]
        return records, [f"Its values stand by key (columns {KEY_COLUMN} and answer)."]
    lists = {key: value for key, value in data.items() if isinstance(value, list) and value}
    if len(lists) == 1:
        return next(iter(lists.values())), []
    tables = {key: v for key, v in lists.items() if all(isinstance(r, dict) for r in v)}
    with_questions = {key: v for key, v in tables.items() if _names_a_question(v[:20])}
    if len(tables) == len(data) == len(with_questions) and not set(data) <= set(SPLITS):
        several = [_with_key(key, record) for key, v in tables.items() for record in v]
        return several, [f"Its {len(data)} keys each hold a list of records (column {KEY_COLUMN})."]
    chosen = with_questions if len(with_questions) == 1 else {}
    if not with_questions:
        chosen = {key: v for key, v in tables.items() if key in LIST_NAMES}
    if len(chosen) == 1:
        key, records = next(iter(chosen.items()))
        notes = [f"Of its lists {list_names(list(lists))} the records are {key!r}."]
        joined = join_lists(records, {name: v for name, v in tables.items() if name != key})
        return (records, notes) if joined is None else (joined[0], [*notes, joined[1]])
    if tables and (with_questions or chosen):
        raise UserError(
            f"{name}: its keys {list_names(list(tables))} each hold a list of objects; expected a "
            "JSON list of objects. Say which with benchmark.sheet=KEY."
        )
    return None, []


def _holds_lists(data: Mapping[str, Any]) -> bool:
    """Whether an object has lists of objects in it, and is no question itself."""
    lists = [v for v in data.values() if isinstance(v, list) and len(v) > 1]
    return not _names_a_question([dict(data)]) and any(
        all(isinstance(item, dict) for item in items) for items in lists
    )


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _is_table_of_columns(data: Mapping[str, Any]) -> bool:
    """Whether the keys are columns, as pandas' ``to_json`` and ``to_dict('list')`` write them."""
    if not any(plain_name(str(key)) in PLAIN["question"] for key in data) or len(data) < 2:
        return False
    values = list(data.values())
    if all(isinstance(value, dict) and value for value in values):
        keys = set(values[0])
        return all(set(value) == keys for value in values) and not any(
            plain_name(str(key)) in PLAIN["question"] for key in keys
        )
    if not all(isinstance(value, list) and value for value in values):
        return False
    texts = next(v for k, v in data.items() if plain_name(str(k)) in PLAIN["question"])
    return len({len(v) for v in values}) == 1 and all(isinstance(text, str) for text in texts)


def _turn_columns(data: Mapping[str, Any]) -> list[Record]:
    columns = [v.values() if isinstance(v, dict) else v for v in data.values()]
    return [dict(zip(data, cells, strict=True)) for cells in zip(*columns, strict=True)]


def _keyed_records(data: dict[str, Any], name: str) -> tuple[list[Record], list[str]]:
    """Records by key; the key is their id unless they have a column for it."""
    if set(data) <= set(SPLITS):
        raise UserError(
            f"{name}: its keys are the splits {list_names(list(data))}; expected a JSON list of "
            "objects. Say which with benchmark.sheet=KEY."
        )
    columns = {str(column) for record in data.values() for column in record}
    if any(plain_name(column) in PLAIN["id"] for column in columns):
        note = f"Its records stand by key (column {KEY_COLUMN})."
        return [_with_key(key, record) for key, record in data.items()], [note]
    records = [{"id": key, **record} for key, record in data.items()]
    return records, ["Its records stand by key, which is their id."]


def _with_key(key: str, record: Record) -> Record:
    return record if KEY_COLUMN in record else {KEY_COLUMN: key, **record}


def _names_a_question(records: Iterable[Record]) -> bool:
    return any(plain_name(str(column)) in PLAIN["question"] for r in records for column in r)
