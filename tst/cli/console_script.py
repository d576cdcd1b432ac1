"""The console script ``tst``: every command under one name.

``tst report out=page.html`` is ``python -m tst.report out=page.html``; without a command's name,
``tst diagnostic=rf`` runs a stress test, as ``python -m tst.main`` does.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from pathlib import Path

COMMANDS = {
    "main": "run a stress test",
    "audit": "audit a file: verdict, questions to mend, HTML report, one page for a paper",
    "check": "show how a file of questions is read, before anything is run",
    "prune": "remove the questions that are answered without looking, then judge the rest",
    "export": "write folds for training by another program",
    "score": "score adapters or answers that were made elsewhere",
    "noisy": "fine-tune a model on instruction data, some of it wrong",
    "report": "write one HTML file over all records",
    "tables": "write the paper's tables from the records",
    "figures": "write the paper's figures from the records",
    "compare": "compare two runs on the same questions",
    "blend": "combine the predictions of several diagnostics",
    "status": "list what is finished, running, failed or missing",
    "explain": "show which words a model's answers depend on",
    "noisy_study": "compare the optimizers of recorded noisy runs",
    "dashboard": "write the workspace of the W&B project",
}
"""Name of a module in tst/ to what the command does."""


def main() -> None:
    """Hand the command line to the command that its first word names, or to the stress test."""
    name = "main"
    if names_a_command(sys.argv[1:]):
        name = sys.argv.pop(1)
        if name not in COMMANDS:
            print(f"tst: {describe_unknown(name)}", file=sys.stderr)
            sys.exit(2)
    importlib.import_module(f"tst.{name}").main()


def names_a_command(arguments: list[str]) -> bool:
    """Whether the first word is meant as a command or a file: neither ``key=value`` nor a flag."""
    if not arguments or arguments[0].startswith("-"):
        return False
    word = arguments[0]
    return "=" not in word or word.startswith(("/", "./", "../", "~/")) or Path(word).is_file()


def describe_unknown(name: str) -> str:
    """The message for a word that is not a command."""
    from tst.benchmarks.files.reading import is_file_name

    close = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    if is_file_name(name):
        hint = f" To audit that file: tst audit {name}."
    return (
        f"{name} is not a command.{hint} The commands are\n\n{list_commands()}\n\n"
        "Without a command `tst` runs a stress test; settings are written key=value: "
        "tst diagnostic=rf benchmark=vsi_bench"
    )


def list_commands() -> str:
    """A line per command but the stress test's, as the help shows them."""
    width = max(map(len, COMMANDS))
    others = {name: does for name, does in COMMANDS.items() if name != "main"}
    return "\n".join(f"  tst {name:{width}}  {does}" for name, does in others.items())
