"""``python -m tst.audit``: audit a file of questions, from reading it to the questions to mend.

Examples::

    tst audit my.csv
    tst audit my.csv --before old.csv
    tst audit benchmark=vsi_bench data_root=DIR audit.text=false
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tst.auditing.settings import AuditConfig, complete, find_audit_problems
from tst.cli.command import Command
from tst.cli.command_line import as_typed
from tst.cli.console_script import names_a_command
from tst.cli.outcomes import FINISHED, FOUND, Outcome

LOCAL = ("data_root=", "outputs_root=", "n_jobs=", "benchmark.path=", "hydra")
"""Beginnings of overrides that say where things are on this machine; a published page has none."""


def audit(config: AuditConfig) -> Outcome:
    """Audit one file of questions and print its verdict and where its files are."""
    from hydra.core.hydra_config import HydraConfig

    from tst.auditing import run
    from tst.auditing.files import write_files
    from tst.auditing.findings import find_types
    from tst.auditing.language_model import describe_missing
    from tst.cli.audit_console import show_end, show_found
    from tst.cli.tables import standard_output

    overrides = list(HydraConfig.get().overrides.task)
    if config.dry_run:
        print(run.describe(config))
        return Outcome(FINISHED)
    console, root = standard_output(), Path(config.outputs_root)
    command = public_command(overrides)

    def tell_verdict(audit: run.Audit) -> None:
        """Write and show what there is: nobody has to wait for the nulls."""
        write_files(audit, command, root)
        show_found(audit, console)

    found = run.audit(config, tell_verdict)
    files = write_files(found, command, root)
    words = [word for word in overrides if not word.startswith("audit.llm=")]
    again = as_typed("audit", [*words, "audit.llm=true"], config.benchmark.path)
    show_end(found, files, describe_missing(config, found, again), console)
    fails = config.audit.fail_if is not None and any(t.is_exposed for t in find_types(found))
    return Outcome(FOUND if fails else FINISHED, str(found.deciding.path))


def public_command(overrides: Sequence[str]) -> str:
    """The command as a published page shows it: files by their names alone."""
    words = [word for word in overrides if not word.startswith(LOCAL)]
    shown = []
    for word in words:
        key, _, value = word.partition("=")
        is_path = key in ("benchmark", "audit.before") and "/" in value
        shown.append(f"{key}={Path(value.strip(chr(39))).name}" if is_path else word)
    return as_typed("audit", shown)


def arrange(arguments: Sequence[str]) -> list[str]:
    """The command line as Hydra reads it: a file as ``benchmark=``, ``--before`` as a setting."""
    arranged = list(arguments)
    if names_a_command(arranged):
        arranged[0] = f"benchmark={arranged[0]}"
    for place, word in enumerate(arranged):
        if word == "--before" and place + 1 < len(arranged):
            arranged[place : place + 2] = [f"audit.before={arranged[place + 1]}"]
        elif word.startswith("--before="):
            arranged[place] = f"audit.before={word.removeprefix('--before=')}"
    return arranged


COMMAND = Command("audit", AuditConfig, audit, find_audit_problems, complete)


def main() -> None:
    """Audit the file that the first word names, or the benchmark of ``benchmark=``."""
    sys.argv[1:] = arrange(sys.argv[1:])
    COMMAND.main()


if __name__ == "__main__":
    main()
