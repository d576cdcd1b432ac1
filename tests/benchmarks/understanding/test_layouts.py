"""Tables in the layouts of published benchmarks (invented rows): read with no setting at all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.benchmarks.loading import settings_of
from tst.benchmarks.load import load_benchmark

N = 24
HUES = ("red", "blue", "green", "grey", "tan", "pink")


@dataclass
class Expected:
    """What is understood. first: options and gold of the first question; groups: their sizes."""

    formats: dict[str, int]
    first: tuple[list[str] | None, Any]
    ids: str = ""
    kinds: set[str] = field(default_factory=set)
    groups: dict[str, int] = field(default_factory=dict)
    note: str = ""


def to_json(value: Any) -> Callable[[Path], None]:
    return lambda path: path.write_text(json.dumps(value)) and None


def to_parquet(rows: list[dict]) -> Callable[[Path], None]:
    return lambda path: pd.DataFrame(rows).to_parquet(path)


def to_csv(rows: list[dict], sep: str = ",") -> Callable[[Path], None]:
    return lambda path: pd.DataFrame(rows).to_csv(path, index=False, sep=sep)


def mmbench() -> list[dict]:
    """A circular copy after each question; the picture of a copy is the original's index."""
    rows = []
    for i in range(N):
        for copy in range(2):
            options = [HUES[(i + k + copy) % 6] for k in range(2)] if copy == 0 else None
            first, second = HUES[i % 6], HUES[(i + 1) % 6]
            options = [first, second] if copy == 0 else [second, first]
            rows.append(
                {"index": i + copy * 1_000_000, "hint": None, "question": f"Hue of tile {i}?",
                 "A": options[0], "B": options[1], "C": None, "answer": "AB"[copy],
                 "category": "hue", "image": f"iVBOR{i}" * 100 if copy == 0 else i,
                 "l2-category": "x", "split": "dev"}
            )  # fmt: skip
    return rows


def arc(numbered: int) -> list[dict]:
    rows = []
    for i in range(N):
        labels = list("1234") if numbered and i % numbered == 0 else list("ABCD")
        texts = np.array(["ice", "rock", "iron", f"wax {i}"], dtype=object)
        rows.append(
            {"id": f"M_{i}", "question": f"What melts at {i}?", "answerKey": labels[i % 4],
             "choices": {"text": texts, "label": np.array(labels, dtype=object)}}
        )  # fmt: skip
    return rows


