import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tst.core.disjoint_sets import DisjointSets

PAIRS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=15)


@given(PAIRS)
def test_sets_are_the_connected_parts_named_after_their_smallest(pairs):
    joined = DisjointSets(range(12))
    reach = np.eye(12, dtype=bool)
    for one, other in pairs:
        joined.join(one, other)
        reach[one, other] = reach[other, one] = True
    reach = np.linalg.matrix_power(reach.astype(float), 12) > 0
    assert [joined.name_of(i) for i in range(12)] == [int(np.argmax(row)) for row in reach]
