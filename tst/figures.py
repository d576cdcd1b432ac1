"""``python -m tst.figures``: the paper's figures as PDF from the records that exist.

Examples::

    tst figures
    tst figures outputs_root=outputs folder=figures
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tst.cli.command import Command
from tst.cli.outcomes import FINISHED, Outcome
from tst.core.errors import UserError
from tst.core.ranges import existing_folder


@dataclass
class FiguresConfig:
    """outputs_root: records are read from it; folder: PDFs go there."""

    outputs_root: str = existing_folder("outputs")
    folder: str = "outputs/figures"
    fail_fast: bool = False


def draw(config: FiguresConfig) -> Outcome:
    """Draw every figure that there are records for and print where it is."""
    from tst.analysis.figures.build import draw_all
    from tst.analysis.figures.style import save_figure

    figures = draw_all(Path(config.outputs_root))
    if not figures:
        raise UserError(
            f"outputs_root={config.outputs_root}: no finished record to draw. Run a stress test "
            "first: tst diagnostic=rf"
        )
    for name, figure in figures.items():
        path = Path(config.folder) / f"{name}.pdf"
        save_figure(figure, path)
        print(path)
    return Outcome(FINISHED)


COMMAND = Command("figures", FiguresConfig, draw)
main = COMMAND.main

if __name__ == "__main__":
    main()
