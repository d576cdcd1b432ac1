from tst.records.identity import Identity
from tst.records.leases import Leases
from tst.records.record import Record
from tst.records.record_states import read_state, survey
from tst.stress_testing.run import run


def test_states_of_records(quick_config, tmp_path):
    run(quick_config())
    partial = run(quick_config("fold.only=[0]", "fold.seed=7")).record
    dead = tmp_path / "runs" / "made" / "rf" / "random5" / "aaaa"
    with Record(dead) as record:
        identity = Identity({"x": 1}, "fingerprint", 1)
        environment = {"command": "python -m tst.main x=1"}
        record.write_settings("x: 1\n", identity, environment, {})
        record.mark("running", planned_folds=5)
    states = {entry.path: entry for entry in survey(tmp_path)}
    assert sorted(entry.state for entry in states.values()) == ["finished", "partial", "stopped"]
    assert states[partial].folds == (1, 5)
    assert states[dead].command == "python -m tst.main x=1"
    leases = Leases(dead / "leases")
    assert leases.take("0-0.json")
    assert read_state(dead).state == "running"
    leases.close()
    waiting = Leases(partial / "leases")  # it goes on with a record that another one left
    assert waiting.take("0-1.json")
    assert read_state(partial).state == "running"
    waiting.close()


def test_an_unreadable_status_is_damaged(tmp_path):
    record = tmp_path / "runs" / "a" / "rf" / "random5" / "bbbb"
    record.mkdir(parents=True)
    (record / "status.json").write_text('{"state": ')
    assert [entry.state for entry in survey(tmp_path)] == ["damaged"]


def test_a_failure_is_one_although_its_process_still_holds_a_lease(tmp_path):
    with Record(tmp_path / "cccc") as record:
        assert record.leases.take("0-0.json")
        record.mark("failed", error="ValueError: no")
        assert read_state(record.path).state == "failed"
        assert read_state(record.path).detail == "ValueError: no"
