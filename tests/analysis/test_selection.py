"""Which records a table shows, and what it says of the others."""

from pathlib import Path

import pytest

from tst.analysis.selection import choose, deviations, difference
from tst.records.run_records import RunRecord


def record(name: str, **leaves: object) -> RunRecord:
    own = {"name": "lora_llm", "epochs": 1.0, "number_samples": 0}
    known = {"fold.seed": 42, **{f"diagnostic.{key}": value for key, value in own.items()}}
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
