"""Colours, labels and axes that the figures share. Readable in grey and by the colour-blind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array
from .._support.brief import scale_name
from ..bridges.recording import Recording
from .curves import Path, is_predicted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CLOCK_LABEL = r"clock  $t \,/\, \log(1/\lambda)$"
POSITIVE, NEGATIVE, NEVER, LIMIT = "#0072B2", "#D55E00", "#B0B0B0", "#222222"
SERIES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LOOKS = tuple(zip(SERIES, "osD^vP*", strict=True))  # a colour and a marker for each series
SMALL = "small"
LONE = 0.6  # the place of a lone λ between the largest and the smallest


def new_axes(ax: Axes | None, wider: float = 1.0) -> Axes:
    """Return `ax`, or the axes of a new figure, so many times as wide as others."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    width, height = plt.rcParams["figure.figsize"]
    axes: Axes = plt.subplots(layout="constrained", figsize=(wider * width, height))[1]
    return axes


def dress(ax: Axes, x: str, y: str) -> None:
    """Label both axes and take away the upper and the right edge."""
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.spines[["top", "right"]].set_visible(False)


def add_legend(ax: Axes, loc: Any = None, **options: Any) -> None:
    """Put a small legend on the axes, which dims what it covers."""
    ax.legend(loc=loc, fontsize=SMALL, edgecolor="none", framealpha=0.8, **options)


def shades(paths: Sequence[Path]) -> list[str]:
    """A colour for each path: the smaller λ, the darker; of one λ and kind, the later, the darker."""
    scales = [-path.log_init_scale for path in paths]
    kinds = set(zip(scales, map(style, paths), strict=True))
    if len(kinds) < len(paths):
        rank = np.argsort(np.argsort(scales, kind="stable"))
    else:
        rank = np.unique(scales, return_inverse=True)[1]
    last = rank.max(initial=0)
    return [flow_colour(place / last if last else LONE) for place in rank]


def flow_colour(place: float = LONE) -> str:
    """The colour of a flow, from 0, the largest λ, to 1: readable in grey, green as no neuron is."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return to_hex(colormaps["Greens"](0.45 + 0.55 * place))


def sequence(count: int) -> list[Any]:
    """A colour for each step of a path: the later, the darker, readable in grey."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.72 - 0.72 * (i + 1) / count) for i in range(count)]


def neuron_look(sign: float) -> dict[str, Any]:
    """The marker of a neuron: filled circle or open square."""
    if sign > 0:
        return {"color": POSITIVE, "marker": "o"}
    return {"color": NEGATIVE, "marker": "s", "mfc": "white"}


def size_unit(labels: Array, inputs: Array, sizes: Array) -> float:
    """The size |a_j| ‖w_j‖ that others are drawn beside: the largest, if it matters to the labels.

    `inputs` are the norms ‖x_k‖; a neuron of size s adds at most s ‖x_k‖.
    """
    matters = 0.1 * float(np.abs(labels).max()) / float(inputs.max())
    return max(float(sizes.max(initial=0.0)), matters, 1e-300)


def style(path: Path) -> str:
    """Predictions are dotted, training runs dash-dotted."""
    if isinstance(path, Recording):
        return "-."
    return ":" if is_predicted(path) else "-"


def label(path: Path) -> str:
    """The scale of a path, and whether it is predicted or of a training run."""
    kind = ", predicted" if is_predicted(path) else ""
    if isinstance(path, Recording):
        kind = ", trained"
    digits, exponent = scale_name(path.log_init_scale).split("e")
    power = f"10^{{{exponent}}}" if digits == "1" else rf"{digits} \times 10^{{{exponent}}}"
    if path.log_init_scale > np.log(0.011):
        power = f"{np.exp(path.log_init_scale):.3g}"
    return rf"$\lambda = {power}${kind}"


def jump_colours(n_jumps: int) -> list[Any]:
    """A colour for each jump: the earlier, the darker."""
    from matplotlib import colormaps

    return [colormaps["viridis"](0.92 * i / max(n_jumps - 1, 1)) for i in range(n_jumps)]
