"""Corrupting a share of the training pairs: which ones, and which wrong response each gets.

Nothing here depends on the optimizer: the same pairs and seed give the same corrupted pairs.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from tst.core.errors import UserError, brief
from tst.noisy_tuning.settings import NO_CORRUPTION, CorruptionSettings

CHOICE, REPLACEMENT, HELD_OUT = 3, 4, 7
"""Independent random streams of one seed (data has 1 and 2, schedule 5, experiment 6)."""


def corrupt(frame: pd.DataFrame, settings: CorruptionSettings, seed: int) -> pd.DataFrame:
    """A copy in which round(share n) pairs have a wrong response; with kind=none, none of them.

    Adds ``corrupted`` (bool) and ``clean_response`` (str, what the pair had). No corrupted pair's
    response has the text of its clean one. Raises UserError where that cannot be done.
    """
    if settings.kind == NO_CORRUPTION:
        return frame.assign(corrupted=False, clean_response=frame["response"])
    n_corrupted = round(settings.share * len(frame))
    if not 0 < n_corrupted < len(frame):
        raise UserError(
            f"corruption.share={settings.share} of {len(frame)} training pairs makes {n_corrupted} "
            "corrupted pairs, but both clean and corrupted pairs are needed: use more pairs or "
            "another share."
        )
    order = np.random.default_rng([seed, CHOICE]).permutation(len(frame))
    rng = np.random.default_rng([seed, REPLACEMENT])
    responses = frame["response"].to_numpy(dtype=object)
    if settings.kind == "shuffled":
        chosen = choose_for_exchange(responses, order, n_corrupted)
        replacements = [responses[i] for i in chosen[derange(responses[chosen], rng)]]
    elif settings.kind == "random":
        chosen = order[:n_corrupted]
        replacements = random_texts(responses, chosen, rng)
    else:
        chosen = choose_rejected(frame, order, n_corrupted)
        replacements = list(frame["rejected"].to_numpy(dtype=object)[chosen])
    wrong = responses.copy()
    wrong[chosen] = replacements
    flags = np.zeros(len(frame), dtype=bool)
    flags[chosen] = True
    return frame.assign(response=wrong, corrupted=flags, clean_response=responses)


def corrupt_held_out(frame: pd.DataFrame, settings: CorruptionSettings, seed: int) -> pd.DataFrame:
    """The held-out pairs, corrupted in the same way; exchanged responses are other held-out ones.

    A pair is left out where that cannot be done: too many share its text, or nothing was rejected.
    With kind=none there is none.
    """
    if settings.kind == NO_CORRUPTION:
        return frame.iloc[:0]
    rng = np.random.default_rng([seed, HELD_OUT])
    order = rng.permutation(len(frame))
    responses = frame["response"].to_numpy(dtype=object)
    if settings.kind == "rejected":
        rejected = frame["rejected"].to_numpy(dtype=object)
        chosen = np.array([r for r in order if rejected[r] and rejected[r] != responses[r]], int)
        replacements = list(rejected[chosen])
    elif settings.kind == "random":
        varied = len({word for text in responses for word in text.split()}) > 1
        chosen = order if varied else order[:0]
        replacements = random_texts(responses, chosen, rng) if varied else []
    else:
        rarer = len(frame) - max(Counter(responses).values())
        chosen, replacements = order[:0], []
        if rarer:
            most = min(len(frame), 2 * rarer)  # no text may be in more than half of the pairs
            chosen = choose_for_exchange(responses, order, most)
            replacements = [responses[i] for i in chosen[derange(responses[chosen], rng)]]
    return frame.iloc[chosen].assign(response=replacements).reset_index(drop=True)


def choose_for_exchange(responses: np.ndarray, order: np.ndarray, n: int) -> np.ndarray:
    """The first n rows in this order that can exchange responses so that none keeps its text.

    That is possible if and only if no text occurs in more than n / 2 of the rows; a row whose text
    has reached that number is skipped. Raises UserError where n such rows do not exist.
    """
    most = n // 2
    taken: Counter[str] = Counter()
    chosen: list[int] = []
    for row in order:
        if len(chosen) < n and taken[responses[row]] < most:
            taken[responses[row]] += 1
            chosen.append(int(row))
    if len(chosen) < n:
        text, count = Counter(responses).most_common(1)[0]
        why = (
            "a single pair has no other pair to exchange with"
            if n < 2
            else f"no response may occur in more than half of them, and {count} of the "
            f"{len(responses)} pairs have the response {brief(text)}"
        )
        raise UserError(
            f"corruption=shuffled: {n} pairs cannot exchange responses so that none keeps its own "
            f"text: {why}. Use more varied pairs, corruption.share=..., or corruption=random."
        )
    return np.array(chosen)


def derange(texts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A permutation p with texts[p[i]] != texts[i] for all i.

    texts: none of them in more than half of the rows
    Rows are shuffled and then grouped by text. Each row takes the response that stands ``longest``
    places further, cyclically, where ``longest`` is the size of the largest group. That place lies
    outside its own group, because no group has more than half of the rows.
    """
    shuffled = rng.permutation(len(texts))
    groups = pd.factorize(texts[shuffled])[0]  # numbered as they occur: in random order
    grouped = shuffled[np.argsort(groups, kind="stable")]
    longest = max(Counter(texts).values())
    permutation = np.empty(len(texts), dtype=np.int64)
    permutation[grouped] = np.roll(grouped, -longest)
    return permutation


def random_texts(responses: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> list[str]:
    """For each chosen row as many words as its response has, drawn from the words of all responses.

    Raises UserError where all responses are made of one word.
    """
    vocabulary = np.array(sorted({word for text in responses for word in text.split()}))
    if len(vocabulary) < 2:
        raise UserError(
            f"corruption=random: all responses are made of the one word {brief(vocabulary[0])}, so "
            "that a random text cannot differ from them; use more varied pairs."
        )
    texts = []
    for row in chosen:
        own = responses[row].split()
        words = own
        while words == own:
            words = list(rng.choice(vocabulary, len(own)))
        texts.append(" ".join(words))
    return texts


def choose_rejected(frame: pd.DataFrame, order: np.ndarray, n: int) -> np.ndarray:
    """The first n rows in this order whose rejected response differs from the chosen one.

    Raises UserError where there are fewer.
    """
    rejected = frame["rejected"].to_numpy(dtype=object)
    usable = [r for r in order if rejected[r] and rejected[r] != frame["response"].iloc[r]]
    if len(usable) < n:
        raise UserError(
            f"corruption=rejected: {n} pairs are to be corrupted, but only {len(usable)} of the "
            f"{len(frame)} training pairs have a different rejected response. Use data with "
            "chosen and rejected responses (data=ultrafeedback), or corruption=shuffled."
        )
    return np.array(usable[:n])
