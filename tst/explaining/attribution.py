"""What each word adds to the gold letter's log-odds against the runner-up.

A prompt is asked again and again with words left out; its instruction and the options' marks stay,
for without them there is nothing to answer. The question and the options share the log-odds by
their Shapley values, exactly, over all combinations of them (Owen, 1977: values of games with a
priori unions). A part's share goes to its words by what each adds as the first and as the last of
them, which is Shapley's value too where words interact in pairs; captum computes both levels. What
is left out takes no room, so that an option's length counts with its words.

Where an option stands is no word: its value, put at the gold option's mark, is the log-odds in the
given order less their mean over all rotations of the options.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import FeatureAblation, ShapleyValues, ShapleyValueSampling

from tst.diagnostics.llm.model.answer_head import AnswerHead
from tst.explaining.contrast import Contest, Contrast
from tst.explaining.words import LETTER, OPTION, QUESTION, WordedPrompt

MOST_EXACT = 6
"""Parts up to which all their combinations are asked (2^6 prompts); more are sampled."""
SAMPLES = 16
"""Orders of the parts that are sampled then."""


@dataclass
class Attribution:
    """words: float array (words,), in log-odds; the gold mark holds what the order adds.

    log_odds: of the whole prompt; bare: of its marks alone, so that the other words add up to
    log_odds - bare
    """

    words: np.ndarray
    log_odds: float
    bare: float


class Reader:
    """A model (tuned or bare) that is asked for log-odds and probabilities."""

    def __init__(self, model: torch.nn.Module, batch: int) -> None:
        self.model = model
        self.batch = batch
        self.device = next(model.parameters()).device
        self._head = AnswerHead(model)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Logits are computed at the last token alone inside this block."""
        self.model.eval()
        with self._head.attached():
            yield self

    @torch.no_grad()
    def logits(self, rows: Sequence[list[int]], letters: Sequence[int]) -> np.ndarray:
        """float64 array (rows, letters): logits of these tokens after prompts of any lengths."""
        found = np.empty((len(rows), len(letters)))
        order = np.argsort([len(row) for row in rows], kind="stable")
        for start in range(0, len(rows), self.batch):
            part = order[start : start + self.batch]
            width = len(rows[part[-1]])
            # right-padded under causal attention: what stands in the padding does not matter
            ids = [rows[i] + [0] * (width - len(rows[i])) for i in part]
            last = [at * width + len(rows[i]) - 1 for at, i in enumerate(part)]
            logits, _ = self._head.logits(
                torch.tensor(ids, device=self.device),
                torch.tensor(last, device=self.device),
                use_cache=False,
            )
            found[part] = logits[:, list(letters)].double().cpu().numpy()
        return found

    def log_odds(self, rows: Sequence[list[int]], contrast: Contrast) -> np.ndarray:
        """float64 array (rows,): gold against rival."""
        logits = self.logits(rows, [contrast.gold, contrast.rival])
        return np.asarray(logits[:, 0] - logits[:, 1])

    def p_gold(self, rows: Sequence[list[int]], letters: list[int], gold: int) -> np.ndarray:
        """float64 array (rows,): probability of the gold option among the options."""
        logits = self.logits(rows, letters)
        return np.asarray(torch.softmax(torch.from_numpy(logits), dim=1)[:, gold].numpy())

    def attribute(self, prompt: WordedPrompt, contest: Contest) -> Attribution:
        """Values of a prompt's words."""
        asked = _Asked(self, prompt, contest.contrast)
        parts = parts_of(prompt)
        shares = _share_among(parts, asked)
        words = np.zeros(len(prompt.words))
        for members, share in zip(parts, shares, strict=True):
            words[members] = _split_share(members, share, asked)
        whole, bare = asked(np.stack([asked.everything, asked.nothing]))
        turned = [self.log_odds([r.ids], r.contrast)[0] for r in contest.rotations[1:]]
        words[mark_of(prompt, contest.gold)] = whole - np.mean([whole, *turned])
        return Attribution(words, float(whole), float(bare))


