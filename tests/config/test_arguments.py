"""Files as benchmarks, and names that Hydra's grammar does not know."""

from __future__ import annotations

import pytest

from tst.benchmarks.load import load_benchmark
from tst.config.arguments import prepare
from tst.config.composition import compose
from tst.core.errors import UserError


def settings(*overrides: str):
    return compose(["diagnostic=rf", *overrides]).benchmark


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("my.csv", "my"),
        ("data/My-Bench_v1.2.json", "My-Bench_v1.2"),
        ("MyBench/test.jsonl", "MyBench_test"),
        ("MyBench/validation-00000-of-00002.parquet", "MyBench_validation"),
        ("MyBench/data.json.gz", "MyBench_data"),
        ("a b (1).xlsx", "a b (1)"),
        ("题库/题.tsv", "题"),
        ("vsi_bench.jsonl", "vsi_bench_file"),
        ("planted.csv", "planted_file"),
        ("../up.csv", "up"),
        ("it's.csv", "it's"),
    ],
)
def test_a_file_is_a_benchmark_named_after_it(here, file, name):
    read = settings(f"benchmark={file}")
    assert (read.path, read.name) == (file, name)
    (absolute,) = prepare([f"benchmark={here / file}"])
    read = settings(f"benchmark={here / file}")
    assert (read.path, read.name) == (str(here / file), name)
    assert absolute.startswith("benchmark=")


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("my.pkl", "pickles can run code"), ("notes/my.txt", "rename it"), ("my.csv.bz2", "unpack"),
        ("./nothing", "does not exist"), ("/no/where", "does not exist"),
        ("sub", "expected one of"), ("nowhere/x", "or a file of yours"),
    ],
)  # fmt: skip
def test_what_names_a_file_is_refused_as_one(here, typed, reason):
    (here / "my.pkl").touch()
    (here / "my.csv.bz2").touch()
    (here / "notes").mkdir()
    (here / "notes" / "my.txt").touch()
    (here / "sub").mkdir()
    with pytest.raises(UserError, match=reason):
        load_benchmark(settings(f"benchmark={typed}"))


def test_a_path_with_signs_of_hydra_in_it_is_one_file(here):
    folder = here / 'it\'s "best" (v2), a=b'
    folder.mkdir()
    path = folder / "x [final], y=1.csv"
    path.write_text("question,answer\nWho?,me\n")
    assert settings(f"benchmark={path}").path == str(path)


def test_a_path_alone_gives_the_name_too(here):
    assert settings("benchmark=table", "benchmark.path=x/my.csv").name == "my"
    assert (
        settings("benchmark=table", "benchmark.path=my.csv", "benchmark.name=ours").name == "ours"
    )
    several = "benchmark.path=[pope_random.json,pope_popular.json]"
    assert settings("benchmark=table", several).name == "pope"
    assert settings("benchmark=[a/one.json,a/two.json]").name == "a"
    assert settings("benchmark=table", "benchmark.hub.repo=me/MyBench").name == "MyBench"
    assert settings("benchmark=vsi_bench", "benchmark.path=my.csv").name == "vsi_bench"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("answer=Correct Answer", "Correct Answer"),
        ("answer='Correct Answer'", "Correct Answer"),
        ("answer=正确答案", "正确答案"),
        ("answer=answer (text)", "answer (text)"),
        ("answer=[gold]", "[gold]"),
        ("answer=it's", "it's"),
        ("answer=null", None),
        ("id=", ""),
        ("question=question.stem", "question.stem"),
        ("options=[选项A, 选项B (b), C]", ["选项A", "选项B (b)", "C"]),
        ("options=[a,b]", ["a", "b"]),
        ("groups={video: 视频 id, image: im}", {"video": "视频 id", "image": "im"}),
        ("metadata=[duration]", ["duration"]),
    ],
)
def test_names_of_columns_need_no_quotes_of_hydra(typed, read):
    columns = settings("benchmark=my.csv", f"benchmark.columns.{typed}").columns
    assert getattr(columns, typed.partition("=")[0]) == read


def test_other_values_that_hydra_would_not_read():
    read = settings("benchmark=a.csv", "benchmark.options=[是,否]", "benchmark.options_separator=,")
    assert (read.options, read.options_separator) == (["是", "否"], ",")
    assert settings("benchmark=a.csv", "benchmark.options=[yes,no]").options == ["yes", "no"]
    assert settings("benchmark=a.csv", "benchmark.decimal=,").decimal == ","


def test_what_is_no_file_stays_as_it_was():
    for argument in (
        "benchmark=vsi_bench,mmmu",
        "benchmark=table",
        "fold.only=[0]",
        "--cfg",
        "job",
    ):
        assert prepare([argument]) == [argument]
    with pytest.raises(UserError, match="my_bench"):
        settings("benchmark=my_bench")
