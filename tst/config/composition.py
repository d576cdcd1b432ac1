"""From the command line and conf/ to typed settings: the only place that knows Hydra's DictConfig.

A misspelt key or a wrong type is refused while Hydra composes the config.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tst.benchmarks.naming import TABLE, name_after
from tst.config.arguments import prepare
from tst.config.problems import find_problems
from tst.config.schema import DIAGNOSTICS, RunConfig
from tst.core.errors import UserError

_PACKAGE = Path(__file__).parents[1]
CONFIG_FOLDER = next(p for p in (_PACKAGE / "conf", _PACKAGE.parent / "conf") if p.is_dir())
"""conf/: inside the package when installed from a wheel, beside it in the repository."""

Config = TypeVar("Config")

_INTERNALS = (
    "To append to",
    "full_key:",
    "reference_type=",
    "object_type=",
    "Config search path",
    "provider=",
)
"""Lines of Hydra's errors that help nobody mend a config."""


def gpus_a_job(wanted: Any) -> int:
    """The number of GPUs a job asks for; ``auto`` is one where this machine has any."""
    return int(any(Path("/dev").glob("nvidia[0-9]*"))) if wanted == "auto" else int(wanted)


def sweep_name() -> str | None:
    """Date and time of the sweep that the current job belongs to; None outside of a sweep."""
    if not HydraConfig.initialized() or HydraConfig.get().mode != RunMode.MULTIRUN:
        return None
    return " ".join(Path(str(HydraConfig.get().sweep.dir)).parts[-2:])


def own(value: Any, otherwise: Any, *, _parent_: DictConfig) -> Any:
    """``value`` for the model that a group of model/ is about, else ``otherwise``.

    ``${own:VALUE,OTHERWISE}`` in the group: its settings are not another ``model.name``'s.
    """
    return value if _parent_.training.get("model", _parent_.name) == _parent_.name else otherwise


def tuned(name: str, default: Any, *, _root_: DictConfig) -> Any:
    """The model's own training setting (``${tuned:NAME,DEFAULT}``), where it has one."""
    training = _root_.model.training
    return own(training.get(name, default), default, _parent_=_root_.model)


def register_schema() -> None:
    """Tell Hydra the schema; the defaults lists in conf/ name its parts."""
    OmegaConf.register_new_resolver("gpus_a_job", gpus_a_job, replace=True)
    OmegaConf.register_new_resolver("sweep_name", sweep_name, replace=True)
    OmegaConf.register_new_resolver("own", own, replace=True)
    OmegaConf.register_new_resolver("tuned", tuned, replace=True)
    store = ConfigStore.instance()
    store.store(name="main_schema", node=RunConfig)
    for name, settings in DIAGNOSTICS.items():
        store.store(group="schema", name=name, node=settings)


def typed(cfg: DictConfig, kind: type[Config], check: Callable[[Config], list[str]]) -> Config:
    """The config as plain dataclasses, checked as a whole.

    check: every problem that types alone do not show, each with its fix
    Raises UserError with all of them.
    """
    config = OmegaConf.to_object(cfg)
    assert isinstance(config, kind)
    if isinstance(config, RunConfig):
        name_benchmark(config)
    if problems := check(config):
        raise UserError("\n".join(problems))
    return config


def name_benchmark(config: RunConfig) -> None:
    """Name a benchmark that is only a file or a hub dataset after it, never as a built-in one."""
    settings = config.benchmark
    if settings.name == TABLE:
        built_in = {path.stem for path in (CONFIG_FOLDER / "benchmark").glob("*.yaml")}
        settings.name = name_after(settings.path, settings.hub, built_in)


def compose(overrides: list[str]) -> RunConfig:
    """The config that the command line ``python -m tst.main <overrides>`` would run.

    Raises UserError for a misspelt key or group, a wrong type or an impossible combination.
    """
    return compose_command("config", overrides, RunConfig, find_problems)


def compose_command(
    name: str, overrides: list[str], kind: type[Config], check: Callable[[Config], list[str]]
) -> Config:
    """As ``compose``, for the command whose file in conf/ has this name; see ``typed``."""
    register_schema()
    try:
        with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
            return typed(hydra_compose(name, prepare(overrides)), kind, check)
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
