"""The pictures of a film: what stands in the figure, and how it moves with the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array
from ..errors import InputError
from ..flow.simulate import FlowPath
from ..general.extremal import extremal_vectors
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from ._shared import LIMIT
from .assignment import assignment, draw_cells
from .curves import Curve, sample, whole_end
from .function import draw_function, line_of
from .limit import AnyJumps, loss_staircase, neuron_fan
from .moments import Moment, at_clock
from .scenes import saddle_unit, scene_of
from .utility import draw_circle, plane_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Part = Callable[[float], None]
    Stage = tuple[Figure, Part]


def stage_of(flow: FlowPath, jumps: AnyJumps) -> Stage:
    """Return the figure, and the function that moves it to a time on the clock."""
    if isinstance(jumps, GeneralJumpPath):
        return _general_stage(flow, jumps)
    return _orthogonal_stage(flow, jumps)


def _orthogonal_stage(flow: FlowPath, jumps: JumpPath) -> Stage:
    """Loss, fan and who fits what."""
    figure = _new_figure(7, 7.5)
    top, middle, bottom = figure.subplots(3, 1, height_ratios=[2, 2, 2.2])
    curve = sample(flow, whole_end(jumps, flow))
    loss_staircase(jumps, flow, ax=top).set_xlabel("")
    neuron_fan(jumps, flow, ax=middle)
    over = [_moving_part(ax, curve) for ax in (top, middle)]
    image, fill = _fitted_part(flow, jumps, bottom)

    def draw(moment: float) -> None:
        _move(over, curve, moment)
        image.set_data(fill(moment))

    return figure, draw


def _general_stage(flow: FlowPath, jumps: GeneralJumpPath) -> Stage:
    """Loss, what neurons learn or how they grow, and the circle of directions."""
    figure, problem = _new_figure(9, 7), jumps.problem
    n_below = 1 if problem.rank < 2 else 2
    grid = figure.add_gridspec(2, n_below, height_ratios=[1, 1.5])
    top = figure.add_subplot(grid[0, :])
    boxes = [figure.add_subplot(grid[1, i]) for i in range(n_below)]
    loss_staircase(jumps, flow, ax=top)
    over, parts = [top], []
    if _has_line(jumps):
        parts.append(_function_part(flow, jumps, boxes[0]))
    else:
        over.append(neuron_fan(jumps, flow, ax=boxes[0]))
    if n_below == 2:
        parts.append(_circle_part(flow, jumps, boxes[1]))
    curve = sample(flow, whole_end(jumps, flow))
    moving = [_moving_part(ax, curve) for ax in over]

    def draw(moment: float) -> None:
        _move(moving, curve, moment)
        for part in parts:
            part(moment)

    return figure, draw


def _has_line(jumps: GeneralJumpPath) -> bool:
    try:
        line_of(jumps.problem)
    except InputError:
        return False
    return True


def _function_part(flow: FlowPath, jumps: GeneralJumpPath, ax: Axes) -> Part:
    """Draws the learned function at a clock time, in the view of the whole path."""
    line = line_of(jumps.problem)
    saddles = [jumps.saddle(i) for i in range(jumps.n_jumps + 1)]
    views = np.array([line.view(line.bends(network).places) for network in saddles])
    view = (float(views[:, 0].min()), float(views[:, 1].max()))
    heights = [line.outputs(network, line.grid(network, *view)) for network in saddles]
    reach = np.concatenate([jumps.problem.y, *heights])
    pad = 0.08 * (float(np.ptp(reach)) or 1.0)

    def draw(moment: float) -> None:
        ax.clear()
        draw_function(ax, line, [[Moment(at_clock(flow, moment), "")]], view)
        ax.set_ylim(reach.min() - pad, reach.max() + pad)

    return draw


def _circle_part(flow: FlowPath, jumps: GeneralJumpPath, ax: Axes) -> Part:
    """Draws the circle of directions at a clock time; in the plane with its extremal vectors."""
    problem, unit = jumps.problem, saddle_unit(jumps.problem, jumps)
    start = extremal_vectors(problem, rng=0)
    plane = plane_of(problem, start, scene_of(problem, jumps, 0.0, None))

    def draw(moment: float) -> None:
        scene = scene_of(problem, at_clock(flow, moment), None, None)
        found = extremal_vectors(problem, scene.residuals, starts=1, rng=0)
        ax.clear()
        draw_circle(ax, problem, scene, found if found.is_complete else None, plane, unit)

    return draw


def _new_figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _move(moving: list[tuple[Any, Any]], curve: Curve, moment: float) -> None:
    """Put line and veil of each curve at a clock time."""
    for line, veil in moving:
        line.set_xdata([moment, moment])
        veil.set_width(max(float(curve.clock[-1]) * 2 - moment, 0.0))
        veil.set_x(moment)


def _moving_part(ax: Axes, curve: Curve) -> tuple[Any, Any]:
    """A line at the present, and a veil over what is to come."""
    from matplotlib.patches import Rectangle

    line = ax.axvline(0, color=LIMIT, lw=1)
    low, high = ax.get_ylim()
    veil = Rectangle(
        (0, low), float(curve.clock[-1]) * 2, high - low, color="white", alpha=0.72, lw=0, zorder=9
    )
    ax.add_patch(veil)
    legend = ax.get_legend()
    if legend is not None:
        legend.set_zorder(10)
    return line, veil


def _fitted_part(flow: FlowPath, jumps: JumpPath, ax: Axes) -> tuple[Any, Callable[[float], Array]]:
    """The image of a_j max(u_jk, 0) / β_k, and the function that computes it at a clock time."""
    table = assignment(jumps)
    cells = np.ix_(table.neurons, table.samples)
    targets = np.where(jumps.problem.y != 0, jumps.problem.targets, np.inf)

    def fill(moment: float) -> Array:
        return np.asarray((at_clock(flow, moment).contributions / targets)[cells])

    image = draw_cells(ax, table, np.zeros(table.cells.shape), cmap="Blues", vmin=0, vmax=1)
    ax.figure.colorbar(image, ax=ax, label="part of the label fitted")
    ax.set_ylabel("neuron, in order of the limit")
    ax.set_xlabel("samples, in order of the jump that fits them in the limit")
    return image, fill
