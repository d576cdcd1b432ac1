import pytest

from tests.made_records import make_record
from tst.config.composition import compose
from tst.config.schema import READABLE, to_plain
from tst.diagnostics.known import KNOWN, find_diagnostic
from tst.records.identity import flatten, matches
from tst.stress_testing.build import resolve_auto
from tst.stress_testing.identity import EXCLUDED, INCLUDED, identify
from tst.stress_testing.run import load_table


def excluded_by(name: str) -> list[str]:
    without_effect = find_diagnostic(name).without_effect
    return [*EXCLUDED, *(f"diagnostic.{setting}" for setting in without_effect)]


@pytest.mark.parametrize("name", KNOWN)
def test_every_field_is_in_exactly_one_list(name):
    leaves = flatten(to_plain(compose([f"diagnostic={name}"])))
    listed = [*INCLUDED, *READABLE, *excluded_by(name)]
    assert [path for path in leaves if not any(matches(path, p) for p in listed)] == []
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("name", KNOWN)
def test_every_entry_names_a_field(name):
    leaves = flatten(to_plain(compose([f"diagnostic={name}"])))
    entries = [*INCLUDED, *READABLE, *excluded_by(name)]
    assert [e for e in entries if not any(matches(path, e) for path in leaves)] == []


@pytest.mark.parametrize("name", KNOWN)
def test_a_diagnostic_reads_what_there_is_to_read(name):
    assert set(find_diagnostic(name).reads) <= set(READABLE)


def hash_of(*overrides: str) -> str:
    config = resolve_auto(compose(list(overrides)))
    return identify(config, load_table(config)).hash


def same_hash(*overrides: str, diagnostic: str = "rf") -> bool:
    words = [f"diagnostic={diagnostic}", "benchmark.n=96"]
    return hash_of(*words) == hash_of(*words, *overrides)


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
     "benchmark.seed=5", "features.context=siblings", "scoring.mra_inclusive=true",
     "fold.stratify=none", "fold=paper5",
     "diagnostic.trees=11"],
)  # fmt: skip
def test_what_can_change_a_number_gives_another_record(override):
    assert not same_hash(override)


def test_context_columns_count_where_context_is_read():
    def found(context, *overrides):
        config = resolve_auto(compose(["diagnostic=rf", "benchmark.n=96", *overrides]))
        table = load_table(config)
        table.frame["context"] = [context] * len(table.frame)
        return identify(config, table)

    one, other, siblings = {"dataset": "a"}, {"dataset": "b"}, "features.context=siblings"
    assert found(one).hash == found(other).hash
    assert found(one, siblings).hash == found(dict(one), siblings).hash
    assert found(one, siblings).hash != found(other, siblings).hash


def test_naming_the_first_group_is_the_same_record():
    words = ["diagnostic=rf", "benchmark.n=96", "fold=grouped5"]
    assert hash_of(*words) == hash_of(*words, "fold.group_by=scene")


def test_the_model_counts_for_an_llm_and_features_do_not():
    assert not same_hash("model=tiny", diagnostic="lora_llm")
    assert not same_hash("diagnostic.learning_rate=1", diagnostic="lora_llm")
    assert same_hash("benchmark.features=[vsi_bench]", diagnostic="lora_llm")
    assert not same_hash("benchmark.features=[vsi_bench]")  # where they are read they do
    assert same_hash("diagnostic.training=sequential", diagnostic="lora_llm")


@pytest.mark.parametrize("group", [[], ["model=smollm2_gpu"]], ids=["default", "smollm2_gpu"])
def test_naming_a_model_is_the_same_record_as_its_group(group, monkeypatch):
    # the model's configuration, which bounds max_length, is on the hub
    monkeypatch.setattr("tst.diagnostics.llm.resolving.longest_text", lambda model: None)
    words = ["diagnostic=lora_llm", "benchmark.n=96", "diagnostic.mc_scoring=letters"]
    named = hash_of(*words, *group, "model.name=Qwen/Qwen2-7B-Instruct")
    assert named == hash_of(*words, "model=qwen2_7b")


def test_what_auto_means_is_in_the_identity():
    words = ["diagnostic=lora_llm", "benchmark.n=96", "model=tiny"]
    config = resolve_auto(compose([*words, "model.quantization=auto"]))
    leaves = identify(config, load_table(config)).leaves
    assert (leaves["model.dtype"], leaves["model.quantization"]) == ("float32", "none")
    of_model = {path: value for path, value in leaves.items() if path.startswith("model.")}
    assert "auto" not in of_model.values()
    assert hash_of(*words) == hash_of(*words, "model.dtype=float32")
    assert hash_of(*words) != hash_of(*words, "model.dtype=bfloat16")


def test_a_record_that_auto_alone_keeps_apart_is_named(tmp_path, caplog):
    words = ["diagnostic=lora_llm", "model=tiny"]
    other = make_record(tmp_path, *words, "model.dtype=bfloat16")
    make_record(tmp_path, *words, "model.dtype=bfloat16", "diagnostic.r=4")
    with caplog.at_level("INFO", "tst"):
        make_record(tmp_path, *words)
        make_record(tmp_path, *words)  # its own record is there by now
    told = [m for m in caplog.messages if "auto" in m]
    assert told == [
        f"{other} differs only in what auto means (here model.dtype=float32): "
        "model.dtype=bfloat16 joins it"
    ]
    with caplog.at_level("INFO", "tst"):
        caplog.clear()
        make_record(tmp_path, *words, "model.dtype=float32", "diagnostic.r=4")
    assert not [m for m in caplog.messages if "auto" in m]
