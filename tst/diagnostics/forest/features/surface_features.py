"""Surface features of options and questions: lengths, ranks, overlaps, numbers, marker words."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.text.hashing import combine, distinct
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.templates import MaskedQuestions
from tst.diagnostics.forest.text.text_cache import MEASURES

RELATIVE = ("characters", "words", "digits", "word_length", "commas", "capitals")
PLAIN = (
    "sentence",
    "negation",
    "absolute",
    "hedge",
    "of_the_above",
    "unknown",
    "is_number",
    "axis_0",
    "axis_1",
    "axis_2",
)


def surface_features(questions: QuestionArrays, masked: MaskedQuestions) -> dict[str, np.ndarray]:
    """Features of every option, mostly relative to the question's other options, each (m,)."""
    surface: dict[str, np.ndarray] = {}
    measures = {
        name: questions.texts.measure(questions.option, name).astype(float) for name in MEASURES
    }
    for name in RELATIVE:
        values = measures[name]
        surface[f"length.{name}_relative"] = questions.relative(np.log1p(values))
        if name in ("characters", "words"):
            surface[f"length.{name}_rank"] = questions.rank(values)
            surface[f"length.{name}_longest"] = (
                values == questions.largest(values)[questions.owner]
            ) * 1.0
            surface[f"length.{name}_shortest"] = (
                values == -questions.largest(-values)[questions.owner]
            ) * 1.0
    for name in PLAIN:
        surface[f"words.{name}"] = questions.relative(measures[name])
    surface.update(_number_features(questions, measures["value"]))
    surface.update(_overlap_features(questions))
    surface["position.position"] = questions.position.astype(float)
    surface["position.last"] = (
        questions.position == questions.n_options[questions.owner] - 1
    ) * 1.0
    surface["options.mentions"] = questions.relative(masked.mentions)
    return surface


def question_surface_features(questions: QuestionArrays) -> dict[str, np.ndarray]:
    """Measures of the question's own text, each (n,)."""
    names = ("characters", "words", "digits", "commas", "negation", "absolute", "value")
    surface = {
        f"question.{n}": questions.texts.measure(questions.question, n).astype(float) for n in names
    }
    surface["question.value"] = signed_log(np.nan_to_num(surface["question.value"]))
    return surface


def signed_log(values: np.ndarray) -> np.ndarray:
    """sign(x) log(1 + |x|)."""
    return np.sign(values) * np.log1p(np.abs(values))


def number_rank(questions: QuestionArrays) -> np.ndarray:
    """Rank of each option's number within its question; -1 where it has none, (m,)."""
    value = questions.texts.measure(questions.option, "value").astype(float)
    return np.where(np.isnan(value), -1.0, questions.rank(value))


def _number_features(questions: QuestionArrays, value: np.ndarray) -> dict[str, np.ndarray]:
    there = ~np.isnan(value)
    all_numbers = (questions.total(there) == questions.n_options)[questions.owner]
    ranks = np.where(all_numbers, questions.rank(value), np.nan)
    middle = (questions.n_options[questions.owner] - 1) / 2
    logs = signed_log(np.where(there, value, np.nan))
    zero_less = np.where(np.isnan(ranks), 0.0, ranks)
    central = np.where(all_numbers, np.abs(zero_less - middle), 0.0)
    mean_log = questions.relative(logs)
    question_value = questions.texts.measure(questions.question, "value").astype(float)[
        questions.owner
    ]
    return {
        "numbers.rank": np.where(all_numbers, zero_less - middle, 0.0),
        "numbers.off_centre": central,
        "numbers.off_mean": np.where(all_numbers, mean_log, 0.0),
        "numbers.far_from_mean": np.where(all_numbers, np.abs(mean_log), 0.0),
        "numbers.roundness": questions.relative(np.where(there, value % 10 == 0, np.nan) * 1.0),
        "numbers.in_question": (there & (value == question_value)) * 1.0,
    }


def _overlap_features(questions: QuestionArrays) -> dict[str, np.ndarray]:
    """Words shared with the question and with the other options."""
    option, tokens = questions.texts.owned_tokens(questions.option)
    option, token = distinct(option, tokens)
    question = questions.owner[option]
    question_owner, question_tokens = questions.texts.owned_tokens(questions.question)
    in_question = np.isin(combine(question, token), combine(question_owner, question_tokens)) * 1.0
    _, which, times = np.unique(combine(question, token), return_inverse=True, return_counts=True)
    others = np.maximum(questions.n_options[question] - 1, 1)
    shared = (times[which] - 1) / others
    size = len(questions.option)
    words = np.maximum(np.bincount(option, minlength=size), 1)
    overlap = np.bincount(option, weights=in_question, minlength=size)
    central = np.bincount(option, weights=shared, minlength=size)
    own = np.bincount(option, weights=shared == 0, minlength=size)
    return {
        "overlap.question_words": questions.relative(overlap),
        "overlap.question_share": questions.relative(overlap / words),
        "similarity.shared_share": questions.relative(central / words),
        "similarity.shared_words": questions.relative(central),
        "similarity.own_words": questions.relative(own),
        "similarity.rank": questions.rank(central / words),
    }
