"""One step of a flow on any rows, after another.

expand all neurons in Taylor series → how far do they hold → which walls are met before
→ the step ends where ignoring a wall would be felt by the other neurons
→ neurons that met a wall go on by themselves to the end of the step, wall after wall, given r(t)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_events import first_falls
from .flow_series import Series, at, expand, lengths, residual_length, shifted
from .flow_state import Setting, State, residuals, settle, weights
from .flow_walls import ON_WALL, decide, near_walls

NUDGE = (
    1e-6  # of a step: where a neuron on a wall goes nowhere, it is asked again so much later, then
)
# after twice as long each time
STALL = 1e-9  # ‖w‖ within this share of |a| at a wall is 0
LEAST_ORDER = 4
ROUNDING = 1e-15  # of what holds a neuron on a wall, relative to Σ |r_k|
SHARE = 0.3  # of the tolerance, for walls that the others do not feel


class Meetings(NamedTuple):
    """The first event of each neuron."""

    time: Array
    """inf: none; shape (q,)."""
    sample: NDArray[np.intp]
    """The wall met or left; −1 where the output weight passes 0."""


def order_for(tol: float) -> int:
    """Return the order of series that suits a tolerance."""
    return int(np.clip(np.ceil(-1.15 * np.log10(tol)) + 2, 6, 22))


def step(setting: Setting, state: State, room: float) -> float:
    """Move the state by one step of at most `room`; return its length."""
    everyone = np.arange(state.output.size)
    series = expand(setting, state, everyone, state.order or order_for(setting.tol))
    longest = min(float(np.min(lengths(series, setting.tol))), residual_length(series, setting.tol))
    length = min(room, longest)
    met = meetings(setting, state, everyone, series, length)
    length = _felt(setting, state, series, met, length)
    first = float(np.min(met.time))
    before = state.copy()
    while True:
        _move(state, everyone, series, np.minimum(met.time, length))
        _go_on(setting, state, series, met, length)
        settle(setting, state, everyone)
        error = _ignored(setting, state, series, first, length)
        if error <= setting.tol:
            break
        length = first + 0.9 * (length - first) * (setting.tol / error) ** 0.5
        state.restore(before)
    state.order = _next_order(setting, len(series.residual), longest, length, room)
    state.wait(length)
    state.count("evaluations", len(series.residual))
    return length


def _next_order(setting: Setting, order: int, longest: float, length: float, room: float) -> int:
    """Return the order for a step as long as this one: walls may end steps long before the series."""
    if length >= room:
        return order
    most = order_for(setting.tol)
    return max(order - 1, LEAST_ORDER) if length < 0.3 * longest else min(order + 2, most)


def _ignored(setting: Setting, state: State, series: Series, first: float, length: float) -> float:
    """Return how wrong weights are because r(t) ignored walls from `first` on."""
    if not first < length:
        return 0.0
    gap = np.abs(residuals(setting, state) - at(series.residual, length))
    error = float(gap @ setting.norms) / setting.n_samples
    return 0.5 * (length - first) * max(error - 1e-15, 0.0)


def meetings(
    setting: Setting,
    state: State,
    neurons: NDArray[np.intp],
    series: Series,
    length: Array | float,
) -> Meetings:
    """Return the first event of each neuron before `length`."""
    limit = np.broadcast_to(np.asarray(length, float), neurons.shape)
    parts = [
        _sides(setting, state, neurons, series),
        *_held(state, neurons, series, setting),
        _outputs(setting, neurons, series),
    ]
    who, sample, floor = (np.concatenate([part[i] for part in parts]) for i in range(3))
    values = np.concatenate([_padded(part[3], len(series.output)) for part in parts], axis=1)
    times = first_falls(values, limit[who], floor)
    time, first = np.full(neurons.size, np.inf), np.full(neurons.size, -1)
    for i in np.flatnonzero(np.isfinite(times)):
        if times[i] < time[who[i]]:
            time[who[i]], first[who[i]] = times[i], sample[i]
    return Meetings(time, first)


Watched = tuple[NDArray[np.intp], NDArray[np.intp], Array, Array]
"""Neurons, samples, what counts as 0, and series of what must not fall below 0."""


def _sides(setting: Setting, state: State, neurons: NDArray[np.intp], series: Series) -> Watched:
    """w·x_k on the side that each pair is on; 0 throughout where it slides."""
    modes = state.modes[neurons]
    sizes = np.linalg.norm(state.hidden[neurons], axis=1)
    floor = ON_WALL * np.outer(sizes, setting.norms).ravel()
    who, sample = np.divmod(np.arange(modes.size), modes.shape[1])
    return who, sample, floor, (series.sides * modes).reshape(len(series.sides), -1)


def _held(
    state: State, neurons: NDArray[np.intp], series: Series, setting: Setting
) -> Iterator[Watched]:
    """θ_k and 1 − θ_k, times |r_k|, on walls slid on: φ_k = θ_k r_k solves Gram φ = −X F."""
    for i, j in enumerate(neurons):
        slide = state.slides.get(int(j))
        if slide is None:
            continue
        r = series.residual if series.residual.ndim == 2 else series.residual[:, i]
        floor = ROUNDING * float(np.abs(r[0]).sum())
        r = r[:, slide.samples]
        sign = np.sign(r[0])
        rest = series.force[:, i] + (slide.centre * r) @ setting.rows[slide.samples]
        phi = (slide.centre * r - rest @ slide.lift.T) * sign
        both = np.concatenate([phi, r * sign - phi], axis=1)
        size = both.shape[1]
        yield np.full(size, i), np.tile(slide.samples, 2), np.full(size, floor), both


def _outputs(setting: Setting, neurons: NDArray[np.intp], series: Series) -> Watched:
    """|a| of neurons that can turn, those with a² < ‖w‖²."""
    who = np.flatnonzero(setting.imbalance[neurons] < 0)
    a = series.output[:, who]
    sign = np.where(a[0] != 0, np.sign(a[0]), np.sign(a[1]))
    return who, np.full(who.size, -1), np.full(who.size, ON_WALL), a * sign


def _padded(coefficients: Array, terms: int) -> Array:
    missing = terms - len(coefficients)
    return (
        np.concatenate([coefficients, np.zeros((missing, coefficients.shape[1]))])
        if missing
        else coefficients
    )


def _felt(setting: Setting, state: State, series: Series, met: Meetings, length: float) -> float:
    """Return where the step must end so that no other neuron feels a wall it ignores.

    From a kink at t₀ on, h is wrong by a |ż| (t − t₀), so weights by half of a |ż| ‖x_k‖ (t − t₀)² / n.
    """
    who = np.flatnonzero(np.isfinite(met.time))
    if who.size == 0:
        return length
    time = met.time[who]
    a = np.abs(at(series.output[:, who], time))
    k = np.maximum(met.sample[who], 0)
    slope = np.arange(1, len(series.sides))[:, None] * series.sides[1:, who, k]
    speed = np.abs(at(slope, time))
    n = setting.n_samples
    force = np.linalg.norm(at(series.force[:, who], time), axis=1) / n
    kink = weights(state)[who] * a * speed * (setting.curvature * setting.norms)[k] / n
    bend = weights(state)[who] * a * a * (force + 1.0 / n) / n
    allowed = SHARE * setting.tol
    with np.errstate(divide="ignore", over="ignore"):
        delay = np.minimum(np.sqrt(allowed / kink), np.cbrt(allowed / bend))
    return min(length, float(np.min(time + delay)))


def _move(state: State, neurons: NDArray[np.intp], series: Series, time: Array) -> None:
    state.output[neurons] = at(series.output, time)
    state.hidden[neurons] = at(series.hidden, time)


def _go_on(setting: Setting, state: State, series: Series, met: Meetings, length: float) -> None:
    """Take neurons that met a wall before `length` there by themselves."""
    neurons = np.flatnonzero(met.time < length)
    time, sample = met.time[neurons], met.sample[neurons]
    stuck = np.zeros(neurons.size, int)
    while neurons.size:
        _cross(setting, state, neurons, sample, at_times(series.residual, time))
        settle(setting, state, neurons)
        alone = expand(
            setting, state, neurons, len(series.residual), shifted(series.residual, time)
        )
        left = length - time
        reach = np.minimum(lengths(alone, setting.tol), left)
        met = meetings(setting, state, neurons, alone, reach)
        stuck = stuck + (met.time <= NUDGE * left)
        nudge = np.where(stuck > 2, NUDGE * 2.0 ** (stuck - 3), 0.0) * left
        reach = np.minimum(reach, np.maximum(met.time, nudge))
        _move(state, neurons, alone, reach)
        time = time + reach
        going = reach < left
        sample = np.where(np.isfinite(met.time), met.sample, -2)[going]
        neurons, time, stuck = neurons[going], time[going], stuck[going]


def at_times(coefficients: Array, times: Array) -> Array:
    """Return r at each of `times`, shape (q, n)."""
    powers = times[:, None] ** np.arange(len(coefficients))
    return np.asarray(powers @ coefficients)


def _cross(
    setting: Setting,
    state: State,
    neurons: NDArray[np.intp],
    sample: NDArray[np.intp],
    residual: Array,
) -> None:
    """Decide at the walls that neurons stand on; sample −2: none met, −1: a sign changed."""
    some = np.flatnonzero((sample > -2) & ~_stall(state, neurons, sample))
    if some.size == 0:
        return
    who = neurons[some]
    walls = near_walls(setting, state, who) | (state.modes[who] == 0)
    met = np.flatnonzero(sample[some] >= 0)
    walls[met, sample[some][met]] = True
    state.output[who[sample[some] == -1]] = 0.0
    decide(setting, state, who, walls, residual[some])
    state.count("turns", int(np.sum(sample[some] == -1)))


def _stall(state: State, neurons: NDArray[np.intp], sample: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Leave neurons at w = 0, a ≠ 0 that came there in finite time: the flow is not unique from there."""
    size = np.linalg.norm(state.hidden[neurons], axis=1)
    stalls = (sample >= 0) & (size <= STALL * np.abs(state.output[neurons]))
    for j in neurons[stalls]:
        state.hidden[j], state.modes[j] = 0.0, -1
        state.slides.pop(int(j), None)
        state.count("stalls")
    return np.asarray(stalls)


def start_at(setting: Setting, output: Array, hidden: Array) -> State:
    """Return the state at time 0 of the weights λ (a, w)."""
    m = output.size
    modes = np.where(hidden @ setting.rows.T > 0, 1, -1).astype(np.int8)
    chosen = np.zeros(modes.shape, bool)
    state = State(
        0.0, 0.0, np.full(m, setting.log_start), output.copy(), hidden.copy(), modes, chosen
    )
    everyone = np.arange(m)
    settle(setting, state, everyone)
    walls = near_walls(setting, state, everyone)
    state.modes[walls] = -1
    on = np.flatnonzero(walls.any(axis=1))
    decide(setting, state, on, walls[on], residuals(setting, state))
    return state
