from copy import deepcopy
from dataclasses import fields

import pytest
from omegaconf import OmegaConf

from tst.config.composition import CONFIG_FOLDER, compose
from tst.config.schema import DIAGNOSTICS, RunConfig, to_plain
from tst.core.errors import UserError
from tst.core.ranges import find_range_problems
from tst.diagnostics.forest.settings import ForestSettings
from tst.diagnostics.llm.settings import LoraSettings
from tst.pruning.settings import PruneConfig
from tst.records.identity import (
    ADDED,
    EXCLUDED,
    INCLUDED,
    flatten,
    identity_leaves,
    matches,
    run_hash,
)
from tst.stress_test.run import load_table

GROUPS = ("benchmark", "diagnostic", "model", "optimizer", "fold", "tracking")


def options(group: str) -> list[str]:
    return sorted(p.stem for p in (CONFIG_FOLDER / group).glob("*.yaml"))


@pytest.mark.parametrize("choice", [f"{g}={o}" for g in GROUPS for o in options(g)])
def test_every_option_composes(choice):
    assert isinstance(compose([choice]), RunConfig)


@pytest.mark.parametrize("name", options("experiment"))
def test_every_experiment_composes(name):
    assert isinstance(compose([f"experiment={name}"]), RunConfig)


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_every_yaml_shows_every_knob(name):
    shown = set(OmegaConf.load(CONFIG_FOLDER / "diagnostic" / f"{name}.yaml")) - {"defaults"}
    assert shown == {f.name for f in fields(DIAGNOSTICS[name])}


@pytest.mark.parametrize("name", DIAGNOSTICS)
def test_every_field_is_in_exactly_one_identity_list(name):
    leaves = flatten(to_plain(compose([f"diagnostic={name}"])))
    unlisted = [
        path for path in leaves if not any(matches(path, p) for p in (*INCLUDED, *EXCLUDED))
    ]
    assert unlisted == []
    assert not set(INCLUDED) & set(EXCLUDED)


@pytest.mark.parametrize(("path", "value"), ADDED.items())
def test_a_setting_that_came_later_leaves_earlier_hashes_alone(path, value):
    now = to_plain(compose(["diagnostic=lora_llm"]))
    before = deepcopy(now)
    part, name = path.split(".")
    assert before[part].pop(name) == value
    assert identity_leaves(now, None) == identity_leaves(before, None)
    now[part][name] = 16
    assert identity_leaves(now, None) == identity_leaves(before, None) | {path: 16}


@pytest.mark.parametrize("listed", [*INCLUDED, *EXCLUDED])
def test_every_identity_entry_names_a_field(listed):
    leaves = set()
    for name in DIAGNOSTICS:
        leaves |= set(flatten(to_plain(compose([f"diagnostic={name}"]))))
    assert any(matches(path, listed) for path in leaves)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["fold.kk=3"], "'kk' not in 'FoldSettings'"),
        (["benchmark=nope"], "vsi_bench"),
        (["fold.k=abc"], "could not be converted to Integer"),
        (["fold.only=[7]", "fold.k=1"], "folds are numbered 0 to 0"),
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


def same_hash(*overrides: str, diagnostic: str = "rf") -> bool:
    base = compose([f"diagnostic={diagnostic}", "benchmark.n=96"])
    other = compose([f"diagnostic={diagnostic}", "benchmark.n=96", *overrides])
    return run_hash(base, load_table(base)) == run_hash(other, load_table(other))


@pytest.mark.parametrize(
    "override",
    ["n_jobs=1", "outputs_root=/elsewhere", "fold.only=[0]", "null.repeats=3", "device=cpu",
     "fail_fast=true", "model=tiny", "optimizer=adamw8bit"],
)  # fmt: skip
def test_what_cannot_change_a_number_keeps_the_record(override):
    assert same_hash(override)


@pytest.mark.parametrize(
    "override",
    ["fold.seed=43", "fold.k=4", "fold=grouped5", "fold.repeats=2", "benchmark.n=104",
     "benchmark.seed=5", "features.scene_context=true", "scoring.mra_inclusive=true",
     "fold.stratify=none", "fold=paper5",
     "diagnostic.trees=11"],
)  # fmt: skip
def test_what_can_change_a_number_gives_another_record(override):
    assert not same_hash(override)


def test_naming_the_first_group_is_the_same_record():
    one = compose(["diagnostic=rf", "benchmark.n=96", "fold=grouped5"])
    two = compose(["diagnostic=rf", "benchmark.n=96", "fold=grouped5", "fold.group_by=scene"])
    assert run_hash(one, load_table(one)) == run_hash(two, load_table(two))


def test_the_model_counts_for_an_llm_and_features_do_not():
    assert not same_hash("model=tiny", diagnostic="lora_llm")
    assert not same_hash("diagnostic.learning_rate=1", diagnostic="lora_llm")
    assert same_hash("features.scene_context=true", diagnostic="lora_llm")
    assert same_hash("diagnostic.training=sequential", diagnostic="lora_llm")


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
    named.benchmark.n = plain.benchmark.n = 96
    assert run_hash(named, load_table(named)) == run_hash(plain, load_table(plain))


def test_a_models_own_settings_are_its_own_and_the_command_line_wins():
    own = compose(["diagnostic=lora_llm", "model=smollm2"])
    assert (own.diagnostic.batch_size, own.model.quantization) == (2, "auto")
    assert compose(["diagnostic=lora_llm", "model=smollm2_gpu"]).diagnostic.r == 16
    over = compose(["diagnostic=lora_llm", "model=smollm2", "diagnostic.batch_size=8"])
    assert over.diagnostic.batch_size == 8
