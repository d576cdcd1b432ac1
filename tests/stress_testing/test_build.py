import pytest

from tst.config.composition import compose
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.known import KNOWN
from tst.stress_testing.build import build_diagnostic


@pytest.mark.parametrize("diagnostic", KNOWN)
def test_every_diagnostic_is_told_the_rules(diagnostic):
    words = [f"diagnostic={diagnostic}", "model=tiny", "scoring.mra_inclusive=true"]
    assert build_diagnostic(compose(words), None).rules == ScoringRules(mra_inclusive=True)
