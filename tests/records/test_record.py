"""The status and the result of a record that several processes use."""

import threading

import pandas as pd
import pytest

from tst.core.errors import ComputingError, UserError
from tst.records import fold_files, record
from tst.records.files import read_json
from tst.records.record import RESULT, Record

TABLES = {"predictions.parquet": pd.DataFrame({"s": [0.5]}), "importance.csv": None}


@pytest.fixture
def complete(tmp_path):
    with Record(tmp_path / "a" / "hash") as opened, opened.writing():
        opened.write_result(TABLES, {"overall": 1, "null": {}})
    return opened.path


def state(path):
    return read_json(path / "status.json")["state"]


@pytest.mark.parametrize("as_state", ["running", "partial", "interrupted", "failed"])
def test_the_status_of_a_complete_record_stays(complete, as_state):
    before = (complete / "status.json").read_bytes()
    with Record(complete) as opened:
        opened.mark(as_state)
    assert (complete / "status.json").read_bytes() == before
    (complete / "predictions.parquet").unlink()
    with Record(complete) as opened:
        opened.mark(as_state)
    assert state(complete) == as_state


@pytest.mark.parametrize("error", [RuntimeError("quoted"), KeyboardInterrupt()])
def test_a_failure_is_noted_unless_the_record_is_complete(complete, tmp_path, error):
    for path in (complete, tmp_path / "b" / "other"):
        with Record(path) as opened, pytest.raises(type(error)), opened.noting_failure():
            raise error
    assert state(complete) == "finished"
    status = read_json(tmp_path / "b" / "other" / "status.json")
    assert status["state"] == ("failed" if isinstance(error, Exception) else "interrupted")
    assert ("quoted" in status.get("traceback", "")) == isinstance(error, Exception)


def test_another_process_may_check_between_the_two_writes_of_an_update(complete, monkeypatch):
    asked = []
    write = record.write_json

    def write_and_look(path, value):
        write(path, value)
        if path.name == "summary.json":
            asked.append(Record(complete).is_complete())

    monkeypatch.setattr(record, "write_json", write_and_look)
    with Record(complete) as opened:
        opened.update_summary(null={"draws": 3})
        assert opened.read_summary() == {"overall": 1, "null": {"draws": 3}}
        assert opened.is_complete()
    assert asked == [False]
    assert not list(complete.glob("*.damaged-*"))


def test_another_process_may_check_between_a_fold_and_its_sidecar(tmp_path, monkeypatch):
    rows = pd.DataFrame({"s": [0.25]})
    write = fold_files.write_json
    asked = []

    def look_and_write(path, value):
        with Record(tmp_path) as other:
            asked.append(other.folds.finished([(0, 0)]))
        write(path, value)

    with Record(tmp_path) as opened:
        opened.folds.write((0, 0), rows, {})
        monkeypatch.setattr(fold_files, "write_json", look_and_write)
        opened.folds.write((0, 0), rows + 1, {})  # the same fold by a process that was too slow
    assert asked == [[]]
    with Record(tmp_path) as opened:
        assert opened.folds.finished([(0, 0)]) == [(0, 0)]
    assert not list(tmp_path.rglob("*.damaged-*"))


def test_one_process_writes_and_others_wait_or_leave_it_alone(complete):
    first, second = Record(complete), Record(complete)
    (complete / "summary.json").write_text("{}")  # no longer complete
    update = threading.Thread(target=second.update_summary, kwargs={"null": 2})
    with first.writing():
        second.mark("running")
        assert state(complete) == "finished"
        update.start()
        update.join(0.5)
        assert update.is_alive()
        first.write_result(TABLES, {"overall": 2})
    update.join(10)
    assert second.read_summary() == {"overall": 2, "null": 2}
    assert second.is_complete()
    assert first.leases.holder(RESULT) is None
    assert [p.name.partition(".damaged")[0] for p in complete.glob("*.damaged-*")] == [
        "summary.json"
    ]


def test_all_the_work_of_a_record_is_taken_once(tmp_path):
    first, second = Record(tmp_path), Record(tmp_path)
    assert first.lease_whole() == ""
    assert second.lease_whole() == first.leases.owner.name
    first.leases.close()
    assert second.lease_whole() == ""
    second.leases.close()


def test_a_mistake_found_before_anything_is_computed_leaves_nothing(tmp_path):
    def ends(path, error, *names):
        with pytest.raises(type(error)), Record(path) as opened:
            opened.mark("running")
            with opened.keeping_log(), opened.noting_failure():
                for name in names:
                    (opened.path / name).mkdir()
                raise error

    ends(tmp_path / "outputs" / "runs" / "a" / "hash", UserError("no groups"))
    assert not (tmp_path / "outputs").exists()
    kept = tmp_path / "runs" / "a" / "kept"
    ends(kept, UserError("found in the second fold"), "folds")
    ends(kept.with_name("gone"), UserError("no groups"))
    assert [path.name for path in kept.parent.iterdir()] == ["kept"]
    for error in (ComputingError("memory is out"), RuntimeError("a bug")):
        ends(kept.with_name(type(error).__name__), error)
        assert state(kept.with_name(type(error).__name__)) == "failed"
    ends(kept.with_name("RuntimeError"), UserError("of an earlier run there is a record"))
    assert state(kept.with_name("RuntimeError")) == "failed"
