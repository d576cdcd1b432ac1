"""Mutation testing of the scoring core: ``python -m tests.mutants.run`` (``make mutants``).

First the named mutants (``tests.mutants.named``), each against the tests that must notice it; then
mutmut over tst/core and tst/scoring with the tests of those folders, on a seeded sample. All of it
runs in a copy of the project. Survivors that are known stand in ``survivors.toml`` with the reason.

Exit code 1 when a named mutant survives or too few mutants of the sample are killed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from pathlib import Path

from tests.mutants.named import NAMED, NamedMutant

ROOT = Path(__file__).parents[2]
NEEDED = ("tst", "tests", "conf", "pyproject.toml", "README.md")
LEAST_KILLED = 0.9
FIRST = "tst.scoring.cross_validation.*"
"""A few mutants: with them mutmut writes all others too, so that they can be listed."""
KILLED = {"killed", "timeout", "segfault"}
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def copy_project(folder: Path) -> None:
    """What tests of the core need, without caches."""
    for name in NEEDED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "assets")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy2(source, folder / name)


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a module in the copy."""
    others = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(folder), *([others] if others else [])])
    environment = {**ENVIRONMENT, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True
    )  # fmt: skip


def is_noticed(mutant: NamedMutant, folder: Path) -> bool:
    """Whether the mutant's tests fail with it, as they must, and pass without it."""
    path = mutant.find(folder)
    original = path.read_text(encoding="utf-8")
    words = ("pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.tests)
    before = python(folder, *words)
    if before.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} fails without any mutant:\n{before.stdout[-2000:]}")
    try:
        mutant.apply(folder)
        return python(folder, *words).returncode == 1
    finally:
        path.write_text(original, encoding="utf-8")


def run_mutmut(folder: Path, names: list[str], children: int) -> None:
    """Run some mutants; RuntimeError when mutmut could not."""
    done = python(folder, "mutmut", "run", "--max-children", str(children), *names)
    if done.returncode != 0:
        raise RuntimeError(f"mutmut stopped:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def read_states(folder: Path) -> dict[str, str]:
    """The state of every mutant by name."""
    listed = python(folder, "mutmut", "results", "--all", "true").stdout
    return dict(line.strip().rsplit(": ", 1) for line in listed.splitlines() if ": " in line)


def choose_sample(names: list[str], size: int, seed: int) -> list[str]:
    """Names by a hash of (seed, name): most stay in the sample when the code changes."""

    def place(name: str) -> str:
        return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).hexdigest()

    return sorted(sorted(names, key=place)[:size])


def describe_mutant(folder: Path, name: str) -> tuple[str, str, str]:
    """Function, removed and added source of a mutant."""
    shown = python(folder, "mutmut", "show", name).stdout.splitlines()
    changed = [line for line in shown if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    removed = " ".join(line[1:].strip() for line in changed if line[0] == "-")
    added = " ".join(line[1:].strip() for line in changed if line[0] == "+")
    function = name.partition("__mutmut_")[0].replace("x_", "", 1).replace("xǁ", "")
    return function.replace("ǁ", "."), removed, added


def read_known() -> dict[tuple[str, str, str], dict[str, str]]:
    """Survivors that were looked at, by function, removed and added source."""
    listed = tomllib.loads((Path(__file__).parent / "survivors.toml").read_text(encoding="utf-8"))
    entries = [entry | {"kind": kind} for kind, known in listed.items() for entry in known]
    return {(e["function"], e["removed"], e["added"]): e for e in entries}


def run_named(folder: Path) -> int:
    """How many of the named mutants survive; one line each."""
    survived = 0
    for mutant in NAMED:
        noticed = is_noticed(mutant, folder)
        survived += not noticed
        print(f"  {'killed  ' if noticed else 'SURVIVED'}  {mutant.name}", flush=True)
    return survived


def run_sample(folder: Path, size: int, seed: int, children: int) -> float:
    """The share of the sample that is killed; the others are told, known ones with the reason."""
    run_mutmut(folder, [FIRST], children)
    everything = list(read_states(folder))
    sample = choose_sample(everything, size, seed) if size else everything
    run_mutmut(folder, sample, children)
    states = read_states(folder)
    counts = Counter(states[name] for name in sample)
    killed = sum(counts[state] for state in KILLED)
    known = read_known()
    left: dict[str, list[str]] = {"equivalent": [], "survivor": [], "new": []}
    for name in sample:
        if states[name] not in KILLED:
            mutant = describe_mutant(folder, name)
            entry = known.get(mutant, {"kind": "new", "why": f"{states[name]}, {name}"})
            function, removed, added = mutant
            left[entry["kind"]].append(
                f"    {function}\n      - {removed}\n      + {added}\n      {entry['why']}"
            )
    titles = {
        "equivalent": "equivalent: nothing that can be observed differs",
        "survivor": "survive, and why",
        "new": "survive and stand in no list (tests/mutants/survivors.toml)",
    }
    for kind, title in titles.items():
        if left[kind]:
            print(f"  {len(left[kind])} {title}")
            print("\n".join(left[kind]))
    share = killed / len(sample)
    of_others = killed / (len(sample) - len(left["equivalent"]))
    print(
        f"  {killed} of {len(sample)} mutants killed ({share:.1%}; {of_others:.1%} without the "
        f"equivalent ones), of {len(everything)} in all; {dict(counts)}"
    )
    return share


def main() -> int:
    """Run all mutants; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=500, help="mutants of mutmut; 0: all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--children", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--only", choices=["named", "sample"])
    asked = parser.parse_args()
    started = time.perf_counter()
    survived, share = 0, 1.0
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        copy_project(folder)
        if asked.only != "sample":
            print("named mutants", flush=True)
            survived = run_named(folder)
        if asked.only != "named":
            print("mutants of tst/core and tst/scoring", flush=True)
            share = run_sample(folder, asked.sample, asked.seed, asked.children)
    print(f"{time.perf_counter() - started:.0f} s")
    return int(bool(survived) or share < LEAST_KILLED)


if __name__ == "__main__":
    sys.exit(main())
