"""The learned function of one input, h(x) = Σ_j a_j max(w_j x + v_j b, 0), over its data.

Neuron j bends it at its kink x = −v_j b / w_j, where the slope changes by |w_j| a_j: up if a_j > 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array, is_sparse
from .._support.validate import instance_of
from ..errors import InputError
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.network import Network
from ..model.problem import Problem
from ._shared import LIMIT, SMALL, add_legend, dress, neuron_look, new_axes, sequence, size_unit
from .moments import Moment, moments_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FAINT = 1e-3  # part of the largest size below which nothing is seen to bend
_STYLES = ("-", "--", ":")
_COPY = 1e-6  # kinks closer than this part of the view are one


def function(
    problem: AnyProblem,
    *shown: Any,
    clock: Any = None,
    t: Any = None,
    kinks: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw the learned function of one input over the data, and where its neurons bend it.

    Parameters
    ----------
    problem : GeneralProblem or Problem
        One input with a bias, or rows (x, b) of a constant b.
    *shown : Network, GeneralJumpPath, GeneralFlowPath or alike
        Whose function to draw: networks, or paths. Without times the limit is drawn at every saddle
        and a flow at its end; later functions are darker. A second path is dashed, a third dotted.
    clock : float or sequence of float, optional
        Times on the clock t / log(1/λ) at which to read the paths.
    t : float or sequence of float, optional
        Times of the flow at which to read the paths, in place of `clock`.
    kinks : bool
        Mark the kinks of the last function of the first path: positive neurons as filled circles,
        negative ones as open squares, of an area that grows with |a_j| ‖w_j‖.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    line = line_of(problem)
    if not shown:
        raise InputError("There is no network to draw; pass one, or a path such as the limit.")
    groups = [moments_of(item, clock, t) for item in shown]
    if all(isinstance(item, Network) for item in shown):
        groups = [[moment for group in groups for moment in group]]
    groups[0][-1].network.outputs(problem)  # checks that the two fit
    view = line.view(line.bends(groups[0][-1].network).places)
    return draw_function(new_axes(ax), line, groups, view, kinks)


def draw_function(
    ax: Axes,
    line: Line,
    groups: Sequence[Sequence[Moment]],
    view: tuple[float, float],
    kinks: bool = True,
) -> Axes:
    """Draw functions between the inputs of `view`, and the kinks of the last one of the first group."""
    for group, style in zip(groups, _STYLES * len(groups), strict=False):
        for (network, name), shade in zip(group, sequence(len(group)), strict=True):
            x = line.grid(network, *view)
            ax.plot(x, line.outputs(network, x), color=shade, ls=style, lw=1.5, label=name or None)
    ax.plot(line.x, line.problem.y, "x", color=LIMIT, ms=8, mew=1.8, zorder=4, label="data")
    if kinks:
        _mark(ax, line, groups[0][-1].network, view)
    dress(ax, "input  $x$", "$h(x)$")
    ax.set_xlim(view)
    add_legend(ax)
    return ax


@dataclass(frozen=True, eq=False)
class Bends:
    """Where a network bends, copies of a neuron taken together."""

    places: Array
    """Kinks, shape (b,)."""
    signs: Array
    """Signs of the a_j, shape (b,)."""
    sizes: Array
    """Sums of |a_j| ‖w_j‖ relative to the largest, shape (b,)."""


@dataclass(frozen=True, eq=False)
class Line:
    """Data with one input."""

    problem: AnyProblem
    x: Array
    """Inputs, shape (n,)."""
    bias: float
    """The constant b that stands beside each."""

    def outputs(self, network: Network, x: Array) -> Array:
        """Return h at the inputs (x, b)."""
        if x.size == 0:
            return x
        points = np.column_stack([x, np.full(x.size, self.bias)])
        appended = isinstance(self.problem, GeneralProblem) and self.problem.bias
        return network.predict(points[:, :1] if appended else points, self.problem)

    def kinks(self, network: Network) -> Array:
        """Return where w x + v b = 0 for each neuron, shape (m,); nan where there is no such place."""
        problem = self.problem
        basis = problem.basis if isinstance(problem, GeneralProblem) else problem.directions
        weights = np.asarray(network.hidden @ basis)
        with np.errstate(divide="ignore", invalid="ignore"):
            kinks = -weights[:, 1] * self.bias / weights[:, 0]
        return np.where(np.isfinite(kinks), kinks, np.nan)

    def grid(self, network: Network, low: float, high: float) -> Array:
        """Return inputs at which to draw, the kinks among them."""
        kinks = self.kinks(network)
        return np.union1d(np.linspace(low, high, 400), kinks[(kinks > low) & (kinks < high)])

    def bends(self, network: Network) -> Bends:
        """Return the kinks that show, copies of a neuron once."""
        kinks, signs = self.kinks(network), np.sign(network.output)
        sizes = np.abs(network.output) * np.linalg.norm(network.hidden, axis=1)
        unit = size_unit(self.problem.y, np.hypot(self.x, self.bias), sizes)
        seen = np.isfinite(kinks) & (sizes > _FAINT * unit)
        place = np.round(kinks[seen] / (_COPY * self._reach)) * (_COPY * self._reach)
        pairs = np.column_stack([place, signs[seen]])
        found, group = np.unique(pairs, axis=0, return_inverse=True)
        total = np.bincount(group.ravel(), sizes[seen], len(found))
        return Bends(found[:, 0], found[:, 1], total / max(unit, total.max(initial=0.0)))

    def view(self, kinks: Array) -> tuple[float, float]:
        """Return the inputs between which to draw: the data, and kinks that are not far away."""
        reach = self._reach
        near = kinks[(kinks > self.x.min() - reach) & (kinks < self.x.max() + reach)]
        ends = np.concatenate([self.x, near])
        pad = 0.15 * (float(np.ptp(ends)) or 1.0)
        return float(ends.min()) - pad, float(ends.max()) + pad

    @property
    def _reach(self) -> float:
        return float(np.ptp(self.x)) or 1.0


def line_of(problem: AnyProblem) -> Line:
    """Return the inputs x and the constant b of rows (x, b), or raise."""
    instance_of(problem, "problem", Problem, GeneralProblem)
    rows = _rows_of(problem)
    if rows is not None:
        bias = float(rows[0, 1])
        if bias != 0 and np.allclose(rows[:, 1], bias, rtol=1e-8):
            return Line(problem, rows[:, 0], bias)
    raise InputError(
        "`problem` has no one-dimensional inputs with bias, whose function is a line with kinks; pass "
        "`sh.GeneralProblem(x, y, bias=True)` of one column x, or draw `plot.jump_figure(jumps)`."
    )


def _rows_of(problem: AnyProblem) -> Array | None:
    """The inputs, shape (n, 2), if they have two features."""
    if problem.n_features != 2:
        return None
    if isinstance(problem, GeneralProblem):
        return _dense(problem.X)
    if problem.directions is None:
        return None
    return _dense(problem.directions) * problem.norms[:, None]


def _dense(rows: Any) -> Array:
    return np.asarray(rows.toarray() if is_sparse(rows) else rows)


def _mark(ax: Axes, line: Line, network: Network, view: tuple[float, float]) -> None:
    """Mark the kinks in view, and say how many lie beyond."""
    bends, (low, high) = line.bends(network), view
    heights = line.outputs(network, bends.places)
    inside = (bends.places > low) & (bends.places < high)
    for sign, name in ((1, "positive"), (-1, "negative")):
        mine = np.flatnonzero(inside & (bends.signs == sign))
        for i in mine:
            size = 3.5 + 7 * np.sqrt(bends.sizes[i])
            ax.plot(bends.places[i], heights[i], ls="", ms=size, zorder=3, **neuron_look(sign))
        if mine.size:
            ax.plot([], [], ls="", ms=6, label=f"kink, {name} neuron", **neuron_look(sign))
    for count, text, place, side in (
        (np.sum(bends.places <= low), "← kinks: {}", 0, "left"),
        (np.sum(bends.places >= high), "kinks: {} →", 1, "right"),
    ):
        if count:
            where: Any = {"xycoords": "axes fraction", "ha": side, "va": "bottom"}
            ax.annotate(text.format(count), (place, 1.01), fontsize=SMALL, **where)
