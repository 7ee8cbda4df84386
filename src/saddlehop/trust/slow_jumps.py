"""The limit λ → 0 on data as they are once more, with SciPy in place of series, lines and Newton steps.

The process is that of `general.jumps`, neurons are followed by `between_events`. At a saddle each dormant
neuron is integrated until its way is clear: the rest of its line lies in one cone (it grows along
s D/‖D‖), it points against D (it decays), or D = 0. From there

    Δ = min_j −e_j / ρ_j,    e_j += ρ_j Δ,    log|a_j| += ρ_j δ

and all neurons follow the flow together, newcomers from size ε, until those that act on it rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..general.rays import Rays
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from .between_events import LostError, Swarm, swarm_of

EPS = 1e-5  # size of newcomers; the error is of its square
REST = 1e-9  # ‖D_j‖ of neurons at rest, where labels and inputs are at most 1
NONE = 1e-6  # rates and residuals that count as 0
FADED = 1e-6
TIED = 1e-8
MOST_PRODUCTS = 2e7  # m n r beyond which nothing is integrated


@dataclass
class SlowLimit:
    """Jumps and saddles as far as they were followed."""

    times: list[float] = field(default_factory=list)
    """On the clock, one for each jump."""
    corrections: list[float] = field(default_factory=list)
    neurons: list[tuple[int, ...]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    """One for each saddle, in units of the square of the largest label."""
    sq_norms: list[float] = field(default_factory=list)
    """One for each saddle."""
    rates: list[Array] = field(default_factory=list)
    """Shape (m,), one for each saddle."""
    exponents: list[Array] = field(default_factory=list)
    """Shape (m,), one for each saddle."""
    signs: list[Array] = field(default_factory=list)
    """Shape (m,), one for each saddle."""
    note: str = ""
    """Why it was not followed further; empty: to the end."""


def slow_jumps(problem: GeneralProblem, init: Initialization, most_jumps: int) -> SlowLimit:
    """Follow the process for at most so many jumps."""
    if not init.hidden.any(axis=1).all():
        return SlowLimit(note="a neuron starts at w = 0, where it has no direction")
    process = _Process(problem, init)
    found = process.found
    if init.width * problem.n_samples * problem.rank > MOST_PRODUCTS:
        found.note = "too large for plain integration"
        return found
    try:
        process.arrive()
        while len(found.times) < most_jumps and process.jump():
            process.arrive()
    except LostError as err:
        found.note = f"jump {len(found.times) + 1}: {err}"
    return found


class _Process:
    """Labels are at most 1 and no input is longer than 1, as in the units of the flow."""

    def __init__(self, problem: GeneralProblem, init: Initialization) -> None:
        label = float(np.max(np.abs(problem.y))) or 1.0
        longest = float(np.max(np.linalg.norm(problem.coordinates, axis=1)))
        self.time_unit, self.sq_weight = 1 / (label * longest), label / longest
        unit = np.sqrt(self.sq_weight)
        self.swarm = swarm_of(
            Rays.of(problem.coordinates / longest),
            problem.y / label,
            problem.n_samples,
            init.output / unit,
            init.hidden / unit,
        )
        swarm, m = self.swarm, init.width
        explained = np.sum(swarm.labels**2 / swarm.curvature)
        self.unexplained = float(np.sum((problem.y / label) ** 2) - explained) / (
            2 * problem.n_samples
        )
        balanced = np.abs(np.abs(swarm.ratios) - 1) < 1e-14
        swarm.ratios = np.where(balanced, swarm.signs, swarm.ratios)
        swarm.acting[:] = False
        self.exponents, self.rates = np.full(m, -1.0), np.zeros(m)
        self.clock = self.offset = 0.0
        self.found = SlowLimit()

    def arrive(self) -> None:
        """Align the dormant neurons at a saddle and write it down."""
        swarm, found = self.swarm, self.found
        residual = swarm.residual_now()
        fitted = float(np.sum(residual**2 / swarm.curvature)) / (2 * swarm.n_samples)
        residual[np.abs(residual) <= NONE * np.sqrt(swarm.curvature)] = 0
        self.rates[:] = 0
        for j in np.flatnonzero(~swarm.acting & ~swarm.stalled):
            self._align(int(j), residual)
        sizes = np.exp(2 * swarm.log_sizes[swarm.acting])
        found.losses.append(fitted + self.unexplained)
        found.sq_norms.append(
            float(np.sum(sizes * (1 + swarm.ratios[swarm.acting] ** 2))) * self.sq_weight
        )
        found.rates.append(self.rates / self.time_unit)
        found.exponents.append(self.exponents.copy())
        found.signs.append(swarm.signs.copy())

    def _align(self, j: int, residual: Array) -> None:
        """Follow neuron j at constant residuals until its way is clear."""
        one = _alone(self.swarm, j, residual)
        one.run(np.inf, lambda: _is_clear(one))
        speed, along, goal = _course(one)
        swarm, p = self.swarm, abs(float(one.ratios[0]))
        swarm.modes[j], swarm.sides[j], swarm.signs[j] = one.modes[0], one.sides[0], one.signs[0]
        swarm.stalled[j] = one.stalled[0]
        if speed <= NONE or swarm.stalled[j]:
            swarm.headings[j], swarm.ratios[j] = one.headings[0], one.ratios[0]
            swarm.log_sizes[j] = one.log_sizes[0]
            return
        grows = along > 0
        if grows and _may_slip(one, goal):
            raise LostError("a neuron grows along a wall, where what little is learned decides")
        self.rates[j] = speed if grows else -speed
        swarm.headings[j] = goal if grows else one.headings[0]
        kappa = one.log_sizes[0] + (np.log((p + along) / 2) if grows else 0.0)
        swarm.log_sizes[j] = kappa - self.rates[j] * one.time
        swarm.ratios[j] = one.signs[0]

    def jump(self) -> bool:
        """Go to the next saddle; False if no neuron grows."""
        growing = self.rates > 0
        if not growing.any():
            return False
        arrivals = np.full(growing.size, np.inf)
        arrivals[growing] = -self.exponents[growing] / self.rates[growing]
        span = float(arrivals.min())
        tied = arrivals <= span + TIED * (self.clock + span)
        self.clock += span
        self.exponents += self.rates * span
        self.exponents[tied] = 0.0
        if (self.exponents < -1 - TIED).any() and (np.abs(self.swarm.ratios) != 1).any():
            raise LostError("a neuron that is not balanced decayed below its start")
        self._start(tied)
        self._follow(tied)
        self.found.times.append(self.clock * self.time_unit)
        self.found.neurons.append(tuple(np.flatnonzero(tied).tolist()))
        return True

    def _start(self, tied: NDArray[np.bool_]) -> None:
        """Go to where the largest group of newcomers has size ε."""
        swarm = self.swarm
        sizes = np.where(tied, np.exp(2 * (swarm.log_sizes - swarm.log_sizes[tied].max())), 0.0)
        alike = (swarm.headings @ swarm.headings.T > 1 - 1e-12) & (
            swarm.signs == swarm.signs[:, None]
        )
        logs = np.log(alike[tied] @ sizes) / 2 + swarm.log_sizes[tied].max()
        delta = float(np.min((np.log(EPS) - logs) / self.rates[tied]))
        swarm.log_sizes += self.rates * delta
        self.offset += delta
        swarm.acting |= tied

    def _follow(self, tied: NDArray[np.bool_]) -> None:
        """Let all follow the flow until those that act rest or fade."""
        from scipy.interpolate import CubicHermiteSpline  # slow to import

        swarm, course = self.swarm, []
        swarm.time = 0.0

        def is_done() -> bool:
            force, _ = swarm.forces(swarm.residual_now())
            slopes = swarm.ratios * np.sum(force * swarm.headings, axis=1)
            course.append((swarm.time, swarm.log_sizes.copy(), slopes))
            return self._is_at_rest(np.linalg.norm(force, axis=1), slopes)

        swarm.run(np.inf, is_done)
        times, sizes, slopes = (np.array(part) for part in zip(*course, strict=True))
        times, once = np.unique(times, return_index=True)
        half = np.inf
        for j in np.flatnonzero(tied & ~self.fading):
            line = CubicHermiteSpline(times, sizes[once, j], slopes[once, j])
            crossings = line.solve(swarm.log_sizes[j] - np.log(2) / 2, extrapolate=False)
            half = min(half, float(crossings[0]))
        self.found.corrections.append((self.offset + half) * self.time_unit)
        self.offset += swarm.time
        swarm.acting &= ~self.fading

    def _is_at_rest(self, speeds: Array, slopes: Array) -> bool:
        swarm = self.swarm
        self.fading = swarm.acting & (swarm.log_sizes < np.log(FADED)) & (slopes < -0.5 * speeds)
        return bool((speeds[swarm.acting & ~self.fading] <= REST).all())


def _alone(swarm: Swarm, j: int, residual: Array) -> Swarm:
    """Neuron j of a swarm on its own, which acts on nothing."""
    one = Swarm(
        swarm.rows,
        residual,
        swarm.curvature,
        swarm.n_samples,
        swarm.log_sizes[j : j + 1].copy(),
        swarm.headings[j : j + 1].copy(),
        swarm.ratios[j : j + 1].copy(),
        swarm.signs[j : j + 1].copy(),
        np.zeros(1, dtype=np.bool_),
    )
    one.modes, one.sides = swarm.modes[j : j + 1].copy(), swarm.sides[j : j + 1].copy()
    return one


def _course(one: Swarm) -> tuple[float, float, Array]:
    """‖D‖ of a lone neuron, the cosine between it and the way it is drawn, and that way."""
    force = one.forces(one.labels)[0][0]
    speed = float(np.linalg.norm(force))
    goal = one.signs[0] * force / (speed or 1.0)
    return speed, float(goal @ one.headings[0]), goal


def _may_slip(one: Swarm, goal: Array) -> bool:
    """Whether a lone neuron grows along a wall that would repel it, and what it feels may push it across."""
    modes, residual = one.modes[0], one.labels
    along = (np.abs(one.unit @ goal) <= TIED) & (modes != 0) & (one.signs[0] * residual > 0)
    touches = np.abs(one.unit[along] @ one.unit[modes >= 0].T) > TIED
    return bool(touches.any())


def _is_clear(one: Swarm) -> bool:
    """Whether nothing can happen any more to a lone neuron."""
    speed, along, goal = _course(one)
    if speed <= NONE or one.stalled[0]:
        return True
    if along <= 0:
        return abs(float(one.ratios[0])) == 1 and along < -1 + 1e-10
    return bool((one.modes[0] * (one.unit @ goal) >= -1e-9).all())
