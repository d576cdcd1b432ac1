"""Which training pairs each optimizer step sees, fixed before training starts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tst.core.errors import UserError
from tst.noisy_tuning.settings import ScheduleSettings

CLEAN, CORRUPTED, MIXED = "clean", "corrupted", "mixed"
KINDS = (CLEAN, CORRUPTED, MIXED)
ORDER = 5
"""A random stream of its own (data and corruption have 1 to 4, and 7)."""


@dataclass(frozen=True)
class Step:
    """One optimizer step.

    kind: clean, corrupted or mixed: what its pairs are
    rows: int array (batch_size,), positions in the training table, all different
    """

    kind: str
    rows: np.ndarray


def plan_steps(corrupted: np.ndarray, settings: ScheduleSettings, seed: int) -> list[Step]:
    """The steps of a run.

    corrupted: bool array (n,), which training pairs are corrupted
    plain: every step is mixed, from epochs over all pairs. probe: rounds of three steps, one of
    each kind, in random order within the round (in a fixed order, the step before would always be
    of the same kind, and an optimizer's state remembers it). Each kind goes through its own pairs
    in epochs. Raises UserError where a kind has too few pairs for a batch.
    """
    pools = {
        CLEAN: np.flatnonzero(~corrupted),
        CORRUPTED: np.flatnonzero(corrupted),
        MIXED: np.arange(len(corrupted)),
    }
    needed = KINDS if settings.kind == "probe" else (MIXED,)
    short = [
        f"{len(pools[k])}" + f" {k}" * (settings.kind == "probe")
        for k in needed
        if len(pools[k]) < settings.batch_size
    ]
    if short:
        raise UserError(
            f"schedule.kind={settings.kind}: there are {' and '.join(short)} training pairs, too "
            f"few for a step of schedule.batch_size={settings.batch_size}; use more pairs "
            "(data.n), fewer held out (data.held_out), another corruption.share, or a smaller "
            "batch."
        )
    rng, *streams = (np.random.default_rng([seed, ORDER, i]) for i in range(1 + len(needed)))
    epochs = {k: _Epochs(pools[k], stream) for k, stream in zip(needed, streams, strict=True)}
    kinds: list[str] = []
    while len(kinds) < settings.steps:
        kinds += [str(kind) for kind in rng.permutation(needed)]
    return [Step(k, epochs[k].take(settings.batch_size)) for k in kinds[: settings.steps]]


def plan_kept_steps(
    corrupted: np.ndarray, kept: np.ndarray, settings: ScheduleSettings, seed: int
) -> list[Step]:
    """``plan_steps`` over some of the pairs: positions ``kept``, int array (m,)."""
    steps = plan_steps(corrupted[kept], settings, seed)
    return [Step(step.kind, kept[step.rows]) for step in steps]


def kept_after_filter(suspicion: np.ndarray, share: float) -> np.ndarray:
    """The positions of all but the round(share n) most suspicious pairs, ascending: int array (m,).

    suspicion: float array (n,), before training; of equal ones the later is left out first
    """
    kept = len(suspicion) - round(share * len(suspicion))
    return np.sort(np.argsort(suspicion, kind="stable")[:kept])


@dataclass
class _Epochs:
    """Draws from a pool without replacement; reshuffles it whenever it is used up."""

    pool: np.ndarray
    rng: np.random.Generator
    left: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def take(self, n: int) -> np.ndarray:
        """The next n, all different even where an epoch ends within them."""
        taken, self.left = self.left[:n], self.left[n:]
        if len(taken) == n:
            return taken
        reshuffled = self.rng.permutation(self.pool)
        fresh = reshuffled[~np.isin(reshuffled, taken)][: n - len(taken)]
        self.left = reshuffled[~np.isin(reshuffled, fresh)]
        return np.concatenate([taken, fresh])
