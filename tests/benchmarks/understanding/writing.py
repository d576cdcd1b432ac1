"""One table of questions, written in many layouts and answer forms."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

LETTERS = "ABCDEFGH"


@dataclass(frozen=True)
class Made:
    """A question as it is meant. gold: index, number or text; options: empty for none."""

    id: str
    question: str
    options: tuple[str, ...]
    gold: Any
    video: str
    kind: str

    @property
    def letter(self) -> str:
        return LETTERS[self.gold] if self.options else self.plain

    @property
    def text(self) -> str:
        return self.options[self.gold] if self.options else self.plain

    @property
    def plain(self) -> str:
        return self.gold if isinstance(self.gold, str) else f"{self.gold:g}"

    def base(self) -> dict[str, Any]:
        return {"id": self.id, "question": self.question, "video": self.video, "kind": self.kind}


Rows = Sequence[Made]
Layout = Callable[[Path, Rows], dict[str, Any]]
"""Writes the rows into a folder, and returns the settings of the benchmark."""


def lines(path: Path, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in records), "utf-8")
    return {"path": str(path)}


def as_json(path: Path, value: Any, indent: int | None = None) -> dict[str, Any]:
    path.write_text(json.dumps(value, indent=indent), "utf-8")
    return {"path": str(path)}


def frame(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(records, dtype=object)


def spread(row: Made, name: Callable[[int], str], most: int) -> dict[str, Any]:
    """A column per option."""
    return {name(i): row.options[i] if i < len(row.options) else None for i in range(most)}


def most(rows: Rows) -> int:
    return max(len(row.options) for row in rows)


def list_and_letter(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [{**r.base(), "options": list(r.options) or None, "answer": r.letter} for r in rows]
    return lines(folder / "a.jsonl", records)


def list_and_text(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [{**r.base(), "choices": list(r.options), "gold": r.text} for r in rows]
    return as_json(folder / "a.json", records, indent=1)


def columns_and_bracketed_letter(folder: Path, rows: Rows) -> dict[str, Any]:
    n = most(rows)
    records = [
        {**r.base(), **spread(r, LETTERS.__getitem__, n),
         "Correct Answer": f"({r.letter})" if r.options else r.letter}
        for r in rows
    ]  # fmt: skip
    frame(records).to_csv(folder / "a.csv", index=False)
    return {"path": str(folder / "a.csv")}


def tsv_and_small_letter(folder: Path, rows: Rows) -> dict[str, Any]:
    n = most(rows)
    records = [
        {**r.base(), **spread(r, lambda i: f"option_{LETTERS[i].lower()}", n),
         "label": r.letter.lower() if r.options else r.letter}
        for r in rows
    ]  # fmt: skip
    frame(records).to_csv(folder / "a.tsv", index=False, sep="\t")
    return {"path": str(folder / "a.tsv")}


def python_list_and_text(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {**r.base(), "options": str(list(r.options)) if r.options else "", "answer": r.text}
        for r in rows
    ]
    frame(records).to_csv(folder / "a.csv", index=False)
    return {"path": str(folder / "a.csv")}


def keyed_records(folder: Path, rows: Rows) -> dict[str, Any]:
    records = {}
    for r in rows:
        record = {**r.base(), "options": list(r.options), "answer": r.letter}
        records[record.pop("id")] = record
    return as_json(folder / "a.json", records)


def parquet_texts_and_labels(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {**r.base(),
         "choices": {"text": list(r.options), "label": list(LETTERS[: len(r.options)])},
         "answerKey": r.letter}
        for r in rows
    ]  # fmt: skip
    frame(records).to_parquet(folder / "a.parquet")
    return {"path": str(folder / "a.parquet")}


def object_of_letters(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {**r.base(), "answer": r.letter,
         "options": dict(zip(LETTERS, r.options, strict=False)) or None}
        for r in rows
    ]  # fmt: skip
    return lines(folder / "a.jsonl", records)


def object_of_numbers(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {**r.base(), "answer": str(r.gold + 1) if r.options else r.plain,
         "options": {str(i + 1): o for i, o in enumerate(r.options)} or None}
        for r in rows
    ]  # fmt: skip
    return lines(folder / "a.jsonl", records)


def list_of_objects(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {"id": r.id, "video": r.video, "kind": r.kind, "answerKey": r.letter,
         "question": {
             "stem": r.question,
             "choices": [{"text": o, "label": LETTERS[i]} for i, o in enumerate(r.options)],
         }}
        for r in rows
    ]  # fmt: skip
    return lines(folder / "a.jsonl", records)


def lettered_text(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {**r.base(),
         "options": "\n".join(f"{LETTERS[i]}. {o}" for i, o in enumerate(r.options)),
         "answer": f"{r.letter}. {r.text}" if r.options else r.plain}
        for r in rows
    ]  # fmt: skip
    frame(records).to_csv(folder / "a.csv", index=False, sep=";")
    return {"path": str(folder / "a.csv")}


def bracketed_in_the_question(folder: Path, rows: Rows) -> dict[str, Any]:
    def asked(r: Made) -> str:
        marks = " ".join(f"({LETTERS[i].lower()}) {o}" for i, o in enumerate(r.options))
        return f"{r.question} {marks}".strip()

    records = [{**r.base(), "question": asked(r), "answer": r.letter} for r in rows]
    return lines(folder / "a.jsonl", records)


def lines_in_the_question(folder: Path, rows: Rows) -> dict[str, Any]:
    def asked(r: Made) -> str:
        marks = "\n".join(f"{LETTERS[i]}:{o}" for i, o in enumerate(r.options))
        return f"{r.question}\nChoices:\n{marks}" if marks else r.question

    records = [{**r.base(), "question": asked(r), "answer": r.text} for r in rows]
    return lines(folder / "a.jsonl", records)


def workbook(folder: Path, rows: Rows) -> dict[str, Any]:
    n = most(rows)
    records = [
        {**r.base(), **spread(r, lambda i: f"Choice {i + 1}", n),
         "Answer": r.letter if r.options else r.gold}
        for r in rows
    ]  # fmt: skip
    frame(records).to_excel(folder / "a.xlsx", index=False, startrow=2)
    return {"path": str(folder / "a.xlsx")}


def one_hot(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {**r.base(), "answer": None if r.options else r.plain,
         "mc1_targets": {
             "choices": list(r.options),
             "labels": [int(i == r.gold) for i in range(len(r.options))],
         } if r.options else None}
        for r in rows
    ]  # fmt: skip
    return lines(folder / "a.jsonl", records)


def packed(folder: Path, rows: Rows) -> dict[str, Any]:
    text = "\n".join(
        json.dumps({**r.base(), "candidates": list(r.options), "answer": r.text}) for r in rows
    )
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    return {"path": str(folder / "a.jsonl.gz")}


def answers_apart(folder: Path, rows: Rows) -> dict[str, Any]:
    as_json(folder / "gold.json", {r.id: r.letter for r in rows})
    records = [{**r.base(), "options": list(r.options)} for r in rows]
    return lines(folder / "a.jsonl", records) | {
        "answers": {"path": str(folder / "gold.json"), "key": "id"}
    }


def several_files(folder: Path, rows: Rows) -> dict[str, Any]:
    half = len(rows) // 2
    for number, part in enumerate((rows[:half], rows[half:])):
        list_and_letter(folder, part)
        (folder / "a.jsonl").rename(folder / f"part-{number}.jsonl")
    return {"path": [str(folder / "part-*.jsonl")]}


def questions_of_a_video(folder: Path, rows: Rows) -> dict[str, Any]:
    videos: dict[str, list[Made]] = {}
    for r in rows:
        videos.setdefault(r.video, []).append(r)
    records = [
        {"video": video, "duration": 3, "questions": [
            {"id": r.id, "question": r.question, "kind": r.kind, "options": list(r.options),
             "answer": r.letter}
            for r in members
        ]}
        for video, members in videos.items()
    ]  # fmt: skip
    return as_json(folder / "a.json", records)


def columns_as_keys(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [{**r.base(), "options": list(r.options), "answer": r.letter} for r in rows]
    frame(records).to_json(folder / "a.json")
    return {"path": str(folder / "a.json")}


def chinese_names(folder: Path, rows: Rows) -> dict[str, Any]:
    n = most(rows)
    records = [
        {"编号": r.id, "题目": r.question, "video": r.video, "题型": r.kind,
         **spread(r, lambda i: f"选项{LETTERS[i]}", n), "正确答案": r.letter}
        for r in rows
    ]  # fmt: skip
    text = frame(records).to_csv(index=False)
    (folder / "a.csv").write_bytes(text.encode("gb18030"))
    return {"path": str(folder / "a.csv")}


def places_from_zero(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {**r.base(), "options": list(r.options), "answer": r.gold if r.options else r.plain}
        for r in rows
    ]
    return lines(folder / "a.jsonl", records)


def numbered_columns(folder: Path, rows: Rows) -> dict[str, Any]:
    n = most(rows)
    records = [
        {**r.base(), **spread(r, lambda i: f"a{i}", n), "answer": r.gold if r.options else r.plain}
        for r in rows
    ]
    frame(records).to_csv(folder / "a.csv", index=False)
    return {"path": str(folder / "a.csv")}


def own_letters(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [
        {**r.base(), "options": [f"{LETTERS[i]}) {o}" for i, o in enumerate(r.options)],
         "answer": f"{r.letter})" if r.options else r.plain}
        for r in rows
    ]  # fmt: skip
    return lines(folder / "a.jsonl", records)


def lists_of_one(folder: Path, rows: Rows) -> dict[str, Any]:
    records = [{**r.base(), "options": list(r.options), "answers": [r.text]} for r in rows]
    return lines(folder / "a.jsonl", records)


LAYOUTS: tuple[Layout, ...] = (
    list_and_letter, list_and_text, columns_and_bracketed_letter, tsv_and_small_letter,
    python_list_and_text, keyed_records, parquet_texts_and_labels, object_of_letters,
    object_of_numbers, list_of_objects, lettered_text, bracketed_in_the_question,
    lines_in_the_question, workbook, one_hot, packed, answers_apart, several_files,
    questions_of_a_video, columns_as_keys, chinese_names, places_from_zero, numbered_columns,
    own_letters, lists_of_one,
)  # fmt: skip
