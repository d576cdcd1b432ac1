import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from tests.pruning.conftest import PriorDiagnostic, quick_pruning
from tst.analysis.experiments import find_experiments
from tst.cli.pruning_console import show_pruning, sweep_row
from tst.core.errors import UserError
from tst.pruning.dry_run import describe
from tst.pruning.inputs import read_inputs
from tst.pruning.record import prune_folder
from tst.pruning.run import run_pruning
from tst.records.files import checksum, read_json
from tst.records.kinds import PRUNING
from tst.records.leases import Leases

SMALL = ["prune.budget=16", "prune.batch=8", "prune.floor=0"]


def tables(folder):
    names = ("removed_ids.txt", "kept_ids.txt")
    texts = {name: (folder / name).read_text() for name in names}
    iterations = pd.read_csv(folder / "iterations.csv").drop(columns="seconds")
    return texts, iterations.to_csv(), pd.read_parquet(folder / "scores.parquet").to_csv()


def test_a_pruning_leaves_its_record(prune_config, prior):
    folder, summary = run_pruning(prune_config(*SMALL))
    assert folder.parts[-4:-1] == ("prune", "planted", "rf")
    removed = (folder / "removed_ids.txt").read_text().split()
    kept = (folder / "kept_ids.txt").read_text().split()
    assert (len(removed), len(kept)) == (16, 32)
    assert not set(removed) & set(kept)
    iterations = pd.read_csv(folder / "iterations.csv")
    assert iterations["removed"].tolist() == [8, 8, 0]
    assert iterations["removed_before"].tolist() == [0, 8, 16]
    assert iterations["n"].tolist() == [48, 40, 32]
    assert iterations["seeds"].tolist() == ["0 1", "0", "1"]
    assert [i for cell in iterations["removed_ids"] for i in json.loads(cell)] == removed
    done = summary["pruning"]
    assert (done["removed"], done["kept"], done["stopped"]) == (16, 32, "budget")
    assert all(counts["removed"] == 2 for counts in done["per_type"].values())
    scores = pd.read_parquet(folder / "scores.parquet")
    order = scores.dropna(subset="removed_as").sort_values("removed_as")["id"].tolist()
    assert order == removed
    status = read_json(folder / "status.json")
    assert status["state"] == "finished"
    assert all(checksum(folder / name) == value for name, value in status["files"].items())
    assert read_json(folder / "summary.json")["chooser"] == "rf"
    card = (folder / "benchmark" / "README.md").read_text()
    assert "32 of 48 questions" in card
    assert "by the chooser only" in card


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a pruning that nothing stops leaves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tst.pruning.run.write_figures", lambda *given: None)
        patch.setattr(
            "tst.pruning.diagnosis.build_diagnostic", lambda config, store: PriorDiagnostic()
        )
        folder, _ = run_pruning(quick_pruning(tmp_path_factory.mktemp("whole"), *SMALL))
    return tables(folder)


@pytest.mark.parametrize("fits", [0, 2, 6, 8, 9, 11])
def test_a_killed_run_goes_on_to_the_same_result(
    prune_config, monkeypatch, without_figures, whole, fits
):
    def use(diagnostic):
        monkeypatch.setattr(
            "tst.pruning.diagnosis.build_diagnostic", lambda config, store: diagnostic
        )
        return diagnostic

    config = prune_config(*SMALL)
    use(PriorDiagnostic(die_after=fits))
    with pytest.raises(KeyboardInterrupt):
        run_pruning(config)
    resumed = use(PriorDiagnostic())
    folder, _ = run_pruning(config)
    assert tables(folder) == whole
    assert resumed.fits == 12 - fits
    again = use(PriorDiagnostic())
    assert run_pruning(config)[0] == folder
    assert again.fits == 0


def test_what_can_change_the_choice_changes_the_record(prune_config):
    def folder(*overrides):
        config = prune_config(*SMALL, *overrides)
        inputs = read_inputs(config)
        return prune_folder(config, inputs.table, inputs.quotas)

    base = folder()
    others = ["prune.rank_by=s", "prune.batch=12", "prune.tau=2.0", "prune.refresh=2",
              "fold.seed=100", "prune.floor=1", "diagnostic.trees=9"]  # fmt: skip
    assert len({base, *(folder(other) for other in others)}) == 1 + len(others)
    assert folder("prune.random_draws=3", "prune.judge=rf", "n_jobs=2") == base


@pytest.mark.parametrize("end", [RuntimeError, KeyboardInterrupt])
def test_a_rerun_leaves_a_finished_pruning_finished(prune_config, prior, monkeypatch, end):
    folder, _ = run_pruning(prune_config(*SMALL))
    states = []

    def stop(*given):
        states.append(read_json(folder / "status.json")["state"])
        raise end

    monkeypatch.setattr("tst.pruning.run.evaluate", stop)
    with pytest.raises(end):
        run_pruning(prune_config(*SMALL, "prune.judge=rf"))
    assert states == ["finished"]
    assert [e.path for e in find_experiments(folder.parents[3], PRUNING)[0]] == [folder]


def test_a_live_process_keeps_others_out(prune_config, prior):
    folder, _ = run_pruning(prune_config(*SMALL))
    other = Leases(folder / "leases")
    assert other.take("whole.json")
    with pytest.raises(UserError, match="is running this pruning"):
        run_pruning(prune_config(*SMALL))
    other.close()


