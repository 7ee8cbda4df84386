"""Who fits what: the cells (neuron, sample) that each jump fills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..general.jumps_path import orthogonal_jumps
from ..limit.jump_path import JumpPath
from ._shared import NEVER, SMALL, jump_colours, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

COULD, CANNOT = -1, -2
_MOST_TICKS = 40


@dataclass(frozen=True, eq=False)
class Assignment:
    """The map of neurons and samples, in the order in which it is drawn."""

    neurons: NDArray[np.int64]
    """Neurons from the top: in order of activation, then those that never activate, shape (m,)."""
    samples: NDArray[np.int64]
    """Samples from the left: by the jump that fits them, then those never fitted, shape (n,)."""
    cells: NDArray[np.int64]
    """The jump, from 0, at which the neuron fits the sample; −1 where it could have, −2 where it
    cannot; shape (m, n)."""
    edges: NDArray[np.int64]
    """Where the samples of each jump begin and the last end, shape (J+1,)."""


def assignment(jumps: JumpPath) -> Assignment:
    """Order neurons and samples by jump and say which cell each jump fills."""
    active = jumps.sets.to_bool()
    cells = np.where(active, COULD, CANNOT)
    for jump, (group, fitted) in enumerate(zip(jumps.neurons, jumps.samples, strict=True)):
        for neuron in group:
            cells[neuron, fitted[active[neuron, fitted]]] = jump
    order = [neuron for group in jumps.neurons for neuron in group]
    neurons = np.array([*order, *np.setdiff1d(np.arange(jumps.width), order)], dtype=np.int64)
    fitted_first = np.concatenate([np.empty(0, np.int64), *jumps.samples])
    rest = np.setdiff1d(np.arange(jumps.problem.n_samples), fitted_first)
    samples = np.concatenate([fitted_first, rest])
    sizes = [part.size for part in jumps.samples]
    edges = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return Assignment(neurons, samples, cells[np.ix_(neurons, samples)], edges)


def assignment_map(jumps: JumpPath, up_to: int | None = None, ax: Axes | None = None) -> Axes:
    """Draw which neuron fits which sample, and at which jump.

    Rows are neurons in order of activation, columns samples in order of the jump that fits them;
    the colour tells the jump. Grey cells are samples that a neuron could have fitted.

    Parameters
    ----------
    jumps : JumpPath
    up_to : int, optional
        Draw only what the first `up_to` jumps have filled.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    orthogonal_jumps(
        jumps,
        "which neuron fits which sample is known",
        "draw `plot.jump_figure(jumps)`, or see `jumps.active` and `jumps.residuals`",
    )
    from matplotlib.colors import BoundaryNorm, ListedColormap

    ax = new_axes(ax)
    table = assignment(jumps)
    shown = jumps.n_jumps if up_to is None else up_to
    cells = np.where(table.cells >= shown, COULD, table.cells)
    colours = ListedColormap(["#ffffff", "#e4e4e4", *jump_colours(jumps.n_jumps)])
    bounds = BoundaryNorm(np.arange(CANNOT, jumps.n_jumps + 1) - 0.5, jumps.n_jumps + 2)
    draw_cells(ax, table, cells, cmap=colours, norm=bounds)
    _label_jumps(ax, table)
    rows = np.arange(0, len(cells), -(-len(cells) // _MOST_TICKS))
    ax.set_yticks(rows + 0.5, table.neurons[rows].astype(str), fontsize="x-small")
    ax.tick_params(axis="y", length=0)
    ax.set_ylabel("neuron, first to activate on top")
    ax.set_xlabel("samples, in order of the jump that fits them (its number above)")
    return ax


def draw_cells(ax: Axes, table: Assignment, cells: Array, **look: Any) -> AxesImage:
    """Draw a number for each neuron and sample of the map as an image, the jumps kept apart."""
    n_rows, n_columns = cells.shape
    extent = (0, n_columns, n_rows, 0)
    image = ax.imshow(cells, aspect="auto", interpolation="none", extent=extent, **look)
    for edge in table.edges[1:]:
        ax.axvline(edge, color=NEVER, lw=0.5)
    return image


def _label_jumps(ax: Axes, table: Assignment) -> None:
    """Write the number of each jump above its samples, where there is room for it."""
    above: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom"}
    n_columns = len(table.samples)
    for jump, (left, right) in enumerate(zip(table.edges[:-1], table.edges[1:], strict=True)):
        if right - left >= 0.03 * n_columns:
            ax.text((left + right) / 2, 1.01, str(jump + 1), fontsize=SMALL, **above)
    if n_columns - table.edges[-1] >= 0.1 * n_columns:
        ax.text((table.edges[-1] + n_columns) / 2, 1.01, "never", fontsize=SMALL, **above)
