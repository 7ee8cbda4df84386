"""Steps of a flow on any rows; what a step does stands in `kernels/step.c`."""

from __future__ import annotations

import numpy as np

from .._support.arrays import Array
from .flow_state import Setting, State


def step(setting: Setting, state: State, room: float) -> float:
    """Move the state by one step of at most `room`; return its length, inf if nothing moves."""
    length, state.order = setting.stepper.step(state.arrays, state.order, room)
    if np.isfinite(length):
        state.wait(length)
    return length


def start_at(setting: Setting, output: Array, hidden: Array) -> State:
    """Return the state at time 0 of the weights λ (a, w)."""
    scale = np.full(output.size, setting.log_start)
    modes = np.where(hidden @ setting.rows.T > 0, 1, -1).astype(np.int8)
    state = State(
        0.0, 0.0, scale, output.copy(), hidden.copy(), modes, np.zeros(modes.shape, np.bool_)
    )
    setting.stepper.start(state.arrays)
    return state
