"""What each shortcut adds to the utility of options, by kind of model."""

from __future__ import annotations

import lightgbm
import numpy as np
from scipy.sparse import csr_matrix, vstack
from sklearn.tree._tree import Tree

from tst.diagnostics.forest.models.option_inputs import Block
from tst.diagnostics.forest.shortcuts import CHOICES, all_shortcuts, shortcut_of

SHORTCUTS = all_shortcuts()


def shortcut_columns(names: list[str], column: np.ndarray, by_family: dict[str, str]) -> csr_matrix:
    """Which shortcut each column is evidence of, 0 and 1, (f, shortcuts).

    names: distinct names family.what; column: which of them each column has, (f,)
    """
    place = [SHORTCUTS.index(shortcut_of(name, by_family)) for name in names]
    shortcut = np.array(place, dtype=np.int64)[column]
    cells = (np.ones(len(column)), (np.arange(len(column)), shortcut))
    return csr_matrix(cells, shape=(len(column), len(SHORTCUTS)))


def of_blocks(blocks: list[Block], added: np.ndarray) -> np.ndarray:
    """By shortcut what columns add, (r, f), of which those of the blocks come first."""
    columns = vstack([shortcut_columns(block.names, block.column, CHOICES) for block in blocks])
    return np.asarray(added[:, : columns.shape[0]] @ columns)


def of_linear(block: Block, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Of some options in a model with weights (f,), or (r, f) for each of them, (r, shortcuts)."""
    values = block.values[rows]
    if isinstance(values, np.ndarray):
        added = values * weights
    else:
        added = values.tocsr(copy=True)
        added.data = added.data * weights[added.indices]
    parts = added @ shortcut_columns(block.names, block.column, CHOICES)
    return parts if isinstance(parts, np.ndarray) else parts.toarray()


def of_boosted(model: lightgbm.Booster, columns: np.ndarray) -> np.ndarray:
    """Of each column in a model's margin (Shapley values of its trees), (r, f).

    Lundberg, Erion & Lee, "Consistent individualized feature attribution for tree ensembles".
    """
    found = model.predict(columns, pred_contrib=True, num_threads=1)
    return np.asarray(found)[:, :-1]


def of_trees(trees: list[Tree], columns: np.ndarray) -> np.ndarray:
    """Of each column in the trees' mean prediction: its change at every split, (r, f).

    Saabas, "Interpreting random forests" (2014).
    """
    total = np.zeros(columns.shape)
    for tree in trees:
        value, feature, threshold = tree.value[:, 0, 0], tree.feature, tree.threshold
        row = np.arange(len(columns))
        node = np.zeros(len(columns), dtype=np.int64)
        while True:
            inside = feature[node] >= 0
            row, node = row[inside], node[inside]
            if not len(row):
                break
            split = feature[node]
            left = columns[row, split] <= threshold[node]
            child = np.where(left, tree.children_left[node], tree.children_right[node])
            total[row, split] += value[child] - value[node]
            node = child
    return total / len(trees)
