"""The store in folders: a fold's adapters, whole or in parts."""

import pytest

from tst.records.store import FolderStore


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "cache", tmp_path / "adapters")


def write(store, text, *at):
    with store.adapter_folder(*at) as folder:
        (folder / text).write_text(text)


def files(store):
    found = store.adapters.rglob("*")
    return {path.relative_to(store.adapters).as_posix() for path in found if path.is_file()}


def test_a_part_replaces_itself_alone(store):
    for part in ("mc", "num"):
        write(store, "old", 0, 1, part)
    write(store, "new", 0, 1, "mc")
    write(store, "other", 0, 2)
    assert files(store) == {"0-1/mc/new", "0-1/num/old", "0-2/other"}


def test_a_whole_fold_replaces_all_of_it(store):
    write(store, "part", 0, 1, "mc")
    write(store, "whole", 0, 1)
    assert files(store) == {"0-1/whole"}


def test_a_failed_write_leaves_what_was_there(store):
    write(store, "old", 0, 1, "mc")
    with pytest.raises(RuntimeError), store.adapter_folder(0, 1, "mc") as folder:
        (folder / "half").write_text("half")
        raise RuntimeError
    assert files(store) == {"0-1/mc/old"}
