"""What the test set gives away as a set stands beside an audit's verdict and is no part of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tst import audit as command
from tst.auditing import run
from tst.auditing.files import write_files
from tst.auditing.siblings import SiblingsEffect, describe_siblings_effect
from tst.cli.audit_console import show_found
from tst.cli.tables import standard_output
from tst.records.files import read_json

THINGS = [f"thing{i}" for i in range(300)]


def write_videos(path: Path, n: int = 40) -> Path:
    """Three questions per video; the right option of one is named in the text of another."""
    rng = np.random.default_rng(0)
    with path.open("w") as file:
        for i in range(n):
            named = [THINGS[j] for j in rng.permutation(len(THINGS))[:3]]
            for part in range(3):
                wrong = [THINGS[j] for j in rng.permutation(len(THINGS))[:3]]
                options = [named[part], *wrong]
                order = rng.permutation(4)
                row = {
                    "question": f"What lies near the {named[(part + 1) % 3]} in clip {i}?",
                    "options": [options[j] for j in order], "answer": int(order.argmin()),
                    "video": f"v{i}",
                }  # fmt: skip
                file.write(json.dumps(row) + "\n")
    return path


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> run.Audit:
    folder = tmp_path_factory.mktemp("siblings")
    words = [f"benchmark={write_videos(folder / 'my.jsonl')}", f"outputs_root={folder}"]
    words += ["n_jobs=1", "null.repeats=0", "audit.llm=false", "diagnostic.trees=10"]
    words += ["diagnostic.importance=false", "diagnostic.reasons=false"]
    found = run.audit(command.COMMAND.compose(words), lambda _: None)
    write_files(found, "tst audit my.jsonl", folder)
    return found


def test_the_run_that_reads_the_group_has_the_deciding_folds(audited: run.Audit) -> None:
    reads = {name: record.leaves["features.context"] for name, record in audited.runs.items()}
    assert reads == {"random": "none", "grouped": "none", "siblings": "siblings"}
    assert audited.runs["siblings"].group_by == audited.deciding.group_by == "video"


def test_both_figures_stand_on_page_terminal_report_and_in_the_verdict(
    audited: run.Audit, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, together = (
        100 * audited.runs[name].summary["overall"]["score_hard"]
        for name in ("grouped", "siblings")
    )
    assert together > alone + 30
    said = f"Alone {alone:.1f}, with the text of the video's other questions (never an answer) "
    show_found(audited, standard_output())
    told = " ".join(capsys.readouterr().out.split())
    for text in (told, (audited.folder / "audit.md").read_text()):
        assert said + f"{together:.1f}: +{together - alone:.1f}" in text
        assert "wrong options are not about the video" in text
    verdict = read_json(audited.folder / "verdict.json")
    assert verdict["siblings"]["together"] == pytest.approx(together / 100)
    assert verdict["runs"]["siblings"]["hash"] == audited.runs["siblings"].hash
    report = (audited.folder / "report.html").read_text()
    assert "What the test set gives away as a set" in report


def test_the_verdict_is_of_questions_alone(audited: run.Audit) -> None:
    verdict = read_json(audited.folder / "verdict.json")
    assert verdict["decided_by"] == "grouped"
    assert set(verdict["types"][0]["scores"]) == {"random", "grouped"}


@pytest.mark.parametrize(
    ("interval", "choices_alone", "said"),
    [
        ((0.1, 0.3), True, "wrong options are not about the scene."),
        ((0.1, 0.3), False, "what these mention tells the answer."),
        ((-0.1, 0.5), True, "no sign that these give more away."),
        ((float("nan"), float("nan")), True, "no sign that these give more away."),
    ],
)
def test_what_a_difference_means(
    interval: tuple[float, float], choices_alone: bool, said: str
) -> None:
    effect = SiblingsEffect("scene", 0.3, 0.5, 0.2, interval, choices_alone)
    told = describe_siblings_effect(effect)
    assert told.startswith("Alone 30.0, with the text of the scene's other questions")
    assert "+20.0 [" in told
    assert told.endswith(said)
