"""``python -m tst.figures``: the paper's figures as PDF from the records that exist.

Examples::

    python -m tst.figures
    python -m tst.figures outputs_root=outputs folder=figures
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from tst.cli.jobs import FINISHED, Outcome, run_command
from tst.core.errors import UserError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class FiguresConfig:
    """outputs_root: records are read from it; folder: PDFs go there."""

    outputs_root: str = "outputs"
    folder: str = "outputs/figures"
    fail_fast: bool = False


def figures_job(cfg: DictConfig) -> Outcome:
    """Draw every figure that there are records for and print where it is."""
    from tst.analysis.figures.style import save_figure

    config = OmegaConf.to_object(cfg)
    assert isinstance(config, FiguresConfig)
    figures = draw_all(Path(config.outputs_root))
    if not figures:
        raise UserError(
            f"outputs_root={config.outputs_root}: no finished record to draw. Run a stress test "
            "first: python -m tst.main diagnostic=rf"
        )
    for name, figure in figures.items():
        path = Path(config.folder) / f"{name}.pdf"
        save_figure(figure, path)
        print(path)
    return Outcome(FINISHED, config.folder)


def draw_all(outputs_root: Path) -> dict[str, Figure]:
    """Figures by file name; of several seeds the first stands for a benchmark's types."""
    from tst.analysis.experiments import find_experiments
    from tst.analysis.figures.noisy import FIGURES
    from tst.analysis.figures.records import (
        draw_benchmarks,
        draw_pruning,
        draw_questions,
        draw_types,
    )
    from tst.analysis.noisy_study import group_runs
    from tst.analysis.study import GROUPED, LLM, RANDOM, RF, Study
    from tst.records.survey import NOISY, PRUNE
    from tst.records.verified import find_records

    study = Study(find_records(outputs_root))
    figures: dict[str, Figure] = {}
    if study.found.records:
        figures["benchmarks"] = draw_benchmarks(study)
    for benchmark in study.benchmarks:
        for diagnostic, model in [(RF, ""), *((LLM, m) for m in study.models)]:
            for scheme in (RANDOM, GROUPED):
                for record in study.cell(benchmark, diagnostic, model, scheme).records[:1]:
                    name = "-".join(filter(None, [benchmark, model or "rf", scheme]))
                    figures[f"types-{name}"] = draw_types(record)
                    figures[f"questions-{name}"] = draw_questions(record)
    pruning = draw_pruning(find_experiments(outputs_root, PRUNE)[0])
    if pruning is not None:
        figures["pruning"] = pruning
    for setting, runs in group_runs(find_experiments(outputs_root, NOISY)[0])[0].items():
        for name, draw in FIGURES.items():
            figures[f"noisy-{setting.slug}-{name}"] = draw(runs)
    return figures


def main() -> None:
    """Run the command and exit."""
    ConfigStore.instance().store(name="figures_schema", node=FiguresConfig)
    sys.exit(run_command("figures", figures_job, lambda outcomes: None))


if __name__ == "__main__":
    main()
