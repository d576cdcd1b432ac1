"""How much each word adds to the log-odds of the gold option against the runner-up.

The prompt is evaluated many times with some of its words left out. Instruction and option letters
always stay: without them there is no question to answer. Words that are left out take no room, so
that the length of an option is attributed to its words.

The log-odds are first shared among the question and the options by their Shapley values, exactly,
over all combinations of them (Owen, 1977: values of games with a priori unions). The share of each
of these parts is then divided among its words by what a word adds as the first and as the last of
them, which is Shapley's value too where words interact in pairs. Captum computes both levels.

The order of the options is no word. Its value stands at the gold option's letter: the log-odds in
the given order less their mean over all rotations of the options.
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
from tst.diagnostics.llm.model.trained_head import option_scores
from tst.diagnostics.llm.prompting.batches import collate_prompts
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.explaining.contrast import ChoicePair, Contrast
from tst.explaining.words import LETTER, OPTION, QUESTION, WordedPrompt

MOST_EXACT = 6
"""Up to this many parts all combinations are evaluated (2^6 prompts); more are sampled."""
SAMPLES = 16
"""Number of sampled orders of the parts, where they are sampled."""


@dataclass
class Attribution:
    """The values of a prompt's words.

    words: float array (words,), in log-odds; the gold option's letter has the value of the order
    log_odds: of the whole prompt
    letters_only: log-odds with all words of question and options left out; the values of these
        words add up to log_odds - letters_only
    """

    words: np.ndarray
    log_odds: float
    letters_only: float


@dataclass(frozen=True)
class OptionScores:
    """How options that are listed in the assistant's turn are scored.

    yes_no: tokens whose logits score an option
    head: the trained head (1, hidden, columns); None for the untrained model
    temperature: that of the fold's calibration
    """

    yes_no: tuple[int, int]
    head: torch.Tensor | None = None
    temperature: float = 1.0


class Reader:
    """A model (tuned or untrained) whose log-odds and probabilities are read.

    options: how options are scored; None where they are letters
    """

    def __init__(
        self, model: torch.nn.Module, batch: int, options: OptionScores | None = None
    ) -> None:
        self.model = model
        self.batch = batch
        self.options = options
        self.device = next(model.parameters()).device
        self._head = AnswerHead(model)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Inside this block logits are computed only where answers are read."""
        self.model.eval()
        with self._head.attached():
            yield self

    @torch.no_grad()
    def scores(self, rows: Sequence[Prompt], choices: Sequence[int]) -> np.ndarray:
        """float64 array (rows, choices): logits of letters or scores of options, of any prompts.

        choices: tokens of letters, or numbers of options
        """
        found = np.empty((len(rows), len(choices)))
        order = np.argsort([len(row.ids) for row in rows], kind="stable")
        for start in range(0, len(rows), self.batch):
            part = order[start : start + self.batch]
            # right-padded under causal attention: the padding's content does not matter
            ids, positions = collate_prompts([rows[i] for i in part])
            scores, _ = self._head.logits(
                ids.to(self.device), positions.reshape(-1).to(self.device), use_cache=False
            )
            if self.options is not None:
                how, states = self.options, self._head.states.view(*positions.shape, -1)
                by_row = scores.view(*positions.shape, -1)
                scores = option_scores(by_row, states, how.head, how.yes_no) / how.temperature
            found[part] = scores[:, list(choices)].double().cpu().numpy()
        return found

    def log_odds(self, rows: Sequence[Prompt], pair: ChoicePair) -> np.ndarray:
        """float64 array (rows,): the gold option against the runner-up."""
        scores = self.scores(rows, [pair.gold, pair.runner_up])
        return np.asarray(scores[:, 0] - scores[:, 1] + pair.prior_odds)

    def p_gold(self, rows: Sequence[Prompt], contrast: Contrast) -> np.ndarray:
        """float64 array (rows,): probability of the gold option among the options."""
        scores = self.scores(rows, contrast.choices)
        if contrast.log_prior is not None:
            scores = scores + contrast.log_prior
        p = torch.softmax(torch.from_numpy(scores), dim=1)
        return np.asarray(p[:, contrast.gold].numpy())

    def attribute(self, prompt: WordedPrompt, contrast: Contrast) -> Attribution:
        """Values of a prompt's words."""
        log_odds = _LogOdds(self, prompt, contrast.pair)
        parts = parts_of(prompt)
        shares = _share_among(parts, log_odds)
        words = np.zeros(len(prompt.words))
        for members, share in zip(parts, shares, strict=True):
            words[members] = _split_share(members, share, log_odds)
        whole, letters_only = log_odds(np.stack([log_odds.everything, log_odds.nothing]))
        rotated = [self.log_odds([r.prompt], r.pair)[0] for r in contrast.rotations[1:]]
        words[letter_of(prompt, contrast.gold)] = whole - np.mean([whole, *rotated])
        return Attribution(words, float(whole), float(letters_only))