def test_a_dry_run_says_what_would_go_and_computes_nothing(prune_config, prior, tmp_path):
    said = describe(prune_config(*SMALL, "prune.judge=[rf,lora_llm]", "model=tiny"))
    assert "planted: 48 questions of 48 rows, 16 to remove, 8 per iteration" in said
    assert "  mc_length: 2 of 6" in said
    assert "2 iterations and the final state, 4 cross-validations of 3 folds" in said
    assert "rf (12 lists) and lora_llm (12 lists)" in said
    assert ": 72 cross-validations" in said
    assert "estimate of rf (rough)" in said
    assert "times that run" in said
    assert prior.fits == 0
    assert not list(tmp_path.iterdir())
    anything = describe(prune_config("prune.budget=3", "prune.allocation=global"))
    assert "the highest ranked of all types; no type falls below 6" in anything
    assert "judging: none" in anything


def test_predictions_before_and_after(prune_config, prior, tmp_path):
    plain, _ = run_pruning(prune_config(*SMALL))
    rows = [json.loads(line) for line in (plain / "benchmark/full.jsonl").read_text().splitlines()]
    answers = tmp_path / "answers.jsonl"
    answers.write_text(
        "".join(
            json.dumps({"id": r["id"], "prediction": "B" if r["format"] == "mc" else "12"}) + "\n"
            for r in rows
        )
    )
    _, summary = run_pruning(
        prune_config(
            *SMALL,
            "prune.judge=[rf,lora_llm]",
            f"prune.predictions={{m: {answers}}}",
            "prune.random_draws={rf: 2, lora_llm: 1}",
            "prune.judge_seeds=[42]",
        )
    )
    entry = summary["predictions"]["m"]
    assert entry["vision_answers"]["share_parsed"] == 1.0
    assert entry["blind"] == "judge lora_llm"
    judged = summary["judged"][1]["lists"]
    assert entry["overall"]["random"]["gap"]["draws"] == 1
    assert entry["overall"]["lists"]["before"]["blind"] == pytest.approx(
        judged["nothing"]["score_hard"]
    )
    assert entry["overall"]["lists"]["after"]["blind"] == pytest.approx(
        judged["ours"]["score_hard"]
    )
    after = entry["overall"]["lists"]["after"]
    assert after["gap"] == pytest.approx(after["vision"] - after["blind"])
    assert entry["overall"]["gap_independent"]
    _, summary = run_pruning(
        prune_config(
            *SMALL, "prune.judge=rf", f"prune.predictions={{m: {answers}}}",
            "prune.random_draws=1", "prune.judge_seeds=[42]",
        )
    )  # fmt: skip
    assert not summary["predictions"]["m"]["overall"]["gap_independent"]
    shown = io.StringIO()
    show_pruning(summary, Path("record"), Console(file=shown, width=120))
    assert "not independent: the blind scores are from the chooser" in shown.getvalue()
    _, summary = run_pruning(
        prune_config(*SMALL, f"prune.predictions={{m: {answers}}}", f"prune.blind={{m: {answers}}}")
    )
    entry = summary["predictions"]["m"]
    assert entry["blind"] == "own answers"
    shown = io.StringIO()
    show_pruning(summary, Path("record"), Console(file=shown, width=120))
    assert "100.00% of 48 answers parsed; 0 ambiguous and 0 unparsed" in shown.getvalue()
    assert "does not grow more than in any of the random draws" in shown.getvalue()
    assert list(sweep_row(summary))[:3] == ["benchmark", "chooser", "removed"]
    assert entry["overall"]["lists"]["after"]["gap"] == 0.0


def test_all_mistakes_in_files_are_told_at_once(prune_config, tmp_path):
    listed = tmp_path / "ids.txt"
    listed.write_text("nobody\n")
    config = prune_config(
        f"prune.compare={{a: {listed}, b: {tmp_path / 'none.txt'}}}",
        "prune.predictions={m: no.csv}",
    )
    with pytest.raises(UserError) as refused:
        run_pruning(config)
    message = str(refused.value)
    assert "prune.compare.a: 1 of its 1 ids are not in this benchmark" in message
    assert "prune.compare.b" in message
    assert "no.csv does not exist" in message


def test_enough_must_be_left_for_the_folds(prune_config):
    with pytest.raises(UserError, match="46 of 48 questions leaves fewer than the 3 folds need"):
        run_pruning(prune_config("prune.budget=46", "fold.only=[0]"))


def test_delta_needs_a_zero_shot_model(prune_config):
    with pytest.raises(UserError, match=r"prune.rank_by=delta"):
        run_pruning(prune_config("prune.rank_by=delta"))


def test_the_same_counts_per_type_as_another_list(prune_config, prior, tmp_path):
    first, _ = run_pruning(
        prune_config("prune.budget=10", "prune.allocation=global", "prune.floor=0")
    )
    path = first / "removed_ids.txt"
    _, summary = run_pruning(prune_config(f"prune.like={path}", "prune.floor=0"))
    lines = (first / "benchmark/full.jsonl").read_text().splitlines()
    types = {row["id"]: row["question_type"] for row in map(json.loads, lines)}
    wanted = pd.Series([types[i] for i in path.read_text().split()]).value_counts().to_dict()
    got = {t: c["removed"] for t, c in summary["pruning"]["per_type"].items() if c["removed"]}
    assert got == wanted
    assert np.isclose(summary["pruning"]["removed"], 10)
