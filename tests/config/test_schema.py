from dataclasses import fields

import pytest
from omegaconf import OmegaConf

from tst.config.composition import CONFIG_FOLDER, compose
from tst.config.schema import RunConfig
from tst.core.errors import UserError
from tst.core.ranges import find_range_problems
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.known import KNOWN, find_diagnostic
from tst.diagnostics.llm.settings import LoraSettings
from tst.pruning.settings import PruneConfig

GROUPS = ("benchmark", "diagnostic", "model", "optimizer", "fold", "tracking")


def options(group: str) -> list[str]:
    return sorted(p.stem for p in (CONFIG_FOLDER / group).glob("*.yaml"))


@pytest.mark.parametrize("choice", [f"{g}={o}" for g in GROUPS for o in options(g)])
def test_every_option_composes(choice):
    assert isinstance(compose([choice]), RunConfig)


@pytest.mark.parametrize("name", options("experiment"))
def test_every_experiment_composes(name):
    assert isinstance(compose([f"experiment={name}"]), RunConfig)


@pytest.mark.parametrize("name", KNOWN)
def test_every_yaml_shows_every_knob(name):
    shown = set(OmegaConf.load(CONFIG_FOLDER / "diagnostic" / f"{name}.yaml")) - {"defaults"}
    knobs = {f.name for f in fields(find_diagnostic(name).settings_type)}
    assert shown == knobs - {"implementation"}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["fold.kk=3"], "fold.kk: there is no such setting"),
        (["benchmark=nope"], "vsi_bench"),
        (["fold.k=abc"], "could not be converted to Integer"),
        (["fold.only=[7]", "fold.k=1"], "folds are numbered 0 to 0"),
        (["diagnostic=lora_llm", "features.context=siblings"], "lora_llm reads no features"),
        (["fold.k=1", "fold.seed=-1"], r"(?s)fold\.k=1.*fold\.seed=-1"),
        (["data_root=/no/such/folder"], "expected an existing folder"),
        (["n_jobs=0"], "n_jobs=0"),
        (["null.repeats=-1"], r"null\.repeats=-1"),
        (["diagnostic=lora_llm", "diagnostic.rank=4"], "rank"),
    ],
)
def test_a_mistake_is_one_message(overrides, words):
    with pytest.raises(UserError, match=words):
        compose(overrides)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("diagnostic.epochs=0", "above 0"),
        ("diagnostic.training=both", "one of auto, stacked, sequential"),
        ("model.kernels=fast", "one of auto, liger, none"),
        ("optimizer.name=sgd", "one of adamw, adamw8bit, casmo, casmo_calibrated"),
        ("tracking.timeout=0", r"above 0 \(seconds\)"),
        ("tracking.tags=['']", "tags of 1 to 64 characters"),
        ("n_jobs=-2", "a positive number, or -1 for all cores"),
    ],
)
def test_a_run_is_refused_before_anything_is_read(override, expected):
    with pytest.raises(UserError, match=f"{override.split('=')[0]}=.*: expected {expected}"):
        compose(["diagnostic=lora_llm", override])


def test_the_settings_of_judges_are_checked_where_they_stand():
    judges = {"rf": ForestSettings(trees=0), "lora_llm": LoraSettings(r=0)}
    config = PruneConfig(diagnostic=ForestSettings(leaf=0), judges=judges)
    named = [problem.split("=")[0] for problem in find_range_problems(config)]
    assert named == ["diagnostic.leaf", "judges.rf.trees", "judges.lora_llm.r"]


def test_the_config_folder_is_absolute():
    assert CONFIG_FOLDER.is_absolute()
    assert (CONFIG_FOLDER / "config.yaml").exists()


@pytest.mark.parametrize("group", [[], ["model=smollm2_gpu"]], ids=["default", "smollm2_gpu"])
def test_a_models_own_settings_are_not_those_of_another_model_name(group):
    name = "Qwen/Qwen2-7B-Instruct"
    named = compose(["diagnostic=lora_llm", *group, f"model.name={name}"])
    plain = compose(["diagnostic=lora_llm", "model=qwen2_7b"])
    assert named.model.name == plain.model.name == name
    assert named.diagnostic == plain.diagnostic
    assert named.model.quantization == plain.model.quantization


def test_a_models_own_settings_are_its_own_and_the_command_line_wins():
    own = compose(["diagnostic=lora_llm", "model=smollm2"])
    assert (own.diagnostic.batch_size, own.model.quantization) == (2, "auto")
    assert compose(["diagnostic=lora_llm", "model=smollm2_gpu"]).diagnostic.r == 16
    over = compose(["diagnostic=lora_llm", "model=smollm2", "diagnostic.batch_size=8"])
    assert over.diagnostic.batch_size == 8
