"""The named mutants still apply; `make mutants` says whether the tests notice them."""

from pathlib import Path

import pytest

from tests.mutants.named import NAMED, NamedMutant
from tests.mutants.run import read_known

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mutant", NAMED, ids=lambda mutant: mutant.name)
def test_every_named_mutant_still_applies(mutant, tmp_path):
    path = mutant.find(ROOT)
    compile(path.read_text().replace(mutant.before, mutant.after), str(path), "exec")
    assert mutant.before != mutant.after
    assert all((ROOT / tests).exists() for tests in mutant.tests)


def test_a_mutant_is_applied_in_its_one_place(tmp_path):
    package = tmp_path / "tst" / "part"
    package.mkdir(parents=True)
    (package / "one.py").write_text("a = 1\nb = 2\n")
    (package / "two.py").write_text("b = 2\n")
    mutant = NamedMutant("m", "a = 1", "a = 2", ())
    assert mutant.apply(tmp_path) == package / "one.py"
    assert (package / "one.py").read_text() == "a = 2\nb = 2\n"
    with pytest.raises(ValueError, match="found in no file, expected in one place"):
        mutant.apply(tmp_path)
    with pytest.raises(ValueError, match=r"found in tst/part/one\.py, tst/part/two\.py"):
        NamedMutant("m", "b = 2", "b = 3", ()).find(tmp_path)


def test_every_known_survivor_stands_in_the_code_as_it_is():
    for (function, removed, _), entry in read_known().items():
        assert entry["kind"] in ("equivalent", "survivor") and entry["why"]
        parts = function.split(".")
        module = next(
            path
            for size in range(len(parts) - 1, 0, -1)
            if (path := ROOT.joinpath(*parts[:size]).with_suffix(".py")).exists()
        )
        source = " ".join(module.read_text(encoding="utf-8").split())
        assert " ".join(removed.split()) in source, f"{function}: {removed}"
