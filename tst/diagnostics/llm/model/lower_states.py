"""What the layers below a cut make of token sequences: computed once, served to every pass.

States are kept in the compute dtype, in the fastest place that has room for them (state_places);
those that fit nowhere are computed anew each time they are asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from tst.core.progress import Progress
from tst.diagnostics.llm.model.joined_rows import LEAST_ALIKE, common_beginning
from tst.diagnostics.llm.model.layer_cut import LayerCut
from tst.diagnostics.llm.model.state_places import Place, memory_places
from tst.diagnostics.llm.prompting.batches import plan_scoring

log = logging.getLogger(__name__)

_Ids = tuple[int, ...]


class LowerStates:
    """States of token sequences at a cut.

    places: where states are kept, the first first; this machine's by default
    computed: sequences that went through the lower layers so far
    shares: whether what the sequences of a pass begin with is read once
    """

    shares = False

    def __init__(self, cut: LayerCut, places: Sequence[Place] | None = None) -> None:
        self.cut = cut
        self.device, self.dtype = cut.model.device, cut.model.dtype
        self.hidden: int = cut.model.config.get_text_config().hidden_size
        self.computed = 0
        self._places = list(memory_places(self.device) if places is None else places)
        self._blocks: list[torch.Tensor] = []
        self._at: dict[_Ids, tuple[int, int]] = {}

    def prepare(
        self, sequences: Iterable[list[int]], padded_tokens: int, multiple: int = 1
    ) -> None:
        """Compute and keep the states of those sequences that are not kept yet.

        padded_tokens: most tokens of a pass, with padding; multiple: rows are padded to this
        """
        wanted = dict.fromkeys(map(tuple, sequences))
        missing = [ids for ids in wanted if ids not in self._at]
        if not missing:
            return
        with torch.inference_mode(False), Progress("lower layers", len(missing), "text") as shown:
            reserved = self._reserve(missing)
            placed = list(reserved)
            for rows in plan_scoring([[len(p) for p in placed]], padded_tokens, multiple):
                batch = [placed[i] for i in rows[0]]
                width = -(-max(map(len, batch)) // multiple) * multiple
                for ids, states in zip(batch, self._compute(batch, width), strict=True):
                    block, start = reserved[ids]
                    self._blocks[block][start : start + len(ids)].copy_(states[: len(ids)])
                    self._at[ids] = reserved[ids]
                shown.advance(len(batch))

    def gather(self, rows: Sequence[Sequence[int] | None], width: int) -> torch.Tensor:
        """States (rows, width, hidden) of right-padded texts on the device; zeros in padding.

        None marks an empty row. What is not kept is computed.
        """
        flat = torch.zeros(len(rows) * width, self.hidden, device=self.device, dtype=self.dtype)
        asked = [(row, tuple(ids)) for row, ids in enumerate(rows) if ids is not None]
        by_block: dict[int, list[tuple[int, int, int]]] = {}
        unknown = []
        for row, ids in asked:
            if ids in self._at:
                block, start = self._at[ids]
                by_block.setdefault(block, []).append((start, row * width, len(ids)))
            else:
                unknown.append((row, ids))
        for block, runs in by_block.items():
            kept = self._blocks[block]
            source = _positions([(start, n) for start, _, n in runs])
            target = _positions([(start, n) for _, start, n in runs])
            part = kept.index_select(0, source.to(kept.device, non_blocking=True))
            target = target.to(self.device, non_blocking=True)
            flat.index_copy_(0, target, part.to(self.device, non_blocking=True))
        states = flat.view(len(rows), width, self.hidden)
        if unknown:
            fresh = self._compute([ids for _, ids in unknown], width)
            for (row, ids), own in zip(unknown, fresh, strict=True):
                states[row, : len(ids)] = own[: len(ids)]
        return states

    def _reserve(self, missing: list[_Ids]) -> dict[_Ids, tuple[int, int]]:
        """Block and first token of each sequence that there is room for; allocates the blocks."""
        reserved: dict[_Ids, tuple[int, int]] = {}
        size = self.hidden * self.dtype.itemsize
        rest = missing
        for place in self._places:
            ends = np.cumsum([len(ids) for ids in rest])
            fit = int(np.searchsorted(ends * size, place.room, side="right"))
            if not fit:
                continue
            tokens = int(ends[fit - 1])
            starts = [0, *ends[: fit - 1].tolist()]
            reserved |= {
                ids: (len(self._blocks), s) for ids, s in zip(rest[:fit], starts, strict=True)
            }
            self._blocks.append(place.allocate((tokens, self.hidden), self.dtype))
            place.room -= tokens * size
            rest = rest[fit:]
            log.info(
                "lower layers' states of %d texts: %.1f MB in %s",
                fit,
                tokens * size / 1e6,
                place.name,
            )
            if not rest:
                break
        if rest:
            log.warning("lower layers of %d texts: no room, computed for each pass", len(rest))
        return reserved

    def _compute(self, texts: Sequence[_Ids], width: int) -> torch.Tensor:
        """States (texts, width, hidden) on the device, padding included."""
        ids = torch.zeros(len(texts), width, dtype=torch.long)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor(text)
        self.computed += len(texts)
        alike = min(common_beginning(texts), min(map(len, texts)) - 1) if self.shares else 0
        worthwhile = len(texts) > 2 and alike >= LEAST_ALIKE
        return self.cut.lower_states(ids.to(self.device), alike if worthwhile else 0)


def _positions(runs: list[tuple[int, int]]) -> torch.Tensor:
    """int64 of all positions of runs (start, length)."""
    return torch.from_numpy(np.concatenate([np.arange(start, start + n) for start, n in runs]))
