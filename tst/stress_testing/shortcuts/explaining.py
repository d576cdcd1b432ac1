"""The shortcut behind each question's gold answer: counted, chosen, put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.shortcuts import CHOICES, NUMBERS, shortcut_of
from tst.diagnostics.forest.text.entities import load_featuriser
from tst.diagnostics.forest.text.question_arrays import QuestionArrays
from tst.diagnostics.forest.text.question_reader import QuestionReader
from tst.diagnostics.forest.text.text_cache import tokenise
from tst.stress_testing.shortcuts.answer_statistics import AnswerStatistics
from tst.stress_testing.shortcuts.option_statistics import OptionStatistics
from tst.stress_testing.shortcuts.repairs import REPAIRS
from tst.stress_testing.shortcuts.sentences import UNEXPLAINED, Evidence, explain, repair
from tst.stress_testing.shortcuts.statistics import Statistic, rank_statistics
from tst.stress_testing.shortcuts.words import read_codes

COLUMNS = ("shortcut", "about", "why", "repair")


@dataclass(frozen=True)
class Moved:
    """What a model that says so was moved by, for the questions that are explained, (w,) each.

    shortcut: what added most to its answer, empty where it does not say
    least: a statistic that alone tells fewer of a type's answers does not explain them
    """

    shortcut: np.ndarray
    least: np.ndarray


WHOLE_OPTION = ("option.type_text", "option.set")
"""Statistics that are about the gold option as it stands."""
LONGEST = 40
"""Characters of an option that are quoted."""


def explain_answers(
    table: pd.DataFrame,
    fold: np.ndarray,
    wanted: np.ndarray,
    rules: ScoringRules,
    features: Sequence[str] = (),
    moved: Moved | None = None,
) -> pd.DataFrame:
    """COLUMNS for some questions, indexed by table position: what tells their gold answers.

    table: a question table with answers; fold: which fold holds each question out, (n,)
    wanted: table positions; statistics are of all questions of their types and formats
    features: entity featurisers, as ``benchmark.features``
    ``why`` counts training answers of the question's fold, whatever model was run. Where no single
    statistic tells the answer, shortcut and repair are empty.
    moved: where no statistic tells enough, those of the shortcut that moved the model are looked
        at, and if none of them says anything that shortcut is named without counts
    """
    kinds = table["format"].to_numpy()
    parts = []
    for kind in ("mc", "num", "open"):
        asked = wanted[kinds[wanted] == kind]
        if len(asked):
            part = None
            if moved is not None:
                own = kinds[wanted] == kind
                part = Moved(moved.shortcut[own], moved.least[own])
            parts.append(_explain_format(table, fold, asked, kind, rules, features, part))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS), dtype=object)
    return pd.concat(parts).loc[wanted]


def _explain_format(
    table: pd.DataFrame,
    fold: np.ndarray,
    asked: np.ndarray,
    kind: str,
    rules: ScoringRules,
    features: Sequence[str],
    moved: Moved | None,
) -> pd.DataFrame:
    """``explain_answers`` for the questions of one format."""
    alike = table["question_type"].isin(set(table["question_type"].iloc[asked]))
    rows = np.flatnonzero(((table["format"] == kind) & alike).to_numpy())
    answers = table["answer"].to_numpy(dtype=object)[rows]
    texts = table.drop(columns="answer").assign(unit=fold)
    fields = sorted({name for row in table["metadata"].iloc[rows] for name in row})
    reader = QuestionReader([load_featuriser(name) for name in features])
    questions = reader.read(texts, rows, fields)
    if kind == "mc":
        gold = answers.astype(np.int64)
        statistics = OptionStatistics(questions, gold, fold[rows], int(fold.max()) + 1).find()
        chance = 1.0 / questions.n_options
    else:
        gold = None
        statistics = AnswerStatistics(questions, answers, fold[rows], rules, kind == "num").find()
        chance = np.zeros(len(rows))
    by_family = CHOICES if kind == "mc" else NUMBERS
    ranking = rank_statistics(statistics, questions.types, chance, by_family)
    chosen, reliable = ranking.choose()
    places = np.searchsorted(rows, asked)
    named = np.full(len(rows), "", dtype=object)
    if moved is not None:
        weak = (chosen[places] < 0) | (reliable[places] < moved.least)
        named[places] = np.where(weak, moved.shortcut, "")
        chosen = np.where(named != "", ranking.choose(named)[0], chosen)
    told = []
    for place in places:
        if chosen[place] < 0:
            told.append(_without_counts(named[place]))
            continue
        statistic = ranking.statistics[chosen[place]]
        question = table["question"].iloc[rows[place]]
        words = _words(
            statistic, place, question, questions, gold, table["options"].iloc[rows[place]]
        )
        evidence = _evidence(statistic, place, words, questions, gold)
        about = " + ".join(words)
        told.append((evidence.shortcut, about, explain(evidence), repair(evidence)))
    return pd.DataFrame(told, columns=list(COLUMNS), index=asked, dtype=object)


def _without_counts(shortcut: str) -> tuple[str, str, str, str]:
    """COLUMNS where no statistic tells the answer: what moved the model, if it says so."""
    if not shortcut:
        return "", "", UNEXPLAINED, ""
    return shortcut, "", f"{UNEXPLAINED}; what moved the model most: {shortcut}", REPAIRS[shortcut]


def _words(
    statistic: Statistic,
    place: int,
    question: str,
    questions: QuestionArrays,
    gold: np.ndarray | None,
    options: Sequence[str] | None,
) -> tuple[str, ...]:
    """The words of the question, or of the gold option, that a statistic is about."""
    if statistic.name in WHOLE_OPTION and gold is not None and options is not None:
        return (_cut(str(options[gold[place]])),)
    if statistic.name == "option.head" and gold is not None and options is not None:
        return tuple(tokenise(str(options[gold[place]]))[-1:])
    codes = [int(code) for code in statistic.about[place] if code]
    if not codes:
        return ()
    known = read_codes(question)
    if gold is not None and options is not None:
        known |= read_codes(str(options[gold[place]]))
    return tuple(known[code] for code in codes if code in known)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _evidence(
    statistic: Statistic,
    place: int,
    words: tuple[str, ...],
    questions: QuestionArrays,
    gold: np.ndarray | None,
) -> Evidence:
    answer = None if statistic.answer is None else str(statistic.answer[place])
    shortcut = shortcut_of(statistic.name, CHOICES if gold is not None else NUMBERS)
    counts = (
        float(statistic.hits[place]),
        float(statistic.expected[place]),
        float(statistic.count[place]),
    )
    if gold is None:
        return Evidence(statistic.name, shortcut, *counts, answer, words)
    options = questions.option[questions.start[place] : questions.start[place + 1]]
    measure = "characters" if shortcut == "length" else "value"
    sizes = questions.texts.measure(options, measure)
    own = sizes[gold[place]]
    larger, smaller = int((sizes > own).sum()), int((sizes < own).sum())
    place_of_gold = int(gold[place])
    return Evidence(
        statistic.name, shortcut, *counts, answer, words, place_of_gold, larger, smaller
    )
