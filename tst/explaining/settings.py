"""What a user can set for ``python -m tst.explain``; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from tst.core.ranges import bounded, expecting


@dataclass
class ExplainConfig:
    """What to explain, and how closely.

    record: folder of a finished run with ``diagnostic.save_adapters=true``
    questions: multiple-choice questions to explain, those with the highest s; 0: all
    draws: random masks per question, to compare the most attributed tokens with
    batch: prompts in one forward pass
    out: the page; null: explain.html in the record
    """

    record: str | None = expecting(None, "the folder that a run printed as `record: PATH`", bool)
    questions: int = bounded(20, at_least=0)
    draws: int = bounded(8, at_least=1)
    batch: int = bounded(32, at_least=1)
    device: str = "auto"
    out: str | None = None
    outputs_root: str = "outputs"
    fail_fast: bool = False
