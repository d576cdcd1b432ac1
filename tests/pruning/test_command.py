"""The command as a user types it, in a process of its own."""

from pathlib import Path

import pytest

from tests.commands import run_command

QUICK = ("diagnostic=rf", "diagnostic.trees=5", "diagnostic.inner_folds=2", "benchmark.n=48",
         "fold.k=3", "fold.repeats=1", "n_jobs=1", "prune.budget=8", "prune.batch=8",
         "prune.floor=0", "prune.types=all")  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prune.bugdet=3"], "prune.bugdet: there is no such setting. Did you mean prune.budget?"),
        (["prune.budget=1.5", "prune.rank_by=p"], "prune.rank_by=p: expected one of adjusted"),
        (["prune.rank_by=bits"], "this set also has num questions; use adjusted"),
        (["prune.judge=human"], "prune.judge=human: expected one of lora_llm, rf."),
        (["prune.compare={pilot: /no/such.txt}"], "prune.compare.pilot"),
    ],
)
def test_a_users_mistake_is_one_message_and_exit_code_2(tmp_path, words, message):
    done = run_command("tst.prune", *QUICK, *words, f"outputs_root={tmp_path}")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pruning_ends_with_its_record(tmp_path):
    done = run_command(
        "tst.prune", *QUICK, "prune.judge=rf", "prune.random_draws=1", "prune.judge_seeds=[42]",
        f"outputs_root={tmp_path}", fresh=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("record: ")
    folder = Path(last.removeprefix("record: "))
    assert len((folder / "removed_ids.txt").read_text().split()) == 8
    assert (folder / "figures" / "curve.png").exists()
    assert "not independent" in done.stdout
    assert "iteration 0: n 48" in done.stderr
