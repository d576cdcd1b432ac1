"""From the command line and conf/ to typed settings: the only place that knows Hydra's DictConfig.

A misspelt key or a wrong type is refused while Hydra composes the config; in the settings of a
user's own diagnostic, whose class Hydra does not know, right after.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tst.benchmarks.naming import TABLE, name_after
from tst.config.arguments import prepare
from tst.config.misspelt import describe_misspelt
from tst.config.problems import find_problems
from tst.config.schema import READABLE, RunConfig
from tst.config.unread import find_unread
from tst.core.errors import UserError
from tst.diagnostics.known import KNOWN, find_diagnostic
from tst.diagnostics.llm.settings import TRAINED_HERE

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


def gpus_per_job(wanted: Any) -> int:
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


def tuned(name: str, default: Any, *, _parent_: DictConfig, _root_: DictConfig) -> Any:
    """The model's own training setting (``${tuned:NAME,DEFAULT}``), where it has one.

    What stands under ``training.options`` comes first where options are scored: other settings are
    best for these than for letters.
    """
    training = _root_.model.training
    letters = _parent_.mc_scoring == "letters" or _parent_.trainer != TRAINED_HERE
    for_options = None if letters else training.get("options")
    value = (for_options or {}).get(name, training.get(name, default))
    return own(value, default, _parent_=_root_.model)


def list_choices(*groups: str) -> str:
    """A line per config group with its options, the user's own included, for the help."""
    find = GlobalHydra.instance().config_loader().get_group_options
    return "\n".join(f"  {group}: {', '.join(find(group))}" for group in groups)


@cache
def register_schema() -> None:
    """Tell Hydra the schema, once; the defaults lists in conf/ name its parts."""
    # Hydra copies all of its store for each config group that --help lists; nobody changes a copy
    ConfigStore.__deepcopy__ = lambda store, memo: store  # type: ignore[attr-defined]
    OmegaConf.register_new_resolver("list_choices", list_choices, replace=True)
    OmegaConf.register_new_resolver("gpus_per_job", gpus_per_job, replace=True)
    OmegaConf.register_new_resolver("sweep_name", sweep_name, replace=True)
    OmegaConf.register_new_resolver("own", own, replace=True)
    OmegaConf.register_new_resolver("tuned", tuned, replace=True)
    store = ConfigStore.instance()
    store.store(name="main_schema", node=RunConfig)
    for name in KNOWN:
        store.store(group="schema", name=name, node=find_diagnostic(name).settings_type)


def typed(
    cfg: DictConfig,
    kind: type[Config],
    check: Callable[[Config], list[str]],
    overrides: Sequence[str] = (),
) -> Config:
    """The config as plain dataclasses, checked as a whole.

    check: every problem that types alone do not show, each with its fix
    overrides: what a command line asked for, as ``key=value``: what nothing reads is a problem too
    Raises UserError with all of them.
    """
    if issubclass(kind, RunConfig):
        set_diagnostic_type(cfg, "diagnostic")
    try:
        config = OmegaConf.to_object(cfg)
    except OmegaConfBaseException as error:
        raise UserError(one_message(error)) from error
    assert isinstance(config, kind)
    unread: list[str] = []
    if isinstance(config, RunConfig):
        name_benchmark(config)
        unread = find_unread(config.benchmark, overrides)
    if problems := [*check(config), *unread]:
        raise UserError("\n".join(problems))
    return config


def name_benchmark(config: RunConfig) -> None:
    """Name a benchmark that is only a file or a hub dataset after it, never as a built-in one."""
    settings = config.benchmark
    if settings.name == TABLE:
        built_in = {path.stem for path in (CONFIG_FOLDER / "benchmark").glob("*.yaml")}
        settings.name = name_after(settings.path, settings.hub, built_in)


def typed_run(cfg: DictConfig, overrides: Sequence[str] = ()) -> RunConfig:
    """The config of a stress test, typed and checked as a whole."""
    return typed(cfg, RunConfig, find_problems, overrides)


def typed_record(plain: dict[str, Any]) -> RunConfig:
    """config.yaml of a stress test's record, typed again."""
    cfg = OmegaConf.merge(OmegaConf.structured(RunConfig), plain)
    assert isinstance(cfg, DictConfig)
    return typed_run(cfg)


