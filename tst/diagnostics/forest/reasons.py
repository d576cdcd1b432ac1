"""What moved each prediction, in sentences with the training statistics behind them."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.features.number_features import NumberFeatures
from tst.diagnostics.forest.features.option_features import OptionText
from tst.diagnostics.forest.models.choice_model import ChoiceModel
from tst.diagnostics.forest.models.option_inputs import OptionInputs
from tst.diagnostics.forest.text.question_arrays import QuestionArrays

MOST = 2
FEWEST = 2  # training questions behind a statistic that is shown
PHRASES = {
    "option.text": "this option, in any question type",
    "option.type_text": "this option",
    "option.set": "this option out of this set of options",
    "option.set_rank": "this number's rank in this set of options",
    "option.shape": "options of this make-up",
    "option.head": "options that end in this word",
    "length.rank": "options of this length rank, in any question type",
    "length.type_rank": "options of this length rank",
    "numbers.type_rank": "numbers of this rank among the options",
    "position.type": "options in this place",
    "position.all": "options in this place, in any question type",
    "template.option": "this option to questions of this wording",
    "template.shape": "options of this make-up to questions of this wording",
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
NUMBER_PHRASES = {
    "template.template": "of this wording",
    "entities.question": "with the same text",
    "entities.first": "about the same entity",
    "entities.second": "about the same second entity",
    "entities.pair": "about the same pair of entities",
    "entities.high": "about one of these entities",
    "entities.low": "about one of these entities",
}


def choice_reasons(
    model: ChoiceModel,
    text: OptionText,
    columns: OptionInputs,
    probability: np.ndarray,
    options: list[list[str]],
) -> list[list[str]]:
    """Up to MOST sentences per question: what adds most to the chosen option."""
    questions = columns.questions
    best = np.flatnonzero(probability == questions.largest(probability)[questions.owner])
    rows = best[np.unique(questions.owner[best], return_index=True)[1]]
    pull = model.contributions(columns, rows)
    names = model.features.names
    size = len(questions.option)
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
    score, count = np.stack(scores, axis=1), np.stack(counts, axis=1)
    is_claim = np.isnan(count[:, :, 2])
    support = np.where(is_claim, count[:, :, 0] + count[:, :, 1], count[:, :, 2])
    # column 1 is what speaks against it: the hits expected by chance, or disagreeing answers
    speaks_for = (support >= FEWEST) & (count[:, :, 0] > count[:, :, 1])
    score = np.where(speaks_for, score, 0.0)
    order = np.argsort(-score, axis=1, kind="stable")
    texts = []
    for place, row in enumerate(rows):
        chosen = options[place][int(questions.position[row])]
        sentences: list[str] = []
        families: set[str] = set()
        for which in order[place]:
            family = shown[which].split(".")[0]
            if score[place, which] <= 0 or len(sentences) == MOST:
                break
            if family not in families:
                families.add(family)
                sentences.append(_sentence(shown[which], chosen, count[place, which]))
        texts.append(sentences)
    return texts


def number_reasons(features: NumberFeatures, questions: QuestionArrays) -> list[list[str]]:
    """Up to MOST sentences per question: similar training questions and their typical answer."""
    typical = features.typical_answers(questions)
    names = list(typical)
    counts, values, strength = (np.stack(t, axis=1) for t in zip(*typical.values(), strict=True))
    strength = np.where(counts >= FEWEST, strength, 0.0)
    order = np.argsort(-strength, axis=1, kind="stable")
    texts = []
    for row in range(len(questions)):
        by_statistic: dict[tuple[float, float], str] = {}  # each statistic is shown once
        for which in order[row]:
            if strength[row, which] <= 1 or len(by_statistic) == MOST:
                break
            phrase = NUMBER_PHRASES.get(names[which], f"alike in {names[which]}")
            count, value = counts[row, which], values[row, which]
            sentence = (
                f"{count:.0f} training questions {phrase} have a typical answer of {value:.3g}"
            )
            by_statistic.setdefault((count, value), sentence)
        texts.append(list(by_statistic.values()))
    return texts


def _sentence(name: str, chosen: str, count: np.ndarray) -> str:
    phrase = PHRASES.get(name, f"alike in {name}")
    shown = chosen if len(chosen) <= 40 else f"{chosen[:37]}..."
    if np.isnan(count[2]):
        return (
            f"'{shown}': {phrase}: {count[0]:.0f} training answers agree, {count[1]:.0f} disagree"
        )
    return (
        f"'{shown}': {phrase} is right in {count[0] / count[2]:.0%} of {count[2]:.0f} training "
        f"options (by chance {count[1] / count[2]:.0%})"
    )
