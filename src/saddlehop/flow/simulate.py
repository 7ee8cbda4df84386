"""Gradient flow at any scale λ of the start, θ̇ = −∇L(θ) with L = (1/2n) Σ_k (y_k − h(x_k))².

In sample coordinates, with pull d_k = q_k (β_k − Σ_j a_j max(u_jk, 0)) / n,

    u̇_jk = a_j d_k 1[u_jk > 0]        ȧ_j = Σ_k d_k max(u_jk, 0)

Each neuron carries its own logarithmic scale, so λ may be 1e-1000000. While the pulls stay constant
to tolerance (alignment, every plateau) one closed-form step has any length. Where many pairs die
under changing pulls, exponential steps pass through the deaths. Otherwise a Taylor step ends at the
first death of a pair. The work thus goes with the number of jumps, not with log(1/λ).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._support.brief import Brief, brief
from .._support.labelled import Labelled
from .._support.memory import require_memory
from .._support.validate import as_floats, instance_of, positive_int, require_one_time
from ..errors import FlowError, InputError
from ..model.initialization import Initialization
from ..model.network import Network
from ..model.problem import Problem
from ..model.scale import parse_scale
from .trajectory import STEPS_PER_CHECKPOINT, Trajectory, begin

RTOL_RANGE = (1e-13, 1e-1)
MAX_RATIO_OF_NORMS = 1e12  # rates differ by its square
MAX_LOG_SIZE = 200.0

MESSAGES = {
    "learned": "Nothing is left to learn: what the network can reach is fitted to tolerance.",
    "t_end": "The flow reached `t_end`.",
    "max_steps": "The step limit was reached before the end. Raise `max_steps`, or pass `t_end`.",
}


@dataclass(frozen=True, eq=False, repr=False)
class FlowPath(Brief, Labelled):
    """A solution of the flow; call it at a time t for the network there.

    All times are those of the flow, t; `clock` holds the same on the clock t / log(1/λ).
    """

    problem: Problem
    """The problem whose loss falls."""
    log_init_scale: float
    """log λ."""
    t: Array
    """Times of the steps, from 0 to the end, shape (T,)."""
    clock: Array
    """t / log(1/λ), shape (T,); plain t if λ ≥ 1, where there is no such clock."""
    losses: Array
    """Losses at `t`, shape (T,)."""
    sq_norms: Array
    """Squared norms Σ a_j² + Σ u_jk² at `t`, negative u_jk included and the parts of w_j outside
    the span of the samples not, as in `Network.sq_norm`; shape (T,)."""
    log_output: Array
    """log |a_j| at `t`, −inf where a_j is 0, shape (T, m)."""
    status: str
    """Why the flow ended: "learned", "t_end" or "max_steps"."""
    stats: dict[str, int]
    """Work done: steps, of them plateaus and stiff steps; deaths; evaluations of the right-hand
    side (one for each series term), and over how many pairs in all."""
    init: Initialization
    """The start at unit scale."""
    rtol: float
    """Tolerance asked for."""
    t_end: float | None
    """Time at which to stop, as asked for."""
    max_steps: int
    """Steps after which to give up."""
    _trajectory: Trajectory | None = field(default=None, repr=False)

    @property
    def success(self) -> bool:
        """Whether the flow got to its end."""
        return self.status != "max_steps"

    @property
    def message(self) -> str:
        """What the status means, and what to do next."""
        return MESSAGES[self.status]

    @cached_property
    def _replay(self) -> Trajectory:
        """The steps; those of a path from a file are taken again, which gives the same path."""
        if self._trajectory is not None:
            return self._trajectory
        trajectory = begin(
            self.problem, self.init, self.log_init_scale, self.t_end or math.inf, self.rtol
        )
        _run(trajectory, self.stats["steps"], None)
        return trajectory

    @cached_property
    def activation_times(self) -> Array:
        """First t at which a_j² passes half of its final value on this path, shape (m,).

        0 if that holds at the start; nan if a_j ends at 0.
        """
        from .reading import activation_times

        times = activation_times(self._replay, self.log_output)
        times.flags.writeable = False
        return times

    @cached_property
    def final(self) -> Network:
        """The network at the end of the path."""
        return self(self.t[-1])

    def __call__(self, t: float) -> Network:
        """Return the network at time t, 0 ≤ t ≤ the end of the path."""
        from .reading import states_at

        times = require_one_time(self._require_times(t))
        _, state, _ = next(states_at(self._replay, times.reshape(1)))
        return self._replay.network(state)

    def loss_at(self, t: Any) -> Array:
        """Return the losses at times `t` of any shape."""
        return self.read_at(t)[0]

    def log_output_at(self, t: Any) -> Array:
        """Return log |a_j| at times `t` of any shape; the neurons are the last axis."""
        return self.read_at(t)[1]

    def read_at(self, t: Any) -> tuple[Array, Array]:
        """Return what `loss_at` and `log_output_at` do at times `t`, in the time of one."""
        from .reading import read_at

        times = self._require_times(t)
        losses, log_output = read_at(self._replay, times.ravel())
        return losses.reshape(times.shape), log_output.reshape(*times.shape, log_output.shape[1])

    def _require_times(self, t: Any) -> Array:
        times = as_floats(t, "t")
        outside = ~((times >= 0) & (times <= self.t[-1]))
        if outside.any():
            worst = float(times[outside].ravel()[0])
            raise InputError(
                f"`t` is {worst:.6g}, outside the path, which runs from 0 to {self.t[-1]:.6g}; "
                "pass a time in between, or simulate with a larger `t_end`."
            )
        return times


def simulate_flow(
    problem: Problem,
    init: Initialization,
    *,
    init_scale: float | str | None = None,
    log_init_scale: float | None = None,
    t_end: float | None = None,
    rtol: float = 1e-8,
    max_steps: int = 1_000_000,
    progress: Callable[[float], object] | None = None,
) -> FlowPath:
    """Follow gradient flow from the weights λ·`init`.

    Parameters
    ----------
    problem : Problem
    init : Initialization
        The start at unit scale.
    init_scale : float or str
        The scale λ > 0; a string such as "1e-1000" may be far below the smallest float.
    log_init_scale : float
        log λ, instead of `init_scale`; between −1e7 and 1e7.
    t_end : float, optional
        Time at which to stop. By default the flow runs until nothing is left to learn; if all labels
        are 0, until nothing is left of the outputs at the start.
    rtol : float
        Bound on the errors of losses (relative to the loss at 0), activation times (relative)
        and weights (relative to each neuron's largest), between 1e-13 and 1e-1.
    max_steps : int
        Steps after which to give up.
    progress : callable, optional
        Called with the time t reached, every few steps.

    Returns
    -------
    FlowPath

    Raises
    ------
    InputError
        For input that cannot be used.
    FlowError
        If `max_steps` is reached; its `path` is the flow up to there.

    Notes
    -----
    O(m n) operations and memory per step, and O(h² n + h³) more in a step that is stiff, for h neurons
    that residuals follow within it; `max_steps` bounds their number. It grows with the number of
    activations and slowly with 1 / `rtol`, hardly with λ.
    """
    log_scale = parse_scale(init_scale, log_init_scale)
    end = require_end(t_end)
    tolerance = require_rtol(rtol)
    most = positive_int(max_steps, "max_steps")
    _require_start(problem, init, log_scale)
    if progress is not None and not callable(progress):
        raise InputError(f"`progress` is {brief(progress)}; pass a function of the time reached.")
    trajectory = begin(problem, init, log_scale, end, tolerance)
    status = _run(trajectory, most, progress)
    path = _finish(problem, trajectory, status, end, tolerance, most)
    if not path.success:
        raise FlowError(
            f"After {most} steps the flow is at t = {path.t[-1]:.6g}, not at its end; raise "
            "`max_steps`, or stop at a `t_end` (this error's `path` holds the flow so far).",
            path,
        )
    return path


def _run(trajectory: Trajectory, most: int, progress: Callable[[float], object] | None) -> str:
    from .kernels import ARRIVED, LEARNED, OVERFLOWED, RUNNING

    stepper, rows = trajectory.buffers()
    status = RUNNING
    while True:
        left = most - trajectory.n_steps
        status = trajectory.extend(stepper, rows, min(left, STEPS_PER_CHECKPOINT))
        if progress is not None:
            progress(float(trajectory.state.time[0]) * trajectory.units.time)
        if status == OVERFLOWED:
            raise FlowError(
                f"The flow leaves the range of floating-point numbers after {trajectory.n_steps} steps; "
                "rescale labels, inputs or start, or leave out samples that the others drown."
            )
        if status != RUNNING or left <= STEPS_PER_CHECKPOINT:
            return {RUNNING: "max_steps", ARRIVED: "t_end", LEARNED: "learned"}[status]


def _finish(
    problem: Problem, trajectory: Trajectory, status: str, end: float, rtol: float, most: int
) -> FlowPath:
    units, start = trajectory.units, trajectory.start
    t = trajectory.column("time") * units.time
    if status == "t_end":
        t[-1] = end
    log_scale = trajectory.log_scale
    frozen = float(np.sum(np.minimum(start.hidden, 0) ** 2)) * math.exp(2 * log_scale)
    arrays = {
        "t": t,
        "clock": t / -log_scale if log_scale < 0 else t.copy(),
        "losses": trajectory.column("loss") * units.loss,
        "sq_norms": trajectory.column("sq_norm") * units.target + frozen,
        "log_output": trajectory.column("log_output") + 0.5 * math.log(units.target),
    }
    for array in arrays.values():
        array.flags.writeable = False
    evaluations, deaths, plateaus, stiff, pairs = (int(count) for count in trajectory.counts)
    stats = {
        "steps": trajectory.n_steps,
        "plateaus": plateaus,
        "stiff_steps": stiff,
        "deaths": deaths,
        "evaluations": evaluations,
        "pairs_evaluated": pairs,
    }
    return FlowPath(
        problem,
        log_scale,
        **arrays,
        status=status,
        stats=stats,
        init=start,
        rtol=rtol,
        t_end=end if math.isfinite(end) else None,
        max_steps=most,
        _trajectory=trajectory,
    )


def require_end(t_end: Any) -> float:
    """Return the end time asked for, inf for None."""
    if t_end is None:
        return math.inf
    try:
        end = float(t_end)
    except (TypeError, ValueError):
        end = math.nan
    if not (math.isfinite(end) and end > 0):
        raise InputError(
            f"`t_end` is {t_end!r}; pass a positive time, or None to run until nothing is left "
            "to learn."
        )
    return end


def require_rtol(rtol: Any) -> float:
    """Return the tolerance asked for."""
    try:
        tolerance = float(rtol)
    except (TypeError, ValueError):
        tolerance = math.nan
    if not RTOL_RANGE[0] <= tolerance <= RTOL_RANGE[1]:
        raise InputError(f"`rtol` is {rtol!r}; pass a number between 1e-13 and 1e-1.")
    return tolerance


def _require_start(problem: Problem, init: Initialization, log_scale: float) -> None:
    instance_of(problem, "problem", Problem)
    instance_of(init, "init", Initialization)
    require_memory(32 * init.hidden.size, f"A flow of {init.width} × {init.n_samples} weights")
    if init.hidden.shape[1] != problem.n_samples:
        raise InputError(
            f"`init` has {init.hidden.shape[1]} samples but the problem has {problem.n_samples}; "
            "draw the start from this problem."
        )
    smallest_norm, largest_norm = float(np.min(problem.norms)), float(np.max(problem.norms))
    if largest_norm / MAX_RATIO_OF_NORMS > smallest_norm:
        raise InputError(
            f"Input norms from {smallest_norm:.3g} to {largest_norm:.3g} make the flow too stiff to follow; "
            f"pass inputs whose norms differ by at most {MAX_RATIO_OF_NORMS:.0e}."
        )
    largest = max(float(np.max(np.abs(init.output))), float(np.max(np.abs(init.hidden))))
    if largest == 0:
        raise InputError(
            "`init` is all zeros, where the flow never leaves; pass a start with a non-zero weight."
        )
    if log_scale + math.log(largest) > MAX_LOG_SIZE:
        raise InputError(
            f"The start is of size e^{log_scale + math.log(largest):.6g}, beyond what a float can "
            "square; pass a smaller scale."
        )
