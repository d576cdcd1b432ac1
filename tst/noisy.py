"""``python -m tst.noisy``: tune on instructions of which a part is wrong, and watch the optimizer.

Examples::

    python -m tst.noisy
    python -m tst.noisy -m optimizer=adamw,casmo,casmo_calibrated seed=0,1,2 data.path=alpaca.json
    python -m tst.noisy data=ultrafeedback corruption=rejected model=gemma2b
    python -m tst.noisy optimizer=casmo schedule.kind=probe
"""

from __future__ import annotations

import sys

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from tst.cli.jobs import FINISHED, PARTIAL, Outcome, run_command
from tst.main import show_sweep
from tst.noisy_tuning.settings import NoisyConfig


def noisy_job(cfg: DictConfig) -> Outcome:
    """Train once, print what the optimizer noticed, and say what became of it."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from tst.cli.console import wide_console
    from tst.cli.noisy_console import show_run, sweep_row
    from tst.noisy_tuning.experiment import run

    config = OmegaConf.to_object(cfg)
    assert isinstance(config, NoisyConfig)
    result = run(config)
    if result.summary is None:
        return Outcome(PARTIAL, str(result.record))
    if HydraConfig.get().mode == RunMode.RUN:
        show_run(result.summary, wide_console())
        print(f"record: {result.record}")
    return Outcome(FINISHED, str(result.record), row=sweep_row(result.summary))


def register_schema() -> None:
    """Tell Hydra the schema that conf/noisy.yaml names."""
    ConfigStore.instance().store(name="noisy_schema", node=NoisyConfig)


def main() -> None:
    """Console script ``tst-noisy``."""
    register_schema()
    sys.exit(run_command("noisy", noisy_job, show_sweep))


if __name__ == "__main__":
    main()
