"""What options are called: letters of other scripts, numbers, and golds that count otherwise."""

from __future__ import annotations

import pytest

from tests.benchmarks.understanding.reading import load, reasons

SCRIPTS = {
    "Cyrillic": "А Б В Г", "Greek": "Α Β Γ Δ", "Arabic": "أ ب ج د", "Persian": "الف ب ج د",
    "Hebrew": "א ב ג ד", "katakana": "ア イ ウ エ", "Hangul": "가 나 다 라", "jamo": "ㄱ ㄴ ㄷ ㄹ",
    "stems": "甲 乙 丙 丁", "Devanagari": "क ख ग घ", "full-width": "Ａ Ｂ Ｃ Ｄ",
    "circled": "① ② ③ ④", "Roman": "I II III IV",
}  # fmt: skip
GOLD = [0, 3, 1, 2, 3, 0, 2, 1]


def _texts(row: int) -> list[str]:
    return [f"red {row}", "blue", "green", "grey"]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("layout", ["columns", "lines", "one line", "list", "object"])
@pytest.mark.parametrize("written", ["letter", "bracketed", "text"])
def test_letters_of_any_script_call_options(tmp_path, script, layout, written):
    marks = SCRIPTS[script].split()
    records = []
    for row, gold in enumerate(GOLD):
        lettered = [f"{mark}. {text}" for mark, text in zip(marks, _texts(row), strict=True)]
        options = {
            "columns": dict(zip(marks, _texts(row), strict=True)),
            "lines": {"options": "\n".join(lettered)},
            "one line": {"options": " ".join(lettered)},
            "list": {"options": lettered},
            "object": {"options": dict(zip(marks, _texts(row), strict=True))},
        }[layout]
        said = {"letter": marks[gold], "bracketed": f"({marks[gold]})", "text": _texts(row)[gold]}
        records.append({"question": "Which sail?", **options, "answer": said[written]})
    table = load(tmp_path, records)
    assert table.frame["options"].tolist() == [_texts(row) for row in range(len(GOLD))]
    assert table.frame["answer"].tolist() == GOLD


def test_letters_of_another_script_in_a_question(tmp_path):
    records = [
        {"question": f"Какой парус?\nА) красный {i}\nБ) синий\nВ) серый", "answer": "АБВ"[i % 3]}
        for i in range(6)
    ]
    table = load(tmp_path, records)
    assert table.frame["question"].unique().tolist() == ["Какой парус?"]
    assert table.frame["options"].tolist() == [[f"красный {i}", "синий", "серый"] for i in range(6)]
    assert table.frame["answer"].tolist() == [0, 1, 2] * 2


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("counted", [0, 1])
@pytest.mark.parametrize("layout", ["columns", "object", "float"])
def test_numbers_of_options_and_golds_may_count_differently(tmp_path, first, counted, layout):
    """choice1 to choice4 beside golds from 0 to 3 were read as one option too early."""
    records = []
    for row in range(40):
        gold = (row * 7) % 4
        options = {f"choice{first + i}": text for i, text in enumerate(_texts(row))}
        if layout == "object":
            options = {"options": {str(first + i): text for i, text in enumerate(_texts(row))}}
        answer = float(gold + counted) if layout == "float" else gold + counted
        records.append({"question": f"Which sail {row}?", **options, "answer": answer})
    table = load(tmp_path, records)
    assert table.frame["answer"].tolist() == [(row * 7) % 4 for row in range(40)]


def test_a_gold_that_no_option_is_called_is_left_out_where_the_last_one_is_used(tmp_path):
    """A stray 0 beside 1 to 4 does not turn all the others round."""
    answers = [1, 4, 2, 3, 0, 4, 1, 2, 3, 4]
    records = [
        {"question": f"Which sail {i}?", "answer": answer}
        | {f"choice{n + 1}": text for n, text in enumerate(_texts(i))}
        for i, answer in enumerate(answers)
    ]
    table = load(tmp_path, records)
    assert table.frame["answer"].tolist() == [answer - 1 for answer in answers if answer]
    assert list(reasons(table).values()) == ["gold answer '0' names no option"]


def test_columns_named_by_numbers_alone_hold_options(tmp_path):
    """They were ignored, and the golds read as numbers."""
    records = [
        {"question": f"Which sail {i}?"}
        | {str(n): text for n, text in enumerate([*_texts(i), *[""] * 6])}
        | {"label": gold}
        for i, gold in enumerate(GOLD)
    ]
    table = load(tmp_path, records)
    assert table.frame["options"].tolist() == [_texts(i) for i in range(len(GOLD))]
    assert table.frame["answer"].tolist() == GOLD


@pytest.mark.parametrize(
    ("question", "option", "answer", "kind"),
    [
        ("Frage", "Antwort", "Richtige Antwort", "Kategorie"),
        ("Question", "Réponse", "Bonne réponse", "Catégorie"),
        ("Pregunta", "Opción", "Respuesta correcta", "Categoría"),
        ("Вопрос", "Вариант ответа", "Правильный ответ", "Тип"),
        ("Domanda", "Risposta", "Risposta corretta", "Categoria"),
        ("질문", "보기", "정답", "유형"),
    ],
)
def test_columns_named_in_other_languages(tmp_path, question, option, answer, kind):
    records = [
        {question: f"Which sail {i}?", kind: "sails"}
        | {f"{option} {'ABCD'[n]}": text for n, text in enumerate(_texts(i))}
        | {answer: "ABCD"[gold]}
        for i, gold in enumerate(GOLD)
    ]
    table = load(tmp_path, records)
    assert table.frame["answer"].tolist() == GOLD
    assert table.frame["question_type"].unique().tolist() == ["sails"]


@pytest.mark.parametrize("name", ["premise", "sentence", "ctx", "statement"])
def test_a_statement_is_the_question_where_there_is_no_other(tmp_path, name):
    records = [
        {name: f"The sail {i} is", "choice1": "red", "choice2": "blue", "label": i % 2}
        for i in range(8)
    ]
    table = load(tmp_path, records)
    assert table.frame["answer"].tolist() == [0, 1] * 4
    asked = load(tmp_path, [{"question": "Which is it?", **record} for record in records])
    assert asked.frame["question"].unique().tolist() == ["Which is it?"]
