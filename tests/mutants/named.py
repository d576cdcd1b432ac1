"""Mutations of the method that no test noticed once; each must be noticed by the tests named here.

A mutant is a replacement of text, so that it is found wherever the code is moved to. A test says
when one applies no more: then the code was rewritten, and the mutant has to be written anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NamedMutant:
    """A mutation.

    name: what the mutated code does
    before, after: source text that stands in exactly one file under tst/, and what replaces it
    tests: files and folders whose tests must fail
    """

    name: str
    before: str
    after: str
    tests: tuple[str, ...]

    def find(self, root: Path) -> Path:
        """The one file of the package that holds ``before`` once; ValueError without one."""
        files = [path for path in sorted((root / "tst").rglob("*.py"))
                 if self.before in path.read_text(encoding="utf-8")]  # fmt: skip
        if len(files) != 1 or files[0].read_text(encoding="utf-8").count(self.before) != 1:
            places = ", ".join(str(path.relative_to(root)) for path in files) or "no file"
            raise ValueError(
                f"mutant {self.name!r} is found in {places}, expected in one place: write it anew "
                "for the code as it is now (tests/mutants/named.py)"
            )
        return files[0]

    def apply(self, root: Path) -> Path:
        """Mutate the package under ``root``; returns the file that was changed."""
        path = self.find(root)
        path.write_text(path.read_text(encoding="utf-8").replace(self.before, self.after))
        return path


NAMED = (
    NamedMutant(
        "the majority is fitted on held-out rows too",
        "                training = members & ~held\n",
        "                training = members\n",
        ("tests/scoring/test_majority.py",),
    ),
    NamedMutant(
        "the number baseline is not averaged over the type",
        'means = scored["majority"][num].groupby(types[num]).transform("mean")',
        'means = scored["majority"][num]',
        ("tests/scoring/test_majority.py",),
    ),
    NamedMutant(
        "the trees are dropped from the stack of multiple choice",
        '        "trees": (0.2, lambda: Trees(trees, settings.leaf, n_jobs)),\n',
        "",
        ("tests/diagnostics/forest/models/test_choice_model.py",),
    ),
    NamedMutant(
        "the weights of a leaf's answers are not normalised in the expected MRA",
        "share = (1.0 / np.bincount(leaf)[leaf]).astype(np.float32)",
        "share = np.ones(len(leaf), dtype=np.float32)",
        ("tests/diagnostics/forest/models/test_number_forest.py",),
    ),
    NamedMutant(
        "a null holds within 25 standard errors",
        "MOST_STANDARD_ERRORS = 2.5",
        "MOST_STANDARD_ERRORS = 25",
        ("tests/scoring/test_null_tests.py",),
    ),
    NamedMutant(
        "the bootstrap ignores fold.group_by",
        "    if plan.group_by is not None:\n        return GROUP_PREFIX + plan.group_by\n",
        "",
        ("tests/scoring/test_intervals.py",),
    ),
    NamedMutant(
        "zero-shot answers are kept without the settings that made them",
        'keys = [f"{how}:{key}" for key in content_keys(questions, with_answer=False)]',
        "keys = content_keys(questions, with_answer=False)",
        ("tests/diagnostics/llm/scoring/test_zero_shot.py",),
    ),
)
