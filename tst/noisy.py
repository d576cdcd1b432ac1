"""``python -m tst.noisy``: tune on instructions of which some are wrong, with an optimizer watched.

Examples::

    tst noisy
    tst noisy -m optimizer=adamw,casmo,casmo_calibrated seed=0,1,2 data.path=alpaca.json
    tst noisy data=ultrafeedback corruption=rejected model=gemma2b
    tst noisy optimizer=casmo schedule.kind=probe
"""

from __future__ import annotations

from tst.cli.command import Command, in_sweep
from tst.cli.outcomes import FINISHED, PARTIAL, Outcome
from tst.noisy_tuning.settings import NoisyConfig, find_problems


def tune(config: NoisyConfig) -> Outcome:
    """Train once and print what the optimizer noticed."""
    from tst.cli.console import wide_console
    from tst.cli.noisy_console import show_run, sweep_row
    from tst.noisy_tuning.experiment import run

    result = run(config)
    if result.summary is None:
        return Outcome(PARTIAL, str(result.record))
    if not in_sweep():
        show_run(result.summary, wide_console())
    return Outcome(FINISHED, str(result.record), row=sweep_row(result.summary))


COMMAND = Command("noisy", NoisyConfig, tune, find_problems)
main = COMMAND.main

if __name__ == "__main__":
    main()
