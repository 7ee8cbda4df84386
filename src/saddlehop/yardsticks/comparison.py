"""How far the flow at one λ is from the limit λ → 0, on the clock s = t / log(1/λ)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .._support.brief import Brief
from .._support.validate import instance_of
from ..errors import InputError
from ..flow.simulate import FlowPath
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from ..model.general_problem import is_same_problem
from ..model.initialization import Initialization
from ..model.network import Network

if TYPE_CHECKING:
    import pandas as pd

AnyJumps = JumpPath | GeneralJumpPath
POINTS_PER_SADDLE = 5


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Brief):
    """A flow beside its limit."""

    flow: Any
    """The flow at one λ: a FlowPath, or the Recording of a training run."""
    jumps: JumpPath | GeneralJumpPath
    """The limit."""
    limit_clock: Array
    """When each neuron activates in the limit, on the clock, shape (m,); nan: never. On data as they are,
    where later jumps change what is active: at the jump after which its a² is first at least half of its
    final value."""
    flow_clock: Array
    """When its a² passes half of its final value in the flow, on the clock, shape (m,)."""
    norm_gap: float
    """Squared norm at the end of the flow minus that of the limit."""
    loss_gap: float
    """Loss at the end of the flow minus that of the limit."""
    clock: Array
    """Clock times at which the paths are compared, away from the jumps, shape (P,)."""
    distance: Array
    """Distance between the paths at `clock`, shape (P,): norm of the difference of all (a_j,
    max(u_jk, 0)), on data as they are of all (a_j, w_j), in units of the norm of the limit's final
    weights."""
    resolved: NDArray[np.bool_]
    """Whether the jumps around each of `clock` stand apart at this λ, shape (P,); see `resolving_scale`
    of the jumps."""
    swapped: NDArray[np.int64]
    """Pairs (i, j) of neurons, i before j in the limit and j before i in the flow, shape (S, 2)."""

    @property
    def activation_errors(self) -> Array:
        """`flow_clock` minus `limit_clock`, shape (m,); nan where the limit never activates."""
        return self.flow_clock - self.limit_clock

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one row per neuron that activates in the limit.

        Columns: `limit_clock`, `flow_clock`, `error`, and the final |a_j| of both.
        """
        import pandas as pd

        active = np.flatnonzero(np.isfinite(self.limit_clock))
        order = active[np.argsort(self.limit_clock[active], kind="stable")]
        return pd.DataFrame(
            {
                "limit_clock": self.limit_clock[order],
                "flow_clock": self.flow_clock[order],
                "error": self.activation_errors[order],
                "limit_output": np.abs(self.jumps.final.output[order]),
                "flow_output": np.abs(self.flow.final.output[order]),
            },
            index=pd.Index(order, name="neuron"),
        )


@singledispatch
def beside(path: Any, jumps: AnyJumps) -> tuple[Any, AnyJumps]:
    """Return a path and its limit, ready to be compared; a kind of path says here how it is read."""
    raise InputError(
        f"`flow` is of type {type(path).__name__}; pass one of type FlowPath, GeneralFlowPath or Recording."
    )


@beside.register
def _(path: FlowPath, jumps: AnyJumps) -> tuple[Any, AnyJumps]:
    return path, instance_of(jumps, "jumps", JumpPath, GeneralJumpPath)


def compare(flow: Any, jumps: AnyJumps) -> Comparison:
    """Say how far a flow, or a recorded training run, is from the limit.

    Parameters
    ----------
    flow : FlowPath, GeneralFlowPath or Recording
        At a scale λ < 1. A recording's is read off the start of `jumps`: see `Recording.compare`.
    jumps : JumpPath or GeneralJumpPath
        The limit of the same problem and start.

    Returns
    -------
    Comparison

    Notes
    -----
    O(J m n) operations for J jumps.
    """
    flow, jumps = beside(flow, jumps)
    _require_same(flow, jumps)
    log_scale = -flow.log_init_scale
    limit_clock = _activation_clock(jumps)
    flow_clock = flow.activation_times / log_scale
    clock = _between_jumps(jumps.times, float(flow.t[-1]) / log_scale)
    final = jumps.final
    unit = np.sqrt(final.sq_norm) or 1.0
    active_part = np.asarray if isinstance(jumps, GeneralJumpPath) else _positive_part
    distance = [
        _distance(flow(float(s * log_scale)), jumps(float(s)), active_part) / unit for s in clock
    ]
    return Comparison(
        flow=flow,
        jumps=jumps,
        limit_clock=limit_clock,
        flow_clock=flow_clock,
        norm_gap=float(flow.sq_norms[-1] - final.sq_norm),
        loss_gap=float(flow.losses[-1] - jumps.losses[-1]),
        clock=clock,
        distance=np.array(distance),
        resolved=_resolved(flow, jumps, clock),
        swapped=_swapped(limit_clock, flow_clock),
    )


