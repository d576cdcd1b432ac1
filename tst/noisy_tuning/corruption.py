"""Spoiling a share of the training pairs: which ones, and what they get instead.

Nothing here depends on the optimizer: the same pairs and seed give the same spoilt pairs.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd

from tst.core.errors import UserError
from tst.noisy_tuning.settings import CorruptionSettings

CHOICE, REPLACEMENT, HELD_OUT = 3, 4, 7
"""Streams of random numbers that must not meet (data has 1 and 2, schedule 5, experiment 6)."""


def corrupt(frame: pd.DataFrame, settings: CorruptionSettings, seed: int) -> pd.DataFrame:
    """A copy in which round(share n) pairs have a wrong response.

    Adds ``corrupted`` (bool) and ``clean_response`` (str, what the pair had). No corrupted pair's
    response has the text of its clean one. Raises UserError where that cannot be done.
    """
    n_corrupted = round(settings.share * len(frame))
    if not 0 < n_corrupted < len(frame):
        raise UserError(
            f"corruption.share={settings.share} of {len(frame)} training pairs is {n_corrupted} "
            "corrupted ones; both kinds are needed: use more pairs or another share."
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
    spoilt = responses.copy()
    spoilt[chosen] = replacements
    flags = np.zeros(len(frame), dtype=bool)
    flags[chosen] = True
    return frame.assign(response=spoilt, corrupted=flags, clean_response=responses)


def corrupt_held_out(frame: pd.DataFrame, settings: CorruptionSettings, seed: int) -> pd.DataFrame:
    """The held-out pairs with a wrong response of the same kind, from among themselves.

    Those that cannot have one are left out: too many share their text, nothing was rejected.
    """
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
            most = min(len(frame), 2 * rarer)  # a text may be that of half of them
            chosen = choose_for_exchange(responses, order, most)
            replacements = [responses[i] for i in chosen[derange(responses[chosen], rng)]]
    return frame.iloc[chosen].assign(response=replacements).reset_index(drop=True)


def choose_for_exchange(responses: np.ndarray, order: np.ndarray, n: int) -> np.ndarray:
    """The first n rows in this order among which responses can be exchanged.

    Among n rows everyone can get another text exactly if no text occurs in more than n / 2 of
    them; a row whose text has reached that is passed over. Raises UserError where n such rows do
    not exist.
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
            "one pair alone has no other to exchange with"
            if n < 2
            else f"no text may be that of more than half of them, and {count} of the "
            f"{len(responses)} pairs have the response {text!r:.60}"
        )
        raise UserError(
            f"corruption=shuffled: {n} pairs cannot exchange responses so that none keeps its own "
            f"text: {why}. Use more varied pairs, corruption.share=..., or corruption=random."
        )
    return np.array(chosen)


def derange(texts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A permutation p with texts[p[i]] != texts[i] for all i; no text in more than half of them.

    Rows are shuffled, rows of one text brought together, and everyone takes the response that lies
    as many places on, round the circle, as the most frequent text has rows: that is beyond the own
    block, and not round to it again, since no block is longer than half the circle.
    """
    shuffled = rng.permutation(len(texts))
    blocks = pd.factorize(texts[shuffled])[0]  # numbered as they come: blocks in random order
    circle = shuffled[np.argsort(blocks, kind="stable")]
    longest = max(Counter(texts).values())
    permutation = np.empty(len(texts), dtype=np.int64)
    permutation[circle] = np.roll(circle, -longest)
    return permutation


def random_texts(responses: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> list[str]:
    """For each chosen row as many words as its response has, drawn from those of all responses.

    Raises UserError where there is but one word to draw.
    """
    vocabulary = np.array(sorted({word for text in responses for word in text.split()}))
    if len(vocabulary) < 2:
        raise UserError(
            f"corruption=random: all responses are made of the one word {vocabulary[0]!r:.60}, so "
            "no random text differs from them; use more varied pairs."
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
    """The first n rows in this order whose rejected response is another text.

    Raises UserError where fewer have one.
    """
    rejected = frame["rejected"].to_numpy(dtype=object)
    usable = [r for r in order if rejected[r] and rejected[r] != frame["response"].iloc[r]]
    if len(usable) < n:
        raise UserError(
            f"corruption=rejected: {n} pairs are to be corrupted, and {len(usable)} of the "
            f"{len(frame)} training pairs have a rejected response of another text. Use data with "
            "chosen and rejected responses (data=ultrafeedback), or corruption=shuffled."
        )
    return np.array(usable[:n])
