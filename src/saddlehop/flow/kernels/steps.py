"""The loop over steps: pulls constant as long as they may be, else a Taylor step.

survey → all learned?  → stop, or wait out the time
       → plateau long? → constant pulls, closed form, any length
       → many deaths?  → Magnus step through them
       → stiff?        → implicit step
       → otherwise     → Taylor step of the moving pairs, up to the next death
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..._support.arrays import Array
from .implicit import MOST_LEVELS, arrive, first_crossing, implicit_step
from .magnus import land, magnus_step
from .pull import output_at, plateau_length, pull_all, pull_neuron
from .state import INNER, Constants, State, Work, rescale, split_moving, survey
from .taylor import expand, first_death, move_along, pack_moving, strike_packed

__all__ = ["pull_neuron"]

RUNNING, ARRIVED, LEARNED, OVERFLOWED = 0, 1, 2, 3
PLATEAU, STIFF, MAGNUS = 0, -1, -2  # in the column of orders, in place of the order of a series
LEAST_GAIN = 6.0  # a stiff step must be worth so many Taylor steps, and what it costs of them
MOST_WAIT = 64.0
FREE_TRY = 50.0  # a stiff step may be tried if it costs no more Taylor steps, else after as many
FIRST_MAGNUS = 0.1  # of what makes a plateau worth it: the first Magnus step to try
LEAST_DEATHS = 3  # that a Magnus step must pass to be worth it
WORTH = 2.0  # a plateau must be worth this much growth of the fastest neuron


class Rows(NamedTuple):
    """What is recorded at the start of each step."""

    time: Array  # (R,)
    loss: Array  # (R,)
    sq_norm: Array  # (R,)
    log_output: Array  # (R, m) log |a_j|
    scale: Array  # (R, m) σ_j
    order: NDArray[np.int64]  # (R,) of the series, or PLATEAU
    series: Array  # (R, P + 1, m) Taylor coefficients of ã, or `Work.events`


@njit(**INNER)
def record(state: State, rows: Rows, row: int, loss: float, sq_norm: float) -> None:
    """Write what is known at the start of a step."""
    rows.time[row] = state.time[0]
    rows.loss[row] = loss
    rows.sq_norm[row] = sq_norm
    rows.scale[row] = state.scale
    for j in range(state.output.size):
        rows.log_output[row, j] = state.scale[j] + _log_size(state.output[j])


@njit(**INNER)
def _log_size(value: float) -> float:
    return math.log(abs(value)) if value != 0.0 else -np.inf


@njit(**INNER)
def choose(constants: Constants, state: State, work: Work) -> tuple[int, int, float]:
    """Prepare the next step: return status, order and length."""
    room = constants.t_end - state.time[0] - state.time[1]
    sq_pull = 0.0
    for k in range(work.pull.size):
        sq_pull += work.pull[k] ** 2
    least = min(WORTH / math.sqrt(sq_pull), room) if sq_pull > 0.0 else room
    length, fastest, finished = plateau_length(constants, state, work, least)
    if room <= 0.0:
        return ARRIVED, PLATEAU, 0.0
    if finished and np.isinf(room):
        return LEARNED, PLATEAU, 0.0
    if fastest == 0.0 or length >= room or fastest * length >= WORTH:
        return RUNNING, PLATEAU, min(length, room)
    split_moving(constants, state, work)
    pack_moving(state, work)
    length = _try_magnus(constants, state, work, least)
    if length > 0.0:
        return RUNNING, MAGNUS, length
    order, step = expand(constants, state, work, room)
    if step < room and _is_held_up(constants, state, work, order, step):
        length = _try_stiff(constants, state, work, order, step, room)
        if length > 0.0:
            return RUNNING, STIFF, length
        order, step = expand(constants, state, work, room)  # the series was overwritten
    return RUNNING, order, step


@njit(**INNER)
def stiff_levels(constants: Constants) -> int:
    """Return how many levels of extrapolation the tolerance calls for at most."""
    return min(max(math.ceil(-math.log10(constants.step_tol)), 4), MOST_LEVELS)


@njit(**INNER)
def _is_held_up(constants: Constants, state: State, work: Work, order: int, step: float) -> bool:
    """Tell whether a Taylor step is about as long as its stability at the fastest rate allows."""
    if state.control[1] > 0.0:
        state.control[1] -= 1.0
        return False
    fastest = 0.0
    for k in range(work.pull.size):
        if not work.settled[k]:
            fastest = max(fastest, constants.stiffness[k] * work.sensitivity[k])
    return bool(fastest * step > 0.15 * order)


@njit(**INNER)
def _stiff_cost(state: State, work: Work, order: int, levels: int) -> float:
    """Return the cost of a stiff step in Taylor steps, from nanoseconds measured.

    Each level builds and inverts the m × m matrix, and level L takes L + 1 Euler steps.
    """
    moving, neurons, pairs = 0.0, float(state.output.size), float(work.bounds[-1])
    for j in range(state.output.size):
        if work.bounds[j] < work.bounds[j + 1]:
            moving += 1.0
    inverses = levels * moving * (3.0 * pairs + 2.0 * neurons * neurons)
    euler = 5.0 * levels * (levels + 3.0) * pairs
    return float((inverses + euler) / (pairs * (order * order / 3.0 + 4.0 * order)))


@njit(**INNER)
def _try_stiff(
    constants: Constants, state: State, work: Work, order: int, taylor: float, room: float
) -> float:
    """Take a stiff step if it is worth it; return its length, or 0."""
    levels = stiff_levels(constants)
    control = state.control
    cost = _stiff_cost(state, work, order, levels)
    control[4] += 1.0
    if control[4] < cost - FREE_TRY:  # with thousands of neurons a try in vain costs seconds
        return 0.0
    control[4] = 0.0
    least = taylor * max(LEAST_GAIN, cost)
    length = min(max(control[0], 2.0 * least), room)
    for _ in range(8):
        if length < least:
            break
        level, error = implicit_step(constants, state, work, length, levels)
        if not error <= constants.step_tol:
            length *= 0.25
            continue
        share = first_crossing(work, constants.step_tol)
        if share < 1.0:
            length *= share
            continue
        control[0] = length * 2.0 ** min(levels - 1.0 - level, 2.0)
        control[2] = 4.0
        return float(length)
    control[0] = 0.0
    control[1] = control[2]
    control[2] = min(2.0 * control[2], MOST_WAIT)
    return 0.0


@njit(**INNER)
def _deaths_within(work: Work, length: float) -> int:
    """Return how many of the packed pairs die within `length` on their tangents."""
    died = 0
    hidden, pull = work.hidden_series[0], work.pull_series[0]
    for j in range(work.weight.size):
        reach = length * work.output_series[0, j]
        for q in range(work.bounds[j], work.bounds[j + 1]):
            if hidden[q] + reach * pull[q] < 0.0:
                died += 1
    return died


@njit(**INNER)
def _try_magnus(constants: Constants, state: State, work: Work, most: float) -> float:
    """Take a Magnus step if it passes enough deaths; return its length, or 0."""
    control = state.control
    tol = constants.step_tol
    length = min(control[3], most) if control[3] > 0.0 else FIRST_MAGNUS * most
    while _deaths_within(work, length) >= LEAST_DEATHS:
        error = magnus_step(constants, state, work, length)
        if not error < np.inf:
            length *= 0.1
            control[3] = length
            continue
        control[3] = length * min(max(0.8 * (tol / error) ** 0.2, 0.1), 3.0)
        if error <= tol:
            return float(length)
        length = control[3]
    control[3] = 1.1 * length  # it may be longer as time goes on
    return 0.0


@njit(cache=True, error_model="numpy")
def advance(
    constants: Constants, state: State, work: Work, rows: Rows, n_steps: int
) -> tuple[int, int]:
    """Take up to `n_steps` steps in place; return the number taken and the status.

    The row after the last step is written too.
    """
    rescale(state)
    loss, sq_norm = survey(constants, state, work)
    for row in range(n_steps):
        record(state, rows, row, loss, sq_norm)
        if not (np.isfinite(loss) and np.isfinite(sq_norm)):
            return row, OVERFLOWED
        status, order, length = choose(constants, state, work)
        if not np.isfinite(length):
            return row, OVERFLOWED
        if status != RUNNING:
            return row, status
        rows.order[row] = order
        if order == PLATEAU:
            pull_all(state, work, length)
            work.counts[2] += 1
            for j in range(state.output.size):
                for i in range(4):
                    rows.series[row, i, j] = work.events[j, i]
        elif order == STIFF:
            arrive(state, work)
            work.counts[3] += 1
        elif order == MAGNUS:
            land(state, work)
        else:
            length, place = first_death(work, order, length)
            move_along(state, work, order, length)
            rows.series[row, : order + 1] = work.output_series[: order + 1]
            if place >= 0:
                strike_packed(state, work, place)
        _pass_time(constants, state, length)
        rescale(state)
        loss, sq_norm = survey(constants, state, work)
    record(state, rows, n_steps, loss, sq_norm)
    return n_steps, RUNNING


@njit(**INNER)
def _pass_time(constants: Constants, state: State, length: float) -> None:
    """Add to the clock, carrying the rounding error; arrive at the end exactly."""
    if length >= constants.t_end - state.time[0] - state.time[1]:
        state.time[0], state.time[1] = constants.t_end, 0.0
        return
    increment = length + state.time[1]
    total = state.time[0] + increment
    state.time[1] = increment - (total - state.time[0])
    state.time[0] = total


@njit(cache=True, error_model="numpy")
def prepare(constants: Constants, state: State, work: Work) -> int:
    """Prepare the step that starts at `state`; return its order."""
    rescale(state)
    survey(constants, state, work)
    _, order, _ = choose(constants, state, work)
    return int(order)


@njit(cache=True, error_model="numpy")
def move_to(constants: Constants, state: State, work: Work, order: int, offset: float) -> None:
    """Move a prepared state along its step."""
    if order == PLATEAU:
        pull_all(state, work, offset)
    elif order == STIFF:
        implicit_step(constants, state, work, offset, stiff_levels(constants))
        arrive(state, work)
    elif order == MAGNUS:
        if offset > 0.0:
            magnus_step(constants, state, work, offset)
            land(state, work)
    else:
        move_along(state, work, order, offset)


@njit(cache=True, error_model="numpy")
def loss_of(constants: Constants, state: State, work: Work) -> float:
    """Return the loss of a state."""
    return float(survey(constants, state, work)[0])


@njit(cache=True, error_model="numpy")
def crossing_of_series(series: Array, level: float, length: float) -> float:
    """Return where log |Σ_i series_i t^i| first passes `level` going up, in (0, length]."""
    low, high = 0.0, length
    for _ in range(100):
        middle = 0.5 * (low + high)
        value = 0.0
        for i in range(series.size - 1, -1, -1):
            value = value * middle + series[i]
        if _log_size(value) >= level:
            high = middle
        else:
            low = middle
    return high


@njit(cache=True, error_model="numpy")
def crossing_of_plateau(event: Array, level: float, length: float) -> float:
    """Return the same under constant pulls; −1 if it is before the neuron's last event."""
    low, high = event[0], length
    growth, value = output_at(event, low)
    if growth + _log_size(value) >= level:
        return -1.0
    for _ in range(100):
        middle = 0.5 * (low + high)
        growth, value = output_at(event, middle)
        if growth + _log_size(value) >= level:
            high = middle
        else:
            low = middle
    return high
