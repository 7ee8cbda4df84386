"""Who is aboard an orbit: bodies and passengers on, and off again where it ends.

body        active neurons of one group: a = (Σ_j a_j²)^½ and their common direction, shares a_j / a
passengers  dormant neurons that move as one; the first of them stands for all
twins       the passengers again, pushed aside now and then
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_state import ON_WALL, Setting, State, is_fitted, slide_of
from .jumps_dormant import ACTIVE, ASLEEP, Dormant
from .jumps_orbit import LOG_ASIDE, Orbit
from .jumps_slips import guarded
from .walls import Flags

FAR_AHEAD = (
    100.0  # log scale above which a passenger would come near the bodies, and is balanced by now
)
ORBIT_TOL = 1e-12


@dataclass(frozen=True, eq=False)
class Body:
    """Active neurons that move as one."""

    members: NDArray[np.intp]
    shares: Array
    """Of the common size; their squares sum to 1."""
    output: float
    """a, with its sign."""
    hidden: Array
    """w, shape (r,)."""
    modes: NDArray[np.int8]
    theta: Array
    """θ_k, shape (n,)."""
    lag: Array
    """(a, w) just before the rest less that at rest, shape (1 + r,)."""


class Aboard(NamedTuple):
    """Who the rows of an orbit's state are."""

    bodies: list[Body]
    passengers: list[NDArray[np.intp]]


def log_size(dormant: Dormant, members: NDArray[np.intp], log_weight: float) -> float:
    """Return log (Σ a_j²)^½ of neurons at e = 0, in units of the flow."""
    return float(np.logaddexp.reduce(2 * dormant.neurons.log_scales[members]) / 2 - log_weight)


def newcomer(dormant: Dormant, members: NDArray[np.intp], log_weight: float) -> Body:
    """Make neurons at e = 0 a body of the size they have; it is no longer dormant."""
    neurons, j = dormant.neurons, members[0]
    log_sum = log_size(dormant, members, log_weight)
    dormant.ends[members] = ACTIVE
    return Body(
        members,
        np.exp(neurons.log_scales[members] - log_weight - log_sum),
        float(neurons.signs[j] * np.exp(log_sum)),
        np.exp(log_sum) * neurons.hidden[j],
        dormant.modes[j].copy(),
        dormant.shares[j].copy(),
        np.zeros(1 + neurons.hidden.shape[1]),
    )


def board(setting: Setting, dormant: Dormant, bodies: list[Body]) -> tuple[Orbit, Aboard]:
    """Put bodies, and the dormant neurons that can move, on an orbit."""
    waiting = np.flatnonzero((dormant.ends != ACTIVE) & ~dormant.is_inert())
    passengers = dormant.bundles(waiting)
    first = np.array([members[0] for members in passengers], np.intp)
    neurons, n = dormant.neurons, setting.labels.size
    log_scales = neurons.log_scales[first]
    ahead = np.where(log_scales > FAR_AHEAD, log_scales, 0.0)
    scale, passing = LOG_ASIDE + log_scales - ahead, neurons.signs[first] * neurons.output[first]
    directions, modes = neurons.hidden[first], dormant.modes[first]
    output = np.array([body.output + body.lag[0] for body in bodies])
    hidden = np.array([body.hidden + body.lag[1:] for body in bodies]) / np.abs(output)[:, None]
    state = State(
        0.0,
        0.0,
        np.concatenate([np.log(np.abs(output)), scale, scale]),
        np.concatenate([np.sign(output), passing, passing]),
        np.concatenate([hidden, directions, directions]),
        np.concatenate([np.array([body.modes for body in bodies]), modes, modes]),
        np.zeros((len(bodies) + 2 * first.size, n), bool),
    )
    excess = np.where(ahead > 0, 0.0, neurons.excess[first])
    imbalance = np.concatenate([np.zeros(len(bodies)), excess, excess])
    there = replace(setting, imbalance=imbalance, log_start=LOG_ASIDE, tol=ORBIT_TOL)
    orbit = Orbit(there, state, len(bodies), n_twins=first.size)
    orbit.growth[len(bodies) :] = np.concatenate([ahead, ahead])
    return orbit, Aboard(bodies, passengers)


