"""All figures of the paper that one outputs folder has records for."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from tst.analysis.experiments import find_experiments
from tst.analysis.figures.noisy import FIGURES, draw_fronts
from tst.analysis.figures.records import draw_benchmarks, draw_pruning, draw_questions, draw_types
from tst.analysis.noisy_groups import group_variants
from tst.analysis.study import Study
from tst.records.kinds import NOISY_TUNING, PRUNING
from tst.records.run_records import find_records


def draw_all(outputs_root: Path) -> dict[str, Figure]:
    """Figures by file name; of several seeds the first stands for a benchmark's types."""
    study = Study(find_records(outputs_root))
    figures: dict[str, Figure] = {}
    if study.found.records:
        figures["benchmarks"] = draw_benchmarks(study)
    for questions, subject, scheme in study.cells():
        for record in study.cell(questions, subject, scheme).records[:1]:
            name = "-".join([questions.slug, subject.model or subject.diagnostic, scheme])
            figures[f"types-{name}"] = draw_types(record)
            figures[f"questions-{name}"] = draw_questions(record)
    pruning = draw_pruning(find_experiments(outputs_root, PRUNING)[0])
    if pruning is not None:
        figures["pruning"] = pruning
    grouped = group_variants(find_experiments(outputs_root, NOISY_TUNING)[0])
    for setting in grouped.variants:
        if runs := grouped.runs(setting)[0]:
            for name, draw in FIGURES.items():
                figures[f"noisy-{setting.slug}-{name}"] = draw(runs)
        if (fronts := grouped.fronts(setting)) and setting.share:
            figures[f"noisy-{setting.slug}-fronts"] = draw_fronts(fronts)
    return figures
