"""TsT from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tst.api
from tests.conftest import SMALL
from tst.core.errors import UserError

ROWS = [
    {"question": f"Which sail {i % 7}?", "options": ["red", "blue", "grey"], "answer": i % 3}
    for i in range(24)
]


def test_the_function_stays_one_after_its_first_call(tmp_path: Path) -> None:
    """A package of the function's name would take its place when it is first imported."""
    code = (
        "import tst\n"
        f"rows, words = {ROWS!r}, {[*SMALL, 'fold.k=2']!r}\n"
        f"root = {str(tmp_path)!r}\n"
        "for _ in range(2):\n"
        "    result = tst.stress_test(rows, overrides=words, outputs_root=root)\n"
        "print(result.summary['overall']['n'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "24"


@pytest.mark.parametrize("benchmark", [None, 3, [], [1, 2], {"my.csv": 1}, [ROWS[0], "my.csv"]])
def test_what_is_no_benchmark_is_one_message(benchmark: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^benchmark=.*expected a path or several, a DataFrame"):
        tst.api.stress_test(benchmark, outputs_root=tmp_path)  # type: ignore[arg-type]
