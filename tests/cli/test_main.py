"""The commands as a user types them, in processes of their own."""

import signal
import subprocess
import sys
import time
import zipfile
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest
from omegaconf import OmegaConf

from tests.commands import ROOT, run_command
from tests.conftest import QUICK, SMALL
from tst.cli import console_script
from tst.config.composition import compose, compose_command
from tst.stress_testing.build import resolve_auto
from tst.stress_testing.identity import record_folder
from tst.stress_testing.run import load_table


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fold.kk=3"], "fold.kk: there is no such setting. Did you mean fold.k?"),
        (["benchmark=nope"], "benchmark=nope: expected one of cv_bench"),
        (["--multirun", "fold.k=5,x"], "could not be converted to Integer"),
        (["fold.k=1"], "fold.k=1: expected at least 2"),
        (["fold=grouped5", "fold.group_by=clip"], "use fold.group_by=scene"),
        (["benchmark=table", "benchmark.path=/no/such.csv"], "does not exist"),
        (["diagnostic.leaf=-3"], "diagnostic.leaf=-3: expected at least 1"),
        (
            ["diagnostic.inner_folds=1", "diagnostic.prior=0"],
            "diagnostic.prior=0.0: expected above 0",
        ),
    ],
)
def test_a_users_mistake_is_one_message_and_exit_code_2(tmp_path, words, message):
    quick = ["diagnostic=rf", *SMALL, f"outputs_root={tmp_path}"]
    done = run_command("tst.main", *words, *quick)
    assert done.returncode == 2, done.stderr
    assert message.lower() in (done.stdout + done.stderr).lower()
    assert "Traceback" not in done.stdout + done.stderr


def test_a_single_run_ends_with_its_record_and_writes_nowhere_else(tmp_path):
    words = (*QUICK, f"outputs_root={tmp_path}/out")
    done = run_command("tst.main", *words, cwd=tmp_path, fresh=True)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("record: ")
    assert (Path(last.removeprefix("record: ")) / "summary.json").exists()
    assert "Too few questions to tell" in done.stdout  # 12 of each type
    assert "next: tst report" in done.stdout
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.fixture(scope="module", params=["basic", "joblib"])
def swept(request, tmp_path_factory):
    """A sweep whose last two jobs fail, the jobs one after another or two at a time."""
    words = ["diagnostic=rf", *SMALL, "benchmark=planted,table", "fold.seed=0,1",
             f"outputs_root={tmp_path_factory.mktemp('swept')}"]  # fmt: skip
    joblib = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    more = joblib if request.param == "joblib" else []
    return run_command("tst.main", "-m", *words, *more, fresh=bool(more))


def test_a_failing_job_is_named_and_the_others_finish(swept):
    assert swept.returncode == 2, swept.stderr
    assert swept.stdout.count("record: ") == 2
    assert "jobs 2, 3 refused" in swept.stderr
    assert "Traceback" not in swept.stderr


def test_the_jobs_of_a_sweep_name_themselves(swept):
    for job in (0, 1):
        assert f"job {job}: benchmark=planted fold.seed={job}" in swept.stderr
        assert f"job {job}: planted: fold 0-4" in swept.stderr


def spoil(*words: str) -> None:
    """Make this job crash for real: a file stands where its folds are to be written."""
    config = resolve_auto(compose([*QUICK, *words]))
    record = record_folder(config, load_table(config))
    record.mkdir(parents=True)
    (record / "folds").write_text("in the way")


def test_a_crashing_job_leaves_its_traceback_and_the_sweep_ends_with_1(tmp_path):
    spoil("diagnostic.leaf=4", f"outputs_root={tmp_path}")
    done = run_command("tst.main", "-m", *QUICK, "diagnostic.leaf=5,4", f"outputs_root={tmp_path}")
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("record: ") == 1
    failed = [p for p in tmp_path.rglob("status.json") if '"failed"' in p.read_text()]
    assert len(failed) == 1
    assert "Traceback" in failed[0].read_text()


def test_fail_fast_stops_a_sweep(tmp_path):
    spoil("diagnostic.leaf=4", f"outputs_root={tmp_path}")
    words = (*QUICK, "diagnostic.leaf=4,5", f"outputs_root={tmp_path}", "fail_fast=true")
    done = run_command("tst.main", "-m", *words)
    assert done.returncode == 1
    assert "record: " not in done.stdout


def test_help_is_quick_and_lists_the_benchmarks():
    start = time.perf_counter()
    done = run_command("tst.main", "--help", fresh=True)
    assert done.returncode == 0
    assert "vsi_bench" in done.stdout
    assert time.perf_counter() - start < 30  # a hang, not a slow machine


COMMANDS = sorted(p.stem for p in (ROOT / "conf").glob("*.yaml"))
NEW_ALONE = ("audit", "blend", "explain", "export", "noisy", "noisy_study", "score", "status")
"""Commands that no other test runs in a new interpreter."""
OF_NOISY = [f"{p.parent.name}={p.stem}" for g in ("data", "corruption", "grid")
            for p in sorted((ROOT / "conf" / g).glob("*.yaml"))]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_own_help(command):
    name = "main" if command == "config" else command
    done = run_command(f"tst.{name}", "--help", fresh=name in NEW_ALONE)
    assert done.returncode == 0, done.stderr
    assert ("tst diagnostic=rf" if name == "main" else f"tst {name}") in done.stdout
    assert "$" not in done.stdout


