"""Extremely randomised trees, fitted and applied without scikit-learn's own thread pool.

Folds already run in threads, and scikit-learn's pool resets the process-wide warning filters for
every tree, which is a race between threads.
"""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed
from sklearn import config_context
from sklearn.tree import ExtraTreeRegressor
from sklearn.tree._tree import Tree


def grow_trees(
    columns: np.ndarray,
    targets: np.ndarray,
    *,
    trees: int,
    leaf: int,
    max_features: float,
    seed: int,
    n_jobs: int,
) -> list[Tree]:
    """Trees on columns float32 (r, f) and targets (r,), the same for any n_jobs.

    Targets of 0 and 1 are split by squared error, which is the Gini criterion halved.
    """
    goals = targets.astype(np.float64)

    def grow_one(state: int) -> Tree:
        tree = ExtraTreeRegressor(
            min_samples_leaf=leaf, max_features=max_features, random_state=state
        )
        with config_context(
            skip_parameter_validation=True
        ):  # valid, and checked 50 times otherwise
            return tree.fit(columns, goals, check_input=False).tree_

    states = [int(s) for s in np.random.SeedSequence(seed).generate_state(trees)]
    if n_jobs == 1:
        return [grow_one(state) for state in states]
    return list(Parallel(n_jobs=n_jobs, prefer="threads")(delayed(grow_one)(s) for s in states))


def mean_prediction(trees: list[Tree], columns: np.ndarray) -> np.ndarray:
    """The trees' mean prediction for columns float32 (r, f), (r,)."""
    total = np.zeros(len(columns))
    for tree in trees:
        total += tree.value[tree.apply(columns), 0, 0]
    return total / len(trees)
