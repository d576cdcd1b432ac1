"""What moved each prediction, in sentences with the training statistics behind them."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.number_features import NumberFeatures
from tst.diagnostics.forest.features.option_features import OptionText
from tst.diagnostics.forest.models.choice_model import ChoiceModel
from tst.diagnostics.forest.models.contributions import SHORTCUTS
from tst.diagnostics.forest.models.option_inputs import OptionInputs
from tst.diagnostics.forest.shortcuts import CHOICES, shortcut_of
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

MOST = 2
FEWEST = 2  # training questions behind a statistic that is shown
LEAST = 0.02
"""Nats that a shortcut adds at least where it is named."""
PHRASES = {
    "option.text": "this option, in any question type",
    "option.type_text": "this option",
    "option.set": "this option out of this set of options",
    "option.set_rank": "this number's rank in this set of options",
    "option.shape": "options of this form",
    "option.head": "options that end in this word",
    "length.rank": "options of this length rank, in any question type",
    "length.type_rank": "options of this length rank",
    "numbers.type_rank": "numbers of this rank among the options",
    "position.type": "options in this place",
    "position.all": "options in this place, in any question type",
    "template.option": "this option to questions of this wording",
    "template.shape": "options of this form to questions of this wording",
    "entities.question": "this option to the same question",
    "entities.first": "this option for the same first entity",
    "entities.second": "this option for the same second entity",
    "entities.third": "this option for the same third entity",
    "entities.pair": "this option for the same first two entities",
    "entities.couple": "this entity together with the one asked about",
    "comparisons.pair": "this option against the others offered",
    "comparisons.in_context": "this option against the others for the same entity",
    "comparisons.side": "this pair of entities against the other pairs",
    "order.pairs": "one entity before another, as in this option",
    "order.with_third": "one entity before another, among the same three, as in this option",
    "opposites.turned_0": "the same entities seen from another side",
    "opposites.turned_1": "the same entities with their order reversed",
    "opposites.turned_2": "the same entities from another side",
    "opposites.plain_0": "the same entities",
    "directions.side": "the same three entities seen from any of them",
    "order.early": "entities early or late, as in this option",
}
WITHOUT_COUNTS = {
    "position": "its place among the options speaks for it",
    "length": "its length beside the other options' speaks for it",
    "option_text": "right options of training questions have words like these more often",
    "option_set": "what it is among these options speaks for it",
    "number_rank": "where its number stands among the options' speaks for it",
    "other_options": "how much it has in common with the other options speaks for it",
    "question_words": "the words that it shares with the question speak for it",
    "wording": "it goes with a question of this wording",
    "entity": "it goes with what the question asks about",
    "pair": "it goes with the two things that the question asks about",
    "comparison": "it wins against the other options offered",
    "direction": "the side that it states speaks for it",
    "repeated_question": "the same question was asked before",
    "order": "the order that it states speaks for it",
    "metadata": "it goes with the question's metadata",
    "siblings": "what the other questions of its group say speaks for it",
    "own_feature": "it goes with a feature of your own",
}
"""Where no count of training answers lies behind what speaks for an option."""
NUMBER_PHRASES = {
    "template.template": "of this wording",
    "entities.question": "with the same text",
    "entities.first": "about the same entity",
    "entities.second": "about the same second entity",
    "entities.pair": "about the same pair of entities",
    "entities.high": "about one of these entities",
    "entities.low": "about one of these entities",
}


def chosen_options(
    questions: QuestionArrays, probability: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of each question the likeliest option (ties: the first) and the second likeliest, (n,)."""
    order = np.lexsort((questions.position, -probability, questions.owner))
    first = questions.start[:-1]
    return order[first], order[first + np.minimum(questions.n_options - 1, 1)]


def by_shortcut(added: np.ndarray) -> list[dict[str, float]]:
    """What adds most first, by name, of (n, shortcuts)."""
    order = np.argsort(-added, axis=1, kind="stable")
    return [
        {SHORTCUTS[place]: round(float(row[place]), 4) for place in places if row[place] != 0}
        for row, places in zip(added, order, strict=True)
    ]


