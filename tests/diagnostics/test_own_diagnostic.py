"""The diagnostic of docs/your-diagnostic.md, taken from that page and run as a user would."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.commands import ROOT, run_command
from tests.tracking.offline_runs import the_run
from tst.analysis.study import Study
from tst.analysis.tables.build import TABLES, build_tables, read_sources
from tst.analysis.tables.plain_text import render_markdown
from tst.api import stress_test
from tst.config.composition import compose
from tst.core.errors import UserError
from tst.records.files import read_json
from tst.records.identity import read_identity
from tst.records.record_states import survey
from tst.records.run_records import read_record
from tst.stress_testing.build import diagnostic_of
from tst.stress_testing.identity import identify
from tst.stress_testing.run import load_table

PAGE = ROOT / "docs" / "your-diagnostic.md"
QUICK = ("benchmark.n=48", "fold.k=3", "n_jobs=1")
PRUNE = ("fold.repeats=1", "prune.budget=8", "prune.batch=8", "prune.floor=0", "prune.types=all",
         "prune.random_draws=1", "prune.judge_seeds=[42]")  # fmt: skip


def copy_page(folder: Path) -> Path:
    """The files of the page, under their names; the folder for --config-dir."""
    for language in ("python", "yaml"):
        for code in re.findall(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
            if name := re.match(r"# (my_conf/\S+)\n", code):
                path = folder / name.group(1)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(code, "utf-8")
    return folder / "my_conf"


@pytest.fixture
def my_conf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's folder; what it adds to this process is taken back."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield copy_page(tmp_path)
    sys.modules.pop("nearest", None)


def tst(name: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    where = ("--config-dir", folder / "my_conf", f"outputs_root={folder / 'outputs'}")
    return run_command(f"tst.{name}", *where, *QUICK, *words)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's diagnostic run by tst.main, as chooser and as judge by tst.prune; told to W&B."""
    folder = tmp_path_factory.mktemp("own")
    copy_page(folder)
    offline = ("tracking=wandb", "tracking.mode=offline")
    own, rf = (
        "diagnostic=nearest",
        ("diagnostic=rf", "diagnostic.trees=5", "diagnostic.inner_folds=2"),
    )
    for name, words in (
        ("main", (own, *offline)),
        ("main", rf),
        ("prune", (own, *PRUNE, "prune.judge=[rf,nearest]", "+judges.nearest.neighbours=3")),
        ("prune", (*rf, *PRUNE, "prune.judge=nearest")),
    ):
        done = tst(name, folder, *words)
        assert done.returncode == 0, done.stderr
    return folder


def records(ran: Path, pattern: str) -> list[Path]:
    return sorted((ran / "outputs").glob(pattern))


def test_it_has_a_record_of_its_own_name(ran):
    (path,) = records(ran, "runs/planted/nearest/random3/*")
    record = read_record(path)
    assert (record.diagnostic, record.subject) == ("nearest", "TsT-NN")
    leaves = read_identity(path).leaves
    assert leaves["diagnostic.implementation"] == "nearest.Nearest"
    assert (leaves["diagnostic.version"], leaves["diagnostic.neighbours"]) == (1, 5)
    assert not any(name.startswith(("model.", "features.")) for name in leaves)
    assert f"--config-dir {ran / 'my_conf'} " in record.command
    assert {state.state for state in survey(ran / "outputs")} == {"finished"}


def test_it_answers_as_the_nearest_questions_are_answered(my_conf):
    config = compose(["diagnostic=nearest", "diagnostic.neighbours=1"], my_conf)
    nearest = diagnostic_of(config).build(config.diagnostic, None)
    train = pd.DataFrame(
        [("mc", "colour of the old sofa", ["red", "blue"], 1), ("mc", "size of it", ["s", "l"], 0),
         ("num", "number of chairs there", None, 4.0), ("num", "depth in metres", None, 9.0),
         ("open", "name of the street", None, ["High Street", "high st"])],
        columns=["format", "question", "options", "answer"],
    )  # fmt: skip
    heldout = pd.DataFrame(
        [("mc", "colour of the sofa", ["blue", "green", "red"]), ("num", "number of chairs", None),
         ("open", "name of that street", None)],
        columns=["format", "question", "options"],
    )  # fmt: skip
    predicted = nearest.fit_predict(train, heldout, seed=0)
    assert predicted.p_options[0].tolist() == [0.5, 0.25, 0.25]
    assert predicted.value[1] == 4.0
    assert predicted.text[2] == "High Street"


def test_tables_call_it_by_its_label(ran):
    sources = read_sources(ran / "outputs")
    assert [s.title for s in sources.study.subjects] == ["TsT-RF", "TsT-NN"]
    pages = {t.name: render_markdown(t) for t in build_tables(sources, list(TABLES))}
    headings = "TsT-RF random folds | TsT-RF grouped folds | TsT-NN random folds"
    assert headings in pages["main"]
    for name in ("models", "folds", "cost"):
        assert "TsT-NN" in pages[name], name
    assert "8 by TsT-NN" in pages["pruning"]
    assert "| TsT-NN, random folds |" in pages["pruning"]
    (row,) = TABLES["main"](sources).rows
    assert row.cells["nearest_random"].value != row.cells["rf_random"].value


