"""What an entity featuriser reads in one question: the plug that a benchmark's own features fit.

A featuriser is any object with ``describe(question_type, question, options) -> Facts | None``. It
sees one question's text at a time and never an answer; what it returns is cached by that text.
A benchmark's YAML names it: ``vsi_bench``, ``cv_bench``, or a dotted path such as
``my_package.features.MyFeatures`` (a class without arguments).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from tst.core.imports import import_object

BUILT_IN = {
    "vsi_bench": "tst.diagnostics.forest.text.vsi_bench.VsiBenchFeatures",
    "cv_bench": "tst.diagnostics.forest.text.cv_bench.CvBenchFeatures",
}


@dataclass
class Facts:
    """What one question's text says. Names are free; equal names and texts are counted together.

    keys: {name: text} about the question; with each option's text for multiple choice
    option_keys: {name: [text, one per option]}, multiple choice only
    claims: {name: [[(text, +1 or -1), ...], one list per option]}: what would hold if this option
        were right; the opposite claim is the same text with the other sign
    """

    keys: dict[str, str] = field(default_factory=dict)
    option_keys: dict[str, list[str]] = field(default_factory=dict)
    claims: dict[str, list[list[tuple[str, int]]]] = field(default_factory=dict)


class Featuriser(Protocol):
    """Reads the entities in one question's text."""

    def describe(
        self, question_type: str, question: str, options: list[str] | None
    ) -> Facts | None:
        """The facts of a question, None when it is not of a form that this featuriser knows."""


def load_featuriser(name: str) -> Featuriser:
    """The featuriser of a name (see BUILT_IN) or dotted path; UserError when there is none."""
    made: Featuriser = import_object(
        BUILT_IN.get(name, name),
        "benchmark.features",
        f"{', '.join(BUILT_IN)}, or the dotted path of a class with "
        "describe(question_type, question, options) -> Facts",
    )()
    return made