def start_of(jumps: AnyJumps) -> Initialization | None:
    """Return the start of a jump path, if it is known."""
    if isinstance(jumps, GeneralJumpPath):
        return jumps.initialization
    return None if jumps.alignment is None else jumps.alignment.initialization


def _activation_clock(jumps: AnyJumps) -> Array:
    """When each neuron activates in the limit, shape (m,); nan: never."""
    clock = np.full(jumps.width, np.nan)
    if isinstance(jumps, GeneralJumpPath):
        squares = jumps.outputs**2
        ends = np.flatnonzero(squares[-1] > 0)
        saddle = np.argmax(squares[:, ends] >= squares[-1, ends] / 2, axis=0)
        clock[ends] = jumps.times[saddle - 1]
        return clock
    for group, time in zip(jumps.neurons, jumps.times, strict=True):
        clock[list(group)] = time
    return clock


def _require_same(flow: Any, jumps: AnyJumps) -> None:
    if not is_same_problem(flow.problem, jumps.problem):
        raise InputError(
            "`flow` and `jumps` are of different problems; solve both for the same problem."
        )
    if flow.log_output.shape[1] != jumps.width:
        raise InputError(
            f"`flow` has {flow.log_output.shape[1]} neurons and `jumps` has {jumps.width}; solve "
            "both from the same start."
        )
    theirs = start_of(jumps)
    if isinstance(flow, FlowPath) and theirs is not None:
        ours = flow.init
        if not np.array_equal(ours.output, theirs.output) or not np.array_equal(
            ours.hidden, theirs.hidden
        ):
            raise InputError(
                "`flow` and `jumps` have different starts; solve both from the same start."
            )
    if flow.log_init_scale >= 0:
        raise InputError(
            f"`flow` has log λ = {flow.log_init_scale:.6g}, where there is no clock; pass a flow at "
            "a scale below 1."
        )


def _between_jumps(times: Array, end: float) -> Array:
    """Points in the middle three fifths of every stay at a saddle that ends before `end`."""
    edges = np.concatenate([[0.0], times, [max(end, times[-1]) if times.size else end]])
    parts = np.linspace(0.2, 0.8, POINTS_PER_SADDLE)
    points = (edges[:-1, None] + np.diff(edges)[:, None] * parts).ravel()
    return points[points <= end]


def _resolved(flow: Any, jumps: AnyJumps, clock: Array) -> NDArray[np.bool_]:
    """Whether the jumps before and after each time stand apart at λ."""
    apart = flow.log_init_scale / np.log(10) <= jumps.resolving_scale
    padded = np.concatenate([[True], apart, [True]])
    saddle = np.searchsorted(jumps.times, clock, side="right")
    return np.asarray(padded[saddle] & padded[saddle + 1])


def _positive_part(hidden: Array) -> Array:
    return np.maximum(hidden, 0)


def _distance(network: Network, limit: Network, active_part: Callable[[Array], Array]) -> float:
    moved = active_part(network.hidden) - active_part(limit.hidden)
    return float(np.hypot(np.linalg.norm(network.output - limit.output), np.linalg.norm(moved)))


def _swapped(limit_clock: Array, flow_clock: Array) -> NDArray[np.int64]:
    earlier_in_limit = limit_clock[:, None] < limit_clock
    later_in_flow = flow_clock[:, None] > flow_clock
    return np.argwhere(earlier_in_limit & later_in_flow)