def choice_reasons(
    model: ChoiceModel,
    text: OptionText,
    columns: OptionInputs,
    options: list[list[str]],
    probability: np.ndarray,
) -> tuple[list[list[str]], np.ndarray]:
    """Up to MOST sentences per question on what puts its likeliest option ahead of the second one,
    and what each shortcut adds to the difference of their log-probabilities, (n, shortcuts).
    """
    questions = columns.questions
    rows, others = chosen_options(questions, probability)
    added = model.contributions(columns, rows, others)
    shown, scores, counts = _statistics(model, text, columns, rows)
    told = np.array([name in PHRASES for name in shown])
    is_claim = np.isnan(counts[:, :, 2])
    support = np.where(is_claim, counts[:, :, 0] + counts[:, :, 1], counts[:, :, 2])
    # column 1 is what speaks against it: the hits expected by chance, or disagreeing answers
    speaks_for = told & (support >= FEWEST) & (counts[:, :, 0] > counts[:, :, 1])
    scores = np.where(speaks_for, scores, -np.inf)
    of_shortcut = np.array([SHORTCUTS.index(shortcut_of(name, CHOICES)) for name in shown])
    order = np.argsort(-added, axis=1, kind="stable")
    texts = []
    for place, row in enumerate(rows):
        chosen = options[place][int(questions.position[row])]
        sentences = []
        for shortcut in order[place, :MOST]:
            if added[place, shortcut] <= LEAST:
                break
            own = np.flatnonzero(of_shortcut == shortcut)
            best = own[np.argmax(scores[place, own])] if len(own) else -1
            if best >= 0 and scores[place, best] > -np.inf:
                sentences.append(_sentence(shown[best], chosen, counts[place, best]))
            else:
                sentences.append(f"'{_cut(chosen)}': {WITHOUT_COUNTS[SHORTCUTS[shortcut]]}")
        texts.append(sentences)
    return texts, added


def _statistics(
    model: ChoiceModel, text: OptionText, columns: OptionInputs, rows: np.ndarray
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of statistics of training answers, what they add to options (r, k), and their counts:
    hits, hits by chance and options, or answers for and against and NaN, (r, k, 3).
    """
    pull = model.by_encoding(columns, rows)
    names = model.features.names
    size = len(columns.questions.option)
    scores, shown, counts = [], [], []
    for name, lift in model.features.lifts.items():
        if name in text.keys:
            scores.append(pull[:, names.index(f"{name}_lift")])
            counts.append(lift.counts(text.keys[name][rows]))
            shown.append(name)
    for name, odds in model.features.odds.items():
        if name in text.claims:
            scores.append(pull[:, names.index(f"{name}_odds")])
            agree = odds.counts(text.claims[name], size)[rows]
            counts.append(np.column_stack([agree, np.full(len(rows), np.nan)]))
            shown.append(name)
    return shown, np.stack(scores, axis=1), np.stack(counts, axis=1)


def number_reasons(features: NumberFeatures, questions: QuestionArrays) -> list[list[str]]:
    """Up to MOST sentences per question: similar training questions and their typical answer."""
    typical = features.typical_answers(questions)
    names = [name for name in typical if name in NUMBER_PHRASES]
    if not names:
        return [[] for _ in range(len(questions))]
    typical = {name: typical[name] for name in names}
    counts, values, strength = (np.stack(t, axis=1) for t in zip(*typical.values(), strict=True))
    strength = np.where(counts >= FEWEST, strength, 0.0)
    order = np.argsort(-strength, axis=1, kind="stable")
    texts = []
    for row in range(len(questions)):
        by_statistic: dict[tuple[float, float], str] = {}  # each statistic is shown once
        for which in order[row]:
            if strength[row, which] <= 1 or len(by_statistic) == MOST:
                break
            phrase = NUMBER_PHRASES[names[which]]
            count, value = counts[row, which], values[row, which]
            sentence = (
                f"{count:.0f} training questions {phrase} have a typical answer of {value:.3g}"
            )
            by_statistic.setdefault((count, value), sentence)
        texts.append(list(by_statistic.values()))
    return texts


def _sentence(name: str, chosen: str, count: np.ndarray) -> str:
    phrase = PHRASES[name]
    shown = _cut(chosen)
    if np.isnan(count[2]):
        return (
            f"'{shown}': {phrase}: {count[0]:.0f} training answers agree, {count[1]:.0f} disagree"
        )
    return (
        f"'{shown}': {phrase} is right in {count[0] / count[2]:.0%} of {count[2]:.0f} training "
        f"options (by chance {count[1] / count[2]:.0%})"
    )


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
