import numpy as np
import pytest

from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.models.number_model import candidates


@pytest.mark.parametrize("rules", [ScoringRules(), ScoringRules(mra_inclusive=True)])
@pytest.mark.parametrize("seed", range(5))
def test_the_best_candidate_is_as_good_as_the_best_number(seed, rules):
    golds = np.random.default_rng(seed).choice([1.0, 2.0, 3.0, 5.5, 8.0, 20.0], size=12)
    grid = candidates(golds)
    reached = rules.score_numbers(grid[None, :], golds[:, None]).mean(axis=0).max()
    best = np.array(rules.best_number(golds))
    assert reached == pytest.approx(rules.score_numbers(best, golds).mean())


def test_many_golds_have_few_candidates():
    assert len(candidates(np.random.default_rng(0).random(5000))) < 400
