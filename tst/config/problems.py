"""What is wrong with a stress test's settings that types alone do not show."""

from __future__ import annotations

from tst.config.schema import RunConfig
from tst.core.ranges import find_range_problems
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
    return problems + find_conflicts(config.tracking)
