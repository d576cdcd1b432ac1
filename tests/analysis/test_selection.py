"""Which records a table shows, and what it says of the others."""

from pathlib import Path

import pytest

from tst.analysis.selection import choose, deviations, difference
from tst.diagnostics.known import find_diagnostic
from tst.records.run_records import RunRecord

TODAY = find_diagnostic("lora_llm").version
EARLIER = {"diagnostic.version": TODAY - 1}


def record(name: str, **leaves: object) -> RunRecord:
    own = {"name": "lora_llm", "implementation": "", "epochs": 1.0, "number_samples": 0}
    known = {"fold.seed": 42, **{f"diagnostic.{key}": value for key, value in own.items()}}
    known["diagnostic.version"] = TODAY
    summary = {
        "data": {"questions": 10, "fingerprint": "a"},
        "diagnostic": {"defaults": own},
    }
    return RunRecord(Path(name), "planted", "lora_llm", "tiny", "TsT-LLM", summary, known | leaves)


@pytest.mark.parametrize("samples", [8, 32])
def test_records_with_the_default_settings_are_shown(samples):
    plain, several = record("a"), record("b", **{"diagnostic.number_samples": samples})
    assert difference(several, plain) == "diagnostic.number_samples=0"
    assert difference(plain, several) == f"diagnostic.number_samples={samples}"
    chosen = choose([several, plain])
    assert chosen.records == (plain,)
    assert deviations(several) == ["diagnostic.number_samples"]
    assert chosen.passed_over == ((several, f"diagnostic.number_samples={samples}"),)


def test_an_earlier_version_stands_only_where_it_has_more_seeds_and_is_never_mixed_in() -> None:
    # further from the defaults, as with a recipe that has a new setting
    today = [
        record(f"new{seed}", **{"fold.seed": seed, "diagnostic.epochs": 6.0}) for seed in (1, 2)
    ]
    before = [record(f"old{seed}", **{"fold.seed": seed}, **EARLIER) for seed in (1, 2, 3)]
    assert choose([*before[:2], *today]).records == tuple(today)
    assert choose([*before, *today]).records == tuple(before)
    assert [r for r, _ in choose([*before, *today]).passed_over] == today
