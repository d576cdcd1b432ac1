"""The five benchmarks on the real text, where there is any on this machine."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from tests.benchmarks.loading import settings_of
from tst.benchmarks.lettered import strip_letters
from tst.benchmarks.load import load_benchmark
from tst.core.questions import QuestionTable

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no real benchmark text in {DATA}")


@pytest.fixture(scope="module")
def tables() -> dict[str, QuestionTable]:
    names = ("vsi_bench", "cv_bench", "video_mme", "mmmu", "mmstar")
    return {name: load_benchmark(settings_of(name), DATA) for name in names}


@pytest.mark.parametrize(
    ("name", "read", "formats", "groups", "types"),
    [
        ("vsi_bench", 5130, {"mc": 2490, "num": 2640}, {"scene": 288}, 10),
        ("cv_bench", 2638, {"mc": 2638}, {"image": 2112, "scene": 1893}, 4),
        ("video_mme", 2700, {"mc": 2700}, {"video": 900}, 12),
        ("mmmu", 900, {"mc": 846, "open": 53}, {}, None),
        ("mmstar", 1500, {"mc": 1500}, {}, 6),
    ],
)
def test_all_rows_are_accounted_for(tables, name, read, formats, groups, types):
    table = tables[name]
    assert table.rows_read == read == len(table.frame) + len(table.left_out)
    assert table.frame["format"].value_counts().to_dict() == formats
    assert {g: table.frame[f"group_{g}"].nunique() for g in table.groups} == groups
    assert list(groups) == table.groups
    assert types is None or table.frame["question_type"].nunique() == types
    assert len(table.left_out) == (name == "mmmu")


def test_the_bad_row_of_mmmu_is_named(tables):
    assert [b.id for b in tables["mmmu"].left_out] == ["validation_Geography_15"]


def test_types_of_mmmu_have_five_questions(tables):
    sizes = tables["mmmu"].frame["question_type"].value_counts()
    assert (sizes.drop("Other") >= 5).all()


def test_lists_of_mmmu_read_as_python_reads_them(tables):
    records = map(json.loads, (DATA / "mmmu" / "validation.jsonl").open())
    source = {r["id"]: [o.strip() for o in ast.literal_eval(r["options"])] for r in records}
    mc = tables["mmmu"].frame.query("format == 'mc'")
    assert all(source[i] == o for i, o in zip(mc["id"], mc["options"], strict=True))


def test_hypersim_has_23_scenes(tables):
    frame = tables["cv_bench"].frame
    hypersim = frame[frame["group_scene"].str.startswith("hypersim/")]
    assert (len(hypersim), hypersim["group_scene"].nunique()) == (400, 23)
    assert hypersim["group_image"].nunique() == 242


def test_options_carry_no_letters(tables):
    for name in ("vsi_bench", "cv_bench", "video_mme", "mmstar"):
        options = tables[name].frame["options"].dropna()
        # a few options are orders of (a), (b), ... and look lettered
        assert sum(strip_letters(o) is not None for o in options) <= 1, name


def test_mmstar_questions_end_before_their_options(tables):
    frame = tables["mmstar"].frame
    assert not frame["question"].str.contains("Options:").any()
    assert frame["options"].map(len).value_counts().to_dict() == {4: 1325, 3: 90, 2: 85}
    assert frame["options"].map(lambda o: all(o)).all()
