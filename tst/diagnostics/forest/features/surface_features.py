"""Surface cues of options and questions: lengths, ranks, overlaps, numbers, tell-tale words."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import Sheet
from tst.diagnostics.forest.text.templates import Slots
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


def option_cues(sheet: Sheet, slots: Slots) -> dict[str, np.ndarray]:
    """Cues of every option, mostly in relation to the question's other options, each (m,)."""
    cues: dict[str, np.ndarray] = {}
    measures = {name: sheet.corpus.measure(sheet.option, name).astype(float) for name in MEASURES}
    for name in RELATIVE:
        values = measures[name]
        cues[f"length.{name}_relative"] = sheet.relative(np.log1p(values))
        if name in ("characters", "words"):
            cues[f"length.{name}_rank"] = sheet.rank(values)
            cues[f"length.{name}_longest"] = (values == sheet.largest(values)[sheet.owner]) * 1.0
            cues[f"length.{name}_shortest"] = (values == -sheet.largest(-values)[sheet.owner]) * 1.0
    for name in PLAIN:
        cues[f"words.{name}"] = sheet.relative(measures[name])
    cues.update(_number_cues(sheet, measures["value"]))
    cues.update(_overlap_cues(sheet))
    cues["position.position"] = sheet.position.astype(float)
    cues["position.last"] = (sheet.position == sheet.n_options[sheet.owner] - 1) * 1.0
    cues["options.mentions"] = sheet.relative(slots.mentions)
    return cues


def question_cues(sheet: Sheet) -> dict[str, np.ndarray]:
    """Measures of the question's own text, each (n,)."""
    names = ("characters", "words", "digits", "commas", "negation", "absolute", "value")
    cues = {f"question.{n}": sheet.corpus.measure(sheet.question, n).astype(float) for n in names}
    cues["question.value"] = signed_log(np.nan_to_num(cues["question.value"]))
    return cues


def signed_log(values: np.ndarray) -> np.ndarray:
    """sign(x) log(1 + |x|)."""
    return np.sign(values) * np.log1p(np.abs(values))


def number_rank(sheet: Sheet) -> np.ndarray:
    """Rank of each option's number within its question; -1 where it has none, (m,)."""
    value = sheet.corpus.measure(sheet.option, "value").astype(float)
    return np.where(np.isnan(value), -1.0, sheet.rank(value))


def _number_cues(sheet: Sheet, value: np.ndarray) -> dict[str, np.ndarray]:
    there = ~np.isnan(value)
    all_numbers = (sheet.total(there) == sheet.n_options)[sheet.owner]
    ranks = np.where(all_numbers, sheet.rank(value), np.nan)
    middle = (sheet.n_options[sheet.owner] - 1) / 2
    logs = signed_log(np.where(there, value, np.nan))
    zero_less = np.where(np.isnan(ranks), 0.0, ranks)
    central = np.where(all_numbers, np.abs(zero_less - middle), 0.0)
    mean_log = sheet.relative(logs)
    question_value = sheet.corpus.measure(sheet.question, "value").astype(float)[sheet.owner]
    return {
        "numbers.rank": np.where(all_numbers, zero_less - middle, 0.0),
        "numbers.off_centre": central,
        "numbers.off_mean": np.where(all_numbers, mean_log, 0.0),
        "numbers.far_from_mean": np.where(all_numbers, np.abs(mean_log), 0.0),
        "numbers.roundness": sheet.relative(np.where(there, value % 10 == 0, np.nan) * 1.0),
        "numbers.in_question": (there & (value == question_value)) * 1.0,
    }


def _overlap_cues(sheet: Sheet) -> dict[str, np.ndarray]:
    """Words shared with the question and with the other options."""
    tokens, starts = sheet.corpus.tokens(sheet.option)
    option = np.repeat(np.arange(len(sheet.option)), np.diff(starts))
    pairs = np.unique(np.stack([option.astype(np.uint64), tokens]), axis=1)
    option, token = pairs[0].astype(np.int64), pairs[1]
    question = sheet.owner[option]
    asked, asked_starts = sheet.corpus.tokens(sheet.question)
    asked_owner = np.repeat(np.arange(len(sheet)), np.diff(asked_starts))
    in_question = np.isin(combine(question, token), combine(asked_owner, asked)) * 1.0
    _, which, times = np.unique(combine(question, token), return_inverse=True, return_counts=True)
    others = np.maximum(sheet.n_options[question] - 1, 1)
    shared = (times[which] - 1) / others
    size = len(sheet.option)
    words = np.maximum(np.bincount(option, minlength=size), 1)
    overlap = np.bincount(option, weights=in_question, minlength=size)
    central = np.bincount(option, weights=shared, minlength=size)
    own = np.bincount(option, weights=shared == 0, minlength=size)
    return {
        "overlap.question_words": sheet.relative(overlap),
        "overlap.question_share": sheet.relative(overlap / words),
        "similarity.shared_share": sheet.relative(central / words),
        "similarity.shared_words": sheet.relative(central),
        "similarity.own_words": sheet.relative(own),
        "similarity.rank": sheet.rank(central / words),
    }
