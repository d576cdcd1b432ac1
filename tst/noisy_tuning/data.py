"""Instruction pairs: read or generated, checked, sorted, and split.

A table of pairs is a DataFrame with a RangeIndex and the columns

==========  ==========================================================================
prompt      list of turns {role, content}
response    str
rejected    str or None, a worse response that the data offers
family      str or None, the kind of task (generated pairs)
source_row  int, 0-based position in the source
id          str, what the source calls the pair, or row<source_row>
==========  ==========================================================================

Rows are sorted by content, so that what a seed draws does not depend on the source's order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tst.benchmarks.files import read_file
from tst.benchmarks.files.hub import read_hub
from tst.benchmarks.files.records import Source
from tst.core.errors import UserError
from tst.core.questions import LeftOut, SourceTable
from tst.noisy_tuning.generated import generate_pairs
from tst.noisy_tuning.pairs import BadRow, Pair, decide_format, prompt_text, read_pair
from tst.noisy_tuning.settings import AUTO, DataSettings

GENERATED_PAIRS = 400
GENERATOR_SEED = 0
MOST_HELD_OUT = 100
SAMPLE, SPLIT = 1, 2
"""Independent random streams of one seed (corruption has 3, 4 and 7, schedule 5)."""


@dataclass
class PairTable(SourceTable):
    """The pairs of one source: ``frame`` has the columns of this module's docstring."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits over the pairs' content; the same in any row order of the source."""
        return _fingerprint(content_keys(self.frame))

    @property
    def listed_fingerprint(self) -> str:
        """The same over the pairs' rows and ids too, which suspects.csv shows."""
        places = self.frame[["source_row", "id"]].itertuples(index=False)
        keys = zip(content_keys(self.frame), places, strict=True)
        return _fingerprint([f"{key} {json.dumps(list(place))}" for key, place in keys])


def _fingerprint(lines: Sequence[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=8).hexdigest()


def content_keys(frame: pd.DataFrame) -> list[str]:
    """The content of each pair as JSON, in table order."""
    columns = ["prompt", "response", "rejected"]
    return [json.dumps(list(row), sort_keys=True) for row in frame[columns].itertuples(index=False)]


def load_pairs(settings: DataSettings, seed: int) -> PairTable:
    """Read or generate the pairs; ``settings.n`` of them, drawn with the seed.

    Raises one UserError that names every bad row (``strict``) or says what the source lacks.
    """
    if settings.path is None and not settings.hub.repo:
        pairs = generate_pairs(settings.n or GENERATED_PAIRS, GENERATOR_SEED)
        source = f"generated, n={len(pairs)}, seed={GENERATOR_SEED}"
        return PairTable(settings.name, _frame(pairs, range(len(pairs))), len(pairs), [], source)
    name, revision = settings.name, ""
    if settings.path is not None:
        path = Path(settings.path).expanduser()
        records, source = read_file(path), str(path)
        name = path.stem if settings.name == DataSettings.name else settings.name
    else:
        hub = _read_hub(settings)
        records, source, revision = hub.records, hub.address, hub.revision
    form = decide_format(name, settings.format, settings.columns, records)
    pairs, rows, left_out = [], [], []
    for row, record in enumerate(records):
        try:
            pairs.append(read_pair(record, form, settings.columns))
            rows.append(row)
        except BadRow as problem:
            left_out.append(LeftOut(row, f"row{row}", str(problem)))
    _refuse_bad(name, source, left_out, len(records), settings.strict)
    frame = _sample(_frame(pairs, rows), settings.n, seed)
    return PairTable(name, frame, len(records), left_out, source, revision)


def held_out_pairs(held_out: int | str, pairs: int) -> int:
    """The number of held-out pairs that ``data.held_out`` stands for, of so many pairs."""
    return max(1, min(MOST_HELD_OUT, pairs // 4)) if held_out == AUTO else int(held_out)


def split_pairs(frame: pd.DataFrame, held_out: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(training pairs, held-out pairs), each with a RangeIndex; no prompt is in both.

    Only prompts that occur once are held out. Raises UserError when there are too few.
    """
    once = ~frame["prompt"].map(prompt_text).duplicated(keep=False)
    candidates = np.flatnonzero(once)
    if not len(candidates) or len(frame) == 1:
        why = "there is one pair" if len(frame) == 1 else "every prompt occurs more than once"
        raise UserError(
            f"data.held_out={held_out}: {why}, so that none can be held out from training; add "
            "pairs with prompts of their own."
        )
    if held_out > len(candidates) or held_out >= len(frame):
        raise UserError(
            f"data.held_out={held_out}: there are {len(frame)} pairs, {len(candidates)} of them "
            "with a prompt that no other pair has, and training needs some too; hold out fewer."
        )
    rng = np.random.default_rng([seed, SPLIT])
    chosen = np.zeros(len(frame), dtype=bool)
    chosen[rng.choice(candidates, held_out, replace=False)] = True
    train, heldout = frame[~chosen], frame[chosen]
    return train.reset_index(drop=True), heldout.reset_index(drop=True)


def _read_hub(settings: DataSettings) -> Source:
    """The hub dataset; only mapped columns are downloaded."""
    wanted = {column.partition(".")[0] for column in asdict(settings.columns).values()}
    try:
        return read_hub(
            settings.name, settings.hub, lambda present: [c for c in present if c in wanted]
        )
    except UserError as error:
        raise UserError(
            f"{error}\nFor instruction pairs the settings are data.path=FILE and data.hub.*."
        ) from error


def _frame(pairs: Sequence[Pair], rows: Sequence[int]) -> pd.DataFrame:
    """The table of these pairs, sorted by content."""
    columns: dict[str, list[Any]] = {
        "prompt": [p.prompt for p in pairs],
        "response": [p.response for p in pairs],
        "rejected": [p.rejected for p in pairs],
        "family": [p.family for p in pairs],
    }
    frame = pd.DataFrame({name: pd.Series(v, dtype=object) for name, v in columns.items()})
    frame["source_row"] = list(rows)
    frame["id"] = [p.id or f"row{row}" for p, row in zip(pairs, rows, strict=True)]
    order = sorted(range(len(pairs)), key=content_keys(frame).__getitem__)
    return frame.iloc[order].reset_index(drop=True)


def _sample(frame: pd.DataFrame, n: int | None, seed: int) -> pd.DataFrame:
    """n rows drawn with the seed, in table order; all where n is None. Raises UserError."""
    if n is None:
        return frame
    if n > len(frame):
        raise UserError(f"data.n={n}: there are {len(frame)} usable pairs; ask for fewer, or null.")
    chosen = np.random.default_rng([seed, SAMPLE]).choice(len(frame), n, replace=False)
    return frame.iloc[np.sort(chosen)].reset_index(drop=True)


def _refuse_bad(name: str, source: str, bad: list[LeftOut], read: int, strict: bool) -> None:
    """Raises one UserError naming the bad rows when ``strict``, and when no row is good."""
    if not bad or (not strict and len(bad) < read):
        return
    named = "\n".join(f"  row {b.row}: {b.reason}" for b in bad[:50])
    more = f"\n  ... and {len(bad) - 50} more" if len(bad) > 50 else ""
    fix = "Mend them, or set data.strict=false to leave them out."
    if len(bad) == read:
        fix = "Check data.columns, data.format and the file."
    raise UserError(
        f"data {name}: {len(bad)} of the {read} rows of {source} cannot be read as "
        "instruction pairs:\n"
        f"{named}{more}\n{fix}"
    )
