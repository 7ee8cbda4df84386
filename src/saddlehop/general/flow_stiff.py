"""Stiff stretches: steps that are implicit in the residuals.

Given r(t) each neuron goes on by itself (`kernels/drive.c`), and what all of them make of r(t) must be r(t):

    r = Φ[r],   r(t) a polynomial through its values at the Radau points of the step

By Newton's method: with C^½ K C^½ / n = V diag(μ) Vᵀ at the start of the step (`flow_plateau`) a correction δ
of r / C^½ solves δ + μ ∫ δ dt = (Φ[r] − r) / C^½ in each eigenvector. Walls do not stop such a step: where
the others feel one, r(t) has a kink that no polynomial follows, and the step is cut.
"""

from __future__ import annotations

import math

import numpy as np

from .._support.arrays import Array
from .flow_follow import ride
from .flow_plateau import acting_neurons, forces, relaxation_of
from .flow_state import Patience, Relaxation, Setting, State, residuals, weights
from .kernels import Flags
from .radau import radau

POINTS = 5, 9
FIRST = 2.5  # times the least worth: the first try
WORTH = 12.0, 0.1  # a step must be worth so many of the last, and so many for each sample
TURNING = 0.3  # neurons that matter turn less in a step that is worth it, …
SPIN = 30.0  # … and less under any guess at r(t)
GROWTH = 6.0
ITERATIONS = 12
DIVERGES = 2.0
TRIES = 4
CONVERGED = 0.1  # of the tolerance
NOISE = 10.0  # times what is allowed: rounding that may stop Newton's method
FAR = 10.0  # times the largest residual
ROUNDING = 1e-14  # of residuals


def points_for(tol: float) -> int:
    """Return the number of points that suits a tolerance."""
    return int(np.clip(round(3 - 0.5 * np.log10(tol)), *POINTS))


def stiff_step(setting: Setting, state: State, room: float) -> float:
    """Try a step of at most `room`; return its length, 0 if none was worth it."""
    r, acting = residuals(setting, state), acting_neurons(setting, state)
    fresh, least = state.relaxation is None, (WORTH[0] + WORTH[1] * r.size) * state.last
    length = min(state.stiff_length or FIRST * least, room)
    if least * _turning(setting, state, r, acting) > TURNING:
        state.stiff = state.stiff.lost(state)
        return 0.0
    for _ in range(TRIES):
        if length < least and length < room:
            break
        if state.relaxation is None:
            state.relaxation = relaxation_of(setting, state, r, acting)
        trial, error, first = _attempt(setting, state, r, acting, state.relaxation, length, least)
        allowed = _allowed(setting, length)
        growth = _growth(error / allowed, setting.tol)
        if error <= allowed:
            trial.wait(length)
            trial.count("implicit")
            trial.stiff_length = length * growth
            trial.stiff = Patience()
            state.restore(trial)
            return length
        if math.isinf(error) and not fresh and first >= least:
            state.relaxation, fresh = None, True
        elif first < length:
            length = min(first, 0.5 * length)
        else:
            length *= max(growth, 0.25)
    state.stiff_length, state.relaxation = 0.0, None
    state.stiff = state.stiff.lost(state)
    return 0.0


def _turning(setting: Setting, state: State, r: Array, acting: Flags) -> float:
    """How fast neurons that matter move at residuals r, relative to their size."""
    return float(np.max(np.linalg.norm(forces(setting, state, r)[acting], axis=1), initial=0.0))


def _growth(error: float, tol: float) -> float:
    """How much longer the next step may be, from the error relative to what is allowed."""
    least = (0.8 / GROWTH) ** (points_for(tol) + 1)
    return float(0.8 * max(error, least) ** (-1 / (points_for(tol) + 1)))


def _allowed(setting: Setting, length: float) -> float:
    """The tolerance, or what residuals that are off by rounding do to weights if that is more."""
    return max(setting.tol, ROUNDING * length * float(np.mean(setting.norms)))


