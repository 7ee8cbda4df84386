"""From which λ on a flow on data as they are shows each jump as its own.

A dormant neuron is small at a time δ that is O(1) beside log(1/λ) if, with e_j < 0 at the clock of the jump,

    e_j log(1/λ) + κ_j + ρ_j (δ − δ_saddle)  ≤  log(a / 10),     a: the largest active neuron after the jump

This is asked where the jump begins, on the lines of the saddle before, and where it ends, on those of the
saddle after.
"""

from __future__ import annotations

import numpy as np

from .._support.arrays import Array
from ..limit.prediction import LOG_SMALL, scale_apart
from .jumps_process import Jump, Saddle
from .pieces import DEAD, STALLED


def resolving_scale(jumps: list[Jump], saddles: list[Saddle]) -> Array:
    """Return log10 of the λ below which each jump stands apart from its neighbours, shape (J,)."""
    return scale_apart(
        np.array([jump.clock for jump in jumps]),
        np.array([jump.span for jump in jumps]).reshape(-1, 2),
        np.array([_head(*parts) for parts in zip(jumps, saddles, saddles[1:], strict=False)]),
    )


def _head(jump: Jump, before: Saddle, after: Saddle) -> float:
    """Return the log(1/λ) from which on dormant neurons are small at the jump."""
    begin, end = jump.span
    half = begin if np.isnan(jump.correction) else jump.correction
    most = LOG_SMALL + np.log(max((abs(body.output) for body in after.bodies), default=1.0))
    e = after.exponents
    who = (e < 0) & ~np.isin(after.ends, (DEAD, STALLED))
    sizes = [s.sizes + s.rates * (time - s.offset) for s, time in ((before, half), (after, end))]
    return float(np.max((np.maximum(*sizes)[who] - most) / -e[who], initial=0.0))
