"""Answers without adapters: computed once per question and model, whatever the folds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

import pandas as pd

from tst.core.diagnostic import Store
from tst.core.questions import content_keys
from tst.diagnostics.llm.model.loading import BaseModel
from tst.diagnostics.llm.scoring.answers import COLUMNS

KIND = "zero_shot"
# raise when prompts or scoring change: kept answers of earlier versions are then not found
VERSION = 3


def zero_shot_answers(
    questions: pd.DataFrame,
    base: BaseModel,
    how: str,
    store: Store | None,
    compute: Callable[[pd.DataFrame], pd.DataFrame],
) -> tuple[pd.DataFrame, float]:
    """Scoring columns for all questions, indexed as they are, and the seconds it took now.

    how: the settings that can change an answer, as text
    Looks in this process first (a pruned table asks for a part of what is known), then in the store
    under the table's content and the model, and computes the rest.
    """
    started = time.perf_counter()
    keys = [f"{how}:{key}" for key in content_keys(questions, with_answer=False)]
    text = "\n".join([str(VERSION), base.identity, *sorted(keys)])
    table_key = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    known = base.zero_shot
    if store is not None and not all(key in known for key in keys):
        kept = store.get(KIND, table_key)
        if kept is not None:
            known.update({str(row["key"]): row[COLUMNS] for _, row in kept.iterrows()})
    missing = [key not in known for key in keys]
    if any(missing):
        fresh = compute(questions[missing])
        new_keys = [key for key, absent in zip(keys, missing, strict=True) if absent]
        known.update({key: row for key, (_, row) in zip(new_keys, fresh.iterrows(), strict=True)})
        if store is not None:
            frame = pd.DataFrame([known[key] for key in keys]).reset_index(drop=True)
            store.put(KIND, table_key, frame.assign(key=keys))
    answers = pd.DataFrame([known[key] for key in keys]).set_axis(questions.index)
    return answers[COLUMNS], time.perf_counter() - started
