"""On the benchmarks' own texts, where they are at hand; nothing of them is in the repository."""

from pathlib import Path

import pytest

from tst.benchmarks.load import load_benchmark
from tst.benchmarks.source import source_records
from tst.pruning.allocation import plan_quotas
from tst.pruning.model_answers.readings import PARSED
from tst.pruning.model_answers.scoring import read_answers
from tst.pruning.record import read_ids
from tst.pruning.settings import PredictionSettings, PruneSettings

DATA = Path(__file__).parents[3] / "shared" / "data"


def needs(path: Path) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not path.exists(), reason=f"{path} is not here")


@needs(DATA / "cv_bench" / "predictions")
def test_gpt_41_on_cv_bench(prune_config):
    settings = prune_config("benchmark=cv_bench").benchmark
    table = load_benchmark(settings, DATA)
    source = source_records(settings, DATA, table)
    files = sorted(str(p) for p in (DATA / "cv_bench" / "predictions").glob("*.xlsx"))
    reading = PredictionSettings(key={"image_path": "filename"})
    answers = read_answers("m", files, reading, source, table.frame, "idx", False)
    assert len(answers.scores) == len(table.frame) == 2638
    assert answers.scores["state"].eq(PARSED).mean() >= 0.99
    assert 0.8 < answers.scores["score"].mean() < 0.9


@needs(DATA / "vsi_bench" / "pilot_removed_ids.txt")
def test_the_pilot_s_counts_per_type(prune_config):
    table = load_benchmark(prune_config("benchmark=vsi_bench").benchmark, DATA)
    ids = read_ids(DATA / "vsi_bench" / "pilot_removed_ids.txt", "prune.like")
    quotas = plan_quotas(PruneSettings(like="pilot"), table.frame, ids)
    assert quotas.budget == 2768
    assert quotas.removable["room_size_estimation"] == 88
    assert quotas.removable["object_rel_direction_easy"] == 5
