"""The benchmarks that TsT knows: their YAMLs read the layouts of their files (invented rows)."""

from __future__ import annotations

from tests.benchmarks.loading import CONF, load, rows_of, settings_of


def test_vsi_bench_layout(tmp_path):
    base = {"dataset": "d", "scene_name": "s1", "question": "How many (in metres)?"}
    table = load(
        tmp_path,
        [
            base | {"id": 0, "question_type": "n", "options": None, "ground_truth": "4"},
            base | {"id": 1, "question_type": "n", "options": None, "ground_truth": "many"},
            base
            | {"id": 2, "question_type": "m", "options": ["A. a", "B. b"], "ground_truth": "B"},
        ],
        "vsi_bench",
    )
    assert rows_of(table, "id", "format", "answer") == [("0", "num", 4.0), ("2", "mc", 1)]
    assert table.frame["options"].tolist() == [None, ["a", "b"]]
    assert table.groups == ["scene"]
    assert [(b.id, b.reason) for b in table.left_out] == [("1", "non-numeric gold 'many'")]


def test_cv_bench_layout(tmp_path):
    def record(i, source, filename, answer="(A)"):
        return {
            "idx": i, "type": "3D", "task": "Depth", "question": "Which?", "answer": answer,
            "choices": ["x", "y", "z"], "prompt": "p", "filename": "f", "source": source,
            "source_filename": filename,
        }  # fmt: skip

    table = load(
        tmp_path,
        [
            record(0, "Omni3D", "hypersim/ai_1/images/cam/f1.jpg"),
            record(1, "Omni3D", "hypersim/ai_1/images/cam/f2.jpg", "(C)"),
            record(2, "COCO", "/val/1.jpg"),
            record(3, "COCO", "/val/1.jpg", "(D)"),
        ],
        "cv_bench",
    )
    assert table.groups == ["image", "scene"]
    assert table.frame["group_image"].nunique() == 3
    assert table.frame["group_scene"].tolist() == ["hypersim/ai_1"] * 2 + ["COCO//val/1.jpg"]
    assert set(table.frame["question_type"]) == {"depth_3d"}
    assert table.frame["answer"].tolist() == [0, 2, 0]
    assert [b.reason for b in table.left_out] == ["gold answer is option 4 of 3"]


def test_video_mme_layout(tmp_path):
    record = {
        "video_id": "1", "duration": "short", "domain": "D", "sub_category": "S", "videoID": "v",
        "question_id": "1-1", "task_type": "T", "question": "What?", "answer": "D",
        "options": ["A. Red.", "B. 4.", "C. U.S.A.", "D. None."],
    }  # fmt: skip
    table = load(tmp_path, [record], "video_mme")
    assert table.frame["options"][0] == ["Red.", "4.", "U.S.A.", "None."]
    assert table.frame["metadata"][0] == {"duration": "short", "domain": "D", "sub_category": "S"}
    assert rows_of(table, "answer", "group_video") == [(3, "v")]


def test_mmmu_layout(tmp_path):
    def record(i, kind, options, answer, subfield="Algebra"):
        return {
            "id": f"v_{i}", "question": "<image 1> What?", "options": options, "answer": answer,
            "question_type": kind, "subfield": subfield, "topic_difficulty": "Easy",
            "img_type": "Plots",
        }  # fmt: skip

    many = [record(i, "multiple-choice", "['a', \"it's\"]", "B") for i in range(5)]
    table = load(
        tmp_path,
        [
            *many,
            record(5, "open", "[]", "['x', 'y']", "Rare"),
            record(6, "open", "[]", "3", None),
            record(7, "multiple-choice", "['a', 'b']", "C", "Rare"),
        ],
        "mmmu",
    )
    assert table.frame["options"][0] == ["a", "it's"]
    assert table.frame["answer"].tolist() == [1] * 5 + [["x", "y"], ["3"]]
    assert table.frame["question_type"].tolist() == ["Algebra"] * 5 + ["Other"] * 2
    assert table.frame["metadata"][5]["subfield"] == "Rare"
    assert [b.id for b in table.left_out] == ["v_7"]


def test_mmstar_layout(tmp_path):
    base = {"answer": "B", "category": "math", "l2_category": "geometry", "meta_info": {"s": "x"}}
    texts = ["Q?\nOptions: A: x, B: y", "Q?\n(A) x\n(B) y", "Q?\nOptions: A. x B. y", "Q?"]
    table = load(
        tmp_path, [base | {"index": i, "question": t} for i, t in enumerate(texts)], "mmstar"
    )
    assert rows_of(table, "question", "answer") == [("Q?", 1)] * 3
    assert table.frame["options"].tolist() == [["x", "y"]] * 3
    assert [b.reason for b in table.left_out] == ["no options found in the question's text"]


def test_every_yaml_fits_the_schema():
    for path in CONF.glob("*.yaml"):
        settings = settings_of(path.stem)
        assert settings.name == path.stem
        if settings.hub.repo:
            assert len(settings.hub.revision) == 40, path
