"""Records that hold several questions, or a conversation: one record per question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tst.benchmarks.column_names import PLAIN, plain_name
from tst.benchmarks.files.records import FileRecords, Record, Source
from tst.benchmarks.settings import ColumnSettings
from tst.benchmarks.values import is_blank

SAMPLE = 1000
SPEAKER_KEYS, WORD_KEYS = ("from", "role", "speaker"), ("value", "content", "text")
ASKING, ANSWERING = ("human", "user"), ("gpt", "assistant", "model")


def expand_nested(source: Source, columns: ColumnSettings) -> Source:
    """A source in which every record is one question.

    Records without a column for the question may hold their questions as a list of objects
    (``{"video": ..., "questions": [...]}``): each becomes a record that keeps the outer fields; or
    a conversation (``[{"from": "human", "value": ...}, ...]``), whose first exchange is the
    question and the answer.
    """
    if columns.question is not None:
        return source
    return replace(source, files=[_expand_file(file) for file in source.files])


def _expand_file(file: FileRecords) -> FileRecords:
    sample = file.records[:SAMPLE]
    if any(_is_question(str(name), record[name]) for record in sample for name in record):
        return file
    lists = {str(name) for record in sample for name, cell in record.items() if _is_objects(cell)}
    talks = [name for name in lists if _all(sample, name, _is_talk)]
    if len(talks) == 1:
        records = [{**record, **_first_exchange(record.get(talks[0]))} for record in file.records]
        note = f"The question and the answer are the first exchange of {talks[0]}."
        return replace(file, records=records, notes=[*file.notes, note])
    holders = [name for name in lists if _any(sample, name, _holds_questions)]
    if len(holders) != 1:
        return file
    found = file.expand(_inner_records(file.records, holders[0]))
    note = f"Each of the {len(found.records)} items of {holders[0]} is a question."
    return replace(found, notes=[*file.notes, note])


def _is_question(name: str, cell: Any) -> bool:
    """Whether a column is one for the question; text, or an object with the question in it."""
    return plain_name(name) in PLAIN["question"] and isinstance(cell, str | Mapping)


def _is_objects(cell: Any) -> bool:
    return isinstance(cell, list) and bool(cell) and all(isinstance(i, Mapping) for i in cell)


def _all(sample: Sequence[Record], name: str, check: Any) -> bool:
    cells = [record[name] for record in sample if not is_blank(record.get(name))]
    return bool(cells) and all(_is_objects(cell) and check(cell) for cell in cells)


def _any(sample: Sequence[Record], name: str, check: Any) -> bool:
    cells = [record.get(name) for record in sample]
    return any(check(cell) for cell in cells if _is_objects(cell))


def _holds_questions(items: Sequence[Mapping[str, Any]]) -> bool:
    return all(any(_is_question(str(name), item[name]) for name in item) for item in items)


def _inner_records(records: Sequence[Record], name: str) -> Iterator[tuple[int, int, Record]]:
    for index, record in enumerate(records):
        outer = {key: cell for key, cell in record.items() if key != name}
        items = record.get(name)
        if not _is_objects(items):
            continue
        for number, item in enumerate(items or [], start=1):
            # the outer id says which questions belong together
            kept = {"key" if key == "id" and key in item else key: c for key, c in outer.items()}
            yield index, number, {**kept, **item}


def _is_talk(items: Sequence[Mapping[str, Any]]) -> bool:
    return len(items) > 1 and all(_speaker(item) and _words(item) is not None for item in items)


def _speaker(item: Mapping[str, Any]) -> str:
    return next((str(item[key]).lower() for key in SPEAKER_KEYS if key in item), "")


def _words(item: Mapping[str, Any]) -> str | None:
    """What is said; of a content in parts, the texts."""
    said = next((item[key] for key in WORD_KEYS if key in item), None)
    if isinstance(said, list):
        texts = [part.get("text") for part in said if isinstance(part, Mapping)]
        said = " ".join(text for text in texts if isinstance(text, str))
    return said if isinstance(said, str) else None


def _first_exchange(items: Any) -> dict[str, str | None]:
    talk = items if _is_objects(items) else []
    asked = next((i for i, item in enumerate(talk) if _speaker(item) in ASKING), None)
    if asked is None:
        return {"question": None, "answer": None}
    answered = next((i for i in talk[asked + 1 :] if _speaker(i) in ANSWERING), None)
    return {
        "question": _words(talk[asked]),
        "answer": None if answered is None else _words(answered),
    }
