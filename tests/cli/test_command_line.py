import shlex

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from tst import compare
from tst.cli.command_line import arrange, as_typed, quoted
from tst.cli.console_script import names_a_command


@pytest.mark.parametrize(
    ("typed", "arranged"),
    [
        ("-m benchmark=a,b model=x,y", "-m model=x,y benchmark=a,b"),
        ("benchmark=a -m model=x", "-m model=x benchmark=a"),
        ("diagnostic=rf fold.k=3 --multirun", "--multirun diagnostic=rf fold.k=3"),
        ("--config-dir d=x benchmark=a model.name=q", "--config-dir d=x model.name=q benchmark=a"),
        ("--cfg job benchmark=a model=m", "--cfg job model=m benchmark=a"),
        ("model.quantization=none benchmark=a", "model.quantization=none benchmark=a"),
        ("", ""),
    ],
)
def test_arrange(typed, arranged):
    assert arrange(typed.split()) == arranged.split()


@pytest.mark.parametrize(
    ("overrides", "path", "line"),
    [
        (["benchmark=my.csv", "fold.k=3"], None, "tst audit my.csv fold.k=3"),
        (["fold.k=3", "benchmark=../a/my.csv"], "/a/my.csv", "tst audit /a/my.csv fold.k=3"),
        (["benchmark='my file.csv'"], "my file.csv", "tst audit 'my file.csv'"),
        (["benchmark=mmmu"], None, "tst audit benchmark=mmmu"),
        (["benchmark=[a.csv,b.csv]"], None, "tst audit 'benchmark=[a.csv,b.csv]'"),
        (["benchmark.columns.id='Nr (a)'"], None, "tst audit \"benchmark.columns.id='Nr (a)'\""),
        (["a='$b'"], None, "tst audit 'a='\"'\"'$b'\"'\"''"),
    ],
)
def test_overrides_as_a_person_types_them(overrides, path, line):
    assert as_typed("audit", overrides, path) == line
    typed = [word for word in overrides if not word.startswith("benchmark=")]
    assert [word for word in shlex.split(line) if word in typed] == typed


@pytest.mark.parametrize(
    "word",
    ["a b", "it's", "a,b", "a{b}", "[x]", "", "x\\", "x\\'y", "a=b", "5", 'a"b', "a\\b", "null"],
)
def test_a_quoted_word_is_itself_whatever_is_in_it(word):
    assert OverridesParser.create().parse_override(f"adapters={quoted(word)}").value() == word


@pytest.mark.parametrize(
    ("typed", "arranged"),
    [
        (["x/y", "it's"], ["a='x/y'", "b='it\\'s'"]),
        (["out=d.csv", "x", "y"], ["out=d.csv", "a='x'", "b='y'"]),
        (["--cfg", "job", "x"], ["--cfg", "job", "a='x'"]),
        (["a=x", "b=[y,z]"], ["a=x", "b=[y,z]"]),
        (["x", "y", "z"], ["x", "y", "z"]),
    ],
)
def test_plain_words_of_a_comparison_are_its_sides(typed, arranged):
    assert compare.arrange(typed) == arranged


@pytest.mark.parametrize(
    ("word", "is_word"),
    [
        ("audit", True), ("my.csv", True), ("/a/x=1.csv", True), ("./a=b.csv", True),
        ("here=1.csv", True), ("gone=1.csv", False), ("fold.k=3", False), ("-m", False),
    ],
)  # fmt: skip
def test_a_first_word_with_an_equals_sign_may_be_a_file(tmp_path, monkeypatch, word, is_word):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here=1.csv").touch()
    assert names_a_command([word]) == is_word
