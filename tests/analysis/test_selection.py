"""Which records a table shows, and what it says of the others."""

from pathlib import Path

import pytest

from tst.analysis.selection import choose, difference
from tst.records.run_records import RunRecord


def record(name: str, **leaves: object) -> RunRecord:
    known = {"fold.seed": 42, "diagnostic.name": "lora_llm", "diagnostic.epochs": 1.0}
    summary = {"data": {"questions": 10, "fingerprint": "a"}}
    return RunRecord(Path(name), "planted", "lora_llm", "tiny", summary, known | leaves)


@pytest.mark.parametrize("samples", [8, 32])
def test_a_setting_that_came_later_is_told_by_its_value(samples):
    plain, several = record("a"), record("b", **{"diagnostic.number_samples": samples})
    assert difference(several, plain) == "diagnostic.number_samples=0"
    assert difference(plain, several) == f"diagnostic.number_samples={samples}"
    chosen = choose([several, plain])
    assert chosen.records == (plain,)
    assert chosen.passed_over == ((several, f"diagnostic.number_samples={samples}"),)
