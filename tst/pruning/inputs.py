"""All inputs of a pruning, read and checked before anything is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from tst.benchmarks.files import Record
from tst.benchmarks.source import source_records
from tst.core.errors import UserError
from tst.core.questions import GROUP_PREFIX, QuestionTable
from tst.pruning.allocation import Quotas, plan_quotas, rows_of_ids
from tst.pruning.judging import Removal
from tst.pruning.model_answers.scoring import Answers, read_answers
from tst.pruning.record import read_ids
from tst.pruning.settings import PruneConfig
from tst.records.files import read_json
from tst.scoring.information import NO_CHOICES
from tst.stress_testing.build import diagnostic_of
from tst.stress_testing.run import load_table

T = TypeVar("T")


@dataclass(frozen=True)
class Inputs:
    """The question table, its source records, the quotas, and what is compared.

    compare: other lists of removed questions
    vision, blind: models' answers with and without the pictures
    """

    table: QuestionTable
    source: list[Record]
    quotas: Quotas
    compare: dict[str, Removal]
    vision: dict[str, Answers]
    blind: dict[str, Answers]


def read_inputs(config: PruneConfig) -> Inputs:
    """Read the benchmark and every file that the settings name.

    Raises one UserError with everything that is wrong with the files.
    """
    settings = config.prune
    table = load_table(config)
    source = source_records(config.benchmark, config.data_root, table)
    if settings.rank_by == "delta" and not diagnostic_of(config).has_zero_shot:
        raise UserError(
            f"prune.rank_by=delta: diagnostic={config.diagnostic.name} has no zero-shot model; use "
            "prune.rank_by=adjusted."
        )
    without = sorted(set(table.frame["format"]) - {"mc"})
    if settings.rank_by == "bits" and without:
        raise UserError(
            f"prune.rank_by=bits: {NO_CHOICES}, and this set also has {', '.join(without)} "
            "questions; use adjusted."
        )
    grouped = bool(settings.judges()) and "grouped" in settings.judge_folds
    if grouped and not table.groups:
        raise UserError("prune.judge_folds: this benchmark declares no groups; use [random].")
    problems = find_few_groups(config, table, grouped)

    def collect(read: Callable[[], T]) -> T | None:
        try:
            return read()
        except UserError as error:
            problems.append(str(error))
            return None

    def answers(kind: str, name: str, files: object) -> Answers | None:
        return collect(
            lambda: read_answers(
                f"prune.{kind}.{name}", files, config.predictions, source, table.frame,
                _id_column(config, table), config.scoring.rules(),
            )
        )  # fmt: skip

    like = collect(lambda: read_ids(Path(settings.like), "prune.like") if settings.like else None)
    quotas = collect(lambda: plan_quotas(settings, table.frame, like))
    compare = {
        name: collect(partial(read_removal, table, name, Path(path)))
        for name, path in (settings.compare or {}).items()
    }
    seen, unseen = settings.predictions or {}, settings.blind or {}
    vision = {name: answers("predictions", name, files) for name, files in seen.items()}
    blind = {name: answers("blind", name, files) for name, files in unseen.items()}
    if quotas is not None and len(table.frame) - quotas.budget < config.fold.k:
        problems.append(
            f"prune.budget: removing {quotas.budget} of {len(table.frame)} questions leaves fewer "
            f"than the {config.fold.k} folds need."
        )
    if config.fold.only is not None:
        problems.append("fold.only: every iteration needs all folds; leave it at null.")
    if problems or quotas is None:
        raise UserError("\n".join(problems))
    return Inputs(table, source, quotas, _given(compare), _given(vision), _given(blind))


def _id_column(config: PruneConfig, table: QuestionTable) -> str:
    """The source's column that names questions: as the settings say, else as it was understood."""
    guessed = {} if table.understanding is None else table.understanding.columns
    return config.benchmark.columns.id or guessed.get("id", "id")


def find_few_groups(config: PruneConfig, table: QuestionTable, judge_grouped: bool) -> list[str]:
    """A problem per grouping, of the chooser or the judge, that has fewer groups than folds."""
    groupings = [config.fold.grouping(table.groups), table.groups[0] if judge_grouped else None]
    counts = {g: table.frame[GROUP_PREFIX + g].nunique() for g in groupings if g is not None}
    return [
        f"fold.k={config.fold.k}: there are only {count} groups ({g}) to make folds of."
        for g, count in counts.items()
        if count < config.fold.k
    ]


def _given(found: dict[str, T | None]) -> dict[str, T]:
    return {name: value for name, value in found.items() if value is not None}


def read_removal(table: QuestionTable, name: str, path: Path) -> Removal:
    """A list of removed ids; a summary.json in its folder, if any, names the chooser."""
    setting = f"prune.compare.{name}"
    rows = rows_of_ids(table.frame, read_ids(path, setting), setting)
    try:
        source = read_json(path.expanduser().parent / "summary.json")
        chooser: str | None = str(source["chooser"])
    except (OSError, ValueError, KeyError, TypeError):
        chooser = None
    return Removal(rows, chooser)
