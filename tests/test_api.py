"""TsT from Python."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import tst.api
from tests.conftest import QUICK
from tst.core.errors import UserError

ROWS = [
    {"question": f"Which sail {i % 7}?", "options": ["red", "blue", "grey"], "answer": i % 3}
    for i in range(24)
]


def test_the_function_stays_one_after_its_first_call(tmp_path: Path) -> None:
    """Importing the package of its name, within the first call, took the function's place."""
    words = [word for word in QUICK if "=" in word and not word.startswith("diagnostic=")]
    code = (
        "import tst\n"
        f"rows, words = {ROWS!r}, {[*words, 'fold.k=2']!r}\n"
        f"root = {str(tmp_path)!r}\n"
        "for _ in range(2):\n"
        "    result = tst.stress_test(rows, overrides=words, outputs_root=root)\n"
        "from tst import stress_test\n"
        "assert stress_test(rows, overrides=words, outputs_root=root).record == result.record\n"
        "import tst.stress_test.run\n"
        "print(result.summary['overall']['n'], tst.stress_test.run.run.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "24 run"


def test_it_looks_like_a_function() -> None:
    assert callable(tst.stress_test)
    assert inspect.signature(tst.stress_test) == inspect.signature(tst.api.stress_test)
    assert tst.stress_test.__doc__ == tst.api.stress_test.__doc__


@pytest.mark.parametrize("benchmark", [None, 3, [], [1, 2], {"my.csv": 1}, [ROWS[0], "my.csv"]])
def test_what_is_no_benchmark_is_one_message(benchmark: object, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^benchmark=.*expected a path or several, a DataFrame"):
        tst.api.stress_test(benchmark, outputs_root=tmp_path)  # type: ignore[arg-type]
