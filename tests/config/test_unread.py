from pathlib import Path

import pytest

import tst
from tst.check import COMMAND as CHECK
from tst.config.composition import compose
from tst.config.unread import without_effect
from tst.core.errors import UserError

RF = "diagnostic=rf"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["benchmark=cv_bench", "benchmark.n=48"],
         "benchmark.n=48: only the generated benchmark planted reads this; of any other all "),
        (["benchmark=my.csv", "benchmark.seed=1"], "benchmark.seed=1: only the generated"),
        (["benchmark=planted", "benchmark.path=my.csv", "++benchmark.n=8"], "benchmark.n=8: only"),
        (["benchmark=planted", "benchmark.columns.question=q"],
         "benchmark.columns.question=q: the questions of planted are generated"),
        (["benchmark=planted", "benchmark.format=open"], "benchmark.format=open: the questions"),
        (["benchmark=my.csv", "benchmark.answers.key=qid"],
         "benchmark.answers.key=qid: joins a file of answers that is not named."),
    ],
)  # fmt: skip
def test_a_setting_of_a_benchmark_that_nothing_reads_is_refused(words, message):
    for composed in (compose, CHECK.compose):
        with pytest.raises(UserError) as refused:
            composed([RF, *words])
        assert message in str(refused.value)


@pytest.mark.parametrize(
    "words",
    [
        ["benchmark.n=48", "benchmark.seed=1", "benchmark.strict=true"],
        ["benchmark=my.csv", "benchmark.columns.question=q", "benchmark.format=open"],
        ["benchmark=planted", "benchmark.path=my.csv", "benchmark.columns.question=q"],
        ["benchmark=q.csv", "benchmark.answers.path=a.csv", "benchmark.answers.key=qid"],
    ],
)
def test_a_setting_that_is_read_is_accepted(words):
    assert compose([RF, *words]).benchmark


def test_arguments_of_the_function_are_read_or_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"^benchmark\.columns\.answer=gold: the questions of"):
        tst.stress_test("planted", columns={"answer": "gold"}, outputs_root=tmp_path)
    with pytest.raises(UserError, match=r"^name=mine: mmstar is named already"):
        tst.stress_test("mmstar", name="mine", outputs_root=tmp_path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["model=tiny"], ["model=tiny has no effect: diagnostic rf reads no model"]),
        (["model.name=tiny:base", "optimizer=casmo", "tracking.project=mine"],
         ["model.name=tiny:base has no effect: diagnostic rf reads no model",
          "optimizer=casmo has no effect: diagnostic rf reads no optimizer",
          "tracking.project=mine has no effect: nothing is published without tracking=wandb"]),
        (["tracking=wandb", "tracking.project=mine"], []),
        (["tracking.name=none", "fold=grouped5", "n_jobs=1"], []),
    ],
)  # fmt: skip
def test_a_setting_that_changes_nothing_in_this_run_is_told(words, told):
    assert without_effect(compose([RF, *words]), [RF, *words]) == told
    llm = [w for w in words if not w.startswith("tracking")]
    assert without_effect(compose(["diagnostic=lora_llm", *llm]), llm) == []