def _attempt(
    setting: Setting,
    state: State,
    r: Array,
    acting: Flags,
    relaxation: Relaxation,
    length: float,
    least: float,
) -> tuple[State, float, float]:
    """Solve r = Φ[r] on a step; return where it leads, its error, and when the first wall is felt.

    Where that is before the `least` length worth a step nothing is solved.
    """
    points, _, terms, *_ = radau(points_for(setting.tol))
    powers = length ** -np.arange(points.size, dtype=float)[:, None]
    root, allowed = np.sqrt(setting.curvature), _allowed(setting, length)
    noise = 0.1 * ROUNDING * length * float(np.sum(weights(state)))
    noise = min(max(allowed, noise), NOISE * allowed)
    now = _relaxing(relaxation, r / root, length * points)
    last, first_met, mixed = np.inf, np.inf, Mixed()
    for i in range(ITERATIONS):
        if max(_turning(setting, state, row * root, acting) for row in now) * length > SPIN:
            break
        trial, path = state.copy(), powers * (terms @ (now * root))
        made, first = setting.stepper.drive(trial.arrays, acting, path, length * points)
        first_met = first if i == 0 else first_met
        if first_met < least:
            break
        if not np.max(np.abs(made)) <= FAR * max(float(np.max(np.abs(r))), 1e-300):
            break
        change = _correction(relaxation, made / root - now, length)
        change = mixed(now, change)
        now = now + change
        size = _weight_error(setting, np.max(np.abs(change * root), axis=0), length)
        if size <= CONVERGED * allowed or 0.5 * last < size <= noise:
            error = _error_of(setting, relaxation, now, r, length)
            if _rises(setting, r, made[-1], allowed):
                break
            if error <= allowed:
                error += _take_along(setting, trial, ~acting, path, now * root, length)
            return trial, error, first
        if size > DIVERGES * last:
            break
        last = size
    return state, np.inf, first_met


def _rises(setting: Setting, before: Array, after: Array, tol: float) -> bool:
    """Whether the loss rises: r = Φ[r] has more solutions than the flow where a wall lets a neuron go far."""
    was, now = (float(np.sum(r * r / setting.curvature)) for r in (before, after))
    return now > was * (1 + tol)


class Mixed:
    """Anderson's mixing: what earlier corrections did says which combination of them to take."""

    def __init__(self) -> None:
        self.points: list[Array] = []
        self.changes: list[Array] = []

    def __call__(self, point: Array, change: Array) -> Array:
        """Return the correction of `point` to take where a plain one would be `change`."""
        self.points.append(point.ravel())
        self.changes.append(change.ravel())
        if len(self.points) == 1:
            return change
        moved, gained = np.diff(self.points, axis=0), np.diff(self.changes, axis=0)
        parts = np.linalg.lstsq(gained.T, self.changes[-1], rcond=1e-12)[0]
        return np.asarray(change - (parts @ (moved + gained)).reshape(change.shape))


def _take_along(
    setting: Setting, state: State, rest: Flags, path: Array, now: Array, length: float
) -> float:
    """Move the neurons that do not act under r(t); return by how much weights miss that they do."""
    before = residuals(setting, state)
    made = ride(setting, state, rest, path, now, length)
    error = _weight_error(setting, np.abs(made - before), length)
    return error if math.isfinite(error) else math.inf


def _error_of(
    setting: Setting, relaxation: Relaxation, now: Array, r: Array, length: float
) -> float:
    """By how much weights are wrong since the polynomial through the points does not begin at r."""
    terms, root = radau(len(now)).terms, np.sqrt(setting.curvature)
    gap = _damped(relaxation, terms[0] @ now - r / root, length)
    return _weight_error(setting, np.abs(root * gap), length) / len(now) ** 2


def _weight_error(setting: Setting, change: Array, length: float) -> float:
    """By how much weights move when residuals change by so much over a step."""
    return length * float(change @ setting.norms) / setting.n_samples


def _relaxing(relaxation: Relaxation, start: Array, times: Array) -> Array:
    """Where r / C^½ would be if the weights' effect on it stood still, shape (times, n)."""
    rates, _, modes = relaxation
    amounts = modes.T @ start
    return np.asarray(start + (np.expm1(-np.outer(times, rates)) * amounts) @ modes.T)


def _correction(relaxation: Relaxation, gap: Array, length: float) -> Array:
    """Solve δ + μ ∫ δ = gap at the points, shape (points, n)."""
    integrals = radau(len(gap)).integrals
    rates, _, modes = relaxation
    amounts = gap @ modes
    systems = np.eye(len(gap)) + length * rates[:, None, None] * integrals
    solved = np.linalg.solve(systems, amounts.T[:, :, None])[:, :, 0].T
    return np.asarray(gap + (solved - amounts) @ modes.T)


def _damped(relaxation: Relaxation, gap: Array, length: float) -> Array:
    """What of a gap at the start is not gone at once."""
    rates, _, modes = relaxation
    amounts = modes.T @ gap
    return np.asarray(gap - modes @ (amounts * (1 - 1 / (1 + rates * length))))
