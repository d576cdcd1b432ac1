"""``python -m tst.noisy_study``: what the recorded runs of ``tst.noisy`` say together.

Examples::

    python -m tst.noisy_study
    python -m tst.noisy_study outputs_root=outputs folder=docs/noisy 'formats=[pdf,png]'
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from tst.cli.jobs import FINISHED, Outcome, run_command
from tst.core.errors import UserError
from tst.core.ranges import one_of, require_in_range

FORMATS = ("pdf", "png")


@dataclass
class NoisyStudyConfig:
    """What to compare and where to write it.

    outputs_root: records are read from it; folder: where tables and figures go
    formats: of the figures: pdf, png
    """

    outputs_root: str = "outputs"
    folder: str = "outputs/noisy_study"
    formats: list[str] = one_of(["pdf"], FORMATS)
    fail_fast: bool = False


def study_job(cfg: DictConfig) -> Outcome:
    """Compare optimizers over seeds, one CSV, text and three figures a setting."""
    from tst.analysis.experiments import find_experiments
    from tst.analysis.figures.noisy import FIGURES
    from tst.analysis.figures.style import save_figure
    from tst.analysis.noisy_study import REFERENCE, compare, group_runs, judge
    from tst.cli.console import wide_console
    from tst.cli.noisy_console import show_comparison
    from tst.records.files import write_csv, write_text
    from tst.records.survey import NOISY

    config = OmegaConf.to_object(cfg)
    assert isinstance(config, NoisyStudyConfig)
    require_in_range(config)
    experiments, unusable = find_experiments(Path(config.outputs_root), NOISY)
    for bad in unusable:
        print(f"left out, {bad.state}: {bad.path} ({bad.reason})")
    if not experiments:
        raise UserError(
            f"outputs_root={config.outputs_root}: no finished run of tst.noisy in it; run "
            "python -m tst.noisy -m optimizer=adamw,casmo seed=0,1,2 first."
        )
    folder = Path(config.folder)
    groups, notes = group_runs(experiments)
    for note in notes:
        print(note)
    if not groups:
        raise UserError(
            f"outputs_root={config.outputs_root}: no run in it can be compared, for the reasons "
            "above; run python -m tst.noisy again, into a new outputs_root."
        )
    for setting, runs in groups.items():
        sentences = [s for o in runs if o != REFERENCE for s in judge(runs, o)]
        seeds = ", ".join(f"{o} {sorted(by_seed)}" for o, by_seed in runs.items())
        text = "\n".join([str(setting), f"seeds: {seeds}", *sentences])
        comparison = compare(runs)
        print(f"\n{text}")
        show_comparison(comparison, wide_console())
        write_text(folder / f"{setting.slug}.txt", text + "\n")
        write_csv(folder / f"{setting.slug}.csv", comparison)
        for name, draw in FIGURES.items():
            figure = draw(runs)
            for form in config.formats:
                save_figure(figure, folder / f"{setting.slug}-{name}.{form}")
    print(f"tables and figures: {folder}")
    return Outcome(FINISHED, str(folder))


def main() -> None:
    """Console script ``tst-noisy-study``."""
    ConfigStore.instance().store(name="noisy_study_schema", node=NoisyStudyConfig)
    sys.exit(run_command("noisy_study", study_job, lambda outcomes: None))


if __name__ == "__main__":
    main()
