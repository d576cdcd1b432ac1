"""Runs and their records: one run, or the runs of a grid."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tst.config.schema import to_plain, to_yaml
from tst.core.errors import UserError
from tst.diagnostics.llm.model.loading import pick_device
from tst.diagnostics.llm.model.quantization import resolve_model
from tst.noisy_tuning.data import PairTable, held_out_pairs, load_pairs
from tst.noisy_tuning.grid import expand
from tst.noisy_tuning.materials import Materials, prepare, require_filterable
from tst.noisy_tuning.measurement import OpenRun, train_and_measure
from tst.noisy_tuning.record import identify, record_folder
from tst.noisy_tuning.settings import NoisyConfig, find_problems, resolve_auto
from tst.optimizers.build import require_usable
from tst.records.environment import describe_environment
from tst.records.record import Record
from tst.tracking.publisher_process import published

log = logging.getLogger("tst")


@dataclass
class NoisyResult:
    """Where a run's record is, and its summary.json; None while another process computes it."""

    record: Path
    summary: dict[str, Any] | None


def run(config: NoisyConfig) -> NoisyResult:
    """Train once as configured and write the record, unless it is there already.

    Raises UserError for anything the user can mend, before a model is loaded.
    """
    (result,) = run_grid(config)
    return result


def run_grid(config: NoisyConfig) -> list[NoisyResult]:
    """The runs of a config's grid, or its one run; each as ``run`` has it."""
    if problems := find_problems(config):
        raise UserError("\n".join(problems))
    asked, device = to_plain(config), pick_device(config.device)
    config = resolve_auto(config, device.type)
    config.model = resolve_model(config.model, device)
    table = load_pairs(config.data, config.seed)
    config.data.held_out = held_out_pairs(config.data.held_out, len(table.frame))
    configs = expand(config)
    for each in configs:
        rate, decay = each.training.learning_rate, each.training.weight_decay
        require_usable(each.optimizer, rate, decay)
    materials = prepare(config, table)
    for each in configs:
        require_filterable(each, materials)
    with ExitStack() as stack:
        runs = [
            OpenRun(each, stack.enter_context(Record(record_folder(each, materials.table))))
            for each in configs
        ]
        missing = [one for one in runs if _take(one, materials.table, asked)]
        alone = missing if len(runs) == 1 else []
        for one in alone:  # shown while it trains
            stack.enter_context(_tracked(one, materials.table))
        _compute(config, missing, materials)
        for one in runs:
            if one not in alone and one.record.is_complete():
                with _tracked(one, materials.table):
                    pass
        return [_read(one.record) for one in runs]


def _take(run: OpenRun, table: PairTable, asked: dict[str, Any]) -> bool:
    """Whether this process computes the run: it has no result, and no other process has it."""
    record = run.record
    if not record.is_complete() and (holder := record.lease_whole()):
        log.info("%s is being computed by %s", record.path, holder)
        return False
    if record.is_complete():  # another process may have finished it meanwhile
        return False
    record.write_settings(to_yaml(run.config), identify(run.config, table),
                          describe_environment(), asked)  # fmt: skip
    record.mark("running")
    return True


def _compute(config: NoisyConfig, missing: Sequence[OpenRun], materials: Materials) -> None:
    """Train the runs that have no result yet; a failure of some does not keep others from ending.

    The first failure is raised when all others have ended.
    """
    if not missing:
        return
    with ExitStack() as stack:
        for each in missing:
            stack.enter_context(each.record.keeping_log())
            stack.enter_context(each.record.noting_failure())
        failures = train_and_measure(config, missing, materials)
    if failures:
        raise failures[0]


def _read(record: Record) -> NoisyResult:
    return NoisyResult(record.path, record.read_summary() if record.is_complete() else None)


def _tracked(run: OpenRun, table: PairTable) -> AbstractContextManager[None]:
    """Publishes to Weights & Biases inside the block, where that is asked for."""
    source = {
        "name": table.name,
        "pairs": len(table.frame),
        "fingerprint": table.fingerprint,
        "revision": table.revision,
    }
    return published(run.config.tracking, run.record.path, run.config.outputs_root, source)
