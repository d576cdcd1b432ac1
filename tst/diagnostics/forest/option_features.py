"""The features of every option of every question, fitted on training questions and answers."""

from __future__ import annotations

import numpy as np

from tst.diagnostics.forest.cues import option_cues
from tst.diagnostics.forest.encoding import ClaimEncoding, LiftEncoding
from tst.diagnostics.forest.keys import Claims, option_claims, option_keys
from tst.diagnostics.forest.sheet import Sheet
from tst.diagnostics.forest.slots import TemplateMiner


class OptionFeatures:
    """Cues and nested encodings, columns named family.what; answers are seen in fit alone."""

    def __init__(self, prior: float) -> None:
        self.prior = prior

    def fit(self, sheet: Sheet, correct: np.ndarray, fold: np.ndarray, n_folds: int) -> np.ndarray:
        """Learn from training questions; returns their own features, out of fold, (m, f).

        correct: 1 for the gold option, else 0, (m,); fold: inner fold of each option, (m,)
        """
        self._miner = TemplateMiner().fit(sheet)
        slots = self._miner.transform(sheet)
        keys, claims = option_keys(sheet, slots), option_claims(sheet, slots)
        self._lifts = {
            name: LiftEncoding(self.prior).fit(key, correct, sheet.baseline, fold, n_folds)
            for name, key in keys.items()
        }
        self._odds = {
            name: ClaimEncoding(self.prior).fit(claim, correct, fold, n_folds)
            for name, claim in claims.items()
        }
        columns = self._columns(sheet, option_cues(sheet, slots), keys, claims, fold)
        self.names = list(columns)
        return np.stack(list(columns.values()), axis=1)

    def transform(self, sheet: Sheet) -> np.ndarray:
        """Features of held-out questions, (m, f) in the order of ``names``."""
        slots = self._miner.transform(sheet)
        keys, claims = option_keys(sheet, slots), option_claims(sheet, slots)
        columns = self._columns(sheet, option_cues(sheet, slots), keys, claims, None)
        nothing = np.zeros(len(sheet.option))
        return np.stack([columns.get(name, nothing) for name in self.names], axis=1)

    def _columns(
        self,
        sheet: Sheet,
        cues: dict[str, np.ndarray],
        keys: dict[str, np.ndarray],
        claims: dict[str, Claims],
        fold: np.ndarray | None,
    ) -> dict[str, np.ndarray]:
        columns = dict(cues)
        for name, lift in self._lifts.items():
            encoded = lift.transform(keys[name], fold)
            columns[f"{name}_lift"], columns[f"{name}_count"] = encoded.T
        for name, odds in self._odds.items():
            if name in claims:
                encoded = odds.transform(claims[name], len(sheet.option), fold)
                columns[f"{name}_odds"], columns[f"{name}_count"] = encoded.T
        return columns
