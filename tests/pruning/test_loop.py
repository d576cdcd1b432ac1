import numpy as np
import pandas as pd
import pytest

from tst.pruning.allocation import plan_quotas
from tst.pruning.loop import Iteration, Pruning, Rules, prune, seeds_of
from tst.pruning.ranking import highest, rank, ranking_scores
from tst.pruning.settings import PruneSettings

NAN = float("nan")


def run(
    s, baseline=0.25, s0=0.0, types=None, tau=None, rank_by="s", seeds=(0,), ids=None, groups=None,
    k=2, bits=0.0, **settings
):  # fmt: skip
    """Prune questions whose score is fixed, or ``s(iteration, seed)``."""
    s_of = s if callable(s) else lambda iteration, seed: np.asarray(s, dtype=float)
    n = len(s_of(0, 0))
    ids = np.array([f"q{i:02d}" for i in range(n)] if ids is None else ids, dtype=object)
    frame = pd.DataFrame({"id": ids, "question_type": types or ["t"] * n, "format": "mc"})
    quotas = plan_quotas(PruneSettings(rank_by=rank_by, **settings), frame, None)
    asked: list[tuple[int, int, int]] = []

    def examine(iteration: int, rows: np.ndarray, seed: int) -> pd.DataFrame:
        asked.append((iteration, len(rows), seed))
        table = pd.DataFrame({"row": rows, "s": s_of(iteration, seed)[rows], "hard": 1.0})
        table["s_zero_shot"] = np.broadcast_to(s0, n)[rows]
        table["hard_zero_shot"] = NAN
        table["baseline"] = np.broadcast_to(baseline, n)[rows]
        table["bits"] = np.broadcast_to(bits, n)[rows]
        return table.assign(seconds=2.0)

    seen: list[tuple[Iteration, int]] = []
    units = None if groups is None else np.array(groups)
    rules = Rules(quotas, rank_by, tau, list(seeds), 1, units, k)
    result = prune(ids, rules, examine, lambda it, gone: seen.append((it, gone)))
    assert [it for it, _ in seen] == result.iterations
    return result, asked


def removed_ids(result: Pruning) -> list[str]:
    return [i for it in result.iterations for i in it.removed]


def test_the_worst_go_first_in_batches_until_the_budget_is_spent():
    result, asked = run([0.1, 0.9, 0.5, 0.8, 0.7], budget=3, batch=2, floor=0)
    assert [it.removed for it in result.iterations] == [["q01", "q03"], ["q04"], []]
    assert result.removed.tolist() == [1, 3, 4]
    assert result.kept.tolist() == [0, 2]
    assert result.stopped == "budget"
    assert asked == [(0, 5, 0), (1, 3, 0), (2, 2, 0)]
    assert [it.n for it in result.iterations] == [5, 3, 2]
    assert [it.lowest for it in result.iterations[:2]] == [0.8, 0.7]
    assert [it.seconds for it in result.iterations] == [2.0, 2.0, 2.0]


def test_ties_go_by_id_and_only_twelve_decimals_count():
    scores = [0.5, 0.5 + 1e-14, 0.5 - 1e-14, 0.5]
    result, _ = run(scores, budget=3, batch=3, floor=0, ids=["d", "c", "b", "a"])
    assert removed_ids(result) == ["a", "b", "c"]
    result, _ = run([0.5, 0.5 + 1e-11], budget=1, batch=1, floor=0, ids=["a", "b"])
    assert removed_ids(result) == ["b"]


def test_questions_without_a_score_are_last():
    result, _ = run([NAN, 0.2, NAN, 0.1], budget=3, batch=4, floor=0)
    assert removed_ids(result) == ["q01", "q03", "q00"]
    # a baseline of 1 leaves nothing to gain: adjusted is not a number
    result, _ = run([1.0, 0.6, 0.3], baseline=[1.0, 0.25, 0.25], rank_by="adjusted", budget=2,
                    batch=1, floor=0)  # fmt: skip
    assert removed_ids(result) == ["q01", "q02"]


@pytest.mark.parametrize(
    ("rank_by", "first"), [("s", "q00"), ("delta", "q01"), ("adjusted", "q02"), ("bits", "q03")]
)
def test_what_ranks(rank_by, first):
    result, _ = run(
        [0.9, 0.8, 0.7, 0.6], s0=[0.8, 0.1, 0.5, 0.6], baseline=[0.8, 0.5, 0.0, 0.3],
        bits=[0.1, -0.2, 0.3, 0.4], rank_by=rank_by, budget=1, batch=1, floor=0,
    )  # fmt: skip
    assert removed_ids(result) == [first]


def test_tau_stops_when_nothing_scores_above_it():
    result, _ = run([0.9, 0.5, 0.6, 0.2], budget=4, batch=1, floor=0, tau=0.6)
    assert removed_ids(result) == ["q00"]
    assert result.stopped == "tau"
    result, _ = run([0.9, 0.5, 0.6, 0.2], budget=4, batch=1, floor=0, tau=0.95)
    assert removed_ids(result) == []
    assert (result.stopped, len(result.iterations)) == ("tau", 1)
    # a batch is removed whole once its highest is above tau
    result, _ = run([0.9, 0.5, 0.6, 0.2], budget=4, batch=3, floor=0, tau=0.6)
    assert removed_ids(result) == ["q00", "q02", "q01"]


