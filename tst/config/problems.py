"""What is wrong with a stress test's settings that types alone do not show."""

from __future__ import annotations

from tst.config.schema import RunConfig
from tst.core.ranges import find_range_problems
from tst.diagnostics.known import find_diagnostic
from tst.tracking.settings import find_conflicts


def find_problems(config: RunConfig) -> list[str]:
    """Every problem, each with its fix."""
    problems = find_range_problems(config)
    fold = config.fold
    beyond = [f for f in fold.only or [] if not 0 <= f < fold.k]
    if beyond or fold.only == []:
        problems.append(
            f"fold.only={fold.only}: folds are numbered 0 to {fold.k - 1}; name at least one."
        )
    if config.features.context != "none" and not reads_features(config):
        problems.append(
            f"features.context={config.features.context}: diagnostic {config.diagnostic.name} "
            "reads no features, so that it would change nothing. Use diagnostic=rf, or leave it "
            "out."
        )
    return problems + find_conflicts(config.tracking)


def reads_features(config: RunConfig) -> bool:
    """Whether the diagnostic reads ``features``, and with them the text of other questions."""
    declared = find_diagnostic(config.diagnostic.name, config.diagnostic.implementation)
    return "features" in declared.reads
