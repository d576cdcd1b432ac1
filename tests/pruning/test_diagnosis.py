import shutil

import pandas as pd
import pytest

from tests.pruning.conftest import PriorDiagnostic
from tst.benchmarks.load import load_benchmark
from tst.core.scoring_rules import DEFAULT_RULES
from tst.pruning import diagnosis
from tst.pruning.diagnosis import Examiner


@pytest.fixture
def frame(prune_config, tmp_path):
    return load_benchmark(prune_config("benchmark.n=48").benchmark, tmp_path).frame


class Beside(PriorDiagnostic):
    """At its last fold, another process finishes, or removes the folder before it does."""

    def __init__(self, act) -> None:
        super().__init__()
        self.act = act

    def fit_predict(self, train, heldout, seed):
        predictions = super().fit_predict(train, heldout, seed)
        if self.fits == 3:
            self.act()
        return predictions


def examine(diagnostic, frame, path):
    examiner = Examiner(diagnostic, frame, 3, None, "type", DEFAULT_RULES)
    return examiner.examine(frame.index.to_numpy(), 42, path)


def same(one, other):
    drop = ["seconds"]
    pd.testing.assert_frame_equal(one.drop(columns=drop), other.drop(columns=drop))


def test_another_process_that_finishes_first_takes_nothing_away(frame, tmp_path):
    path, folder = tmp_path / "42.parquet", tmp_path / "42.folds"
    expected = examine(PriorDiagnostic(), frame, tmp_path / "alone.parquet")

    def finish():
        expected.to_parquet(path, index=False)
        shutil.rmtree(folder)

    same(examine(Beside(finish), frame, path), expected)
    assert not folder.exists()


def test_folds_in_memory_outlive_their_folder(frame, tmp_path):
    path, folder = tmp_path / "42.parquet", tmp_path / "42.folds"
    expected = examine(PriorDiagnostic(), frame, tmp_path / "alone.parquet")
    same(examine(Beside(lambda: shutil.rmtree(folder)), frame, path), expected)
    same(pd.read_parquet(path), expected)


def test_a_folder_that_goes_while_a_fold_is_written(frame, tmp_path, monkeypatch):
    expected = examine(PriorDiagnostic(), frame, tmp_path / "alone.parquet")
    write = diagnosis.write_parquet

    def vanish(path, scores):
        if path.parent.suffix == ".folds":
            raise FileNotFoundError(path)
        write(path, scores)

    monkeypatch.setattr(diagnosis, "write_parquet", vanish)
    same(examine(PriorDiagnostic(), frame, tmp_path / "42.parquet"), expected)
