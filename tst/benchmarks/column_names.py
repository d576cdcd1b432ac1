"""The names by which columns are known: the one list that guesses are made from.

Names are compared without case, spaces, underscores, brackets and other punctuation, so that
``Correct Answer``, ``correct_answer`` and ``correctAnswer`` are one name.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from tst.benchmarks.marks import COUNTS, LETTERS, SCRIPTS

SYNONYMS: dict[str, tuple[str, ...]] = {
    "question": (
        "question", "questions", "question_text", "ques", "question_en", "query", "prompt", "text",
        "stem", "q", "problem", "problem_text", "instruction", "input", "ask", "question_stem",
        "问题", "题目", "题干", "提问", "質問", "frage", "pregunta", "вопрос",
        "fragetext", "pergunta", "domanda", "질문", "السؤال", "سوال", "प्रश्न",
    ),
    "answer": (
        "answer", "answers", "gold", "label", "gt", "ans", "ground_truth", "groundtruth_answer",
        "ground_truth_answer", "gt_answer", "gold_answer", "gold_label", "reference_answer",
        "correct", "correct_answer", "correct_answers", "correct_option", "correct_choice",
        "correct_label", "right_answer", "true_answer", "best_answer",
        "answer_key", "answer_id", "answer_idx", "answer_index", "answer_letter", "answer_label",
        "answer_option", "answer_text", "answer_number", "correct_id", "correct_idx",
        "correct_index", "correct_letter", "correct_choice_idx", "correct_choice_index",
        "correct_option_idx", "correct_option_index", "correct_answer_idx", "correct_answer_index",
        "correct_answer_label", "correct_answer_letter", "right_option", "right_choice",
        "gt_option", "gt_index", "gt_idx", "gt_label", "gold_option", "answer_choice",
        "final_answer",
        "gold_index", "gold_idx", "gold_letter", "label_idx", "target", "truth", "reference",
        "expected", "expected_answer", "solution_letter", "a",
        "答案", "正确答案", "标准答案", "参考答案", "正确选项", "答え",
        "antwort", "respuesta", "ответ", "richtige antwort", "korrekte antwort", "lösung",
        "réponse", "bonne réponse", "réponse correcte", "respuesta correcta", "правильный ответ",
        "resposta", "resposta correta", "risposta", "risposta corretta", "正解", "정답", "답",
        "الإجابة", "الجواب", "उत्तर",
    ),
    "options": (
        "options", "option", "choices", "choice", "candidates", "alternatives", "answer_choices",
        "answer_options", "answer_candidates", "possible_answers", "option_list", "choice_list",
        "multiple_choices", "mc_options", "mc_choices", "mc1_targets", "endings",
        "选项", "候选项", "候选答案", "选择", "選択肢", "antwortmöglichkeiten", "opciones",
        "optionen", "choix", "варианты", "варианты ответа", "opções", "opzioni", "보기",
        "الخيارات", "विकल्प",
    ),
    "id": (
        "id", "question_id", "qid", "pid", "uid", "uuid", "q_id", "q_uid", "quid", "index", "idx",
        "lndex", "question_index", "question_idx", "sample_id", "sample_index", "sample_idx",
        "example_id", "item_id", "problem_id", "problem_index", "row_id", "record_id",
        "编号", "序号", "题号", "题目编号", "问题编号", "番号",
    ),
    "question_type": (
        "question_type", "type", "qtype", "q_type", "ques_type", "category", "question_category",
        "task", "task_type", "task_name", "sub_task", "kind", "subject", "capability",
        "类别", "类型", "题型", "问题类型", "任务", "任务类型", "分类", "kategorie", "категория",
        "fragetyp", "catégorie", "categoría", "categoria", "тип", "유형", "カテゴリ", "النوع",
    ),
    "format": (
        "format", "question_format", "answer_format", "q_format",
        "格式", "题目格式",
    ),
}  # fmt: skip
"""Field -> names, the likeliest first. A column of a question type that holds nothing but names of
formats (``multi_choice``, ``free_form``) is a ``format``."""

STATEMENT_NAMES = ("statement", "sentence", "claim", "premise", "hypothesis", "ctx")
"""What may be judged or continued where no column is named as the question's."""

