"""The stress test from Python, with the same records as the command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tst.core.errors import UserError, brief

if TYPE_CHECKING:
    import pandas as pd

    from tst.stress_testing.run import Result


def stress_test(
    benchmark: pd.DataFrame | str | Path | Iterable[str | Path] | Iterable[Mapping[str, Any]],
    diagnostic: str = "rf",
    *,
    columns: dict[str, Any] | None = None,
    name: str | None = None,
    outputs_root: str | Path = "outputs",
    overrides: Sequence[str] = (),
    config_dir: str | Path | None = None,
) -> Result:
    """Run one stress test and return its result.

    Parameters
    ----------
    benchmark : DataFrame, dicts with one question each (a list, a dataset of Hugging Face), path of
        a table (or several), or name of a configured benchmark (``vsi_bench``)
    diagnostic : name of a configured diagnostic: ``rf``, ``lora_llm``, or one of ``config_dir``
    columns : which column holds what, for a DataFrame or a path whose columns have unusual names:
        question, answer, options, question_type, id, groups, metadata, as ``benchmark.columns.*``
        on the command line
    name : name of the benchmark in the record; default: the file's, or ``table``
    outputs_root : everything that is written is under it
    overrides : further settings as on the command line, e.g. ``["fold=grouped5"]``
    config_dir : folder with benchmarks and diagnostics of your own, as ``--config-dir`` names it

    Raises
    ------
    UserError : for anything that the caller can mend
    """
    import pandas as pd

    from tst.benchmarks.files.reading import is_file_name
    from tst.benchmarks.load import table_from_frame, table_from_records
    from tst.config.composition import compose, name_benchmark
    from tst.config.unread import find_unread
    from tst.stress_testing.run import run

    configured = isinstance(benchmark, str) and not is_file_name(benchmark)
    words = [f"diagnostic={diagnostic}", *overrides]
    config = compose([f"benchmark={benchmark if configured else 'table'}", *words], config_dir)
    config.outputs_root = str(outputs_root)
    settings = config.benchmark
    for key, value in (columns or {}).items():
        if key not in vars(settings.columns):
            raise UserError(
                f"columns has the key {key!r}; expected some of {', '.join(vars(settings.columns))}"
            )
        setattr(settings.columns, key, str(value) if isinstance(value, int) else value)
    asked = [f"benchmark.columns.{key}={value}" for key, value in (columns or {}).items()]
    problems = find_unread(settings, asked)
    if configured and name is not None:
        problems.append(f"name={name}: {benchmark} is named already; leave it out.")
    if problems:
        raise UserError("\n".join(problems))
    if configured:
        return run(config)
    settings.name = name or settings.name
    if isinstance(benchmark, pd.DataFrame):
        return run(config, table_from_frame(settings, benchmark))
    items = _paths_or_dicts(benchmark)
    if isinstance(items, list) and isinstance(items[0], Mapping):
        return run(config, table_from_records(settings, items))
    settings.path = items
    name_benchmark(config)
    return run(config)


def _paths_or_dicts(benchmark: Any) -> Any:
    """A path or a list of paths as text, or a list of dicts. Raises UserError for anything else."""
    if isinstance(benchmark, str | Path):
        return str(benchmark)
    several = isinstance(benchmark, Iterable) and not isinstance(benchmark, Mapping)
    items = list(benchmark) if several else []
    dicts = [item for item in items if isinstance(item, Mapping)]
    paths = [str(item) for item in items if isinstance(item, str | Path)]
    if not items or len(items) not in (len(dicts), len(paths)):
        raise UserError(
            f"benchmark={brief(benchmark)}: expected a path or several, a DataFrame, dicts "
            "with one question each, or the name of a configured benchmark."
        )
    return dicts or paths
