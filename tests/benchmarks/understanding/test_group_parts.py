r"""Groups that a part of a column names: ``file~vid_\d+``."""

from __future__ import annotations

import pytest

from tests.benchmarks.understanding.reading import load, load_csv, told, warnings
from tst.config.composition import compose
from tst.core.errors import UserError

VIDEOS, EACH = 12, 4


def rows(path):
    """Questions on videos; path: of one question's file, of the video's and its own number."""
    return [
        {"question": f"Which sail {i}?", "options": ["red", "blue"], "answer": "AB"[i % 2],
         "file": path.format(v=i % VIDEOS, q=i)}
        for i in range(VIDEOS * EACH)
    ]  # fmt: skip


def groups(table, name="video"):
    return sorted(table.frame[f"group_{name}"].value_counts())


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("val/vid_{v:04d}/clip_{q}.mp4", r"file~vid_\d+"),
        ("val/vid_{v:04d}/clip_{q}.mp4", r"file~vid_(\d+)/"),
        ("val/vid_{v:04d}/clip_{q}.mp4", "file ~ .*/"),
        ("vid{v}_{q}_9.mp4", "file~.*(?=[_-].*[_-])"),
    ],
)
def test_a_part_of_a_path_is_the_group(tmp_path, path, named):
    table = load(tmp_path, rows(path), columns={"groups": {"video": named}})
    assert groups(table) == [EACH] * VIDEOS
    assert f"Groups by video: {VIDEOS}, of {EACH} questions." in told(table)


def test_a_command_line_may_name_it_unquoted():
    words = [r"benchmark.columns.groups={video: file~vid_(\d+)}", "benchmark=my.csv"]
    settings = compose(["diagnostic=rf", *words]).benchmark
    assert settings.columns.groups == {"video": r"file~vid_(\d+)"}


def test_rows_without_the_part_are_left_out_and_other_patterns_refused(tmp_path):
    table = rows("vid_{v}/clip_{q}.mp4")
    table[3]["file"] = "elsewhere/clip.mp4"
    read = load(tmp_path, table, columns={"groups": {"video": r"file~vid_\d+"}})
    (left,) = read.left_out
    assert left.reason == r"the group video: vid_\d+ is not in 'elsewhere/clip.mp4'"
    with pytest.raises(UserError, match=r"groups\.video=file~vid_\[: expected COLUMN~PATTERN"):
        load(tmp_path, table, columns={"groups": {"video": "file~vid_["}})


@pytest.mark.parametrize("name", ["file", "file_name", "media", "URL"])
def test_files_that_recur_are_groups_where_they_are_pictures_or_videos(tmp_path, name):
    for ending, group in (("mp4", "video"), ("jpg", "image")):
        same = [{**row, name: f"all/{i % VIDEOS}.{ending}", "file": None}
                if name != "file" else {**row, "file": f"all/{i % VIDEOS}.{ending}"}
                for i, row in enumerate(rows("{q}"))]  # fmt: skip
        assert groups(load(tmp_path, same), group) == [EACH] * VIDEOS
    texts = [{**row, "file": f"part{i % VIDEOS}.json"} for i, row in enumerate(rows("{q}"))]
    assert not load(tmp_path, texts).groups


@pytest.mark.parametrize(
    ("path", "advised"),
    [
        ("val/vid_{v:04d}/clip_{q}.mp4", "{video: file~.*/}"),
        ("val/x{v}-{q}.png", "{image: file~.*(?=[_-])}"),
        ("val/x{v}_{q}_8.png", "{image: file~.*(?=[_-].*[_-])}"),
        ("val/{q:012d}.jpg", ""),
        ("vid_{v}/{q}.txt", ""),
    ],
)
def test_what_recurs_in_paths_is_advised_and_not_taken(tmp_path, path, advised):
    table = load(tmp_path, rows(path))
    assert not table.groups
    found = [w for w in warnings(table).splitlines() if w.startswith("No groups are known")]
    assert bool(found) == bool(advised)
    assert all(f"'benchmark.columns.groups={advised}'" in warning for warning in found)
    none = load(tmp_path, rows(path), columns={"groups": {}})
    assert not [w for w in warnings(none).splitlines() if w.startswith("No groups are known")]


def test_repeated_questions_name_a_group_once(tmp_path):
    text = "Who?,me,you,A,a.jpg\nWho?,me,you,B,a.jpg\nWhere?,me,you,A,b.jpg\nWhen?,me,you,B,b.jpg\n"
    table = load_csv(tmp_path, "question,A,B,answer,image_path\n" + text)
    (warning,) = [w for w in warnings(table).splitlines() if "occur more than once" in w]
    assert "the same text, options and image." in warning
