"""Settings of a command line that nothing would read: refused where a result would differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tst.benchmarks.settings import PLANTED, BenchmarkSettings
from tst.config.schema import RunConfig
from tst.diagnostics.known import find_diagnostic

GENERATOR = ("n", "seed")
"""Settings of ``benchmark`` that only the generator of planted questions reads."""
OF_ANY_SOURCE = ("name", "path", "strict", "features")
"""Settings of ``benchmark`` that count for generated questions too."""


def find_unread(settings: BenchmarkSettings, overrides: Sequence[str]) -> list[str]:
    """The settings of a benchmark that were asked for and are not read; each with the fix.

    overrides: what the command line asked for, as ``key=value``
    """
    generated = settings.is_generated()
    problems = []
    for key, word in _asked(overrides):
        group, _, name = key.partition(".")
        part = name.partition(".")[0]
        if group != "benchmark" or not part:
            continue
        if generated and part not in (*GENERATOR, *OF_ANY_SOURCE):
            problems.append(
                f"{word}: the questions of {PLANTED} are generated, no file is read. Leave it out, "
                "or name a file: benchmark=FILE"
            )
        elif not generated and part in GENERATOR:
            problems.append(
                f"{word}: only the generated benchmark {PLANTED} reads this; of any other all "
                "questions are read. Leave it out. For a first look, fold.only=[0] runs one fold."
            )
    if settings.answers.key is not None and settings.answers.path is None:
        problems.append(
            f"benchmark.answers.key={settings.answers.key}: joins a file of answers that is not "
            "named. Add benchmark.answers.path=FILE, or leave the key out."
        )
    return problems


def without_effect(config: RunConfig, overrides: Sequence[str]) -> list[str]:
    """A sentence for each setting that was asked for and changes nothing in this run.

    A sweep over diagnostics sets models for those that have one, so these are no mistakes.
    """
    name = config.diagnostic.name
    declared = find_diagnostic(name, config.diagnostic.implementation)
    published = config.tracking.name != "none"
    sentences = []
    for key, word in _asked(overrides):
        part = key.partition(".")[0]
        if part in ("model", "optimizer") and part not in declared.reads:
            sentences.append(f"{word} has no effect: diagnostic {name} reads no {part}")
        elif key.startswith("tracking.") and key != "tracking.name" and not published:
            sentences.append(f"{word} has no effect: nothing is published without tracking=wandb")
    return sentences


def _asked(overrides: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each override's key, as in ``fold.k``, and the override as it was typed."""
    for word in overrides:
        yield word.lstrip("+~").partition("=")[0].partition("@")[0], word
