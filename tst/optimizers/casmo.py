"""CASMO, the optimizer that scales every step by how well gradients agree.

The formulas stand in ``casmo_formulas``. The state is one tensor per parameter; a step works on the
tensors of a group together. They are cut into slabs: tensors of one device and dtype, sorted by
length, laid end to end. Elementwise work takes one kernel per slab; tensors of equal length are
rows of a matrix, so that their means and what is multiplied by them take one kernel per length.
Nothing is ever read back to the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from tst.optimizers.casmo_formulas import Confidence, agar_of, direction_of

SLAB_BYTES = {"cpu": 2**20, "cuda": 2**26}
"""Size at which a slab is full: on a CPU it should stay in the cache, on a GPU fill the device."""

MOMENTS = ("exp_avg", "exp_noise")


@dataclass(frozen=True)
class _Slab:
    """Tensors of one device and dtype, ascending in length."""

    params: list[Tensor]

    def rows(self, flat: Tensor) -> Iterator[Tensor]:
        """Views (tensors, length) of the slab laid end to end, one for each length."""
        sizes: dict[int, int] = {}
        for param in self.params:
            sizes[param.numel()] = sizes.get(param.numel(), 0) + param.numel()
        for part, length in zip(flat.split(list(sizes.values())), sizes, strict=True):
            yield part.view(-1, length)


class Casmo(torch.optim.Optimizer):
    """CASMO on lists of tensors, without host synchronisation.

    ``confidence`` and ``agar`` are the means of C and AGAR over all coordinates of the last step:
    0-dim float32 tensors on the first parameter's device, NaN before the first step.

    lr: step size, float > 0 (a scheduler writes group["lr"])
    betas: decay of the mean and of the noise, each in [0, 1)
    weight_decay: decoupled, as in AdamW
    eps, c_min, rho, r_floor: ``casmo_formulas.Confidence``

    Raises ValueError for a setting out of range, and for sparse or complex gradients.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        c_min: float = 0.1,
        rho: float = 0.5,
        r_floor: float = 0.1,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "c_min": c_min,
            "rho": rho,
            "r_floor": r_floor,
        }
        super().__init__(params, defaults)
        device = self.param_groups[0]["params"][0].device
        self.confidence = torch.full((), torch.nan, device=device)
        self.agar = torch.full((), torch.nan, device=device)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        _refuse_bad({**self.defaults, **param_group})
        super().add_param_group(param_group)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One update of every parameter that has a gradient; returns the closure's loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        self.confidence, self.agar = self._each_slab(self._step_slab)
        return loss

    @torch.no_grad()
    def foresee(self) -> Tensor:
        """The ``confidence`` that the present gradients would get in a step, which is not taken."""

        def look(slab: _Slab, group: dict[str, Any]) -> tuple[Tensor, Tensor]:
            states = [{**s, **{n: s[n].clone() for n in MOMENTS}} for s in self._states(slab)]
            _, confidence, _, sum_agar = _advance(slab, group, states)
            return confidence.sum(), sum_agar

        return self._each_slab(look)[0]

    def _each_slab(
        self, do: Callable[[_Slab, dict[str, Any]], tuple[Tensor, Tensor]]
    ) -> tuple[Tensor, Tensor]:
        """The means over all coordinates of the sums of C and of AGAR that ``do`` returns."""
        device = self.confidence.device
        confidence = torch.zeros((), device=device)
        agar = torch.zeros((), device=device)
        count = 0
        for group in self.param_groups:
            for slab in _slabs(group["params"]):
                sum_confidence, sum_agar = do(slab, group)
                confidence += sum_confidence.to(device, non_blocking=True)
                agar += sum_agar.to(device, non_blocking=True)
                count += sum(p.numel() for p in slab.params)
        return (confidence.div_(count), agar.div_(count)) if count else (self.confidence, self.agar)

    def _step_slab(self, slab: _Slab, group: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """Update one slab; the sums of C and of AGAR over its coordinates (0-dim tensors)."""
        mean, confidence, power, sum_agar = _advance(slab, group, self._states(slab))
        update = direction_of(mean, confidence, power, group["eps"])

        if group["weight_decay"]:
            torch._foreach_mul_(slab.params, 1 - group["lr"] * group["weight_decay"])
        parts = update.split([p.numel() for p in slab.params])
        updates = [part.view(p.shape) for part, p in zip(parts, slab.params, strict=True)]
        torch._foreach_add_(slab.params, updates, alpha=-group["lr"])
        return confidence.sum(), sum_agar

    def _states(self, slab: _Slab) -> list[dict[str, Any]]:
        return [self._state(p) for p in slab.params]

    def _state(self, param: Tensor) -> dict[str, Any]:
        """A parameter's step count and two moments; float32 where it is shorter than that.

        In bfloat16 a decay of 0.999 rounds to 1, and the noise would never shrink.
        """
        state = self.state[param]
        if not state:
            dtype = torch.promote_types(param.dtype, torch.float32)
            state["step"] = 0
            for name in MOMENTS:
                state[name] = torch.zeros(param.shape, dtype=dtype, device=param.device)
        return state

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As in torch, but the moments keep their dtype: torch would round them to the weights'."""
        super().load_state_dict(state_dict)
        saved_ids = [i for group in state_dict["param_groups"] for i in group["params"]]
        params = [p for group in self.param_groups for p in group["params"]]
        for saved_id, param in zip(saved_ids, params, strict=True):
            for name in MOMENTS:
                if saved_id in state_dict["state"]:
                    saved = state_dict["state"][saved_id][name]
                    self.state[param][name] = saved.to(param.device, copy=True)


def _advance(
    slab: _Slab, group: dict[str, Any], states: list[dict[str, Any]]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Take the slab's gradients into the states; corrected mean, C, S + N, and the sum of AGAR.

    The first three are laid end to end; the weights stay as they are.
    """
    beta1, beta2 = group["betas"]
    rule = Confidence(group["eps"], group["c_min"], group["rho"], group["r_floor"])
    for state in states:
        state["step"] += 1
    means = [state["exp_avg"] for state in states]
    noises = [state["exp_noise"] for state in states]
    grads = [_gradient(p).to(m.dtype) for p, m in zip(slab.params, means, strict=True)]

    surprise = torch._foreach_sub(grads, means)
    torch._foreach_mul_(noises, beta2)
    torch._foreach_addcmul_(noises, surprise, surprise, value=1 - beta2)
    torch._foreach_mul_(means, beta1)
    torch._foreach_add_(means, grads, alpha=1 - beta1)
    del surprise, grads

    # the moments are divided by what they lack for having started at 0, and laid end to end
    mean = lay_end_to_end(torch._foreach_div(means, [1 - beta1 ** s["step"] for s in states]))
    power = lay_end_to_end(torch._foreach_div(noises, [1 - beta2 ** s["step"] for s in states]))
    agar = agar_of(mean, power)
    sum_agar = agar.sum()
    for rows in slab.rows(agar):
        rule.apply(rows, _row_means(rows))
    return mean, agar, power, sum_agar


def _slabs(params: list[Tensor]) -> Iterator[_Slab]:
    """The parameters with gradients, in slabs of one device and dtype, of at most SLAB_BYTES."""

    def kind(p: Tensor) -> tuple[str, str]:
        return str(p.device), str(p.dtype)

    present = [p for p in params if p.grad is not None and p.numel()]
    for (device, _), alike in groupby(sorted(present, key=kind), kind):
        room = SLAB_BYTES.get(device.split(":")[0], SLAB_BYTES["cuda"])
        taken: list[Tensor] = []
        filled = 0
        for p in sorted(alike, key=torch.numel):
            if taken and filled + p.nbytes > room:
                yield _Slab(taken)
                taken, filled = [], 0
            taken.append(p)
            filled += p.nbytes
        yield _Slab(taken)


def _gradient(param: Tensor) -> Tensor:
    """The parameter's gradient. Raises ValueError where it is sparse or complex."""
    grad = param.grad
    assert grad is not None
    if grad.is_sparse or grad.is_complex():
        raise ValueError("Casmo takes dense real gradients; use SparseAdam or Adam for others.")
    return grad


def _row_means(rows: Tensor) -> Tensor:
    """Means (n, 1) of the rows of (n, length), the same whatever the other rows are.

    On a CPU torch sums a long row in another order when it has neighbours: there, one at a time.
    """
    if rows.device.type == "cpu":
        return torch.stack([row.mean() for row in rows]).view(-1, 1)
    return rows.mean(1, keepdim=True)


def lay_end_to_end(tensors: Iterable[Tensor]) -> Tensor:
    """The elements of the tensors as one tensor (n,)."""
    return torch.cat([t.reshape(-1) for t in tensors])


def _refuse_bad(settings: dict[str, Any]) -> None:
    """Raises ValueError naming every setting of a parameter group that is out of range."""
    beta1, beta2 = settings["betas"]
    in_range = {
        "lr": isinstance(settings["lr"], float | int) and settings["lr"] >= 0,
        "betas": 0 <= beta1 < 1 and 0 <= beta2 < 1,
        "eps": settings["eps"] > 0,
        "weight_decay": settings["weight_decay"] >= 0,
        "c_min": 0 <= settings["c_min"] <= 1,
        "rho": settings["rho"] >= 0,
        "r_floor": 0 <= settings["r_floor"] <= 1,
    }
    bad = [f"{name}={settings[name]}" for name, good in in_range.items() if not good]
    if bad:
        raise ValueError(
            f"Casmo: {', '.join(bad)}: lr, weight_decay and rho must be numbers >= 0, eps > 0, "
            "betas in [0, 1), c_min and r_floor in [0, 1]."
        )
