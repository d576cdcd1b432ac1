"""What each token adds to the gold letter's log-odds against the runner-up.

Layer integrated gradients (Sundararajan et al., 2017) over the input embeddings, by captum: the
path goes from the prompt with its words masked (chat marks and instruction stay) to the prompt. The
attributions of a prompt add up to the difference of the log-odds, up to the error reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from captum.attr import LayerIntegratedGradients

from tst.diagnostics.llm.answers import AnswerHead
from tst.explaining.words import INSTRUCTION, WordedPrompt


@dataclass(frozen=True)
class Contrast:
    """Tokens of the gold letter and of the other letter that the tuned model likes best."""

    gold: int
    rival: int


@dataclass
class Attribution:
    """tokens: float array (tokens,); log_odds: of the whole prompt; masked: of the masked one."""

    tokens: np.ndarray
    log_odds: float
    masked: float

    @property
    def error(self) -> float:
        """How far the attributions are from adding up, in log-odds."""
        return abs(float(self.tokens.sum()) - (self.log_odds - self.masked))


class Reader:
    """A model (tuned or bare) that is asked for log-odds, probabilities and their gradients."""

    def __init__(self, model: torch.nn.Module, mask_token: int, batch: int) -> None:
        self.model = model
        self.mask_token = mask_token
        self.batch = batch
        self.device = next(model.parameters()).device
        self._head = AnswerHead(model)

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        """Logits are computed at the last token alone inside this block."""
        self.model.eval()
        with self._head.attached():
            yield self

    def logits(self, ids: torch.Tensor) -> torch.Tensor:
        """float32 (rows, vocabulary) at the last token of rows of one length."""
        rows, length = ids.shape
        last = torch.arange(1, rows + 1, device=ids.device) * length - 1
        logits, _ = self._head.logits(ids, last, use_cache=False)
        return logits.float()

    def attribute(self, prompt: WordedPrompt, contrast: Contrast, steps: int) -> Attribution:
        """Integrated gradients of one prompt."""

        def log_odds(ids: torch.Tensor) -> torch.Tensor:
            logits = self.logits(ids)
            return logits[:, contrast.gold] - logits[:, contrast.rival]

        model: Any = self.model
        ids = torch.tensor([prompt.ids], device=self.device)
        baseline = torch.tensor(
            [mask(prompt, maskable(prompt), self.mask_token)], device=self.device
        )
        method = LayerIntegratedGradients(log_odds, model.get_input_embeddings())
        found = method.attribute(ids, baseline, n_steps=steps, internal_batch_size=self.batch)
        with torch.no_grad():
            whole, masked = float(log_odds(ids)), float(log_odds(baseline))
        return Attribution(found.sum(dim=-1)[0].float().cpu().numpy(), whole, masked)

    @torch.no_grad()
    def p_gold(self, rows: list[list[int]], letters: list[int], gold: int) -> np.ndarray:
        """float array (rows,): probability of the gold option among the options."""
        found = []
        for start in range(0, len(rows), self.batch):
            ids = torch.tensor(rows[start : start + self.batch], device=self.device)
            options = self.logits(ids)[:, torch.tensor(letters, device=self.device)]
            found.append(torch.softmax(options.double(), dim=1)[:, gold].cpu().numpy())
        return np.concatenate(found)


def maskable(prompt: WordedPrompt) -> np.ndarray:
    """Numbers of the words that may be masked: all but the instruction."""
    return np.array([i for i, w in enumerate(prompt.words) if w.part != INSTRUCTION])


def mask(prompt: WordedPrompt, words: np.ndarray, token: int) -> list[int]:
    """The prompt's token ids with some words replaced, token by token."""
    hidden = prompt.tokens_of(words)
    return [token if h else i for i, h in zip(prompt.ids, hidden, strict=True)]