def leave(
    dormant: Dormant, aboard: Aboard, orbit: Orbit, residual: Array, log_weight: float
) -> list[Body]:
    """Take all off an orbit; bodies that fade join the dormant neurons, the others are returned."""
    shares = _shares(orbit, residual)
    state, kept = orbit.state, []
    orbit.state.chosen &= ~_is_side_known(dormant, aboard, orbit, residual)
    for i, body in enumerate(aboard.bodies):
        if orbit.fading[i]:
            kappa = np.log(body.shares) + state.scale[i] + log_weight
            _put_off(dormant, orbit, i, body.members, kappa)
            dormant.exponents[body.members] = 0.0
            dormant.neurons.excess[body.members] = 0.0
            dormant.ends[body.members] = ASLEEP
        else:
            dormant.chosen[body.members] |= state.chosen[i]
            kept.append(_moved(body, state, i, shares[i], orbit.lag[i]))
    for i, members in enumerate(aboard.passengers, start=len(aboard.bodies)):
        before = dormant.neurons.log_scales[members]
        kappa = before + (state.scale[i] + orbit.growth[i] - LOG_ASIDE - before[0])
        _put_off(dormant, orbit, i, members, kappa)
        dormant.sensitive[members] |= orbit.parted[i - len(aboard.bodies)]
    return kept


def _is_side_known(dormant: Dormant, aboard: Aboard, orbit: Orbit, residual: Array) -> Flags:
    """Walls that rows of the state only seem to stand on: they go along them, or feel nothing of them.

    Where r_k is 0 but for rounding, any wall may seem to repel.
    """
    state, setting = orbit.state, orbit.setting
    first = [some.members[0] for some in aboard.bodies] + 2 * [
        some[0] for some in aboard.passengers
    ]
    fitted = state.chosen & is_fitted(setting, residual)
    safe = guarded(setting.rows, fitted, state.modes)
    return np.asarray(dormant.along[first] | safe)


def _moved(body: Body, state: State, i: int, theta: Array, lag: Array) -> Body:
    size = np.exp(state.scale[i])
    output, hidden = float(size * state.output[i]), size * state.hidden[i]
    return Body(body.members, body.shares, output, hidden, state.modes[i].copy(), theta, lag)


def _put_off(
    dormant: Dormant, orbit: Orbit, i: int, members: NDArray[np.intp], kappa: Array
) -> None:
    """Make row i of the state the place of dormant neurons."""
    state, neurons, setting = orbit.state, dormant.neurons, orbit.setting
    size = np.linalg.norm(state.hidden[i])
    touched = np.abs(state.hidden[i] @ setting.rows.T) <= ON_WALL * size * setting.norms
    if state.output[i] != 0:
        neurons.signs[members] = np.sign(state.output[i])
    neurons.log_scales[members] = kappa
    neurons.output[members] = abs(state.output[i])
    neurons.hidden[members] = state.hidden[i]
    neurons.walls[members] = touched | (state.modes[i] == 0)
    dormant.along[members] &= touched
    neurons.sides[members] = np.where(state.modes[i] == 0, -1, state.modes[i])
    dormant.modes[members] = state.modes[i]
    dormant.chosen[members] |= state.chosen[i]


def _shares(orbit: Orbit, residual: Array) -> Array:
    """Return θ of every row of the state, shape (rows, n)."""
    state, rows = orbit.state, orbit.setting.rows
    shares = (state.modes > 0).astype(np.float64)
    for j in np.flatnonzero((state.modes == 0).any(axis=1)):
        slide = slide_of(orbit.setting, state, int(j))
        assert slide is not None
        r = residual[slide.samples]
        pulls = -slide.lift @ ((shares[j] * residual) @ rows)
        with np.errstate(divide="ignore", invalid="ignore"):
            theta = np.where(r != 0, pulls / r, 0.5)
        shares[j, slide.samples] = np.clip(theta, 0.0, 1.0)
    return shares