def real_world(i: int) -> dict:
    ending = "\nPlease answer directly with a single word or number."
    if i % 3 == 0:
        return {"question": f"How many carts at {i}?{ending}", "answer": str(i % 7)}
    if i % 3 == 1:
        return {"question": f"Is sign {i} lit?{ending}", "answer": ("Yes", "No")[i // 3 % 2]}
    letter = "Please answer directly with only the letter of the correct option and nothing else."
    asked = f"Which lane is {i}?\n\nA. Left\nB. Right\nC. Ahead\n{letter}"
    return {"question": asked, "answer": "ABC"[i // 3 % 3]}


TABLES: dict[str, tuple[str, Callable[[Path], None], Expected]] = {
    "circular copies with letters in columns": (
        "bench.tsv", to_csv(mmbench(), "\t"),
        Expected({"mc": 2 * N}, (["red", "blue"], 0), "index", {"hue"}),
    ),
    "yes or no in Parquet, two ids": (
        "pope.parquet",
        to_parquet([
            {"id": str(i), "question_id": str(i % 12), "question": f"Is there a mug {i % 9}?",
             "answer": ("yes", "no")[i % 2], "image_source": f"im{i // 4}",
             "category": ("adversarial", "popular")[i // 12]}
            for i in range(N)
        ]),
        Expected({"mc": N}, (["yes", "no"], 0), "id", {"adversarial", "popular"}, {"image": 6},
                 "The id is id"),
    ),
    "records by key with formats of their own": (
        "vista.json",
        to_json({
            str(i): {"pid": str(i), "question": f"How long is bar {i}?", "image": f"{i}.jpg",
                     "choices": ["3", "4", "5"] if i % 2 else None, "unit": None,
                     "answer": "345"[i // 2 % 3] if i % 2 else f"{i / 4}",
                     "question_type": ("free_form", "multi_choice")[i % 2],
                     "metadata": {"category": "c", "task": "t"},
                     "query": f"Hint: say it.\nQuestion: How long is bar {i}?"}
            for i in range(N)
        }),
        Expected({"mc": 12, "num": 12}, (None, 0.0), "pid", {"free_form", "multi_choice"},
                 note="query repeats it"),
    ),
    "choices and an index": (
        "okvqa.json",
        to_json([
            {"split": "val", "image_id": i // 2, "question_id": f"q{i}",
             "question": f"By what {i}?", "choices": ["mud", "bus", "car", f"cart {i}"],
             "correct_choice_idx": i % 4,
             "direct_answers": ["mud"] * 10}
            for i in range(N)
        ]),
        Expected({"mc": N}, (["mud", "bus", "car", "cart 0"], 0), "question_id",
                 groups={"image": 12}),
    ),
    "texts and labels, letters and numbers mixed": (
        "arc.parquet", to_parquet(arc(3)),
        Expected({"mc": N}, (["ice", "rock", "iron", "wax 0"], 0), "id"),
    ),
    "texts and labels as pandas prints them": (
        "arc.csv", to_csv(arc(0)), Expected({"mc": N}, (["ice", "rock", "iron", "wax 0"], 0), "id"),
    ),
    "one-hot targets": (
        "truth.json",
        to_json([
            {"question": f"What if {i}?", "mc2_targets": {"choices": ["a"], "labels": [1]},
             "mc1_targets": {"choices": [f"so {i}", "no way"], "labels": [i % 2, 1 - i % 2]}}
            for i in range(N)
        ]),
        Expected({"mc": N}, (["so 0", "no way"], 1)),
    ),
    "targets as keys": (
        "truth_old.json",
        to_json([{"question": f"If {i}?", "mc1_targets": {f"so {i}": 1, "no way": 0}}
                 for i in range(N)]),
        Expected({"mc": N}, (["so 0", "no way"], 0)),
    ),
    "scene graphs by key, texts beside yes or no": (
        "gqa.json",
        to_json({
            f"0{i}": {"semantic": [{"operation": "select"}], "imageId": f"{i // 3}",
                      "question": f"Is the mug {HUES[i % 6]}?" if i % 3 == 0 else f"On {i}?",
                      "answer": ("yes", "no")[i % 2] if i % 3 == 0 else HUES[i % 6],
                      "fullAnswer": "It is.", "types": {"structural": "query"}}
            for i in range(N)
        }),
        Expected({"open": 16, "mc": 8}, (["yes", "no"], 0), "id", groups={"image": 8}),
    ),
    "lower-case brackets in a cell": (
        "mmvp.csv",
        to_csv([
            {"lndex": i, "Question": f"Is gate {i} shut?", "Options": "(a) Shut (b) Ajar",
             "Correct Answer": ("(a)", "(b)")[i % 2]}
            for i in range(N)
        ]),
        Expected({"mc": N}, (["Shut", "Ajar"], 0), "lndex"),
    ),
    "numbered option columns": (
        "next.csv",
        to_csv([
            {"video": 4000 + i // 4, "frame_count": 300, "question": f"why did boy {i} wave",
             "answer": i % 5, "question_id": i, "type": ("CW", "TN")[i % 2],
             **{f"a{k}": f"act {k} of {i}" for k in range(5)}}
            for i in range(N)
        ]),
        Expected({"mc": N}, ([f"act {k} of 0" for k in range(5)], 0), "question_id", {"CW", "TN"},
                 {"video": 6}),
    ),
    "several questions per video": (
        "perception.json",
        to_json({
            f"video_{v}": {"metadata": {"split": "valid"}, "object_tracking": [],
                           "mc_question": [
                               {"id": q, "question": f"Where is {q} of {v}?",
                                "answer_id": q % 3, "options": ["left", "right", "off"],
                                "area": "physics"}
                               for q in range(4)]}
            for v in range(6)
        }),
        Expected({"mc": N}, (["left", "right", "off"], 0), "id", groups={"record": 6},
                 note="Ids repeat from record to record"),
    ),
    "letters, yes or no, and counts with instructions": (
        "real.parquet", to_parquet([real_world(i) for i in range(N)]),
        Expected({"mc": 16, "num": 8}, (None, 0.0)),
    ),
    "options that say N/A": (
        "long.parquet",
        to_parquet([
            {"id": f"v_{i}", "video_id": f"v{i // 3}", "question": f"What occurs at {i}?",
             "option0": "rain", "option1": "sun", "option2": f"fog {i}",
             "option3": "N/A" if i % 2 else "hail", "option4": "N/A", "correct_choice": i % 3,
             "question_category": "T2E"}
            for i in range(N)
        ]),
        Expected({"mc": N}, (["rain", "sun", "fog 0", "hail"], 0), "id", {"T2E"}, {"video": 8}),
    ),
    "choices as objects with ids": (
        "star.json",
        to_json([
            {"question_id": f"I_{i}", "question": f"Which was put {i}?", "video_id": f"V{i // 3}",
             "answer": ("The bag.", f"The cup {i}.")[i % 2],
             "choices": [{"choice_id": 0, "choice": "The bag."},
                         {"choice_id": 1, "choice": f"The cup {i}."}]}
            for i in range(N)
        ]),
        Expected({"mc": N}, (["The bag.", "The cup 0."], 0), "question_id", groups={"video": 8}),
    ),
    "options in some questions, numbers in others": (
        "verse.json",
        to_json([
            {"sample_index": f"s{i}", "question_type": "multi-choice" if i % 3 else "free-form",
             "question": f"Angle {i} is ()\nChoices:\nA:10°\nB:2{i}°\nC:95°" if i % 3 else f"x {i}",
             "answer": "ABC"[i % 3] if i % 3 else str(i + 2), "query_wo": "q"}
            for i in range(N)
        ]),
        Expected({"mc": 16, "num": 8}, (None, 2.0), "sample_index", {"multi-choice", "free-form"}),
    ),
    "a conversation": (
        "llava.json",
        to_json([
            {"id": f"c{i}", "image": f"{i // 2}.jpg", "conversations": [
                {"from": "human", "value": f"<image>\nWhich hat {i}?\nA. straw\nB. felt\n"
                                           "Answer with the option's letter from the choices"},
                {"from": "gpt", "value": "AB"[i % 2]}]}
            for i in range(N)
        ]),
        Expected({"mc": N}, (["straw", "felt"], 0), "c", groups={"image": 12},
                 note="first exchange of conversations"),
    ),
    "ten annotators": (
        "vizwiz.json",
        to_json({"info": {}, "annotations": [
            {"image_id": f"{i}.jpg", "question_id": i, "question": f"What is in bowl {i}?",
             "answers": [{"answer": HUES[(i + (k > 6)) % 6], "answer_confidence": "yes"}
                         for k in range(10)]}
            for i in range(N)
        ]}),
        Expected({"open": N}, (None, ["red"] * 7 + ["blue"] * 3), "question_id"),
    ),
    "Chinese columns in a workbook": (
        "题库.xlsx",
        lambda path: pd.DataFrame([
            {"编号": i, "问题": f"第{i}张图是什么颜色？", "选项A": "红", "选项B": "蓝",
             "选项C": "绿", "正确答案": "ABC"[i % 3], "题型": "颜色"}
            for i in range(N)
        ]).to_excel(path, index=False),
        Expected({"mc": N}, (["红", "蓝", "绿"], 0), "编号", {"颜色"}),
    ),
    "a designer's own mix": (
        "mine.csv",
        to_csv([
            {"question": (f"Which {i}?", f"Is mug {i} full?", f"How long is {i}?")[i % 3],
             "A": "red" if i % 3 == 0 else None, "B": "blue" if i % 3 == 0 else None,
             "C": f"g{i}" if i % 6 == 0 else None,
             "answer": ("AB"[i // 3 % 2], ("yes", "no")[i // 3 % 2], f"{i / 2} m")[i % 3],
             "clip": f"c{i // 4}"}
            for i in range(N)
        ]),
        Expected({"mc": 16, "num": 8}, (["red", "blue", "g0"], 0), groups={"video": 6}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_published_layouts_need_no_setting(tmp_path, name):
    file, write, expected = TABLES[name]
    write(tmp_path / file)
    table = load_benchmark(settings_of("table", path=str(tmp_path / file)))
    frame, found = table.frame, table.understanding
    assert found is not None
    assert frame["format"].value_counts().to_dict() == expected.formats
    assert not table.left_out
    assert (frame["options"][0], frame["answer"][0]) == expected.first
    if expected.ids and expected.ids != "c":
        assert found.columns["id"] == expected.ids
    assert set(frame["question_type"]) == (expected.kinds or {"table"})
    assert {g: frame[f"group_{g}"].nunique() for g in table.groups} == expected.groups
    assert expected.note in " ".join(found.notes)


def test_circular_copies_are_told_and_kept_together(tmp_path):
    file, write, _ = TABLES["circular copies with letters in columns"]
    write(tmp_path / file)
    table = load_benchmark(settings_of("table", path=str(tmp_path / file)))
    assert table.understanding is not None
    assert table.understanding.copies == (2 * N, N)
    assert table.frame["copies"].nunique() == N
    assert (table.frame.groupby("copies").size() == 2).all()
