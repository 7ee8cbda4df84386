"""Paths sampled for drawing: the loss and the sizes of the neurons against the clock.

A flow is read at its own steps, for free, and between them only where the loss falls; on a plateau
log|a_j| is a line, so the steps' ends say all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..errors import InputError
from ..flow.simulate import FlowPath
from ..limit.jump_path import JumpPath
from ..limit.prediction import Prediction

LEVEL = 0.01  # part of the first loss that may fall between two points
MOST_BETWEEN = 15  # points put between two steps
NEGLIGIBLE, LATE = 1e-3, 2.0  # part of the first loss, factor in time: jumps that are cut off
FARTHEST = 3.0  # pictures go on for a path up to so many times the end of the limit
EVEN = 800  # points of a path that has no steps


class Path(Protocol):
    """What can be drawn over the limit: a FlowPath, a Prediction, a recorded training run.

    A path with steps also has them as `clock`.
    """

    @property
    def log_init_scale(self) -> float:
        """log λ."""

    def loss_at(self, t: Any) -> Array:
        """Return losses at times t."""

    def log_output_at(self, t: Any) -> Array:
        """Return log|a_j| at times t; neurons on the last axis."""


@dataclass(frozen=True, eq=False)
class Curve:
    """A path at the points at which it is drawn."""

    clock: Array
    """Times on the clock t / log(1/λ), increasing, shape (P,)."""
    losses: Array
    """Losses, shape (P,)."""
    exponents: Array
    """log|a_j| / log(1/λ), shape (P, m); −inf where a_j is 0."""

    def thinned(self, most: int) -> Curve:
        """Return about `most` of the points, evenly spread along the curves."""
        if self.clock.size <= most:
            return self
        kept = _spread(np.column_stack([self.clock, self.losses, self.exponents]), most)
        return Curve(self.clock[kept], self.losses[kept], self.exponents[kept])


def signs_of(jumps: Any) -> NDArray[np.int8]:
    """Sign of each a_j in the end, shape (m,)."""
    return np.asarray(jumps.sets.signs if isinstance(jumps, JumpPath) else jumps.signs[-1])


def clock_end(jumps: Any) -> float:
    """Where pictures of `jumps` end on the clock: a little after the last jump."""
    return float(jumps.times[-1]) * 1.08 if jumps.n_jumps else 1.0


def view_end(jumps: Any, *paths: Path) -> float:
    """Where pictures are cut: as `clock_end`, but before late jumps that fit next to nothing.

    They go on, up to `FARTHEST`, while the loss of a path that is drawn still falls.
    """
    left = jumps.losses[1:-1] <= NEGLIGIBLE * jumps.losses[0]
    late = np.flatnonzero(left & (jumps.times[1:] > LATE * jumps.times[:-1]))
    end = float(jumps.times[late[0]]) * 1.3 if late.size else clock_end(jumps)
    return max([end, *(1.04 * _rest_within(path, FARTHEST * end) for path in paths)])


def whole_end(jumps: Any, *paths: Path) -> float:
    """Where films end and reports keep curves: no jump is cut off."""
    return max(clock_end(jumps), view_end(jumps, *paths))


def _rest_within(path: Path, most: float) -> float:
    """Where a path comes to rest, or would seem to if it ended at `most`."""
    clock = getattr(path, "clock", [most])
    rest = rest_of(path, float(clock[-1]))
    return rest if rest <= most else rest_of(path, most)


def rest_of(path: Path, end: float) -> float:
    """From where on the loss of a path falls no more, as far as one sees, until `end` on the clock."""
    curve = sample(path, end, level=np.inf)
    falling = np.flatnonzero(np.abs(curve.losses - curve.losses[-1]) > LEVEL * curve.losses[0])
    return min(float(curve.clock[falling[-1] + 1]), end) if falling.size else 0.0


def sample(path: Path, end: float, level: float = LEVEL) -> Curve:
    """Return `path` up to the clock time `end`, or its own end.

    Parameters
    ----------
    path : FlowPath, Prediction or alike
    end : float
        On the clock.
    level : float
        How far the loss may fall from point to point, relative to the loss at 0.
    """
    scale = require_clock(path)
    if isinstance(path, FlowPath):
        columns = path.losses, path.log_output
        t, losses, sizes = read_flow(path, end, level, columns, path.read_at)
        return Curve(t / scale, losses, sizes / scale)
    clock = np.linspace(0, end, EVEN)
    own = getattr(path, "clock", None)
    if own is not None:
        clock = np.unique(np.concatenate([clock[clock < own[-1]], own[own <= end]]))
        clock[-1] = min(clock[-1], np.nextafter(own[-1], 0))
    t = clock * scale
    return Curve(clock, path.loss_at(t), path.log_output_at(t) / scale)


def require_clock(path: Path) -> float:
    """Return log(1/λ) of a path, or raise if it has no clock."""
    if path.log_init_scale >= 0:
        raise InputError(
            f"A path has log λ = {path.log_init_scale:.6g}, where there is no clock; pass paths at "
            "scales below 1."
        )
    return -path.log_init_scale


def _step_times(flow: FlowPath, end: float, level: float) -> tuple[int, Array]:
    """How many steps of a flow are drawn up to `end`, and the times t to add between them."""
    n_drawn = min(int(np.searchsorted(flow.clock, end)) + 1, flow.t.size)
    t, losses = flow.t[:n_drawn], flow.losses[:n_drawn]
    falls = np.abs(np.diff(losses)) / (level * max(float(losses[0]), np.finfo(float).tiny))
    extra = np.minimum(np.ceil(falls), MOST_BETWEEN).astype(np.int64) - (falls <= 1)
    between = [np.linspace(t[i], t[i + 1], extra[i] + 2)[1:-1] for i in np.flatnonzero(extra > 0)]
    return n_drawn, np.concatenate([[], *between])


def read_flow(
    flow: FlowPath,
    end: float,
    level: float,
    columns: Sequence[Array],
    read_at: Callable[[Array], Sequence[Any]],
) -> list[Array]:
    """Return times t up to `end` on the clock and what a flow is at them.

    The columns are values at its steps, free; `read_at` gives the same at times between.
    """
    n_drawn, between = _step_times(flow, end, level)
    t = np.concatenate([flow.t[:n_drawn], between])
    order = np.argsort(t, kind="stable")
    pairs = zip(columns, read_at(between), strict=True)
    return [t[order], *(np.concatenate([steps[:n_drawn], at])[order] for steps, at in pairs)]


def _spread(columns: Array, most: int) -> Array:
    """Rows at even distances along a curve, its ends among them."""
    finite = np.where(np.isfinite(columns), columns, 0.0)
    reach = np.ptp(finite, axis=0)
    moves = np.abs(np.diff(finite, axis=0)) / np.where(reach > 0, reach, 1.0)
    way = np.concatenate([[0.0], np.cumsum(moves[:, 0] + moves[:, 1:].max(axis=1))])
    kept = np.searchsorted(way, np.linspace(0, way[-1], most))
    return np.unique(np.clip(kept, 0, len(columns) - 1))


def is_predicted(path: Path) -> bool:
    """Whether a path is the next-order prediction rather than a flow."""
    return isinstance(path, Prediction)