def test_a_judge_is_built_with_the_judges_own_settings(ran):
    (pruned,) = records(ran, "prune/planted/nearest/*")
    by_itself = next(j for j in read_json(pruned / "summary.json")["judged"] if j["judge"] != "rf")
    assert (by_itself["judge"], by_itself["label"]) == ("nearest", "TsT-NN")
    assert by_itself["lists"]["ours"]["independent"] is False
    (by_another,) = records(ran, "prune/planted/rf/*")
    (judged,) = read_json(by_another / "summary.json")["judged"]
    assert judged["lists"]["ours"]["independent"] is True
    # neighbours 3 and 5 judge the same remaining questions differently
    nothing = [entry["lists"]["nothing"]["score_soft"] for entry in (by_itself, judged)]
    assert nothing[0] != nothing[1]


def test_the_report_and_figures_call_it_by_its_label(ran):
    from tst.analysis.figures.build import draw_all
    from tst.analysis.report.overview import describe_overview

    study = Study(read_sources(ran / "outputs").study.found)
    overview = describe_overview(study.found)
    labels = [entry["label"] for entry in overview["series"]]
    assert labels[-2:] == ["TsT-NN, random folds", "TsT-NN, grouped folds"]
    assert {"kind": "nearest_random"}.items() <= overview["benchmarks"][0]["marks"][-1].items()
    assert "types-planted-nearest-random" in draw_all(ran / "outputs")


def test_weights_and_biases_call_it_by_its_name(ran):
    pytest.importorskip("wandb")
    told = the_run(ran / "outputs")
    assert told.tags == ["planted", "nearest", "random3"]
    assert told.config["diagnostic"]["implementation"] == "nearest.Nearest"
    assert told.summary["state"] == "finished"


def test_it_runs_from_python(my_conf, tmp_path):
    result = stress_test("planted", "nearest", outputs_root=tmp_path / "out", config_dir=my_conf,
                         overrides=QUICK)  # fmt: skip
    assert result.record.parent.parent.name == "nearest"
    with pytest.raises(UserError, match="config_dir=/no/such: expected an existing folder"):
        stress_test("planted", "nearest", config_dir="/no/such")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("diagnostic.neigbours=3", "neigbours"),
        ("+diagnostic.neigbours=3", "no such setting. Did you mean diagnostic.neighbours"),
        ("diagnostic.neighbours=many", r"diagnostic\.neighbours: Value 'many' .* Integer"),
        ("diagnostic.neighbours=0", r"diagnostic\.neighbours=0: expected at least 1"),
        ("diagnostic.name=rf", "one of tst's own"),
        ("diagnostic.name=a-b", "letters, digits and underscores"),
        ("diagnostic.implementation=nearest.Farthest", "cannot be imported"),
        ("diagnostic.implementation=nowhere.Nearest", "No module named 'nowhere'"),
        ("diagnostic.implementation=nearest.NearestSettings", "derives from tst.core.diagnostic"),
        ("diagnostic.implementation=''", "expected one of rf, lora_llm"),
    ],
)
def test_a_mistake_is_one_message(my_conf, override, message):
    with pytest.raises(UserError, match=message):
        compose(["diagnostic=nearest", override], my_conf)


def test_a_mistake_ends_with_exit_code_2(my_conf, tmp_path):
    done = tst("main", tmp_path, "diagnostic=nearest", "+diagnostic.neigbours=3")
    assert done.returncode == 2
    assert done.stderr.startswith("tst: diagnostic.neigbours: there is no such setting")
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "outputs" / "runs").exists()


def test_a_class_says_what_it_lacks(my_conf):
    (my_conf / "nearest.py").write_text(
        "from tst.core.diagnostic import Diagnostic\n"
        "class Nearest(Diagnostic):\n    version = '1'\n    reads = ('fold',)\n"
    )
    with pytest.raises(UserError) as refused:
        compose(["diagnostic=nearest"], my_conf)
    for word in ("lacks fit_predict", "label=None", "version='1'", "settings_type=None"):
        assert word in str(refused.value)


def test_a_class_reads_what_there_is_to_read(my_conf, monkeypatch):
    declared = diagnostic_of(compose(["diagnostic=nearest"], my_conf))
    monkeypatch.setattr(declared, "reads", ("fold",))
    with pytest.raises(UserError, match="reads fold; expected some of model, optimizer"):
        compose(["diagnostic=nearest"], my_conf)


def test_version_and_what_it_reads_make_the_identity(my_conf, monkeypatch):
    config = compose(["diagnostic=nearest", *QUICK], my_conf)
    declared, table = diagnostic_of(config), load_table(config)
    first = identify(config, table)
    monkeypatch.setattr(declared, "version", 2)
    second = identify(config, table)
    monkeypatch.setattr(declared, "reads", ("model",))
    third = identify(config, table)
    assert len({first.hash, second.hash, third.hash}) == 3
    assert third.leaves["model.name"] == config.model.name
    monkeypatch.setattr(declared, "without_effect", {"neighbours": "told to be"})
    assert "diagnostic.neighbours" not in identify(config, table).leaves
