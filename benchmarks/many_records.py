"""Times tables and report over many records: python -m benchmarks.many_records [count] [questions].

A few records come from the real runner with a quick diagnostic; the others are their copies with
other seeds, models and benchmark names, under the hashes that these give.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import yaml

from tests.made_records import make_record
from tst.records.files import checksum, read_json, write_json
from tst.records.identity import IDENTITY, read_identity

BENCHMARKS = ["vsi_bench", "cv_bench", "video_mme", "mmmu", "mmstar"]
MODELS = [f"lora_llm-model{i}" for i in range(7)]


def copy_record(source: Path, root: Path, benchmark: str, subject: str, seed: int) -> None:
    """The record as if another benchmark, subject (``rf``, ``lora_llm-NAME``) or seed made it."""
    config: dict[str, Any] = yaml.safe_load((source / "config.yaml").read_text())
    config["benchmark"]["name"] = benchmark
    config["fold"]["seed"] = seed
    config["model"]["name"] = subject.partition("-")[2] or config["model"]["name"]
    made = read_identity(source)
    other = {"benchmark.name": benchmark, "fold.seed": seed, "model.name": config["model"]["name"]}
    leaves = made.leaves | {path: value for path, value in other.items() if path in made.leaves}
    identity = replace(made, leaves=leaves)
    target = root / "runs" / benchmark / subject / source.parent.name / identity.hash
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("folds"))
    (target / "config.yaml").write_text(yaml.safe_dump(config))
    write_json(target / IDENTITY, asdict(identity))
    summary, status = read_json(target / "summary.json"), read_json(target / "status.json")
    summary["diagnostic"]["model"] = subject.partition("-")[2]
    write_json(target / "summary.json", summary)
    status["files"]["summary.json"] = checksum(target / "summary.json")
    write_json(target / "status.json", status)


def make_records(root: Path, count: int, n: int) -> None:
    """``count`` finished records of ``n`` questions each: benchmarks by subjects by seeds."""
    made = root / "made"
    sources = {
        (kind, scheme): make_record(
            made, f"diagnostic={kind}", f"fold={scheme}", f"benchmark.n={n}", "n_jobs=1"
        )
        for kind in ("rf", "lora_llm")
        for scheme in ("random5", "grouped5")
    }
    places = (
        (seed, benchmark, subject, scheme)
        for seed in range(count)
        for benchmark in BENCHMARKS
        for subject in ["rf", *MODELS]
        for scheme in ("random5", "grouped5")
    )
    for (seed, benchmark, subject, scheme), _ in zip(places, range(count), strict=False):
        kind = subject.partition("-")[0]
        copy_record(sources[kind, scheme], root, benchmark, subject, seed)
    shutil.rmtree(made)


def main(count: int, n: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_records(root, count, n)
        print(f"{count} records of {n} questions")
        for module in ("tst.tables", "tst.report", "tst.status"):
            start = time.perf_counter()
            words = [sys.executable, "-m", module, f"outputs_root={root}"]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            seconds = time.perf_counter() - start
            print(f"{module}: {seconds:.1f} s; {done.stdout.splitlines()[-2:]}", flush=True)
        print(f"report.html: {(root / 'report.html').stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:]]
    main(*(words + [400, 2_500][len(words) :]))
