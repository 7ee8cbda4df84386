"""Gradient flow on any rows at any scale λ of the start, θ̇ ∈ −∂L(θ) with L = (1/2n) Σ_k (y_k − h(x_k))².

    ẇ_j = a_j D_j,   ȧ_j = w_j·D_j,   D_j = (1/n) Σ_k θ_jk r_k x_k,   θ_jk = 1 or 0 off walls w_j·x_k = 0

On walls the shortest D_j decides (`walls`): neurons cross, leave, or slide along them. Each neuron has
its own logarithmic scale, and a_j² − ‖w_j‖² is kept as it was at the start, through decays of any size.
A step is a Taylor series (`flow_steps`); plateaus pass in closed form (`flow_plateau`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, frozen
from .._support.memory import require_memory
from .._support.validate import require_one_time
from ..errors import FlowError
from ..flow.simulate import FlowPath
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from .flow_state import State
from .flow_trajectory import GeneralTrajectory, begin
from .kernels import COUNTS
from .rays import Rays
from .walls import Flags

STEPS_PER_REPORT = 16


@dataclass(frozen=True, eq=False, repr=False)
class GeneralFlowPath(FlowPath):
    """A solution of the flow on data as they are; call it at a time t for the network there.

    All times are those of the flow, t; `clock` holds the same on the clock t / log(1/λ).
    """

    problem: GeneralProblem  # type: ignore[assignment]
    """The problem whose loss falls."""
    stats: dict[str, int]
    """Work done: `steps`, of them `plateaus`, passed in so many closed-form `pieces`, and `implicit` ones
    on stiff stretches; `crossings` of walls, `slides` begun, `leavings` of walls slid on, `turns` of an
    output weight through 0 (within plateaus the first three are net); `evaluations` of the right-hand
    side (one for each series term)."""
    chosen: Flags = field(kw_only=True)
    """Walls on which the side a neuron came from decided, since the flow is not unique there, as
    far as r_k was above 1e-8 of the largest label, or what little is learned would have and could not
    be followed, shape (m, n)."""
    _trajectory: GeneralTrajectory | None = field(default=None, repr=False)  # type: ignore[assignment]

    @cached_property
    def _replay(self) -> GeneralTrajectory:  # type: ignore[override]
        """The steps; those of a path from a file are taken again, which gives the same path."""
        if self._trajectory is not None:
            return self._trajectory
        end = math.inf if self.t_end is None else self.t_end
        trajectory = begin(self.problem, self.init, self.log_init_scale, end, self.rtol)
        trajectory.run(self.stats["steps"])
        return trajectory

    @cached_property
    def activation_times(self) -> Array:
        """First t at which a_j² passes half of its final value on this path, shape (m,).

        0 if that holds at the start; nan if a_j ends at 0.
        """
        goals = self.log_output[-1] - 0.5 * math.log(2.0)
        times = np.full(goals.size, np.nan)
        for j in np.flatnonzero(np.isfinite(goals)):
            times[j] = self._crossing(int(j), float(goals[j]))
        return frozen(times)

    def _crossing(self, j: int, goal: float) -> float:
        from scipy.optimize import brentq

        after = int(np.argmax(self.log_output[:, j] >= goal))
        if after == 0:
            return 0.0
        low, high = float(self.t[after - 1]), float(self.t[after])

        def above(t: float) -> float:
            return float(np.clip(self.log_output_at(t)[j] - goal, -700.0, 700.0))

        return float(brentq(above, low, high, xtol=1e-14 * high + 1e-300, rtol=1e-14))

    def __call__(self, t: float) -> Network:
        """Return the network at time t, 0 ≤ t ≤ the end of the path."""
        times = require_one_time(self._require_times(t))
        replay = self._replay
        return replay.network(next(replay.states_at(times.reshape(1) / replay.units.time)))

    def read_at(self, t: Any) -> tuple[Array, Array]:
        """Return what `loss_at` and `log_output_at` do at times `t`, in the time of one."""
        replay = self._replay
        units = replay.units

        def row(state: State) -> list[float]:
            at = replay.record(state)
            return [at.loss * units.label**2, *(at.log_output + units.log_weight)]

        shape = (*np.shape(t), 1 + self.log_output.shape[1])  # at no times too
        rows = self._read(t, row).reshape(shape)
        return rows[..., 0], rows[..., 1:]

    def active_at(self, t: Any) -> NDArray[np.int8]:
        """Return who is on which side at time t, shape (m, n).

        1 where sample k is active for neuron j, 0 where the neuron slides on its wall, −1 where it is not.
        """
        replay = self._replay
        time = np.asarray(self._require_times(t)).reshape(1) / replay.units.time
        modes = next(replay.states_at(time)).modes
        spread = Rays.of(self.problem.coordinates).spread(modes, -1).astype(np.int8)
        spread.flags.writeable = False
        return spread

    def _read(self, t: Any, value: Callable[[Any], Any]) -> Array:
        times = self._require_times(t)
        order = np.argsort(times.ravel(), kind="stable")
        states = self._replay.states_at(times.ravel()[order] / self._replay.units.time)
        values = np.array([value(state) for state in states], dtype=np.float64)
        found = np.empty_like(values)
        found[order] = values
        return found.reshape(times.shape + values.shape[1:])


def simulate_general_flow(
    problem: GeneralProblem,
    init: Initialization,
    log_scale: float,
    end: float,
    rtol: float,
    max_steps: int,
    progress: Callable[[float], object] | None,
) -> GeneralFlowPath:
    """Follow the flow on data as they are; `simulate_flow` of `verbs` checks the input."""
    require_memory(
        32 * init.width * problem.n_samples,
        f"A flow of {init.width} neurons × {problem.n_samples} walls",
    )
    trajectory = begin(problem, init, log_scale, end, rtol)
    status = _run(trajectory, max_steps, progress)
    path = _path(problem, init, trajectory, status, log_scale, end, rtol, max_steps)
    if not path.success:
        raise FlowError(
            f"After {max_steps} steps the flow is at t = {path.t[-1]:.6g}, not at its end; raise "
            "`max_steps`, or stop at a `t_end` (this error's `path` holds the flow so far).",
            path,
        )
    return path


def _run(
    trajectory: GeneralTrajectory, most: int, progress: Callable[[float], object] | None
) -> str:
    while True:
        left = most - max(trajectory.n_steps, 0)
        status = trajectory.run(min(left, STEPS_PER_REPORT))
        if progress is not None:
            progress(trajectory.state.time * trajectory.units.time)
        if status != "max_steps" or left <= STEPS_PER_REPORT:
            return status


def _path(
    problem: GeneralProblem,
    init: Initialization,
    trajectory: GeneralTrajectory,
    status: str,
    log_scale: float,
    end: float,
    rtol: float,
    max_steps: int,
) -> GeneralFlowPath:
    units, rows = trajectory.units, trajectory.rows
    t = np.array([row.time for row in rows]) * units.time
    if status == "t_end":
        t[-1] = end
    arrays = {
        "t": t,
        "clock": t / -log_scale if log_scale < 0 else t.copy(),
        "losses": np.array([row.loss for row in rows]) * units.label**2,
        "sq_norms": np.array([row.sq_norm for row in rows]) * math.exp(2 * units.log_weight),
        "log_output": np.array([row.log_output for row in rows]) + units.log_weight,
    }
    names = (
        "plateaus",
        "pieces",
        "implicit",
        "crossings",
        "slides",
        "leavings",
        "turns",
        "evaluations",
    )
    counts = dict(zip(COUNTS, trajectory.state.counts.tolist(), strict=True))
    return GeneralFlowPath(
        problem,
        log_scale,
        **{name: frozen(array) for name, array in arrays.items()},
        status=status,
        stats={"steps": trajectory.n_steps} | {name: counts[name] for name in names},
        init=init,
        rtol=rtol,
        t_end=None if math.isinf(end) else end,
        max_steps=max_steps,
        chosen=_chosen(problem, trajectory),
        _trajectory=trajectory,
    )


def _chosen(problem: GeneralProblem, trajectory: GeneralTrajectory) -> Flags:
    chosen = Rays.of(problem.coordinates).spread(trajectory.state.chosen, False).astype(np.bool_)
    chosen.flags.writeable = False
    return chosen
