"""Questions as rows of other trainers' files: the very prompts and targets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from tst.core.diagnostic import Fold
from tst.diagnostics.llm.prompting.encoding import Encoder
from tst.diagnostics.llm.prompting.prompts import LETTERS
from tst.external_training.settings import ALPACA, FOR_LLAMAFACTORY, SHAREGPT, TRL


def training_rows(train: pd.DataFrame, encoder: Encoder, style: str) -> list[dict[str, Any]]:
    """One row per training question; nothing in it but prompt and target."""
    prompts, _ = encoder.user_texts(train)
    targets = encoder.target_texts(train)
    return [_row(p, t, style) for p, t in zip(prompts, targets, strict=True)]


def _row(prompt: str, target: str, style: str) -> dict[str, Any]:
    if style == ALPACA:
        return {"instruction": prompt, "input": "", "output": target}
    if style == SHAREGPT:
        turns = [{"from": "human", "value": prompt}, {"from": "gpt", "value": target}]
        return {"conversations": turns}
    asked, answered = (
        {"role": "user", "content": prompt},
        {"role": "assistant", "content": target},
    )
    if style == TRL:
        return {"prompt": [asked], "completion": [answered]}
    return {"messages": [asked, answered]}


def heldout_rows(
    heldout: pd.DataFrame, ids: Sequence[str], encoder: Encoder, fold: Fold
) -> list[dict[str, Any]]:
    """One row per held-out question: prompt and option letters, no answer.

    ids: in the order of the questions
    """
    prompts, _ = encoder.user_texts(heldout)
    sizes = [
        len(o) if f == "mc" else 0
        for o, f in zip(heldout["options"], heldout["format"], strict=True)
    ]
    return [
        {
            "id": name,
            "repeat": fold[0],
            "fold": fold[1],
            "format": kind,
            "prompt": prompt,
            "letters": list(LETTERS[:size]),
        }
        for name, kind, prompt, size in zip(ids, heldout["format"], prompts, sizes, strict=True)
    ]


def file_suffix(style: str) -> str:
    """LLaMA-Factory's rows are one JSON list, the others' one JSON object per line."""
    return ".json" if style in FOR_LLAMAFACTORY else ".jsonl"


def as_text(rows: list[dict[str, Any]], suffix: str) -> str:
    """The content of a file of rows."""
    if suffix == ".json":
        return json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def dataset_info(names: Sequence[str], style: str) -> dict[str, Any]:
    """LLaMA-Factory's dataset_info.json: a dataset per training file."""
    if style == ALPACA:
        about: dict[str, Any] = {
            "formatting": "alpaca",
            "columns": {"prompt": "instruction", "query": "input", "response": "output"},
        }
    else:
        about = {
            "formatting": "sharegpt",
            "columns": {"messages": "conversations"},
            "tags": {
                "role_tag": "from",
                "content_tag": "value",
                "user_tag": "human",
                "assistant_tag": "gpt",
            },
        }
    return {name: {"file_name": f"{name}.json", **about} for name in names}
