"""A flow as a film: loss, fan and assignment moving together.

Frames are even along the way w(s) = s / s_end + what the loss has fallen by, each jump weighted
alike, so a plateau passes quickly and a jump takes its time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array
from .._support.files import write_whole
from .._support.validate import as_path, instance_of, positive_int
from ..errors import InputError
from ..flow.simulate import FlowPath
from ..limit.jump_path import JumpPath
from ._shared import LIMIT
from .assignment import assignment, draw_cells
from .curves import Curve, clock_end, require_clock, sample
from .limit import loss_staircase, neuron_fan

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FILMS = (".mp4", ".gif")
_PLATEAU_SHARE = 0.35  # part of the film in which nothing but the clock moves


def animate(
    flow: FlowPath,
    jumps: JumpPath,
    path: str | FilePath = "flow.mp4",
    *,
    frames: int = 180,
    fps: int = 20,
    dpi: int = 110,
) -> FilePath:
    """Write a film of a flow over its limit.

    Parameters
    ----------
    flow : FlowPath
        At a scale λ < 1.
    jumps : JumpPath
        Its limit.
    path : path-like
        A file that ends in .mp4 (needs the program ffmpeg) or .gif.
    frames : int
        Number of pictures.
    fps : int
        Pictures per second.
    dpi : int
        Dots per inch, on 7 × 7.5 inches.

    Returns
    -------
    pathlib.Path
        The file.
    """
    instance_of(flow, "flow", FlowPath)
    instance_of(jumps, "jumps", JumpPath)
    target = as_path(path, "path")
    writer = _writer(target, positive_int(fps, "fps"))
    clock = eased_clock(flow, jumps, positive_int(frames, "frames"))
    figure, draw = _stage(flow, jumps)

    def record(temporary: str) -> None:
        with writer.saving(figure, temporary, dpi):
            for moment in clock:
                draw(float(moment))
                writer.grab_frame()

    write_whole(target, record, suffix=target.suffix.lower())
    return target


def eased_clock(flow: FlowPath, jumps: JumpPath, frames: int) -> Array:
    """Return the clock time of each frame: slow where the loss falls, quick on plateaus."""
    curve = sample(flow, clock_end(jumps))
    fallen = -np.minimum(np.diff(curve.losses), 0)
    moves = np.sqrt(fallen / max(fallen.sum(), np.finfo(float).tiny))
    waits = np.diff(curve.clock)
    way = _PLATEAU_SHARE * waits / waits.sum()
    way += (1 - _PLATEAU_SHARE) * moves / (moves.sum() or 1.0)
    passed = np.concatenate([[0.0], np.cumsum(way)])
    return np.interp(np.linspace(0, passed[-1], frames), passed, curve.clock)


def _writer(target: FilePath, fps: int) -> Any:
    from matplotlib import animation

    suffix = target.suffix.lower()
    if suffix not in FILMS:
        raise InputError(f"`path` is {target.name!r}; pass a file that ends in .mp4 or .gif.")
    if suffix == ".gif":
        return animation.PillowWriter(fps=fps)
    if not animation.FFMpegWriter.isAvailable():
        raise InputError(
            f"{target.name!r} needs the program ffmpeg, which is not here; install it, or pass a "
            "file that ends in .gif."
        )
    return animation.FFMpegWriter(fps=fps)


def _stage(flow: FlowPath, jumps: JumpPath) -> tuple[Figure, Callable[[float], None]]:
    """The figure, and the function that moves it to a time on the clock."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 7.5), layout="constrained")
    FigureCanvasAgg(figure)
    top, middle, bottom = figure.subplots(3, 1, height_ratios=[2, 2, 2.2])
    curve = sample(flow, clock_end(jumps))
    loss_staircase(jumps, flow, ax=top).set_xlabel("")
    neuron_fan(jumps, flow, ax=middle)
    over = [_moving_part(ax, curve) for ax in (top, middle)]
    image, fill = _fitted_part(flow, jumps, bottom)

    def draw(moment: float) -> None:
        for line, dot in over:
            line.set_xdata([moment, moment])
            dot.set_width(max(float(curve.clock[-1]) * 2 - moment, 0.0))
            dot.set_x(moment)
        image.set_data(fill(moment))

    return figure, draw


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
    table, scale = assignment(jumps), require_clock(flow)
    cells = np.ix_(table.neurons, table.samples)
    targets = np.where(jumps.problem.y != 0, jumps.problem.targets, np.inf)

    def fill(moment: float) -> Array:
        network = flow(min(moment * scale, float(flow.t[-1])))
        return np.asarray((network.contributions / targets)[cells])

    image = draw_cells(ax, table, np.zeros(table.cells.shape), cmap="Blues", vmin=0, vmax=1)
    ax.figure.colorbar(image, ax=ax, label="part of the label fitted")
    ax.set_ylabel("neuron, in order of the limit")
    ax.set_xlabel("samples, in order of the jump that fits them in the limit")
    return image, fill