GROUP_NAMES: dict[str, tuple[str, ...]] = {
    "video": (
        "video", "video_id", "video_idx", "video_name", "video_path", "video_file", "video_uid",
        "vid", "clip", "clip_id", "clip_uid", "视频",
    ),
    "scene": ("scene", "scene_id", "scene_name", "场景"),
    "image": (
        "image", "image_id", "image_name", "image_path", "image_file", "image_filename",
        "image_url", "image_source", "img", "img_id", "img_name", "img_path", "images", "picture",
        "picture_id", "figure_id", "visual_input", "图片", "图像", "图片路径",
    ),
    "document": ("document", "document_id", "doc_id", "passage_id", "context_id"),
    "record": ("key",),  # that of a JSON object whose values each hold several questions
}  # fmt: skip
"""What several questions may share -> names of its column."""

MEDIA_NAMES = (
    "file", "files", "filename", "file_name", "file_path", "path", "media", "media_path",
    "media_file", "source_file", "url", "文件", "文件名",
)  # fmt: skip
"""Columns that are groups where they hold nothing but paths of ``MEDIA_SUFFIXES``."""

MEDIA_SUFFIXES = {
    "video": frozenset(["mp4", "webm", "avi", "mkv", "mov", "m4v", "mpg", "mpeg"]),
    "image": frozenset(["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"]),
}
"""Group -> endings of its files."""

ALIAS_NAMES = (
    "aliases", "answer_aliases", "answer_alias", "alternative_answers", "alternate_answers",
    "accepted_answers", "acceptable_answers", "also_accepted", "answer_synonyms", "answer_variants",
    "other_answers",
)  # fmt: skip
"""Columns with further texts that an open question accepts."""

OPTION_PREFIXES = (
    "", "option", "options", "opt", "choice", "choices", "candidate", "answer", "ans", "a",
    "alternative", "ending", "选项", "选择", "候选", "選択肢", "antwort", "réponse", "choix",
    "respuesta", "opción", "ответ", "вариант", "вариант ответа", "resposta", "opção", "risposta",
    "opzione", "보기", "선택지",
)  # fmt: skip
"""What may stand before the letter or number of a column that holds one option."""


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """A column's name as it is compared: letters and digits alone, without case."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(c for c in folded if c.isalnum())


PLAIN: dict[str, dict[str, int]] = {
    field: {plain_name(name): rank for rank, name in reversed(list(enumerate(names)))}
    for field, names in SYNONYMS.items()
}
"""Field -> plain name -> rank in ``SYNONYMS``."""

PLAIN_STATEMENTS = frozenset(map(plain_name, STATEMENT_NAMES))

PLAIN_ALIASES = frozenset(map(plain_name, ALIAS_NAMES))

PLAIN_MEDIA = frozenset(map(plain_name, MEDIA_NAMES))

PLAIN_GROUPS: dict[str, str] = {
    plain_name(name): group for group, names in GROUP_NAMES.items() for name in names
}


_PREFIXES = [plain_name(prefix) for prefix in OPTION_PREFIXES]
_NUMBERS = ([str(n) for n in range(26)], [str(n) for n in range(1, 27)])
_ORDERS = [
    [plain_name(mark) for mark in marks]
    for marks in (LETTERS, *SCRIPTS, *COUNTS, *_NUMBERS)
    if not plain_name(marks[0]).isdigit() or marks in _NUMBERS  # circled numbers are plain ones
]
"""Orders of what tells the columns of one family apart."""


def find_option_columns(names: list[str]) -> list[list[str]]:
    """Families of columns that hold one option each, in order: ``A, B, C``, ``option 0, option 1``.

    A family is a prefix of ``OPTION_PREFIXES`` and letters from the first of their script, or
    numbers from 0 or 1, without a gap; it has two columns or more. Columns with nothing but a
    number as name are one where the others are named: without a header all names are numbers.
    """
    by_plain: dict[str, str] = {}
    for name in names:
        by_plain.setdefault(plain_name(name), name)
    numbers = sum(plain.isdigit() for plain in by_plain)
    families = []
    for prefix in _PREFIXES:
        for marks in _ORDERS:
            family = []
            for mark in marks:
                if prefix + mark not in by_plain:
                    break
                family.append(by_plain[prefix + mark])
            bare = not prefix and marks in _NUMBERS
            if len(family) > 1 and not (bare and not len(family) == numbers < len(by_plain)):
                families.append(family)
                break
    return families


def column_marks(family: Sequence[str]) -> list[str] | None:
    """What tells the columns of a family apart, plain; None for Latin letters, and for none."""
    plain = [plain_name(name) for name in family]
    for prefix in _PREFIXES:
        for marks in _ORDERS[1:]:
            if [prefix + mark for mark in marks[: len(plain)]] == plain:
                return marks[: len(plain)]
    return None
