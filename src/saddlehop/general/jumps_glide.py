"""Long steps of an orbit while the patterns of its bodies last: what creeps, in steps as long as it is slow.

Within patterns the weights y of the bodies follow a polynomial, stiff near rest. A step h is a collocation at
Radau's points c_1 … c_s = 1,

    y(c_i h) = y₀ + h Σ_l A_il f(y(c_l h)),    f = (w·D, a D),  D = (1/n) P Σ_k mask_k r_k x_k

which damps what is fast and costs nothing for it. Newton's method runs in the eigenvectors of ∂f/∂y at y₀,
symmetric as f is a gradient. The last coefficient of y(t) in Legendre's polynomials, squared, is about
the error at h. Passengers go along their broken lines under the mean residual of parts of the step.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_plateau import _as_neurons, _take_over, forces
from .flow_state import Setting, State
from .flow_stiff import radau
from .jumps_frozen import Frozen, freeze, thaw
from .jumps_rest import within_patterns
from .pieces import carry

STAGES = 5
SMOOTH = 1e-5  # last coefficient, relative to each body
ROUNDS = 12  # of Newton's method
CONVERGED = 1e-14
SHORTER = 0.25  # where Newton's method fails
BEFORE_WALL = 0.98
LONGEST = 1e15
TRIES = 8
PIECES = 64  # most parts for passengers
PASSENGER_TOL = 1e-10
NOISE = 1e-7  # of r(t), relative to how much it changes in a step


class Rule(NamedTuple):
    """Radau's collocation on [0, 1]."""

    points: Array
    """c, shape (s,)."""
    matrix: Array
    """A, shape (s, s)."""
    last: Array
    """The last Legendre coefficient of a polynomial that is 0 at 0, from its values at c, shape (s,)."""
    powers: Array
    """Coefficients of t, …, t^s of that polynomial from its values at c, shape (s, s)."""


class Glide(NamedTuple):
    """A step within patterns."""

    length: float
    stages: Array
    """y(c_i h) − y₀, shape (s, q, 1 + r)."""
    roughness: float
    """Last coefficient over `SMOOTH`."""


@cache
def rule() -> Rule:
    """Return the collocation at Radau's points and what is read off it."""
    s = STAGES
    points, matrix, _ = radau(s)
    powers = np.linalg.inv(points[:, None] ** np.arange(1, s + 1))
    return Rule(points, matrix, powers[-1] / math.comb(2 * s, s), np.asarray(powers))


def glide(
    setting: Setting, state: State, who: NDArray[np.intp], longest: float, least: float
) -> tuple[float, float]:
    """Take a step of at most `longest` with neurons `who`, the others aboard.

    Returns
    -------
    length, next : float
        The step taken, 0 if none of at least `least` lasts within the patterns; what the next may try.
    """
    frozen = freeze(setting, state, who)
    length = min(longest, LONGEST)
    rates, modes = frozen.modes()
    for _ in range(TRIES):
        if length < least:
            break
        step = _collocate(frozen, rates, modes, length)
        shorter = _shorter(setting, state, who, frozen, step)
        if shorter == 1.0:
            _go(setting, state, who, frozen, step)
            return length, length * _factor(step.roughness)
        length *= shorter
    return 0.0, max(length, least)


def _factor(roughness: float) -> float:
    return float(0.8 * min(5.0, (roughness + 1e-300) ** (-1.0 / STAGES)))


def _shorter(
    setting: Setting, state: State, who: NDArray[np.intp], frozen: Frozen, step: Glide
) -> float:
    """Return by what factor a step must be shorter, 1 if it holds."""
    if not step.roughness <= 1.0:
        return _factor(step.roughness) if step.roughness < np.inf else SHORTER
    if all(_lasts(setting, state, who, frozen, stage) for stage in step.stages):
        return 1.0
    low, high = 0.0, 1.0
    while high - low > 1e-3 * high and high > 1e-6:
        middle = (low + high) / 2
        lasts = _lasts(setting, state, who, frozen, _between(step, middle))
        low, high = (middle, high) if lasts else (low, middle)
    return BEFORE_WALL * low


def _between(step: Glide, part: float) -> Array:
    """y − y₀ at a part of a step."""
    amounts = part ** np.arange(1, STAGES + 1) @ rule().powers
    return np.asarray(np.tensordot(amounts, step.stages, 1))


def _lasts(
    setting: Setting, state: State, who: NDArray[np.intp], frozen: Frozen, change: Array
) -> bool:
    at = frozen.start + change
    residual = frozen.residuals(at[None])[0]
    return within_patterns(setting, state, who, at[:, 1:], residual)


