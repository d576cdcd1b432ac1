"""Questions that are asked again in another fold: same masked template, same options.

A model that saw the other in training needs no picture, and random folds do not keep them together.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict

import numpy as np
import pandas as pd

from tst.core.folds import FoldPlan
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.text.hashing import code_all, combine
from tst.diagnostics.forest.text.templates import TEMPLATE_SHARE, LikeQuestions, find_template_words

COLUMNS = {
    "cluster": "number, by how much is given away in all",
    "question_type": "of all its questions",
    "format": "mc, num or open",
    "n_questions": "how many there are",
    "n_folds": "folds (of repeat 0) over which they are spread; at least 2",
    "gives_away": "mean score when each is answered as those in other folds are",
    "baseline": "mean score without the others: 1 / n_options, the type's best constant, or 0",
    "agreement": "share of the most frequent answer (mc: by option text)",
    "answer": "that answer",
    "template": "the shared text; _ stands for words that vary, # for numbers",
    "options": "the shared options, in alphabetical order, as a JSON list (mc)",
    "ids": "JSON list of question ids, in table order",
}
"""Columns of ``find_near_duplicates`` and of near_duplicates.csv."""


def find_near_duplicates(table: pd.DataFrame, plan: FoldPlan, rules: ScoringRules) -> pd.DataFrame:
    """One row per cluster of near-duplicates that lie in two folds or more, the most telling first.

    mc: the same template (entities and numbers masked) and the same set of options; num and open:
    the same text, letter case, punctuation and spaces aside. Columns: ``COLUMNS``.
    """
    templates = mask_templates(table)
    keys = zip(
        table["question_type"], table["format"], templates, map(_option_set, table["options"]),
        strict=True,
    )  # fmt: skip
    clusters: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for row, key in enumerate(keys):
        clusters[key].append(row)
    baselines = _baselines(table, rules)
    fold = plan.assignment[0]
    found = []
    for (question_type, kind, template, options), members in clusters.items():
        rows = np.array(members)
        n_folds = len(np.unique(fold[rows]))
        if n_folds < 2:
            continue
        answers = [
            _answer(a, o)
            for a, o in zip(table["answer"].iloc[rows], table["options"].iloc[rows], strict=True)
        ]
        top, count = _most_frequent(answers)
        found.append(
            {
                "question_type": question_type,
                "format": kind,
                "n_questions": len(rows),
                "n_folds": n_folds,
                "gives_away": float(np.mean(_scores_from_others(kind, answers, fold[rows], rules))),
                "baseline": float(baselines[rows].mean()),
                "agreement": count / len(rows),
                "answer": str(top),
                "template": template,
                "options": options,
                "ids": json.dumps(table["id"].iloc[rows].tolist(), ensure_ascii=False),
            }
        )
    frame = pd.DataFrame(found, columns=[c for c in COLUMNS if c != "cluster"])
    gain = (frame["gives_away"] - frame["baseline"]) * frame["n_questions"]
    order = gain.sort_values(ascending=False, kind="stable").index
    frame = frame.loc[order].reset_index(drop=True)
    frame.insert(0, "cluster", np.arange(len(frame)))
    return frame


def mask_templates(table: pd.DataFrame) -> list[str]:
    """Each question's words with those that vary replaced by ``_`` and numbers by ``#``.

    Words vary when they are no template words of the like questions of the type. Only mc questions
    that keep half of their words are masked; the others' own words are their template.
    """
    words = [_words(text) for text in table["question"]]
    types = code_all(table["question_type"].astype(str))
    tokens = code_all(word for those in words for word in those)
    lengths = [len(those) for those in words]
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    owner = np.repeat(np.arange(len(words)), lengths)
    group = LikeQuestions().fit(types, tokens, starts).transform(types, tokens, starts)
    share = np.full(len(tokens), TEMPLATE_SHARE)
    common = find_template_words(group, tokens, owner, share)
    kept = np.split(np.isin(combine(group[owner], tokens), common), starts[1:-1])
    return [
        _masked(those, keep) if kind == "mc" and 2 * keep.sum() >= len(those) else " ".join(those)
        for kind, those, keep in zip(table["format"], words, kept, strict=True)
    ]


def _masked(words: list[str], kept: np.ndarray) -> str:
    out: list[str] = []
    for word, keep in zip(words, kept, strict=True):
        shown = ("#" if word[0].isdigit() else word) if keep else "_"
        if shown != "_" or out[-1:] != ["_"]:
            out.append(shown)
    return " ".join(out)


def _words(text: str) -> list[str]:
    return re.findall(r"\d+(?:[.,]\d+)*|\w+", text.casefold()) or [text]


def _normal(text: str) -> str:
    return " ".join(text.casefold().split())


def _option_set(options: list[str] | None) -> str:
    return "" if options is None else json.dumps(sorted(map(_normal, options)), ensure_ascii=False)


def _answer(answer: object, options: list[str] | None) -> object:
    """mc: the right option's text; num: the number; open: the accepted texts as a tuple."""
    if options is not None:
        assert isinstance(answer, int | np.integer)
        return _normal(options[int(answer)])
    return tuple(answer) if isinstance(answer, list) else answer


def _most_frequent(answers: list[object]) -> tuple[object, int]:
    """The most frequent answer (of open ones their first text) and its count; ties by text."""
    firsts = [a[0] if isinstance(a, tuple) else a for a in answers]
    counts = Counter(firsts)
    return min(counts.items(), key=lambda item: (-item[1], str(item[0])))


def _scores_from_others(
    kind: str, answers: list[object], fold: np.ndarray, rules: ScoringRules
) -> np.ndarray:
    """The score of each question when it is answered from its near-duplicates in other folds."""
    scores = np.zeros(len(answers))
    for held in np.unique(fold):
        inside = np.flatnonzero(fold == held)
        others = [answers[i] for i in np.flatnonzero(fold != held)]
        mine = [answers[i] for i in inside]
        if kind == "num":
            guess = np.array(rules.best_number(np.array(others, dtype=float)))
            scores[inside] = rules.score_numbers(guess, np.array(mine, dtype=float))
            continue
        top = str(_most_frequent(others)[0])
        for i, answer in zip(inside, mine, strict=True):
            if isinstance(answer, tuple):
                scores[i] = rules.score_text(top, list(answer))
            else:
                scores[i] = float(top == answer)
    return scores


def _baselines(table: pd.DataFrame, rules: ScoringRules) -> np.ndarray:
    """Per question: 1 / n_options, the MRA of its type's best constant, or 0."""
    kinds = table["format"].to_numpy()
    baselines = np.zeros(len(table))
    mc = kinds == "mc"
    baselines[mc] = [1.0 / len(o) for o in table["options"][mc]]
    for _, rows in table[kinds == "num"].groupby("question_type"):
        answers = rows["answer"].to_numpy(float)
        constant = np.array(rules.best_number(answers))
        baselines[table.index.get_indexer(rows.index)] = rules.score_numbers(constant, answers)
    return baselines
