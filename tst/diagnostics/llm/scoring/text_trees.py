"""How likely a model is to write each of several texts after a prompt, what they share read once.

The texts of a prompt form a tree of tokens: numbers often begin alike. One forward pass reads all
of it beside the prompt's cache (``SharedRows``), each token seeing those that lead to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from tst.diagnostics.llm.model.answer_head import FLOAT_LOGITS, AnswerHead
from tst.diagnostics.llm.prompting.encoded_questions import Prompt
from tst.diagnostics.llm.scoring.side_by_side import read_prompts

ROOT = -1
"""The end of the prompt, as a token that others follow."""


class TextTree:
    """Texts (token ids, not empty) as one tree.

    tokens, parents, depths: of each token that another follows, after its parent (ROOT: the prompt)
    paths: per text, each of its tokens as (the one before it, token id)
    """

    def __init__(self, texts: Sequence[Sequence[int]]) -> None:
        self.tokens: list[int] = []
        self.parents: list[int] = []
        self.depths: list[int] = []
        self.paths: list[list[tuple[int, int]]] = []
        places: dict[tuple[int, int], int] = {}
        for text in texts:
            before = ROOT
            path = []
            for depth, token in enumerate(text):
                path.append((before, token))
                if depth + 1 == len(text):
                    break
                if (before, token) not in places:
                    places[before, token] = len(self.tokens)
                    self.tokens.append(token)
                    self.parents.append(before)
                    self.depths.append(depth)
                before = places[before, token]
            self.paths.append(path)

    def ancestors(self) -> np.ndarray:
        """bool (n, n): whether token j leads to token i, or is it."""
        found = np.eye(len(self.tokens), dtype=bool)
        for i, parent in enumerate(self.parents):  # parents come first
            if parent != ROOT:
                found[i] |= found[parent]
        return found


def tree_log_likelihoods(
    head: AnswerHead,
    prompts: Sequence[Prompt | None],
    texts: Sequence[Sequence[Sequence[int]]],
    multiple: int = 1,
) -> list[np.ndarray]:
    """float64 (texts,) of each prompt: log-likelihood of each of its texts, summed over tokens.

    texts: per prompt, token ids; none for an empty prompt. The model can share rows
    (``can_share_rows``).
    """
    trees = [TextTree(own) for own in texts]
    logits, rows = read_prompts(head, prompts, copies=1, multiple=multiple)
    if rows is None:
        raise ValueError("this model's state cannot be continued; ask can_share_rows first")
    width = max(len(tree.tokens) for tree in trees)
    ids = torch.zeros(len(trees), width, dtype=torch.long)
    depths = torch.zeros(len(trees), width, dtype=torch.long)
    own = torch.eye(width, dtype=torch.bool).repeat(len(trees), 1, 1)
    positions: list[int] = []
    for row, tree in enumerate(trees):
        size = len(tree.tokens)
        ids[row, :size] = torch.tensor(tree.tokens, dtype=torch.long)
        depths[row, :size] = torch.tensor(tree.depths, dtype=torch.long)
        own[row, :size, :size] = torch.from_numpy(tree.ancestors())
        positions += range(row * width, row * width + size)
    if positions:
        read = rows.read(ids, depths, own, torch.tensor(positions))
        logits = torch.cat([logits, read])
    # the logits that each token of each text is read from: the prompt's, then the trees' in a row
    starts = np.cumsum([len(trees), *(len(tree.tokens) for tree in trees)])
    wanted = [
        (row if before == ROOT else int(starts[row]) + before, token)
        for row, tree in enumerate(trees)
        for path in tree.paths
        for before, token in path
    ]
    values = iter(_log_probabilities(logits, wanted).tolist())
    return [
        np.array([sum(next(values) for _ in path) for path in tree.paths], dtype=float)
        for tree in trees
    ]


def _log_probabilities(logits: torch.Tensor, wanted: list[tuple[int, int]]) -> torch.Tensor:
    """float64 (n,): log-probabilities of tokens under rows of logits, from (row, token)."""
    size = max(1, FLOAT_LOGITS // logits.shape[1])
    totals = torch.cat([part.float().logsumexp(1) for part in logits.split(size)])
    row, token = torch.tensor(wanted, device=logits.device).T
    return (logits[row, token].float() - totals[row]).double().cpu()