def _collocate(frozen: Frozen, rates: Array, modes: Array, length: float) -> Glide:
    """Solve for the stages; roughness inf where Newton's method does not converge."""
    matrix = rule().matrix
    inverses = np.linalg.inv(np.eye(STAGES) - length * rates[:, None, None] * matrix)
    size = np.linalg.norm(frozen.start, axis=1)
    stages = np.zeros((STAGES, *frozen.start.shape))
    last = np.inf
    for _ in range(ROUNDS):
        gap = length * np.tensordot(matrix, frozen.slopes(frozen.start + stages), 1) - stages
        parts = (gap.reshape(STAGES, -1) @ modes).T
        amounts = np.matmul(inverses, parts[:, :, None])[:, :, 0]
        change = gap + (modes @ (amounts - parts)).T.reshape(stages.shape)
        stages += change
        error = float(np.max(np.linalg.norm(change, axis=2) / size))
        if error <= CONVERGED or (last < 1e3 * CONVERGED and error > 0.5 * last):
            rough = np.linalg.norm(np.tensordot(rule().last, stages, 1), axis=1) / size
            return Glide(length, stages, float(np.max(rough)) / SMOOTH)
        if not error <= 0.5 * last:
            break
        last = error
    return Glide(length, stages, np.inf)


def _go(setting: Setting, state: State, who: NDArray[np.intp], frozen: Frozen, step: Glide) -> None:
    """Move bodies to the end of a step, and passengers with them."""
    _carry_along(setting, state, who, frozen, step)
    thaw(setting, state, who, frozen.start + step.stages[-1])
    _back_to_walls(setting, state, who)
    state.wait(step.length)


def _back_to_walls(setting: Setting, state: State, who: NDArray[np.intp]) -> None:
    """Take back what a body at rest on a wall drifted across it by rounding, or steps would end there."""
    beyond = state.hidden[who] @ setting.rows.T * state.modes[who] < 0
    for i, k in np.argwhere(beyond):
        row = setting.rows[k]
        state.hidden[who[i]] -= row * (state.hidden[who[i]] @ row) / (row @ row)


def _carry_along(
    setting: Setting, state: State, who: NDArray[np.intp], frozen: Frozen, step: Glide
) -> None:
    others = np.setdiff1d(np.arange(state.output.size), who)
    if others.size == 0:
        return
    start = frozen.residuals(frozen.start[None])[0]
    change = frozen.residuals(frozen.start + step.stages) - start
    pieces = _pieces(setting, state, others, start, change, step.length)
    ends = np.linspace(0.0, 1.0, pieces + 1)[:, None] ** np.arange(2, STAGES + 2)
    means = np.diff(ends, axis=0) * pieces / np.arange(2, STAGES + 2) @ rule().powers @ change
    noise = NOISE * np.max(np.abs(change))
    felt = np.where(np.abs(start + means) <= noise, 0.0, start + means)
    neurons = _as_neurons(setting, state, others)
    carried = carry(setting.rows, felt / setting.n_samples, neurons, step.length / pieces)
    _take_over(setting, state, others, carried, felt)


def _pieces(
    setting: Setting,
    state: State,
    others: NDArray[np.intp],
    start: Array,
    change: Array,
    length: float,
) -> int:
    """Return into how many parts a step must be cut for passengers to see a mean residual in each.

    D changes by v: |a| is then wrong by a share v² h / 12 ρ where the passenger follows D, and turned
    by v ρ h² / 12 where it is slower than that.
    """
    speed = np.linalg.norm(forces(setting, state, start)[others], axis=1)
    moves = [np.linalg.norm(forces(setting, state, r)[others], axis=1) for r in change]
    moved = np.max(moves, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slow = np.where(moved > 0, moved / speed, 0.0)
    wrong = length * moved * np.minimum(length * speed, slow) / 12.0
    return int(np.clip(np.ceil(np.sqrt(np.max(wrong) / PASSENGER_TOL)), 1, PIECES))


def take_along(
    setting: Setting, state: State, who: NDArray[np.intp], pulls: Array, length: float
) -> None:
    """Carry all but neurons `who` for a time under pulls r_k / n."""
    others = np.setdiff1d(np.arange(state.output.size), who)
    carried = carry(setting.rows, pulls, _as_neurons(setting, state, others), length)
    _take_over(setting, state, others, carried, pulls * setting.n_samples)
