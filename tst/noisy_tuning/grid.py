"""A grid as its runs."""

from __future__ import annotations

import logging
from copy import deepcopy
from dataclasses import replace

from tst.core.errors import UserError
from tst.core.number_text import float_or_nan
from tst.noisy_tuning.choice import (
    CHOOSING_KIND,
    CHOOSING_SCHEDULE,
    CHOOSING_SEEDS,
    CHOOSING_SHARE,
    Variant,
    choose,
)
from tst.noisy_tuning.data import load_pairs
from tst.noisy_tuning.grid_settings import ContenderSettings, GridSettings
from tst.noisy_tuning.record import record_folder
from tst.noisy_tuning.settings import (
    CorruptionSettings,
    FilterSettings,
    NoisyConfig,
)
from tst.records.files import read_json

log = logging.getLogger("tst")


def expand(config: NoisyConfig) -> list[NoisyConfig]:
    """The runs of a resolved config's grid, those of one optimizer together; or its one run.

    A probe schedule has no filter: it draws its steps by what is corrupted, which a filter is not
    told. Raises UserError where learning rates are to be those chosen, and a run that chooses has
    no result yet.
    """
    grid = config.grid
    if not grid.contenders:
        return [replace(config, grid=GridSettings())]
    runs: list[NoisyConfig] = []
    for name, contender in grid.contenders.items():
        if config.schedule.kind == "probe" and any(contender.filter_shares):
            log.info("%s is left out: a probe schedule has no filter", name)
            continue
        variants = [
            Variant(float(rate), float(share))
            for share in contender.filter_shares
            for rate in grid.learning_rates
        ]
        if grid.take == "chosen":
            variants = [_read_choice(config, name, contender, variants)]
        for variant in variants:
            run = _as_run(config, contender, variant)
            if run not in runs:  # named twice
                runs.append(run)
    if not runs:
        raise UserError("grid.contenders: none is left that can run; name others.")
    return runs


def _as_run(config: NoisyConfig, contender: ContenderSettings, variant: Variant) -> NoisyConfig:
    training = replace(
        config.training,
        learning_rate=variant.learning_rate,
        label_smoothing=contender.label_smoothing,
    )
    return replace(
        deepcopy(config),
        optimizer=deepcopy(contender.optimizer),
        training=training,
        filter=FilterSettings(variant.filter_share, contender.filter_score),
        grid=GridSettings(),
    )


def _read_choice(
    config: NoisyConfig, name: str, contender: ContenderSettings, variants: list[Variant]
) -> Variant:
    """The variant that the records of the choosing runs name."""
    choosing = replace(
        config,
        corruption=CorruptionSettings(CHOOSING_KIND, CHOOSING_SHARE),
        schedule=replace(config.schedule, kind=CHOOSING_SCHEDULE),
    )
    losses: dict[Variant, dict[int, float]] = {variant: {} for variant in variants}
    missing = 0
    for seed in CHOOSING_SEEDS:
        table = load_pairs(config.data, seed)
        for variant in variants:
            run = replace(_as_run(choosing, contender, variant), seed=seed)
            path = record_folder(run, table) / "summary.json"
            if not path.exists():
                missing += 1
                continue
            loss = read_json(path)["memorisation"]["held_out_after"]
            losses[variant][seed] = float_or_nan(loss)
    chosen = choose(losses)
    if missing or chosen is None:
        seeds = ",".join(map(str, CHOOSING_SEEDS))
        what = f"{missing} of the {len(variants) * len(CHOOSING_SEEDS)} runs that choose"
        raise UserError(
            f"grid.take=chosen: {what} the learning rate of {name} have no result under "
            f"outputs_root={config.outputs_root}. Run them first, with the same settings: "
            f"tst noisy -m grid=all seed={seeds} corruption={CHOOSING_KIND} "
            f"corruption.share={CHOOSING_SHARE} schedule.kind={CHOOSING_SCHEDULE}"
            if missing
            else f"grid.take=chosen: no run of {name} ended with a finite loss; "
            "use lower grid.learning_rates."
        )
    log.info("%s: %s, chosen on seeds %s", name, chosen, " and ".join(map(str, CHOOSING_SEEDS)))
    return chosen