def test_tau_looks_at_those_that_may_still_go():
    types = ["a", "a", "b", "b"]
    result, _ = run([0.9, 0.9, 0.3, 0.2], types=types, tau=0.5, batch=1, floor=0,
                    shares={"a": 1, "b": 2})  # fmt: skip
    assert removed_ids(result) == ["q02", "q00"]
    assert result.stopped == "tau"


def test_floors_bind_and_say_so():
    scores = np.linspace(0.9, 0.1, 24)
    result, _ = run(scores, types=["a"] * 12 + ["b"] * 12, budget=20, batch=3)
    assert result.stopped == "floors"
    assert len(result.removed) == 4
    kept = pd.Series(["a"] * 12 + ["b"] * 12)[result.kept]
    assert kept.value_counts().to_dict() == {"a": 10, "b": 10}
    small, _ = run([0.9] * 6, budget=3, batch=1)
    assert (small.stopped, len(small.removed)) == ("floors", 0)


def test_a_batch_that_leaves_fewer_groups_than_folds_stays():
    groups = ["g", "g", "h", "h", "i", "i", "i", "j"]
    scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]
    result, _ = run(scores, budget=6, batch=1, floor=0, groups=groups, k=3)
    assert removed_ids(result) == ["q00", "q01", "q02"]
    assert (result.stopped, len(result.iterations)) == ("groups", 4)
    assert len({groups[row] for row in result.kept}) == 3
    whole, _ = run(scores, budget=6, batch=4, floor=0, groups=groups, k=3)
    assert (whole.stopped, removed_ids(whole)) == ("groups", [])
    enough, _ = run(scores, budget=3, batch=1, floor=0, groups=groups, k=3)
    assert enough.stopped == "budget"


def test_per_type_spreads_every_batch_over_the_types():
    types = ["a"] * 20 + ["b"] * 20
    scores = [0.9 - i / 1000 for i in range(20)] + [0.3 - i / 1000 for i in range(20)]
    result, _ = run(scores, types=types, budget=8, batch=4)
    assert [len(it.removed) for it in result.iterations] == [4, 4, 0]
    assert result.iterations[0].removed == ["q00", "q01", "q20", "q21"]
    everywhere, _ = run(scores, types=types, budget=8, batch=4, allocation="global")
    assert removed_ids(everywhere) == [f"q{i:02d}" for i in range(8)]


def test_seeds_take_turns_after_the_first_state():
    result, asked = run([0.1 * i for i in range(9)], budget=4, batch=1, floor=0, seeds=[3, 4, 5])
    assert [(i, s) for i, _, s in asked] == [(0, 3), (0, 4), (0, 5), (1, 3), (2, 4), (3, 5), (4, 3)]
    assert [it.seconds for it in result.iterations] == [6.0, 2.0, 2.0, 2.0, 2.0]
    rules = Rules(None, "s", None, [0, 1, 2], 2)  # type: ignore[arg-type]
    assert [seeds_of(rules, i) for i in range(4)] == [[0, 1, 2], [0, 1], [2, 0], [1, 2]]


def test_scores_are_means_over_the_latest_run_of_every_seed():
    def s(iteration: int, seed: int) -> np.ndarray:
        if seed == 0:
            return np.array([0.9, 0.5, 0.5, 0.0])
        return np.array([0.9, 0.1, 0.3 if iteration else 0.0, 0.0])

    result, asked = run(s, budget=3, batch=1, floor=0, seeds=[0, 1])
    # iteration 1 runs seed 0 anew; q01 leads by seed 1's old scores, until that is run again
    assert removed_ids(result)[:2] == ["q00", "q01"]
    assert asked[2] == (1, 3, 0)


def test_the_curve_is_of_the_seeds_that_were_run_anew():
    def s(iteration: int, seed: int) -> np.ndarray:
        return np.full(6, 0.2 if iteration else 0.4)

    result, _ = run(s, budget=2, batch=1, floor=0, baseline=0.0, seeds=[0, 1])
    assert [it.score_soft for it in result.iterations] == pytest.approx([0.4, 0.2, 0.2])
    assert result.scores["s"].max() == pytest.approx(0.4)
    assert result.scores.set_index("row").loc[1, "s"] == pytest.approx(0.3)


def test_rank_and_highest():
    assert rank(np.array([NAN, 0.5, 0.5, 0.7]), np.array(list("abcd"))).tolist() == [3, 1, 2, 0]
    assert highest(np.array([NAN, 0.5])) == 0.5
    assert np.isnan(highest(np.array([NAN])))
    scores = pd.DataFrame({"s": [0.5], "s_zero_shot": [0.2], "baseline": [0.25]})
    assert ranking_scores(scores, "delta") == pytest.approx([0.3])
    assert ranking_scores(scores, "adjusted") == pytest.approx([1 / 3])
