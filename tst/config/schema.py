"""The typed schema of a run, and the only place that knows Hydra's DictConfig.

Every knob is a field of a dataclass; conf/ gives them values, the command line overrides them. A
misspelt key or a wrong type is refused while Hydra composes the config.
"""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tst.benchmarks.settings import BenchmarkSettings
from tst.core.errors import UserError
from tst.core.ranges import bounded, expecting, find_range_problems
from tst.core.scoring_rules import ScoringRules
from tst.diagnostics.forest.settings import FeatureSettings, ForestSettings
from tst.diagnostics.llm.settings import LoraSettings, ModelSettings, OptimizerSettings
from tst.pruning.settings import PredictionSettings, PruneSettings
from tst.pruning.settings import find_conflicts as find_prune_conflicts
from tst.tracking.settings import TrackingSettings
from tst.tracking.settings import find_conflicts as find_tracking_conflicts

_PACKAGE = Path(__file__).parents[1]
CONFIG_FOLDER = next(p for p in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if p.is_dir())
"""conf/: inside the package when installed from a wheel, beside it in the repository."""

N_AUTO = {"rf": 600, "lora_llm": 152}
"""What ``benchmark.n=auto`` means for the planted benchmark, by diagnostic."""


@dataclass
class FoldSettings:
    """Who is held out when.

    k: number of folds
    seed: the plan's seed; repeat i uses seed + i; with (repeat, fold) also the training seed
    repeats: how often everything is done anew with other folds
    group_by: a declared group whose questions stay in one fold; ``first``: the first declared one;
        null: random folds
    only: run these folds of every repeat alone; another run completes the record
    """

    k: int = bounded(5, at_least=2)
    seed: int = bounded(42, at_least=0)
    repeats: int = bounded(1, at_least=1)
    group_by: str | None = None
    only: list[int] | None = None

    def grouping(self, declared: list[str]) -> str | None:
        """The group to fold by; UserError when ``first`` is asked of a benchmark without groups."""
        if self.group_by != "first":
            return self.group_by
        if not declared:
            raise UserError("fold=grouped5: this benchmark declares no groups; use fold=random5.")
        return declared[0]


@dataclass
class ScoringSettings:
    """mra_inclusive: count an error equal to a threshold as inside it, as the official scorer."""

    mra_inclusive: bool = False

    def rules(self) -> ScoringRules:
        """The rules that these settings ask for."""
        return ScoringRules(self.mra_inclusive)


@dataclass
class NullSettings:
    """repeats: null draws of each kind (20 for reporting; 0: none), stored beside the result."""

    repeats: int = bounded(0, at_least=0)


@dataclass
class JobSettings:
    """What one job of a sweep needs of the machine; read by the launchers.

    cpus: processor cores; also the processes a forest uses when jobs run side by side
    gpus: number of GPUs, or auto: one where this machine has any
    """

    cpus: int = 1
    gpus: Any = "auto"


