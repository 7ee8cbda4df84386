"""The next-order picture at a finite λ, put together from the orbits of the jumps.

With L = log(1/λ), jump i runs on its own time τ = t − s_i L − θ_i. Its samples follow the residual
fractions f_k(τ) of its orbit, so the composite loss is

    L(t) = (1/2n) Σ_k y_k² f_k(t − s_i L − θ_i)²,    i the jump that fits sample k,

and neuron sizes are lines until the neuron's own orbit takes over. The error falls to zero with λ
where jumps stand apart (`resolving_scale`); no flow is integrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._support.brief import Brief
from .._support.validate import finite_floats
from .jump_course import JumpCourse
from .next_order import SolvedJump

_NARROW, _WIDE = 0.01, 0.99  # parts of a jump's loss that mark its beginning and end
LOG_SMALL = np.log(0.1)  # log size of a runner-up that does not matter yet


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(Brief):
    """What the limit and its next order say about the flow at one λ; times are t."""

    jumps: JumpCourse
    """The limit."""
    log_init_scale: float
    """log λ."""

    @cached_property
    def times(self) -> Array:
        """When each jump happens, shape (J,); nan where λ is too large to say.

        There the expansion would put the jump before the start.
        """
        return after_start(-self.log_init_scale * self.jumps.times + self.jumps.corrections)

    @cached_property
    def activation_times(self) -> Array:
        """First t at which a_j² passes half of its final value, shape (m,).

        nan: never, or λ is too large to say, as in `times`.
        """
        times = np.full(self.jumps.width, np.nan)
        for start, solved in zip(self._origins, self.jumps.solved, strict=True):
            for neuron, half_time in zip(solved.neurons, solved.half_times, strict=True):
                times[neuron] = start + half_time
        return after_start(times)

    def loss_at(self, t: Any) -> Array:
        """Return the composite loss at times `t` of any shape."""
        times = finite_floats(t, "t")
        flat = times.ravel()
        problem = self.jumps.problem
        doubled = np.full(flat.size, np.sum(problem.y[self.jumps.unfit] ** 2))
        for start, solved in zip(self._origins, self.jumps.solved, strict=True):
            doubled += solved.orbit.curve.fractions(flat - start) ** 2 @ _class_losses(
                self.jumps, solved
            )
        return np.asarray(doubled / (2 * problem.n_samples)).reshape(times.shape)

    def log_output_at(self, t: Any) -> Array:
        """Return log|a_j| at times `t` of any shape; the neurons are the last axis."""
        times = finite_floats(t, "t")
        flat = times.ravel()
        stage = np.searchsorted(np.maximum.accumulate(self._origins), flat, side="right")
        values = self._lines(flat, stage)
        for jump, (start, solved) in enumerate(zip(self._origins, self.jumps.solved, strict=True)):
            near = stage >= jump
            sizes = solved.log_output(flat[near] - start)
            for neuron, size in zip(solved.neurons, sizes.T, strict=True):
                values[near, neuron] = size
        return np.asarray(values.reshape(*times.shape, self.jumps.width))

    def _lines(self, t: Array, stage: Any) -> Array:
        """Lines log|a_j| = e_j L + κ_j + ρ_j (t − T) of all neurons, shape (T, m)."""
        alignment, solved = self.jumps.require_alignment(), self.jumps.solved
        kappa = np.vstack([alignment.log_growth, *(jump.log_sizes for jump in solved)])
        origins = np.concatenate([[0.0], self._origins])
        rates = self.jumps.growth_rates
        heights = -self.log_init_scale * self.jumps.exponents + kappa
        return np.asarray(heights[stage] + rates[stage] * (t - origins[stage])[:, None])

    @cached_property
    def _origins(self) -> Array:
        """T_i = s_i L + θ_i, shape (J,)."""
        references = np.array([solved.reference for solved in self.jumps.solved])
        return np.asarray(-self.log_init_scale * self.jumps.times + references)


def after_start(times: Array) -> Array:
    """Return times, nan where they lie before the start."""
    return np.where(times > 0, times, np.nan)


def resolving_scale(jumps: JumpCourse) -> Array:
    """Return log10 of the λ below which each jump stands apart from its neighbours, shape (J,).

    A jump stands apart if 99% of the loss of the jump before is gone when 1% of its own is, the
    same with the jump after, and no dormant neuron that shares its samples has grown above a
    tenth of its size.
    """
    spans = np.array([_span(jumps, solved) for solved in jumps.solved]).reshape(-1, 2)
    heads = np.zeros(jumps.n_jumps)
    rates = jumps.growth_rates
    for i, solved in enumerate(jumps.solved):
        rivals = solved.passengers
        distance = -jumps.exponents[i + 1, rivals]
        grown = solved.arrivals[rivals] + rates[i, rivals] * solved.half_times.min()
        head = grown - np.log(solved.orbit.output.max()) - LOG_SMALL
        heads[i] = np.max(head / distance, initial=0.0)
    return scale_apart(jumps.times, spans, heads)


def scale_apart(times: Array, spans: Array, heads: Array) -> Array:
    """Return log10 of the λ below which each jump has room, shape (J,).

    Parameters
    ----------
    times : ndarray, shape (J,)
        On the clock, in rising order.
    spans : ndarray, shape (J, 2)
        When 1% and 99% of the loss of each jump are gone, in units of t, less times · log(1/λ).
    heads : ndarray, shape (J,)
        The log(1/λ) that each jump needs for its rivals to be small.
    """
    needed = heads.copy()
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.maximum(spans[:-1, 1] - spans[1:, 0], 0.0) / np.diff(times)
    room[np.isnan(room)] = np.inf
    needed[:-1] = np.maximum(needed[:-1], room)
    needed[1:] = np.maximum(needed[1:], room)
    return np.asarray(-needed / np.log(10))


def _span(jumps: JumpCourse, solved: SolvedJump) -> tuple[float, float]:
    """θ + τ at which 1% and 99% of the loss of a jump are gone."""
    losses = _class_losses(jumps, solved)

    def gone(tau: float) -> float:
        left = solved.orbit.curve.fractions(np.array([tau]))[0] ** 2 @ losses
        return float(1 - left / losses.sum())

    ends = [
        _crossing(gone, part, float(solved.half_times.min()), solved.slowest)
        for part in (_NARROW, _WIDE)
    ]
    return solved.reference + ends[0], solved.reference + ends[1]


def _crossing(gone: Any, part: float, guess: float, unit: float) -> float:
    """First guess of where `gone` passes `part`, by doubling and bisection."""
    low, high, width = guess, guess, unit
    while gone(low) > part:
        low, width = low - width, 2 * width
    width = unit
    while gone(high) < part:
        high, width = high + width, 2 * width
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if gone(middle) < part else (low, middle)
    return high


def _class_losses(jumps: JumpCourse, solved: SolvedJump) -> Array:
    """Σ y_k² of each class of a jump."""
    return np.asarray(np.bincount(solved.classes, jumps.problem.y[solved.samples] ** 2), float)
