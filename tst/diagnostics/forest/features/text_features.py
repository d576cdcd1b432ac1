"""One pass over a sheet: slots, keys, claims and cues, shared by everything that is fitted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tst.diagnostics.forest.features.encoding_keys import option_claims, option_keys
from tst.diagnostics.forest.features.surface_features import option_cues
from tst.diagnostics.forest.text.question_arrays import Claims, Sheet
from tst.diagnostics.forest.text.templates import TemplateMiner


@dataclass
class Reading:
    """What the m options of a sheet say: codes (m,), claims and cues (m,), named family.what."""

    sheet: Sheet
    keys: dict[str, np.ndarray]
    claims: dict[str, Claims]
    cues: dict[str, np.ndarray]


def read_options(sheet: Sheet, miner: TemplateMiner) -> Reading:
    """Everything the option-wise models look at, given the templates of the training part."""
    slots = miner.transform(sheet)
    return Reading(
        sheet, option_keys(sheet, slots), option_claims(sheet, slots), option_cues(sheet, slots)
    )
