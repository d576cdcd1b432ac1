"""Blends: outputs/blends/<benchmark>/<diagnostics>/<fold scheme>/<hash>/."""

from __future__ import annotations

from tst.records.kinds.stress_test import StressTests


class Blends(StressTests):
    """Records that are computed from those of several stress tests with the same folds."""

    folder = "blends"
    levels = ("benchmark", "diagnostics", "fold scheme")


BLEND = Blends()
