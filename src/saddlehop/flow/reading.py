"""Reading a flow between its steps: each step is replayed and followed to the time asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from .._support.arrays import Array
from .trajectory import Trajectory

if TYPE_CHECKING:
    from .kernels import State, Stepper


def states_at(trajectory: Trajectory, times: Array) -> Iterator[tuple[int, State, Stepper]]:
    """Yield (place in `times`, state, stepper) in order of time; the next overwrites the state."""
    stepper, rows = trajectory.buffers()
    starts = trajectory.column("time")
    near = None
    prepared = -1
    for place in np.argsort(times, kind="stable"):
        time = times[place] / trajectory.units.time
        step = int(np.searchsorted(starts, time, side="right")) - 1
        step = max(min(step, trajectory.n_steps - 1), 0)
        if step != prepared:
            before = trajectory.state_before(step, stepper, rows, near)
            near, prepared = (step, before), step
            inside = before.copy()
            order = stepper.prepare(inside)
            pulls = stepper.pulls()
        state = inside.copy()
        offset = min(max(time - before.time[0] - before.time[1], 0.0), _length(starts, step))
        if trajectory.n_steps > 0:
            stepper.restore(pulls)  # the reader may have surveyed
            stepper.move_to(state, order, offset)
        yield int(place), state, stepper


def _length(starts: Array, step: int) -> float:
    return float(starts[step + 1] - starts[step]) if step + 1 < starts.size else 0.0


def read_at(trajectory: Trajectory, times: Array) -> tuple[Array, Array]:
    """Return the losses at `times`, shape (P,), and log |a_j|, shape (P, m); replaying costs most."""
    losses = np.empty(times.size)
    log_output = np.empty((times.size, trajectory.state.output.size))
    for place, state, stepper in states_at(trajectory, times):
        losses[place] = stepper.loss(state)
        with np.errstate(divide="ignore"):
            log_output[place] = state.scale + np.log(np.abs(state.output))
    log_output += 0.5 * np.log(trajectory.units.target)
    return losses * trajectory.units.loss, log_output


def activation_times(trajectory: Trajectory, log_output: Array) -> Array:
    """Return the first time at which a_j² passes half of its last value, shape (m,)."""
    final = log_output[-1]
    goal = final - 0.5 * np.log(2.0)
    times = np.full(final.size, np.nan)
    first = np.argmax(log_output >= goal, axis=0)
    for j in np.flatnonzero(np.isfinite(final)):
        times[j] = (
            0.0 if first[j] == 0 else _crossing(trajectory, int(first[j]) - 1, int(j), goal[j])
        )
    return times


def _crossing(trajectory: Trajectory, step: int, j: int, goal: float) -> float:
    """Return the time at which log |a_j| passes `goal` within a step."""
    from .kernels import PLATEAU, crossing_of_piece, crossing_of_series

    rows, row = trajectory.row(step)
    goal = goal - 0.5 * np.log(trajectory.units.target)
    time = rows.time[row]
    length = rows.time[row + 1] - time
    level = goal - rows.scale[row, j]
    order = int(rows.order[row])
    offset = -1.0
    series = rows.series[row, : order + 1, j]
    if order > 0 and not np.isnan(series).any():
        offset = crossing_of_series(series, rows.stretch[row], level, length)
    else:
        if order == PLATEAU:
            offset = crossing_of_piece(rows.series[row, :4, j], level, length)
        if offset < 0:
            offset = _crossing_by_replay(trajectory, step, j, goal, length)
    return float((time + offset) * trajectory.units.time)


def _crossing_by_replay(
    trajectory: Trajectory, step: int, j: int, goal: float, length: float
) -> float:
    """Bisect the step itself: among the deaths of a plateau, or within a stiff step."""
    from .kernels import PLATEAU

    stepper, rows = trajectory.buffers()
    before = trajectory.state_before(step, stepper, rows)
    order = stepper.prepare(before)
    low, high = 0.0, length
    for _ in range(60):
        middle = 0.5 * (low + high)
        state = before.copy()
        if order == PLATEAU:
            stepper.move_neuron(state, j, middle)
        else:
            stepper.move_to(state, order, middle)
        with np.errstate(divide="ignore"):
            reached = state.scale[j] + np.log(abs(state.output[j])) >= goal
        low, high = (low, middle) if reached else (middle, high)
    return high
