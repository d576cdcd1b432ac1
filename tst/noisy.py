"""``python -m tst.noisy``: tune on instructions of which some are wrong, with an optimizer watched.

Examples::

    tst noisy
    tst noisy data.path=my.json corruption=none
    tst noisy -m optimizer=adamw,casmo,casmo_calibrated seed=0,1,2 data.path=alpaca.json
    tst noisy -m grid=all seed=10,11 data.path=alpaca.json
    tst noisy data=ultrafeedback corruption=rejected model=gemma2b
    tst noisy optimizer=casmo schedule.kind=probe
"""

from __future__ import annotations

from tst.cli.command import Command
from tst.cli.endings import in_sweep
from tst.cli.outcomes import FINISHED, PARTIAL, Outcome
from tst.noisy_tuning.settings import NoisyConfig, find_problems


def tune(config: NoisyConfig) -> Outcome:
    """Train once, or the runs of a grid, and print what the optimizers noticed and learned."""
    from tst.cli.noisy_console import show_run, sweep_row
    from tst.cli.sweep_console import show_rows
    from tst.cli.tables import standard_output
    from tst.noisy_tuning.experiment import run_grid

    results = run_grid(config)
    done = [result.summary for result in results if result.summary is not None]
    state = FINISHED if len(done) == len(results) else PARTIAL
    if config.grid.contenders:
        show_rows([sweep_row(summary) for summary in done], standard_output())
        for result in results:
            print(f"record: {result.record}")
        row = {k: str(done[0]["run"][k]) for k in ("corruption", "schedule", "seed") if done}
        return Outcome(state, row={**row, "runs": f"{len(done)} of {len(results)}"})
    (result,) = results
    if result.summary is None:
        return Outcome(state, str(result.record))
    if not in_sweep():
        show_run(result.summary, result.record, config.suspects.score, standard_output())
    return Outcome(state, str(result.record), row=sweep_row(result.summary))


COMMAND = Command("noisy", NoisyConfig, tune, find_problems)
main = COMMAND.main

if __name__ == "__main__":
    main()
