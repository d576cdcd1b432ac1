import json
import shutil
from pathlib import Path

import pytest
import yaml

from tst.analysis.selection import choose, deviations
from tst.core.errors import UserError
from tst.records.files import checksum
from tst.records.identity import RESULTS_VERSION
from tst.records.run_records import examine, find_records, read_record
from tst.records.verification import describe_left_out


@pytest.fixture
def copied(study: tuple[Path, dict[str, Path]], tmp_path: Path) -> tuple[Path, dict[str, Path]]:
    root, paths = study
    shutil.copytree(root, tmp_path / "outputs")
    moved = {name: tmp_path / "outputs" / path.relative_to(root) for name, path in paths.items()}
    return tmp_path / "outputs", moved


def change_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_whole_records_are_read(study: tuple[Path, dict[str, Path]]) -> None:
    root, paths = study
    found = find_records(root)
    assert not found.unusable
    assert {r.path for r in found.records} == set(paths.values())
    llm = read_record(paths["llm"])
    assert (llm.diagnostic, llm.scheme, llm.seed) == ("lora_llm", "random", 42)
    assert llm.model
    assert read_record(paths["grouped"]).group_by == "scene"
    assert len(llm.questions) == 96


def test_a_folder_that_was_copied_elsewhere_keeps_its_names(
    study: tuple[Path, dict[str, Path]], tmp_path: Path
) -> None:
    original = read_record(study[1]["llm"])
    shutil.copytree(original.path, tmp_path / "mail" / original.hash)
    copy = read_record(tmp_path / "mail" / original.hash)
    assert copy.benchmark == original.benchmark == "planted"
    assert (copy.subject, copy.folds) == (original.subject, original.folds)
    copy.path.rename(tmp_path / "renamed")
    with pytest.raises(UserError, match=rf"name is not {original.hash}, the hash .*rename it"):
        read_record(tmp_path / "renamed")


@pytest.mark.parametrize("name", ["questions.parquet", "summary.json", "predictions.parquet"])
def test_changed_files_are_left_out(copied: tuple[Path, dict[str, Path]], name: str) -> None:
    root, paths = copied
    with (paths["random"] / name).open("ab") as file:
        file.write(b" ")
    [bad] = find_records(root).unusable
    assert bad.state == "damaged"
    assert name in bad.reason


def test_missing_files_are_left_out(copied: tuple[Path, dict[str, Path]]) -> None:
    root, paths = copied
    (paths["random"] / "questions.csv").unlink()
    assert "questions.csv is missing" in find_records(root).unusable[0].reason


def test_unfinished_and_failed_records_are_named(copied: tuple[Path, dict[str, Path]]) -> None:
    root, paths = copied
    change_json(paths["random"] / "status.json", state="partial", finished=2, planned_folds=5)
    change_json(paths["llm"] / "status.json", state="failed", error="OutOfMemoryError: 80 GB\nmore")
    unusable = {u.state: u.reason for u in find_records(root).unusable}
    assert unusable == {
        "partial": "2 of 5 folds are finished", "failed": "OutOfMemoryError: 80 GB",
    }  # fmt: skip


def test_another_config_or_results_version_is_stale(
    copied: tuple[Path, dict[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, paths = copied
    config = yaml.safe_load((paths["random"] / "config.yaml").read_text())
    config["fold"]["seed"] = 7
    (paths["random"] / "config.yaml").write_text(yaml.safe_dump(config))
    assert examine(paths["random"]).state == "stale"  # type: ignore[union-attr]
    monkeypatch.setattr("tst.records.identity.RESULTS_VERSION", 10_000)
    assert examine(paths["llm"]).state == "outdated"  # type: ignore[union-attr]


def make_outdated(path: Path) -> None:
    """Take from a record's summary what results version 2 did not write."""
    summary = json.loads((path / "summary.json").read_text())
    del summary["results_version"]
    (path / "summary.json").write_text(json.dumps(summary))
    status = json.loads((path / "status.json").read_text())
    status["files"]["summary.json"] = checksum(path / "summary.json")
    (path / "status.json").write_text(json.dumps(status))


def test_records_of_an_earlier_version_are_one_message(
    copied: tuple[Path, dict[str, Path]],
) -> None:
    root, paths = copied
    make_outdated(paths["random"])
    make_outdated(paths["llm"])
    (paths["grouped"] / "questions.csv").unlink()
    sentences = describe_left_out(find_records(root).unusable)
    assert len(sentences) == 2
    assert sentences[0].startswith("Left out: 2 records of results version 2; ")
    assert f"have version {RESULTS_VERSION}, so run their commands again" in sentences[0]
    assert "questions.csv is missing" in sentences[1]


def test_a_folder_that_is_no_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a record"):
        read_record(tmp_path)


def test_an_unfinished_record_is_refused(copied: tuple[Path, dict[str, Path]]) -> None:
    _, paths = copied
    change_json(paths["random"] / "status.json", state="running")
    with pytest.raises(UserError, match="is running"):
        read_record(paths["random"])


def test_seeds_are_averaged_and_other_settings_passed_over(
    study: tuple[Path, dict[str, Path]],
) -> None:
    records = [r for r in find_records(study[0]).records if r.diagnostic == "rf"]
    assert not deviations(records[0])
    choice = choose(records)
    assert [r.seed for r in choice.records] == [42, 43]
    [(other, why)] = choice.passed_over
    assert other.scheme == "grouped"
    assert why == "fold.group_by=scene"