def test_help_lists_the_choices_of_its_command_alone(tmp_path):
    (tmp_path / "diagnostic").mkdir()
    (tmp_path / "diagnostic" / "nearest.yaml").write_text("name: nearest\n")
    of_main = run_command("tst.main", "--help", "--config-dir", tmp_path).stdout
    assert "  diagnostic: lora_llm, nearest, rf\n" in of_main and "hydra/launcher: " in of_main
    assert "corruption: " not in of_main and "schema: " not in of_main
    of_noisy = run_command("tst.noisy", "--help").stdout
    assert "  corruption: none, random, rejected, shuffled\n" in of_noisy
    assert "benchmark: " not in of_noisy


def test_the_script_knows_every_command_and_its_help_lists_them():
    assert {"main", *COMMANDS} - {"config"} == set(console_script.COMMANDS)
    done = run_command("tst", "--help")
    assert done.returncode == 0, done.stderr
    for name in set(console_script.COMMANDS) - {"main"}:
        assert f"tst {name} " in done.stdout


def test_the_script_hands_the_line_to_the_command_that_it_names(tmp_path):
    done = run_command("tst", "status", f"outputs_root={tmp_path}", cwd=tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "no records")
    assert list(tmp_path.iterdir()) == []  # a command that only reads leaves nothing behind
    done = run_command("tst", "diagnostic=rf", "--cfg", "job")
    assert "name: rf" in done.stdout


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("reprot", "Did you mean report?"),
        ("my.csv", "To audit that file: tst audit my.csv."),
        ("my.csv", "The commands are"),
    ],
)
def test_a_first_word_that_is_no_command_is_one_message(word, words):
    done = run_command("tst", word, "a=b")
    assert done.returncode == 2
    assert f"tst: {word} is not a command." in done.stderr and words in done.stderr
    assert "dashboard" in done.stderr and "Traceback" not in done.stderr


def test_help_into_a_pipe_that_closes_is_no_traceback():
    line = f"{sys.executable} -m tst.main --help | head -1"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.startswith("TsT") and "Traceback" not in done.stderr


def test_output_that_nobody_reads_is_no_traceback(tmp_path):
    words = f"benchmark=planted benchmark.n=60 outputs_root={tmp_path}"
    line = f"{sys.executable} -m tst.check {words} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == ""


def resolved(cfg):
    return OmegaConf.to_container(cfg, resolve=True)


@pytest.mark.parametrize(
    ("command", "choice"), [(c, "") for c in COMMANDS] + [("noisy", o) for o in OF_NOISY]
)
def test_every_primary_config_composes(command, choice):
    name = "main" if command == "config" else command
    import_module(f"tst.{name}").COMMAND.register()
    config = compose_command(command, [choice] if choice else [], resolved)
    assert config["outputs_root"] == "outputs"  # the schema fits, and interpolations resolve


def test_a_table_by_column_mapping(tmp_path):
    rows = [
        {"q": f"Which fruit is {w} in clip {i}?", "a": "fig", "b": "pear", "c": "plum", "d": "",
         "gold": "C" if i % 4 else "A", "vid": f"v{i % 15}"}
        for i in range(30) for w in ("left", "right")
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "my.csv", index=False)
    done = run_command(
        "tst.main", "diagnostic=rf", *SMALL, "benchmark=table", f"benchmark.path={tmp_path}/my.csv",
        "benchmark.columns.question=q", "benchmark.columns.answer=gold",
        "benchmark.columns.options=[a,b,c,d]", "benchmark.columns.groups={video: vid}",
        "fold=grouped5", f"outputs_root={tmp_path}/out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "grouped5-video" in done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
               "-w", str(folder), str(ROOT)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if "hatchling" in done.stderr and done.returncode:
        pytest.skip("hatchling is not installed")
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_carries_conf_and_runs_from_another_folder(wheel, tmp_path):
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    assert (site / "tst" / "conf" / "benchmark" / "vsi_bench.yaml").exists()
    code = f"import sys; sys.path.insert(0, {str(site)!r}); from tst.main import main; main()"
    command = [sys.executable, "-c", code, *QUICK, f"outputs_root={tmp_path}/out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "out") in done.stdout.splitlines()[-1]


def test_a_mistake_that_shows_late_leaves_neither_record_nor_tracked_run(tmp_path):
    rows = "".join(f"Which sail {i}?,red,blue,{'AB'[i % 2]}\n" for i in range(24))
    (tmp_path / "my.csv").write_text("question,A,B,answer\n" + rows)
    words = ["diagnostic=rf", *SMALL, "benchmark=my.csv", "features.context=siblings"]
    done = run_command("tst.main", *words, "tracking=wandb", "tracking.mode=offline", cwd=tmp_path)
    assert done.returncode == 2
    assert "the benchmark declares no groups" in done.stderr
    assert sorted(p.name for p in (tmp_path / "outputs").iterdir()) == ["hydra"]
