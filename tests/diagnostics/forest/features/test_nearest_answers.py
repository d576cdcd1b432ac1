"""The most similar questions are found without sorting all of them."""

import numpy as np
from scipy.sparse import csr_matrix

from tst.diagnostics.forest.features.nearest_answers import NEIGHBOURS, nearest_questions


def unit_rows(n, seed):
    rng = np.random.default_rng(seed)
    words = rng.random((n, 40)) * (rng.random((n, 40)) < 0.3)
    words[:, 0] += 0.1
    # equal rows: ties, which the earlier question wins
    words[n // 2 :] = words[: n - n // 2]
    return words / np.sqrt((words**2).sum(1))[:, None]


def test_neighbours_are_the_most_similar_of_other_folds_and_the_first_of_equal_ones():
    asked, known = csr_matrix(unit_rows(50, 0)), csr_matrix(unit_rows(300, 1))
    found = nearest_questions(asked, known, None)
    similarity = (asked @ known.T).toarray()
    for row, values in enumerate(similarity):
        expected = np.zeros(len(values))
        first = np.lexsort((np.arange(len(values)), -values))[:NEIGHBOURS]
        expected[first] = values[first] ** 2
        np.testing.assert_array_equal(found[[row]].toarray().ravel(), expected)
    fold = np.arange(300) % 3
    near = nearest_questions(known, known, fold).tocoo()
    assert (fold[near.row] != fold[near.col]).all()
    assert (np.bincount(near.row, minlength=300) == NEIGHBOURS).all()
