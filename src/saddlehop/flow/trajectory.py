"""The steps of a flow and how to come back to any of them.

In internal units the labels are at most 1 and so is the fastest pull:

    time = time_unit · t,   a = sqrt(target_unit) · a',   u = sqrt(target_unit) · u'

Kept of a run are the rows (what each step started with, and the series of each ã_j) and a
checkpoint of the whole state every few steps. The state at any time is replayed from the
checkpoint before it, to the last bit, so memory stays bounded.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, Travelling
from ..errors import InputError
from ..model.initialization import Initialization
from ..model.network import Network
from ..model.problem import Problem

if TYPE_CHECKING:
    from .kernels import Constants, Rows, State, Stepper

STEPS_PER_CHECKPOINT = 16
CHECKPOINT_BYTES = 2**28
_MOST_LOG = 690.0  # of what a float can hold


@dataclass(frozen=True)
class Units:
    """One internal unit of each quantity, in the user's."""

    target: float
    time: float
    loss: float


@dataclass
class Trajectory(Travelling):
    """A flow in internal units."""

    constants: Constants
    units: Units
    start: Initialization
    log_scale: float
    state: State
    checkpoints: list[tuple[int, State]] = field(default_factory=list)
    chunks: list[Rows] = field(default_factory=list)
    chunk_starts: list[int] = field(default_factory=list)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(5, np.int64))
    n_steps: int = 0
    spacing: int = 1

    def extend(self, stepper: Stepper, rows: Rows, most: int) -> int:
        """Take up to `most` further steps; return the status."""
        if len(self.chunks) % self.spacing == 0:
            self._checkpoint()
        taken, status = stepper.advance(self.state, rows, most)
        self.chunks.append(_trimmed(rows, taken))
        self.chunk_starts.append(self.n_steps)
        self.n_steps += taken
        self.counts = stepper.counts
        return status

    def _checkpoint(self) -> None:
        state = self.state.copy()
        self.checkpoints.append((self.n_steps, state))
        size = sum(array.nbytes for array in state)
        if len(self.checkpoints) * size > CHECKPOINT_BYTES and len(self.checkpoints) > 2:
            del self.checkpoints[1::2]
            self.spacing *= 2

    def column(self, name: str) -> Array:
        """Return one recorded quantity at all step starts and at the end."""
        parts = [getattr(chunk, name)[:-1] for chunk in self.chunks]
        return np.concatenate([*parts, getattr(self.chunks[-1], name)[-1:]])

    def row(self, step: int) -> tuple[Rows, int]:
        """Return the chunk that recorded a step, and its place in there."""
        chunk = bisect_right(self.chunk_starts, step) - 1
        while step - self.chunk_starts[chunk] >= len(self.chunks[chunk].order):
            chunk -= 1
        return self.chunks[chunk], step - self.chunk_starts[chunk]

    def buffers(self) -> tuple[Stepper, Rows]:
        """Return new working space."""
        from .kernels import Rows, Stepper

        width, n_pairs = self.state.output.size, self.state.hidden.size
        stepper = Stepper(self.constants, width, n_pairs)
        return stepper, Rows.of_size(STEPS_PER_CHECKPOINT, width)

    def state_before(self, step: int, stepper: Stepper, rows: Rows, near: Any = None) -> State:
        """Return the state at the start of a step, replayed from a checkpoint.

        `near` is an earlier (step, state) to replay from if it is closer; it is moved along.
        """
        index = bisect_right(self.checkpoints, step, key=lambda entry: entry[0]) - 1
        at, state = self.checkpoints[index]
        if near is not None and at <= near[0] <= step:
            at, state = near
        else:
            state = state.copy()
        while at < step:
            at += stepper.advance(state, rows, min(step - at, STEPS_PER_CHECKPOINT))[0]
        return state

    def network(self, state: State) -> Network:
        """Return a state as a network in the user's units."""
        scale = np.exp(state.scale + 0.5 * math.log(self.units.target))
        with np.errstate(under="ignore"):
            hidden = np.minimum(self.start.hidden, 0) * math.exp(self.log_scale)
            output = scale * state.output
            for j in range(output.size):
                pairs = slice(state.first[j], state.first[j] + state.alive[j])
                hidden[j, state.sample[pairs]] = scale[j] * state.hidden[pairs]
        for array in (output, hidden):
            array.flags.writeable = False
        return Network(output, hidden)