class _Asked:
    """Log-odds by which words take part; what was asked once is remembered."""

    def __init__(self, reader: Reader, prompt: WordedPrompt, contrast: Contrast) -> None:
        self.reader, self.prompt, self.contrast = reader, prompt, contrast
        self.everything = np.ones(len(prompt.words), dtype=bool)
        self.nothing = self.everything.copy()
        self.nothing[maskable(prompt)] = False
        self._known: dict[bytes, float] = {}

    def __call__(self, present: np.ndarray) -> np.ndarray:
        """float64 array (rows,) for a bool array (rows, words)."""
        keys = [row.tobytes() for row in present]
        new = {key: row for key, row in zip(keys, present, strict=True) if key not in self._known}
        if new:
            prompts = [without(self.prompt, np.flatnonzero(~row)) for row in new.values()]
            found = self.reader.log_odds(prompts, self.contrast)
            self._known.update(zip(new, found.tolist(), strict=True))
        return np.array([self._known[key] for key in keys])


def _share_among(parts: list[np.ndarray], asked: _Asked) -> np.ndarray:
    """Shapley values of the parts: exact, or sampled where there are many."""

    def value(coalitions: torch.Tensor) -> torch.Tensor:
        present = np.repeat(asked.nothing[None], len(coalitions), axis=0)
        for row, members in zip(present, coalitions.bool().tolist(), strict=True):
            for part, takes_part in zip(parts, members, strict=True):
                row[part] = takes_part
        return torch.from_numpy(asked(present))

    one = torch.ones(1, len(parts))
    if len(parts) > MOST_EXACT:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            shares = ShapleyValueSampling(value).attribute(
                one, n_samples=SAMPLES, perturbations_per_eval=asked.reader.batch
            )
    else:
        every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * len(parts))
        value(every)  # in full batches; the orders below only look them up
        shares = ShapleyValues(value).attribute(one, perturbations_per_eval=len(every))
    return np.asarray(shares[0].double().numpy())


def _split_share(members: np.ndarray, share: float, asked: _Asked) -> np.ndarray:
    """A part's share by words: what each adds when first and when last, fitted to the share."""

    def value(present: torch.Tensor) -> torch.Tensor:
        rows = np.repeat(asked.everything[None], len(present), axis=0)
        rows[:, members] = present.bool().numpy()
        return torch.from_numpy(asked(rows))

    ablation = FeatureAblation(value)
    all_here, none_here = torch.ones(1, len(members)), torch.zeros(1, len(members))
    batch = {"perturbations_per_eval": len(members)}
    last: Any = ablation.attribute(all_here, baselines=0, **batch)
    first: Any = -ablation.attribute(none_here, baselines=1, **batch)
    added = np.asarray((first + last)[0].double().numpy()) / 2
    weights = np.abs(added)
    weights = weights / weights.sum() if weights.any() else np.full(len(added), 1 / len(added))
    return np.asarray(added + (share - added.sum()) * weights)


def parts_of(prompt: WordedPrompt) -> list[np.ndarray]:
    """Numbers of the words of the question, and of each option."""
    parts: dict[int, list[int]] = {}
    for number in maskable(prompt):
        parts.setdefault(prompt.words[number].option, []).append(int(number))
    return [np.array(members) for _, members in sorted(parts.items())]


def maskable(prompt: WordedPrompt) -> np.ndarray:
    """Numbers of the words that may be left out: those of question and options."""
    return np.array([i for i, w in enumerate(prompt.words) if w.part in (QUESTION, OPTION)])


def mark_of(prompt: WordedPrompt, option: int) -> int:
    """Number of the mark before an option."""
    return next(i for i, w in enumerate(prompt.words) if w.part == LETTER and w.option == option)


def attributable(prompt: WordedPrompt) -> np.ndarray:
    """Numbers of the words that a value can be given to: these, and the options' marks."""
    parts = (QUESTION, OPTION, LETTER)
    return np.array([i for i, w in enumerate(prompt.words) if w.part in parts])


def without(prompt: WordedPrompt, words: np.ndarray) -> list[int]:
    """The prompt's token ids less those of some words."""
    gone = prompt.tokens_of(words)
    return [token for token, absent in zip(prompt.ids, gone, strict=True) if not absent]