def set_diagnostic_type(cfg: DictConfig, key: str) -> None:
    """Check a diagnostic's settings in a config against the dataclass that its class declares.

    key: where they stand: ``diagnostic``, or ``judges.<name>``
    Raises UserError for an unknown diagnostic, a misspelt key or a wrong type.
    """
    given = OmegaConf.select(cfg, key)
    if not isinstance(given, DictConfig) or not given.get("name"):
        raise UserError(f"{key}.name: missing; its YAML says what the diagnostic is called.")
    implementation = str(given.get("implementation") or "")
    declared = find_diagnostic(str(given["name"]), implementation)
    if unknown := sorted(set(declared.reads) - set(READABLE)):
        raise UserError(
            f"diagnostic.implementation={implementation}: reads {', '.join(unknown)}; expected "
            f"some of {', '.join(READABLE)}."
        )
    if OmegaConf.get_type(given) is declared.settings_type:
        return
    plain = OmegaConf.to_container(given, resolve=False)
    try:
        settings = OmegaConf.merge(OmegaConf.structured(declared.settings_type), plain)
    except OmegaConfBaseException as error:
        place = f"{key}.{error.full_key}" if error.full_key else key
        told = describe_misspelt(error, key) or f"{place}: {one_message(error)}"
        raise UserError(told) from error
    OmegaConf.update(cfg, key, settings, merge=False)


def add_option(cfg: DictConfig, group: str, name: str, key: str, setting: str) -> None:
    """Put an option of a config group into a config, as a command line with it would have it.

    Settings that stand at ``key`` already come before those of the option.
    setting: what asked for it, for the message
    Raises UserError for an option that is in no config folder.
    """
    known = GlobalHydra.instance().config_loader().get_group_options(group)
    if name not in known:
        raise UserError(f"{setting}: expected one of {', '.join(known)}.")
    option = hydra_compose(overrides=[f"+{group}={name}"])[group]
    given = OmegaConf.select(cfg, key)
    merged = option if given is None else OmegaConf.merge(option, given)
    OmegaConf.update(cfg, key, merged, merge=False, force_add=True)


def compose(overrides: list[str], config_dir: str | Path | None = None) -> RunConfig:
    """The config that the command line ``python -m tst.main <overrides>`` would run.

    config_dir: a folder of the user's own, as ``--config-dir`` names it
    Raises UserError for a misspelt key or group, a wrong type or an impossible combination.
    """
    register_schema()
    return compose_command("config", overrides, lambda cfg: typed_run(cfg, overrides), config_dir)


def compose_command(
    name: str,
    overrides: list[str],
    as_typed: Callable[[DictConfig], Config],
    config_dir: str | Path | None = None,
) -> Config:
    """As ``compose``, for any command; its schema is registered already.

    name: file name of its primary config in conf/
    as_typed: makes dataclasses of what Hydra composed
    """
    if config_dir is not None:
        folder = Path(config_dir).expanduser().resolve()
        if not folder.is_dir():
            raise UserError(f"config_dir={config_dir}: expected an existing folder.")
        make_importable([folder])
        overrides = [f"hydra.searchpath=[file://{folder}]", *overrides]
    try:
        with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
            return as_typed(hydra_compose(name, prepare(overrides)))
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(one_message(error)) from error


def own_folders() -> list[Path]:
    """Config folders of the user's own (``--config-dir``, ``hydra.searchpath``) of this job."""
    sources = HydraConfig.get().runtime.config_sources
    folders = [Path(source.path) for source in sources if source.schema == "file"]
    return [folder for folder in folders if folder != CONFIG_FOLDER]


def make_importable(folders: list[Path]) -> None:
    """Look for modules in these folders too, after everywhere else."""
    sys.path += [str(folder) for folder in folders if str(folder) not in sys.path]


def one_message(error: Exception) -> str:
    """A composition error and its causes, without Hydra's internals."""
    advice = "`--help` lists the groups and their options; `--cfg job` shows every setting."
    if described := describe_misspelt(error):
        return f"{described}\n{advice}"
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        for line in str(cause).splitlines():
            text = line.strip()
            if text and text not in lines and not text.startswith(_INTERNALS):
                lines.append(text)
        cause = cause.__cause__
    return "\n".join([*lines, advice])
