"""The steps of a general flow and how to come back to any of them.

Labels are at most 1 and no input is longer than 1 in internal units: with Y the largest label (or
output at the start, if larger) and q the longest input,

    time = Y q · t,   (a, w) = (a, w)_user / √(Y / q)

A step depends on the state before it alone, so the state at any time is one step, cut short, from a
state that is itself replayed from the checkpoint before.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .._support.arrays import Array
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from .flow_plateau import wait_out
from .flow_state import Setting, State, residuals, weights
from .flow_steps import start_at, step
from .flow_stiff import stiff_step
from .pieces import place
from .rays import Rays

RUNNING, ARRIVED, LEARNED = "max_steps", "t_end", "learned"
STEPS_PER_CHECKPOINT = 16
CHECKPOINT_BYTES = 2**28


class Units(NamedTuple):
    """One internal unit of each quantity, in the user's."""

    label: float
    time: float
    log_weight: float


class Row(NamedTuple):
    """What is recorded before each step and at the end."""

    time: float
    loss: float
    sq_norm: float
    log_output: Array


@dataclass
class GeneralTrajectory:
    """A general flow in internal units."""

    setting: Setting
    units: Units
    state: State
    end: float
    """Internal time at which to stop."""
    constant: float
    """Loss, in units of `units.label`², that samples on one ray with different labels leave."""
    checkpoints: list[tuple[int, State]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    spacing: int = STEPS_PER_CHECKPOINT

    @property
    def n_steps(self) -> int:
        """Steps taken so far."""
        return len(self.rows) - 1

    def run(self, most: int) -> str:
        """Take up to `most` further steps; return the status."""
        if not self.rows:
            self.rows.append(self.record(self.state))
        for _ in range(most):
            if self.n_steps % self.spacing == 0:
                self._checkpoint()
            status = advance(self.setting, self.state, self.end)
            if status == LEARNED:
                return self._learned()
            self.rows.append(self.record(self.state))
            if status == ARRIVED:
                return ARRIVED
        return RUNNING

    def _learned(self) -> str:
        if math.isinf(self.end):
            return LEARNED
        self.state.time, self.state.carry = self.end, 0.0
        self.rows.append(self.record(self.state))
        return ARRIVED

    def _checkpoint(self) -> None:
        self.checkpoints.append((self.n_steps, self.state.copy()))
        size = self.state.hidden.nbytes + 2 * self.state.modes.nbytes
        if len(self.checkpoints) * size > CHECKPOINT_BYTES and len(self.checkpoints) > 2:
            del self.checkpoints[1::2]
            self.spacing *= 2

    def record(self, state: State) -> Row:
        """Return what is recorded of a state, in internal units."""
        with np.errstate(divide="ignore", under="ignore"):
            log_output = state.scale + np.log(np.abs(state.output))
        sq_norms = state.output**2 + np.sum(state.hidden**2, axis=1)
        return Row(state.time, self.loss(state), float(weights(state) @ sq_norms), log_output)

    def loss(self, state: State) -> float:
        """Return the loss in units of `units.label`²."""
        r = residuals(self.setting, state)
        return (
            float(np.sum(r * r / self.setting.curvature)) / (2 * self.setting.n_samples)
            + self.constant
        )

    def states_at(self, times: Array) -> Iterator[State]:
        """Yield the states at internal times in rising order."""
        starts = [row.time for row in self.rows]
        place, state = (-1 if self.checkpoints else 0), self.state  # without steps: where it began
        for time in times:
            step_before = max(bisect_right(starts, time) - 1, 0)
            checkpoint = bisect_right(self.checkpoints, step_before, key=lambda entry: entry[0]) - 1
            if self.checkpoints and self.checkpoints[checkpoint][0] > place:
                place, kept = self.checkpoints[checkpoint]
                state = kept.copy()
            while place < step_before:
                self._forward(state, self.end)
                place += 1
            cut = state.copy()
            while cut.time < time:
                self._forward(cut, time)
            yield cut

    def _forward(self, state: State, end: float) -> None:
        if advance(self.setting, state, end) == LEARNED:
            state.time, state.carry = end, 0.0

    def network(self, state: State) -> Network:
        """Return a state as a network in the user's units."""
        with np.errstate(under="ignore", over="ignore"):
            scale = np.exp(state.scale + self.units.log_weight)
        output, hidden = scale * state.output, scale[:, None] * state.hidden
        for array in (output, hidden):
            array.flags.writeable = False
        return Network(output, hidden)


def move(setting: Setting, state: State, room: float) -> float:
    """Take a step that is implicit where that is worth it; return its length."""
    if state.time >= state.stiff.until:
        # a step that long would not see neurons cross walls that they are near to rounding
        most = min(room, state.plateau.until - state.time) if state.edges else room
        taken = stiff_step(setting, state, most) if most > 0 else 0.0
        if taken > 0:
            return taken
    taken = step(setting, state, room)
    state.last = taken if taken < room else state.last
    return taken


def advance(setting: Setting, state: State, end: float) -> str:
    """Take one step, not beyond `end`."""
    room = end - state.time - state.carry
    taken = 0.0
    if state.time >= state.plateau.until:
        taken, learned = wait_out(setting, state, room, state.last)
        if learned:
            return LEARNED
    if taken == 0:
        taken = move(setting, state, room)
        if math.isinf(taken):
            return LEARNED
    if taken < room:
        return RUNNING
    state.time, state.carry = end, 0.0
    return ARRIVED


def begin(
    problem: GeneralProblem, init: Initialization, log_scale: float, end: float, rtol: float
) -> GeneralTrajectory:
    """Return the trajectory at time 0."""
    rays = Rays.of(problem.coordinates)
    longest = float(np.max(np.linalg.norm(rays.rows, axis=1)))
    label = _largest(problem, init, log_scale)
    labels = rays.gather(problem.y / label)
    some = rays.group >= 0
    curvature = np.bincount(rays.group[some], rays.lengths[some] ** 2, len(rays.rows))
    log_weight = 0.5 * (math.log(label) - math.log(longest))
    neurons = place(rays.rows, labels, init.output, init.hidden, init.off_span)
    rows = rays.rows / longest
    setting = Setting(
        rows,
        labels,
        np.asarray(curvature, np.float64),
        problem.n_samples,
        np.linalg.norm(rows, axis=1),
        neurons.excess,
        log_scale - log_weight,
        max(0.1 * rtol, 1e-14),
    )
    unexplained = float(np.sum((problem.y / label) ** 2) - np.sum(labels**2 / curvature))
    return GeneralTrajectory(
        setting,
        Units(label, 1.0 / (label * longest), log_weight),
        start_at(setting, init.output, init.hidden),
        end * label * longest,
        max(unexplained, 0.0) / (2 * problem.n_samples),
    )


def _largest(problem: GeneralProblem, init: Initialization, log_scale: float) -> float:
    """Return the largest label, or output at the start if that is larger."""
    label = float(np.max(np.abs(problem.y)))
    output = float(np.max(np.abs(problem.outputs_of(init.output, init.hidden))))
    if output > 0 and 2 * log_scale + math.log(output) > (math.log(label) if label > 0 else -600.0):
        return math.exp(2 * log_scale + math.log(output))
    return label if label > 0 else 1.0