class _LogOdds:
    """Log-odds as a function of which words are present; each combination is evaluated once."""

    def __init__(self, reader: Reader, prompt: WordedPrompt, pair: ChoicePair) -> None:
        self.reader, self.prompt, self.pair = reader, prompt, pair
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
            found = self.reader.log_odds(prompts, self.pair)
            self._known.update(zip(new, found.tolist(), strict=True))
        return np.array([self._known[key] for key in keys])


def _share_among(parts: list[np.ndarray], log_odds: _LogOdds) -> np.ndarray:
    """Shapley values of the parts: exact, or sampled where there are more than MOST_EXACT."""

    def value(coalitions: torch.Tensor) -> torch.Tensor:
        present = np.repeat(log_odds.nothing[None], len(coalitions), axis=0)
        for row, members in zip(present, coalitions.bool().tolist(), strict=True):
            for part, takes_part in zip(parts, members, strict=True):
                row[part] = takes_part
        return torch.from_numpy(log_odds(present))

    one = torch.ones(1, len(parts))
    if len(parts) > MOST_EXACT:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            shares = ShapleyValueSampling(value).attribute(
                one, n_samples=SAMPLES, perturbations_per_eval=log_odds.reader.batch
            )
    else:
        every = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * len(parts))
        value(every)  # in full batches; captum's orders then find every value known
        shares = ShapleyValues(value).attribute(one, perturbations_per_eval=len(every))
    return np.asarray(shares[0].double().numpy())


def _split_share(members: np.ndarray, share: float, log_odds: _LogOdds) -> np.ndarray:
    """A part's share by words: what each adds as first and as last (mean), fitted to the share."""

    def value(present: torch.Tensor) -> torch.Tensor:
        rows = np.repeat(log_odds.everything[None], len(present), axis=0)
        rows[:, members] = present.bool().numpy()
        return torch.from_numpy(log_odds(rows))

    ablation = FeatureAblation(value)
    all_present, none_present = torch.ones(1, len(members)), torch.zeros(1, len(members))
    batch = {"perturbations_per_eval": len(members)}
    last: Any = ablation.attribute(all_present, baselines=0, **batch)
    first: Any = -ablation.attribute(none_present, baselines=1, **batch)
    added = np.asarray((first + last)[0].double().numpy()) / 2
    weights = np.abs(added)
    weights = weights / weights.sum() if weights.any() else np.full(len(added), 1 / len(added))
    return np.asarray(added + (share - added.sum()) * weights)


def parts_of(prompt: WordedPrompt) -> list[np.ndarray]:
    """Indices of the words of the question, and of each option."""
    parts: dict[int, list[int]] = {}
    for number in maskable(prompt):
        parts.setdefault(prompt.words[number].option, []).append(int(number))
    return [np.array(members) for _, members in sorted(parts.items())]


def maskable(prompt: WordedPrompt) -> np.ndarray:
    """Indices of the words that may be left out: those of question and options."""
    return np.array([i for i, w in enumerate(prompt.words) if w.part in (QUESTION, OPTION)])


def letter_of(prompt: WordedPrompt, option: int) -> int:
    """Index of the letter before an option."""
    return next(i for i, w in enumerate(prompt.words) if w.part == LETTER and w.option == option)


def attributable(prompt: WordedPrompt) -> np.ndarray:
    """Indices of the words that can get a value: those of question and options, and the letters."""
    parts = (QUESTION, OPTION, LETTER)
    return np.array([i for i, w in enumerate(prompt.words) if w.part in parts])


def without(prompt: WordedPrompt, words: np.ndarray) -> Prompt:
    """The prompt without the tokens of some words; options end where they then do."""
    gone = prompt.tokens_of(words)
    ids = [token for token, absent in zip(prompt.prompt.ids, gone, strict=True) if not absent]
    before = np.cumsum(gone)
    return Prompt(ids, [end - int(before[end]) for end in prompt.prompt.ends])
