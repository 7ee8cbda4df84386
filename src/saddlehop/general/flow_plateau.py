"""Plateaus: residuals constant to tolerance, any length of time in one step.

Neurons that matter are at rest but for what still relaxes, to first order

    ṙ = −C K r / n,   K_kl = Σ_j e^{2σ_j} (z̃_jk z̃_jl + ã_j² x_k P_j x_l) over pairs active in both,

an exponential in each eigenvector of C^½ K C^½ (C: `curvature`). The others do not act on the residuals;
they go along their broken lines in closed form (`pieces`) under the mean residual, until they are about
to matter.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .alignment import Outcome, outcome_of
from .flow_slips import Brink, brinks, push_on
from .flow_state import (
    Modes,
    Patience,
    Relaxation,
    Setting,
    State,
    bases,
    is_fitted,
    off_walls,
    residuals,
    settle,
    slide_of,
    weights,
)
from .pieces import GROWING, Carried, Neurons, carry

WORTH = 3.0  # a plateau must be worth so many of the last steps
SMALLEST_RATE = 1e-13  # of relaxation, relative to the largest; below is rounding
SOON, LATER = 4, 256  # of the last steps: when a plateau is tried again
TRIES = 6
NOISE = 1e2  # times the tolerance: what errors of steps may make of residuals
SEEN = 1e-11  # shares of ‖w‖‖x_k‖ from which on steps know the side of a wall
FELT = 1e-10  # what residuals may be off where a neuron is nearer to a wall that it crosses
GROWS = 10.0  # times the tolerance: rates of growth that are visible


def wait_out(setting: Setting, state: State, room: float, last: float) -> tuple[float, bool]:
    """Try to pass a plateau; return how much time passed, and whether nothing is left to learn."""
    r = residuals(setting, state)
    acting = acting_neurons(setting, state)
    state.edges = tuple(edge for edge in state.edges if not acting[edge.neuron])
    drive = forces(setting, state, _felt(setting, r))
    if _moves(setting, state, drive, acting):
        state.plateau, state.rest_due = Patience(state.time + SOON * last), math.inf
        return 0.0, False
    rest = np.flatnonzero(~acting)
    if not state.edges and _length(setting, state, drive, rest) < min(WORTH * last, room):
        return 0.0, False
    relaxation = relaxation_of(setting, state, r, acting)
    size = float(np.sum(weights(state)[acting]))
    amounts = np.abs(relaxation.amounts) / np.sqrt(np.maximum(relaxation.rates * size, 1.0))
    left = _until_relaxed(setting, relaxation, amounts)
    state.rest_due = min(state.rest_due, state.time + 2 * left)
    if left > 0 and not (state.time > state.rest_due and _is_noise(setting, relaxation, amounts)):
        state.plateau = Patience(state.time + min(max(left, SOON * last), LATER * last))
        return 0.0, False
    neurons = _as_neurons(setting, state, rest)
    at_rest = _felt(setting, r - _relaxed(setting, relaxation, math.inf))
    if _grows(setting, state, at_rest, acting):
        state.plateau = Patience(state.time + SOON * last)
        return 0.0, False
    ever = carry(setting.rows, at_rest / setting.n_samples, neurons)
    outcome = outcome_of(ever)
    some = brinks(setting, state, acting, at_rest, ever, outcome)
    length, tol = _until_due(setting, ever, outcome, some)
    if math.isinf(length) and math.isinf(room):
        return 0.0, True
    length = min(length, room)
    taken = _carry_on(setting, state, r, acting, relaxation, neurons, length, last, tol)
    if some and taken > 0:
        push_on(setting, state, at_rest, some, taken)
    return taken, False


def _felt(setting: Setting, r: Array) -> Array:
    """Return residuals, 0 where they are 0 to tolerance."""
    return np.where(np.abs(r) <= setting.tol, 0.0, r)


def _until_relaxed(setting: Setting, relaxation: Relaxation, amounts: Array) -> float:
    """Return when what still relaxes is within tolerance, 0 if it is."""
    least = setting.tol * math.sqrt(len(relaxation.modes))
    if np.sum(amounts) <= least:
        return 0.0
    times = np.log(np.maximum(amounts * amounts.size / least, 1.0)) / relaxation.rates
    return float(np.max(times))


def _is_noise(setting: Setting, relaxation: Relaxation, amounts: Array) -> bool:
    """Whether what should be at rest by now may be errors of steps; an exponential is good enough for it."""
    most = NOISE * setting.tol * math.sqrt(len(relaxation.modes))
    return bool(np.sum(amounts) <= most)


def _until_due(
    setting: Setting, carried: Carried, outcome: Outcome, some: list[Brink]
) -> tuple[float, float]:
    """Return how long a plateau is to last, and to which tolerance: until one is felt or crosses a wall.

    Steps do not know the side of a wall on which a neuron is to rounding; then it has to last longer.
    """
    length = _until_felt(carried, outcome, setting, setting.tol)
    first = min(some, key=lambda one: one.due, default=None)
    if first is None or first.due <= length:
        return length if first is None else first.due, setting.tol
    tol = max(setting.tol, FELT)
    near = first.log_free(first.due) <= math.log(SEEN)
    if near and first.due <= _until_felt(carried, outcome, setting, tol):
        return first.due, tol
    return length, setting.tol


def _until_felt(carried: Carried, outcome: Outcome, setting: Setting, tol: float) -> float:
    """Return when the first of the growing neurons is about to matter; inf: none ever grows."""
    growing = carried.ends == GROWING
    goal = 0.5 * math.log(tol / (10.0 * max(growing.size, 1))) - setting.log_start
    times = (goal - outcome.log_growth[growing]) / outcome.rates[growing]
    return max(float(np.min(times, initial=math.inf)), 0.0)


def _carry_on(
    setting: Setting,
    state: State,
    r: Array,
    acting: NDArray[np.bool_],
    relaxation: Relaxation,
    neurons: Neurons,
    length: float,
    last: float,
    tol: float,
) -> float:
    rest = np.flatnonzero(~acting)
    room = length
    before = _loads(setting, state, rest)
    for _ in range(TRIES):
        if length < min(WORTH * last, room) or length <= 0:
            break
        mean = _felt(setting, r - _relaxed(setting, relaxation, length))
        carried = carry(setting.rows, mean / setting.n_samples, neurons, length)
        excess = _excess(setting, carried, before, length, tol)
        if excess <= 0:
            _relax(setting, state, acting, relaxation, length)
            _take_over(setting, state, rest, carried, mean)
            state.wait(length)
            state.count("plateaus")
            state.plateau, state.stiff = Patience(), Patience(state.time + 16 * last, 8 * last)
            state.stiff_length, state.relaxation, state.rest_due = 0.0, None, math.inf
            return length
        length = min(0.5 * length, length - 1.1 * excess)
    state.plateau = state.plateau.lost(state)
    return 0.0


def _loads(setting: Setting, state: State, neurons: NDArray[np.intp]) -> Array:
    """Return what neurons add to the outputs, a_j max(w_j·x_k, 0), shape (q, n)."""
    z = np.maximum(state.hidden[neurons] @ setting.rows.T, 0.0)
    return np.asarray((weights(state)[neurons] * state.output[neurons])[:, None] * z)


def acting_neurons(setting: Setting, state: State) -> NDArray[np.bool_]:
    """Whether neurons add to the outputs."""
    loads = _loads(setting, state, np.arange(state.output.size))
    least = 0.01 * setting.tol / state.output.size
    return np.asarray(np.max(np.abs(loads), axis=1, initial=0.0) > least)


def forces(setting: Setting, state: State, r: Array) -> Array:
    """Return D_j = (1/n) P_j Σ_{active} r_k x_k, shape (m, r)."""
    return setting.stepper.forces(state.arrays, r)


def _moves(setting: Setting, state: State, drive: Array, acting: NDArray[np.bool_]) -> bool:
    """Whether neurons that matter move visibly, told without the eigenvalues."""
    who = np.flatnonzero(acting)
    if who.size == 0:
        return False
    scale = weights(state)[who]
    speed = np.sqrt(scale) * np.linalg.norm(drive[who], axis=1)
    size = float(np.sum(scale))
    largest = size * float(np.max(setting.curvature)) * max(1.0, size / setting.n_samples)
    return bool(np.max(speed) > setting.tol * max(1.0, largest))


def _grows(setting: Setting, state: State, r: Array, acting: NDArray[np.bool_]) -> bool:
    """Whether a neuron that matters already would go on growing once the others are at rest."""
    pull = np.sum(forces(setting, state, r) * state.hidden, axis=1)[acting]
    return bool(np.max(np.sign(state.output[acting]) * pull, initial=0.0) > GROWS * setting.tol)


def _length(setting: Setting, state: State, drive: Array, rest: NDArray[np.intp]) -> float:
    """Return when a neuron that does not matter yet would, by its present rate of growth."""
    rates = np.linalg.norm(drive[rest], axis=1)
    growing = rates > 1e-14
    log_room = math.log(setting.tol) - math.log(10.0 * max(rest.size, 1)) - 2 * state.scale[rest]
    times = log_room[growing] / (2 * rates[growing])
    return max(float(np.min(times, initial=math.inf)), 0.0)


def relaxation_of(
    setting: Setting, state: State, r: Array, acting: NDArray[np.bool_]
) -> Relaxation:
    """Return how the residuals relax while the neurons that matter are where they are."""
    root = np.sqrt(setting.curvature)
    who = np.flatnonzero(acting)
    if who.size == 0:
        return Relaxation(np.empty(0), np.empty(0), np.empty((r.size, 0)))
    active = (state.modes[who] > 0).astype(float)
    scale = weights(state)[who]
    z = active * (state.hidden[who] @ setting.rows.T)
    kernel = (scale[:, None] * z).T @ z
    kernel += (
        ((scale * state.output[who] ** 2)[:, None] * active).T
        @ active
        * (setting.rows @ setting.rows.T)
    )
    for i, j in enumerate(who):
        slide = slide_of(setting, state, int(j))
        if slide is not None:
            across = setting.rows @ slide.basis.T * active[i][:, None]
            kernel -= scale[i] * state.output[j] ** 2 * across @ across.T
    rates, modes = np.linalg.eigh(root[:, None] * kernel * root / setting.n_samples)
    kept = rates > SMALLEST_RATE * max(float(rates[-1]), 1e-300)
    return Relaxation(rates[kept], modes[:, kept].T @ (r / root), modes[:, kept])


def _lag(x: Array) -> Array:
    """1 − (1 − e^{−x}) / x: how far a relaxing mode is from its start, on average."""
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(x), 1.0, 1.0 + np.expm1(-x) / np.maximum(x, 1e-300))


def _relaxed(setting: Setting, relaxation: Relaxation, length: float) -> Array:
    rates, amounts, modes = relaxation
    return np.asarray(np.sqrt(setting.curvature) * (modes @ (amounts * _lag(rates * length))))


def _relax(
    setting: Setting, state: State, acting: NDArray[np.bool_], relaxation: Relaxation, length: float
) -> None:
    """Move the neurons that matter by what relaxes: θ̇ = Jᵀ r / n."""
    rates, amounts, modes = relaxation
    who = np.flatnonzero(acting)
    if who.size == 0 or rates.size == 0:
        return
    total = modes @ (amounts * -np.expm1(-rates * length) / rates)
    impulse = np.sqrt(setting.curvature) * total / setting.n_samples
    active = state.modes[who] > 0
    force = off_walls((active * impulse) @ setting.rows, bases(setting, state, who))
    a, w = state.output[who], state.hidden[who]
    state.output[who] = a + np.sum(w * force, axis=1)
    state.hidden[who] = w + a[:, None] * force
    settle(setting, state, who)


def _as_neurons(setting: Setting, state: State, who: NDArray[np.intp]) -> Neurons:
    a, modes = state.output[who], state.modes[who]
    signs = np.sign(a)
    if not signs.all():  # a neuron at a = 0 turns the way it is drawn
        drawn = np.sum(forces(setting, state, residuals(setting, state)) * state.hidden, axis=1)
        signs = np.where(signs == 0, np.sign(drawn[who]), signs)
    return Neurons(
        signs.astype(np.int8),
        state.scale[who] - setting.log_start,
        np.abs(a),
        state.hidden[who].copy(),
        setting.imbalance[who],
        (modes == 0) & (setting.norms > 0),
        np.where(modes == 0, -1, modes).astype(np.int8),
    )


def _excess(setting: Setting, carried: Carried, before: Array, length: float, tol: float) -> float:
    """Return by how much time neurons were carried too far to be left out of the residuals."""
    neurons = carried.neurons
    with np.errstate(under="ignore", over="ignore"):
        scale = np.exp(2 * (neurons.log_scales + setting.log_start))
        load = (scale * neurons.output)[:, None] * np.maximum(neurons.hidden @ setting.rows.T, 0.0)
    change = float(np.max(np.sum(np.abs(load - np.abs(before)), axis=0), initial=0.0))
    if not change > tol:
        return 0.0
    rate = float(np.max(np.linalg.norm(carried.field.velocity, axis=1), initial=0.0))
    return min(length, math.log(change / tol) / (2 * rate) if rate > 0 else length)


def _take_over(
    setting: Setting, state: State, rest: NDArray[np.intp], carried: Carried, r: Array
) -> None:
    """Put neurons where they were carried under residuals (n,), or (parts, n) in turn."""
    neurons, field = carried.neurons, carried.field
    state.output[rest] = neurons.signs * neurons.output
    state.hidden[rest] = neurons.hidden
    state.scale[rest] = neurons.log_scales + setting.log_start
    _count_changes(state, state.modes[rest], field.modes)
    state.modes[rest] = field.modes
    state.chosen[rest] |= carried.chosen & ~is_fitted(setting, np.atleast_2d(r)).all(axis=0)
    state.count("pieces", carried.n_pieces)


def _count_changes(state: State, before: Modes, after: Modes) -> None:
    """Add what changed to the record of work."""
    state.count("crossings", int(np.sum(before * after < 0)))
    state.count("slides", int(np.sum((before != 0) & (after == 0))))
    state.count("leavings", int(np.sum((before == 0) & (after != 0))))
