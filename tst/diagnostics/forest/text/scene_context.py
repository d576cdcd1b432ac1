"""The text of other questions on the same scene, for ``features.scene_context``: never answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tst.core.questions import GROUP_PREFIX, declared_groups
from tst.diagnostics.forest.text.hashing import combine
from tst.diagnostics.forest.text.question_arrays import QuestionArrays, code_all
from tst.diagnostics.forest.text.text_cache import TextCache


class SceneContext:
    """Words by scene, over the questions of a training and a held-out part together."""

    def __init__(self, parts: list[pd.DataFrame], texts: TextCache) -> None:
        self._group = GROUP_PREFIX + declared_groups(parts[0])[0]
        scenes = code_all(scene for part in parts for scene in part[self._group].astype(str))
        ids = texts.add(text for part in parts for text in part["question"])
        row, token = _words(texts, ids)
        self._scenes, self._sizes = np.unique(scenes, return_counts=True)
        cells, self._times = np.unique(combine(scenes[row], token), return_counts=True)
        first = np.unique(combine(scenes[row], token), return_index=True)[1]
        order = np.argsort(scenes[row][first], kind="stable")
        self._cells = cells
        self._scene, self._token = scenes[row][first][order], token[first][order]

    def add_to(self, questions: QuestionArrays, frame: pd.DataFrame) -> None:
        """Set the questions' context: words of the other questions of their scene."""
        scenes = code_all(frame[self._group].iloc[questions.rows].astype(str))
        begin = np.searchsorted(self._scene, scenes)
        length = np.searchsorted(self._scene, scenes, side="right") - begin
        owner = np.repeat(np.arange(len(questions)), length)
        source = (
            np.arange(len(owner)) - np.repeat(np.cumsum(length) - length, length) + begin[owner]
        )
        token = self._token[source]
        times = self._times[np.searchsorted(self._cells, combine(scenes[owner], token))]
        own_row, own_token = _words(questions.texts, questions.question)
        own = np.isin(combine(owner, token), combine(own_row, own_token))
        kept = times - own > 0
        questions.context = (owner[kept], token[kept])
        questions.context_size = self._sizes[np.searchsorted(self._scenes, scenes)] - 1


def _words(texts: TextCache, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(row, token) of every distinct word of every question."""
    tokens, starts = texts.tokens(ids)
    row = np.repeat(np.arange(len(ids)), np.diff(starts))
    pairs = np.unique(np.stack([row.astype(np.uint64), tokens]), axis=1)
    return pairs[0].astype(np.int64), pairs[1]