def begin(
    problem: Problem, start: Initialization, log_scale: float, t_end: float, rtol: float
) -> Trajectory:
    """Return the trajectory at time 0."""
    from .kernels import Constants

    units, target, stiffness, loss_weight = _normalised(problem, start, log_scale)
    step_tol = 0.03 * rtol
    constants = Constants(
        target,
        stiffness,
        loss_weight,
        step_tol,
        max(0.1 * rtol, 1e-14),
        0.1 * rtol,
        t_end / units.time,
    )
    state = _first_state(start, log_scale - 0.5 * math.log(units.target))
    return Trajectory(constants, units, start, log_scale, state)


def _normalised(
    problem: Problem, start: Initialization, log_scale: float
) -> tuple[Units, Array, Array, Array]:
    """Return the units, and β, κ and the loss weights in them."""
    n = problem.n_samples
    log_norms = np.log(problem.norms)
    size = max(float(np.max(np.abs(start.output))), float(np.max(np.maximum(start.hidden, 0))))
    log_start = 2 * (log_scale + math.log(size)) if size > 0 else -math.inf
    largest = max(float(np.max(np.abs(problem.targets))), math.exp(max(log_start, -600.0)))
    log_pulls = 2 * log_norms + math.log(largest) - math.log(n)
    fastest = float(np.max(np.abs(problem.pulls)))
    starts_small = fastest > 0 and math.log(largest) > log_start
    log_fastest = math.log(fastest) if starts_small else float(np.max(log_pulls))
    label = float(np.max(problem.norms)) * largest
    if not (abs(log_fastest) < _MOST_LOG and 0 < label < math.exp(_MOST_LOG / 2)):
        raise InputError(
            f"Labels of up to {np.max(np.abs(problem.y)):.3g} on inputs with norms from "
            f"{np.min(problem.norms):.3g} to {np.max(problem.norms):.3g} leave the range of floating-point "
            "numbers; rescale them, or leave out the samples that the others drown."
        )
    units = Units(largest, math.exp(-log_fastest), label**2 / (2 * n))
    target = problem.targets / largest
    return (
        units,
        target,
        np.exp(log_pulls - log_fastest),
        (problem.norms / np.max(problem.norms)) ** 2,
    )


def _first_state(start: Initialization, log_scale: float) -> State:
    from .kernels import State

    size = np.maximum(np.abs(start.output), np.max(np.maximum(start.hidden, 0), axis=1))
    size = np.where(size > 0, size, 1.0)
    sign, surplus = _balance(start.output / size, start.hidden / size[:, None])
    neuron, sample = np.nonzero(start.hidden > 0)
    alive = np.bincount(neuron, minlength=start.width).astype(np.int64)
    return State(
        np.zeros(2),
        start.output / size,
        scale := log_scale + np.log(size),
        start.hidden[neuron, sample] / size[neuron],
        sample.astype(np.int32),
        np.cumsum(alive) - alive,
        alive,
        np.zeros_like(alive),
        np.array([0.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 2.0]),
        sign,
        surplus + 2 * scale,
    )


def _balance(output: Array, hidden: Array) -> tuple[Array, Array]:
    """Return the sign that each a_j keeps, or 0, and the log of a_j² less its alive squares.

    The sign stays where that difference is not negative, for it is conserved. A balanced neuron's
    is the sum of its dead squares: of a_j² − Σ_k u_jk² only rounding is left, and none must be.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        dead = np.sum(np.minimum(hidden, 0) ** 2, axis=1)
        surplus = output**2 - np.sum(np.maximum(hidden, 0) ** 2, axis=1)
        is_balanced = np.abs(surplus - dead) <= 16 * np.finfo(float).eps * output**2
        surplus = np.where(is_balanced, dead, surplus)
        sign = np.where(surplus >= 0, np.sign(output), 0.0)
        return sign, np.log(np.where(sign != 0, surplus, 1.0))


def _trimmed(rows: Rows, taken: int) -> Rows:
    """Copy what was written: `taken` steps and the row after them."""
    order = rows.order[:taken].copy()
    terms = max(4, int(order.max(initial=0)) + 1)
    points = [column[: taken + 1].copy() for column in rows[:5]]
    series = rows.series[:taken, :terms].copy()
    return type(rows)._make([*points, order, rows.stretch[:taken].copy(), series])
