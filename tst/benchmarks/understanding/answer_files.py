"""Gold answers in files of their own, joined to the questions by a key."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tst.benchmarks.column_names import PLAIN, plain_name
from tst.benchmarks.files.json_layouts import KEY_COLUMN
from tst.benchmarks.files.limits import list_names
from tst.benchmarks.files.reading import find_paths, is_table_name, read_one
from tst.benchmarks.files.records import Record, Source
from tst.benchmarks.settings import BenchmarkSettings
from tst.benchmarks.values import is_blank, look_up, plain_text
from tst.core.errors import UserError, brief

SETTING = "benchmark.answers"
MOST_OTHER_FILES = 50
MOST_OTHER_BYTES = 20 * 2**20


def join_answers(settings: BenchmarkSettings, source: Source) -> Source:
    """The source with the answers of ``settings.answers`` in its records, by their key.

    Fields of the answers that the questions lack, or leave blank, are added; gold answers go before
    the questions' own. Raises UserError for a key that is missing or repeats with different
    answers, and where no question finds an answer.
    """
    listed = settings.answers.path
    paths = [listed] if isinstance(listed, str) else list(listed)
    answers = [r for path in find_paths([str(p) for p in paths]) for r in read_one(path).records]
    ours, theirs = _keys(settings, source.records, answers)
    by_key: dict[str, Record] = {}
    for record in answers:
        key = plain_text(look_up(record, theirs))
        if key and by_key.setdefault(key, record) != record:
            raise UserError(
                f"{SETTING}.path={listed}: {theirs}={brief(key)} stands there twice, with "
                f"different answers. Name a column without repeats with {SETTING}.key."
            )
    gold = [n for n in _names(answers) if plain_name(n) in PLAIN["answer"]]
    gold += [settings.columns.answer] if settings.columns.answer else []
    found: set[str] = set()
    files = []
    for file in source.files:
        joined = []
        for record in file.records:
            key = plain_text(look_up(record, ours))
            answer = by_key.get(key, {})
            if answer:
                found.add(key)
            joined.append(_merge(record, answer, {theirs}, gold))
        files.append(replace(file, records=joined))
    if not found:
        sample = plain_text(look_up(source.records[0], ours))
        raise UserError(
            f"{SETTING}.path={listed}: none of its {len(by_key)} keys ({theirs}, e.g. "
            f"{brief(next(iter(by_key), ''))}) is one of the questions' ({ours}, e.g. "
            f"{brief(sample)}). Say how they are joined: '{SETTING}.key={{QUESTIONS_COLUMN: "
            "ANSWERS_COLUMN}'."
        )
    note = f"Answers come from {listed}, by {ours}: {len(found)} of its {len(by_key)} are used."
    files[0] = replace(files[0], notes=[*files[0].notes, note])
    return replace(source, files=files)


def _merge(
    record: Record, answer: Mapping[str, Any], left_out: Collection[str], gold: Collection[str]
) -> Record:
    """A record with the fields of its answer that it lacks, and all of them that are gold."""
    added = {
        name: cell
        for name, cell in answer.items()
        if name not in left_out
        and not is_blank(cell)
        and (name in gold or is_blank(record.get(name)))
    }
    return {**record, **added} if added else record


def _keys(
    settings: BenchmarkSettings, questions: Sequence[Record], answers: Sequence[Record]
) -> tuple[str, str]:
    """(column of the questions, column of the answers) that join them."""
    ours, theirs = _names(questions), _names(answers)
    said = settings.answers.key
    if isinstance(said, Mapping):
        if len(said) != 1:
            raise UserError(f"{SETTING}.key={said}: expected one column, or {{ours: theirs}}.")
        wanted = next(iter(said.items()))
        pair = _like(str(wanted[0]), ours), _like(str(wanted[1]), theirs)
    elif said is not None:
        pair = _like(str(said), ours), _like(str(said), theirs)
        ids = [name for name in (ours if pair[0] is None else theirs) if _is_id(name)]
        if pair.count(None) == 1 and len(ids) == 1:  # the other side calls it by another name
            pair = (pair[0] or ids[0], pair[1] or ids[0])
    else:
        shared = [(name, _like(name, theirs)) for name in ours if _is_id(name)]
        shared = [p for p in shared if p[1] is not None]
        only_ids = [[n for n in names if _is_id(n)] for names in (ours, theirs)]
        if not shared and all(len(ids) == 1 for ids in only_ids):
            shared = [(only_ids[0][0], only_ids[1][0])]
        pair = shared[0] if len(shared) == 1 else (None, None)
    if pair[0] is None or pair[1] is None:
        raise UserError(
            f"{SETTING}.key={said}: expected a column that joins answers to questions. The "
            f"questions have {list_names(ours)}; the answers {list_names(theirs)}."
        )
    return pair[0], pair[1]


def _names(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(str(name) for record in records[:1000] for name in record))


def _is_id(name: str) -> bool:
    return name == KEY_COLUMN or plain_name(name) in PLAIN["id"]


def _like(wanted: str, names: Sequence[str]) -> str | None:
    if wanted in names:
        return wanted
    like = [name for name in names if plain_name(name) == plain_name(wanted)]
    if not like and "." in wanted and wanted.partition(".")[0] in names:
        return wanted
    return like[0] if len(like) == 1 else None


def find_answer_file(path: Any, columns: Sequence[str]) -> tuple[str, str] | None:
    """(file, key) of the one file beside ``path`` that has answers by an id of these columns."""
    if not isinstance(path, str) or not Path(path).is_file():
        return None
    ids = [name for name in columns if _is_id(name)]
    found = []
    beside = sorted(Path(path).parent.iterdir())[:MOST_OTHER_FILES]
    for other in beside:
        if other == Path(path) or not is_table_name(other.name) or not _is_small(other):
            continue
        try:
            names = _names(read_one(other).records)
        except UserError:
            continue
        keys = [_like(name, names) for name in ids]
        keyed = [key for key in keys if key] or (
            [KEY_COLUMN] if KEY_COLUMN in names and ids else []
        )
        if len(keyed) == 1 and _holds(names, "answer") and not _holds(names, "question"):
            found.append((str(other), ids[0] if keyed == [KEY_COLUMN] else keyed[0]))
    return found[0] if len(found) == 1 else None


def _holds(names: Sequence[str], field: str) -> bool:
    return any(plain_name(name) in PLAIN[field] for name in names)


def _is_small(path: Path) -> bool:
    return path.is_file() and path.stat().st_size <= MOST_OTHER_BYTES
