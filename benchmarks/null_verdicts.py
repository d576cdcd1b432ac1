"""On how many benchmarks without any shortcut the verdict names a type: clean texts, drawn answers.

    python benchmarks/null_verdicts.py [--tables 40] [--first 0] [--jobs N] [key=value ...]

The multiple-choice questions of a benchmark get answers drawn uniformly among their options, so
nothing about them can be learned. Each table is folded, run and judged as a stress test is; a line
per table says which types its verdict calls exposed. Draws are not those of ``null.repeats``.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

import numpy as np
from joblib import Parallel, delayed

from tst.config.composition import compose
from tst.config.schema import RunConfig
from tst.core.questions import QuestionTable
from tst.records.store import FolderStore
from tst.scoring.cross_validation import cross_validate
from tst.scoring.exposure import FEWEST_QUESTIONS, find_exposed
from tst.scoring.intervals import bootstrap_units
from tst.scoring.null_tests import draw_answers
from tst.scoring.scores import bias_scores
from tst.stress_testing.build import build_diagnostic, predictions_alone, resolve_auto
from tst.stress_testing.run import load_table, plan_for

FIRST_SEED = 10_000


def judge(config: RunConfig, table: QuestionTable, draw: int) -> dict[str, object]:
    """The verdict on one table of drawn answers."""
    started = time.perf_counter()
    config = replace(config, fold=replace(config.fold, seed=FIRST_SEED + draw))
    rng = np.random.default_rng(FIRST_SEED + draw)
    drawn = replace(table, frame=draw_answers(table.frame, rng))
    plan = plan_for(config, drawn)
    rules = config.scoring.rules()
    scored = cross_validate(
        build_diagnostic(config, FolderStore.under(config.outputs_root)), drawn.frame, plan, rules
    )
    scores = bias_scores(scored, drawn.frame)
    found = find_exposed(scores, drawn.frame, bootstrap_units(drawn, plan))
    judged = [e for e in found if e.n >= FEWEST_QUESTIONS]
    return {
        "draw": draw,
        "exposed": [e.question_type for e in found if e.is_exposed],
        "judged": len(judged),
        "types": len(found),
        "score": float(scores["hard"].mean()),
        "chance": float(scores["baseline"].mean()),
        "least_p": min(e.p for e in judged),
        "seconds": time.perf_counter() - started,
    }


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=-1)
    given, overrides = parser.parse_known_args(words)
    config = resolve_auto(predictions_alone(compose(["diagnostic=rf", *overrides, "n_jobs=1"])))
    table = load_table(config)
    draws = range(given.first, given.first + given.tables)
    jobs = (delayed(judge)(config, table, draw) for draw in draws)
    named = done = 0
    for found in Parallel(n_jobs=given.jobs, return_as="generator_unordered")(jobs):
        done += 1
        named += bool(found["exposed"])
        print(
            f"{table.name} table {found['draw']}: exposed {found['exposed'] or 'none'} of "
            f"{found['judged']} types judged ({found['types']} in all); score "
            f"{100 * found['score']:.1f}, chance {100 * found['chance']:.1f}, least p "
            f"{found['least_p']:.4f}; {found['seconds']:.0f} s; so far {named} of {done}",
            flush=True,
        )
    print(f"{table.name}: the verdict names a type on {named} of {done} tables", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
