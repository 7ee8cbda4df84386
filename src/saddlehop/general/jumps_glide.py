"""Long steps of an orbit while the patterns of its bodies last: what creeps, creeps in closed form.

Within patterns P_j D_j depends on r − r_∞ alone, so with outputs and residuals divided by C^½

    θ' = Jᵀ (r − r_∞) / n,    (r − r_∞)' = −J Jᵀ (r − r_∞) / n

and while J stands still r − r_∞ decays exponentially in each eigenvector of JJᵀ. J is taken from half
way (the midpoint rule). Passengers go along their broken lines under the mean residual.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_plateau import _as_neurons, _take_over
from .flow_state import Setting, State, residuals
from .jumps_rest import Linear, displace, linearize, residual_at_rest, within_patterns
from .pieces import carry

SHORTEST = 2.0**-7  # of a glide, before ordinary steps are taken again


def glide(
    setting: Setting, state: State, who: NDArray[np.intp], size: float, least: float
) -> float:
    """Take a step in which the weights of neurons `who` move by `size`; return its length.

    0 if nothing came of it: patterns do not last, or the length would be below `least`.
    """
    root = np.sqrt(setting.curvature)
    goal = residual_at_rest(setting, state, who)
    gap = (residuals(setting, state) - goal) / root
    linear = linearize(setting, state, who)
    share = 1.0
    while share >= SHORTEST:
        length = _length(linear, gap, setting.n_samples, share * size)
        if length < least:
            return 0.0
        moved, push = _midpoint(setting, state, who, linear, gap, length)
        if within_patterns(setting, moved, who, residuals(setting, moved)):
            take_along(
                setting, moved, who, (goal / setting.n_samples) + root * push / length, length
            )
            moved.wait(length)
            moved.count("glides")
            state.restore(moved)
            return length
        share /= 2
    return 0.0


def _push(linear: Linear, gap: Array, time: float) -> Array:
    """∫ (r − r_∞) / (n C^½) dt over a time n · `time`."""
    amounts = linear.modes.T @ gap
    return np.asarray(linear.modes @ (amounts * -np.expm1(-linear.rates * time) / linear.rates))


def _length(linear: Linear, gap: Array, n: int, size: float) -> float:
    """Return when the weights have moved by `size`, or half of their way; by halving."""
    amounts = (linear.modes.T @ gap) ** 2 / linear.rates

    def moved(time: float) -> float:
        return float(np.sqrt(amounts @ np.expm1(-linear.rates * time) ** 2))

    low, high = 0.0, 40.0 / float(linear.rates[0])
    size = min(size, 0.5 * moved(high))
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if moved(middle) < size else (low, middle)
    return n * low


def _midpoint(
    setting: Setting, state: State, who: NDArray[np.intp], linear: Linear, gap: Array, length: float
) -> tuple[State, Array]:
    time = length / setting.n_samples
    middle, moved = state.copy(), state.copy()
    displace(setting, middle, who, linear, _push(linear, gap, time / 2))
    half = linearize(setting, middle, who)
    push = _push(half, gap, time)
    displace(setting, moved, who, half, push)
    return moved, push


def take_along(
    setting: Setting, state: State, who: NDArray[np.intp], pulls: Array, length: float
) -> None:
    """Carry all but neurons `who` for a time under pulls r_k / n."""
    others = np.setdiff1d(np.arange(state.output.size), who)
    carried = carry(setting.rows, pulls, _as_neurons(setting, state, others), length)
    _take_over(setting, state, others, carried)