@dataclass
class RunConfig:
    """One stress test.

    data_root: folder with one sub-folder a benchmark, read instead of the hub
    outputs_root: everything a run writes is under it
    n_jobs: processes that a forest may use; -1 for all cores
    device: auto, cpu, cuda, cuda:1, ...
    fail_fast: stop a sweep at its first failed job
    dry_run: describe the run and stop (diagnostic=lora_llm)
    """

    benchmark: BenchmarkSettings = field(default_factory=BenchmarkSettings)
    diagnostic: Any = MISSING
    model: ModelSettings = field(default_factory=ModelSettings)
    optimizer: OptimizerSettings = field(default_factory=OptimizerSettings)
    fold: FoldSettings = field(default_factory=FoldSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    scoring: ScoringSettings = field(default_factory=ScoringSettings)
    null: NullSettings = field(default_factory=NullSettings)
    job: JobSettings = field(default_factory=JobSettings)
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    data_root: str | None = expecting(
        None, "an existing folder", lambda path: path is None or Path(path).is_dir()
    )
    outputs_root: str = "outputs"
    n_jobs: int = expecting(
        -1, "a positive number, or -1 for all cores", lambda n: n >= 1 or n == -1
    )
    device: str = "auto"
    fail_fast: bool = False
    dry_run: bool = False


@dataclass
class PruneConfig(RunConfig):
    """A stress test that is repeated while the worst questions go (``tst.prune``).

    judges: rf and lora_llm, as ``diagnostic`` would be; ``prune.judge`` names one
    predictions: how files of a model's own answers read
    """

    prune: PruneSettings = field(default_factory=PruneSettings)
    judges: dict[str, Any] = field(default_factory=dict)
    predictions: PredictionSettings = field(default_factory=PredictionSettings)


_INTERNALS = (
    "To append to",
    "full_key:",
    "reference_type=",
    "object_type=",
    "Config search path",
    "provider=",
)
"""Lines of Hydra's errors that help nobody mend a config."""

DIAGNOSTICS: dict[str, type] = {"rf": ForestSettings, "lora_llm": LoraSettings}


def gpus_a_job(wanted: Any) -> int:
    """The number of GPUs a job asks for; ``auto`` is one where this machine has any."""
    return int(any(Path("/dev").glob("nvidia[0-9]*"))) if wanted == "auto" else int(wanted)


def sweep_name() -> str | None:
    """Date and time of the sweep that the current job belongs to; None outside of a sweep."""
    if not HydraConfig.initialized() or HydraConfig.get().mode != RunMode.MULTIRUN:
        return None
    return " ".join(Path(str(HydraConfig.get().sweep.dir)).parts[-2:])


def register_schema() -> None:
    """Tell Hydra the schema; the defaults lists in conf/ name its parts."""
    OmegaConf.register_new_resolver("gpus_a_job", gpus_a_job, replace=True)
    OmegaConf.register_new_resolver("sweep_name", sweep_name, replace=True)
    store = ConfigStore.instance()
    store.store(name="run_schema", node=RunConfig)
    store.store(name="prune_schema", node=PruneConfig)
    for name, settings in DIAGNOSTICS.items():
        store.store(group="schema", name=name, node=settings)


def typed(cfg: DictConfig) -> RunConfig:
    """The config as plain dataclasses, checked as a whole.

    Raises UserError with every problem there is.
    """
    config = OmegaConf.to_object(cfg)
    assert isinstance(config, RunConfig)
    if problems := find_problems(config):
        raise UserError("\n".join(problems))
    return config


def compose(overrides: list[str]) -> RunConfig:
    """The config that the command line ``python -m tst.main <overrides>`` would run.

    Raises UserError for a misspelt key or group, a wrong type or an impossible combination.
    """
    register_schema()
    try:
        with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
            return typed(hydra_compose("config", overrides))
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(one_message(error)) from error


def one_message(error: Exception) -> str:
    """A composition error and its causes, without Hydra's internals."""
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        for line in str(cause).splitlines():
            text = line.strip()
            if text and text not in lines and not text.startswith(_INTERNALS):
                lines.append(text)
        cause = cause.__cause__
    lines.append("`--help` lists the groups and their options; `--cfg job` shows every setting.")
    return "\n".join(lines)


def find_problems(config: RunConfig) -> list[str]:
    """What is wrong with a config that types alone do not show; each with its fix."""
    problems = find_range_problems(config)
    fold = config.fold
    beyond = [f for f in fold.only or [] if not 0 <= f < fold.k]
    if beyond or fold.only == []:
        problems.append(
            f"fold.only={fold.only}: folds are numbered 0 to {fold.k - 1}; name at least one."
        )
    problems += find_tracking_conflicts(config.tracking)
    if isinstance(config, PruneConfig):
        seeds = list(range(fold.seed, fold.seed + fold.repeats))
        problems += find_prune_conflicts(config.prune, seeds)
    return problems


def resolve_auto(config: RunConfig) -> RunConfig:
    """A copy in which ``auto`` values that can change a number are replaced by what they mean."""
    config = deepcopy(config)
    if config.benchmark.n == "auto":
        config.benchmark.n = N_AUTO[config.diagnostic.name]
    if config.n_jobs == -1:
        config.n_jobs = len(os.sched_getaffinity(0))
    return config


def to_plain(config: RunConfig) -> dict[str, Any]:
    """Nested plain dicts, lists and scalars."""
    plain = OmegaConf.to_container(OmegaConf.structured(config), enum_to_str=True)
    assert isinstance(plain, dict)
    return {str(k): v for k, v in plain.items()}


def to_yaml(config: RunConfig) -> str:
    """config.yaml of the record: the resolved values."""
    return yaml.safe_dump(to_plain(config), sort_keys=False, allow_unicode=True)
