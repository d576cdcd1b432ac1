"""``python -m tst.noisy_study``: compare the optimizers of recorded runs of ``tst.noisy``.

Examples::

    tst noisy_study
    tst noisy_study outputs_root=outputs folder=docs/noisy 'formats=[pdf,png]'
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tst.cli.command import Command
from tst.cli.outcomes import FINISHED, Outcome
from tst.core.errors import UserError
from tst.core.ranges import existing_folder, one_of

if TYPE_CHECKING:
    from tst.analysis.noisy_groups import Runs, Setting, Variants

FORMATS = ("pdf", "png")


@dataclass
class NoisyStudyConfig:
    """What to compare and where to write it.

    outputs_root: records are read from it; folder: where tables and figures go
    formats: of the figures: pdf, png
    """

    outputs_root: str = existing_folder("outputs")
    folder: str = "outputs/noisy_study"
    formats: list[str] = one_of(["pdf"], FORMATS)
    fail_fast: bool = False


def study(config: NoisyStudyConfig) -> Outcome:
    """What was chosen; per setting the hypotheses in sentences, comparison, fronts and
    figures; the hypotheses over all settings.
    """
    from tst.analysis.experiments import find_experiments
    from tst.analysis.figures.noisy_overview import draw_overview
    from tst.analysis.figures.style import save_figure
    from tst.analysis.noisy_groups import group_variants
    from tst.analysis.noisy_hypotheses import overview
    from tst.analysis.noisy_sentences import describe_choices
    from tst.cli.noisy_console import show_overview
    from tst.cli.tables import standard_output
    from tst.records.files import write_csv, write_text
    from tst.records.kinds import NOISY_TUNING

    experiments, unusable = find_experiments(Path(config.outputs_root), NOISY_TUNING)
    for bad in unusable:
        print(f"left out, {bad.state}: {bad.path} ({bad.reason})")
    if not experiments:
        raise UserError(
            f"outputs_root={config.outputs_root}: no finished run of tst noisy in it; run "
            "tst noisy -m optimizer=adamw,casmo seed=0,1,2 first."
        )
    folder = Path(config.folder)
    grouped = group_variants(experiments)
    for note in grouped.notes:
        print(note)
    if not grouped.variants:
        raise UserError(
            f"outputs_root={config.outputs_root}: no run in it can be compared, for the reasons "
            "above; run tst noisy again, into a new outputs_root."
        )
    for study_hash, choices in grouped.choices.items():
        text = describe_choices(choices)
        print(f"\nchosen by the loss of held-out clean pairs, study {study_hash}\n{text}")
        write_text(folder / f"chosen-{study_hash}.txt", text + "\n")
    compared = []
    for setting in sorted(grouped.variants):
        fronts, (runs, left_out) = grouped.fronts(setting), grouped.runs(setting)
        for note in left_out:
            print(note)
        if not fronts:
            continue
        compared.append((setting, runs, fronts))
        _write_setting(config, setting, runs, fronts)
    if len(whole := overview(compared)):
        print("\nall settings")
        show_overview(whole, standard_output())
        write_csv(folder / "overview.csv", whole)
        if whole["auroc"].notna().any():
            for form in config.formats:
                save_figure(draw_overview(whole), folder / f"overview.{form}")
    print(f"tables and figures: {folder}")
    return Outcome(FINISHED)


def _write_setting(
    config: NoisyStudyConfig, setting: Setting, runs: Runs, fronts: Mapping[str, Variants]
) -> None:
    """Tell how the optimizers compare in a setting, and write its tables and figures."""
    from tst.analysis.figures.noisy import FIGURES, draw_fronts
    from tst.analysis.figures.style import save_figure
    from tst.analysis.noisy_comparison import compare
    from tst.analysis.noisy_fronts import end_points, front_table
    from tst.analysis.noisy_sentences import describe
    from tst.cli.noisy_console import show_comparison
    from tst.cli.tables import standard_output
    from tst.records.files import write_csv, write_text

    folder = Path(config.folder)
    text = describe(setting, runs, fronts)
    print(f"\n{text}")
    write_text(folder / f"{setting.slug}.txt", text + "\n")
    write_csv(folder / f"{setting.slug}-fronts.csv", front_table(fronts))
    write_csv(folder / f"{setting.slug}-rates.csv", end_points(fronts))
    figures = {"fronts": draw_fronts(fronts)} if setting.share else {}
    if runs:
        comparison = compare(runs)
        show_comparison(comparison, standard_output())
        write_csv(folder / f"{setting.slug}.csv", comparison)
        figures |= {name: draw(runs) for name, draw in FIGURES.items()}
    for name, figure in figures.items():
        for form in config.formats:
            save_figure(figure, folder / f"{setting.slug}-{name}.{form}")


COMMAND = Command("noisy_study", NoisyStudyConfig, study)
main = COMMAND.main

if __name__ == "__main__":
    main()
