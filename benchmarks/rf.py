"""Times TsT-RF on planted tables: python benchmarks/rf.py [n ...] (default: up to 80,000)."""

import os
import resource
import sys
import time

from tst.benchmarks.planted import plant_rows
from tst.core.folds import plan_folds
from tst.core.questions import build_table
from tst.diagnostics.forest.diagnostic import ForestDiagnostic
from tst.diagnostics.forest.settings import ForestSettings

SIZES = [600, 5_000, 20_000, 80_000]


def main(sizes: list[int]) -> None:
    print(f"{len(os.sched_getaffinity(0))} cores")
    print(
        f"{'questions':>9} {'plan s':>7} {'cold s':>7} {'again s':>7} {'cpu s':>7} {'peak GB':>8}"
    )
    for n in sizes:
        table = build_table("planted", plant_rows(n, 0)).frame
        start = time.perf_counter()
        plan = plan_folds(table, 5, 0)
        planned = time.perf_counter()
        diagnostic = ForestDiagnostic(ForestSettings(), [])
        list(diagnostic.run_folds(table, plan, plan.folds(), 0))
        cold, cpu = time.perf_counter(), time.process_time()
        list(diagnostic.run_folds(table, plan, plan.folds(), 0))
        again, spent = time.perf_counter(), time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{n:9d} {planned - start:7.1f} {cold - planned:7.1f} {again - cold:7.1f} "
            f"{spent:7.1f} {peak:8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main([int(n) for n in sys.argv[1:]] or SIZES)
