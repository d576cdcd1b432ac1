"""The formulas of CASMO, on tensors laid end to end or in rows (its theory page, version 0.4).

Per coordinate, with g the gradient, m and s the two state tensors and ^ bias correction::

    s_t   = b2 s + (1 - b2) (g - m_{t-1})^2          m_{t-1} raw, before this step
    m_t   = b1 m + (1 - b1) g
    S, N  = m^^2, s^                                 signal and noise power
    AGAR  = S / (S + N)                              0 where both are 0
    trust = c_min + (1 - c_min) mean(AGAR)           one number per tensor
    focus = clip(AGAR / (mean(AGAR) + eps), r_floor, 1)
    C     = trust^rho focus
    theta = theta (1 - lr wd) - lr C m^ / (sqrt(S + N) + eps)

Everything is done in place: these are the largest tensors of a step. Who calls them keeps the two
moments (one tensor per parameter in ``casmo``, one per fold in stacked training) and says over
which coordinates AGAR is averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Confidence:
    """How AGAR becomes C.

    eps: added to mean(AGAR) and to sqrt(S + N), > 0
    c_min: lowest trust, in [0, 1]
    rho: exponent of trust, >= 0; 0 switches trust off
    r_floor: lowest focus, in [0, 1]; 1 switches focus off
    """

    eps: float = 1e-8
    c_min: float = 0.1
    rho: float = 0.5
    r_floor: float = 0.1

    def apply(self, agar: Tensor, means: Tensor) -> None:
        """In place, C from AGAR; ``means``: of a tensor's AGAR, broadcast to it."""
        trust = means * (1 - self.c_min) + self.c_min
        agar.div_(means + self.eps).clamp_(self.r_floor, 1).mul_(trust.pow_(self.rho))


def agar_of(mean: Tensor, power: Tensor) -> Tensor:
    """AGAR of bias-corrected m and s; in place, ``power`` becomes S + N."""
    signal = mean * mean
    power.add_(signal)
    return signal.div_(power).masked_fill_(power == 0, 0)


def direction_of(mean: Tensor, confidence: Tensor, power: Tensor, eps: float) -> Tensor:
    """C m^ / (sqrt(S + N) + eps), in place of ``mean``; ``power`` (S + N) is used up."""
    return mean.mul_(confidence).div_(power.sqrt_().add_(eps))
