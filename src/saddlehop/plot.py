"""Figures. Every function draws on `ax` (a new figure if None) and returns the Axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Array
from .flow import FlowPath
from .jumps import JumpPath
from .prediction import Prediction
from .recording import Recording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLOCK_LABEL = r"clock  $t \,/\, \log(1/\lambda)$"
_POSITIVE, _NEGATIVE, _NEVER, _LIMIT = "#0072B2", "#D55E00", "#B0B0B0", "#222222"


def loss_staircase(
    jumps: JumpPath, *paths: FlowPath | Recording | Prediction, ax: Axes | None = None
) -> Axes:
    """Draw the loss in the limit λ → 0 against the clock, a staircase, with flows over it.

    Parameters
    ----------
    jumps : JumpPath
    *paths : FlowPath, Recording or Prediction
        Drawn over the limit, at their own λ; smaller λ are darker, predictions dotted.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax)
    edges = np.concatenate([[0.0], jumps.times, [clock_end(jumps)]])
    for path, shade in zip(paths, _shades(paths), strict=True):
        clock = _sampled_clock(jumps, path)
        losses = path.loss_at(clock * -path.log_init_scale)
        ax.plot(clock, losses, color=shade, lw=1.2, ls=_style(path), label=_label(path))
    ax.stairs(jumps.losses, edges, baseline=None, color=_LIMIT, lw=1.8, label="limit λ → 0")
    ax.set_ylabel(r"loss  $\Sigma_k r_k^2 \,/\, 2n$")
    ax.set_xlabel(CLOCK_LABEL)
    ax.set_xlim(0, edges[-1])
    ax.set_ylim(bottom=min(0.0, float(jumps.losses[0]) * -0.03))
    ax.spines[["top", "right"]].set_visible(False)
    if paths:
        ax.legend(loc="upper right", fontsize="small", frameon=False)
    return ax


def neuron_fan(
    jumps: JumpPath, *paths: FlowPath | Recording | Prediction, ax: Axes | None = None
) -> Axes:
    """Draw the size of each neuron in the limit, as exponents log|a_j| / log(1/λ).

    All start at −1; a neuron that reaches 0 activates. Positive neurons are solid, negative ones
    dashed, neurons that never activate thin and grey.

    Parameters
    ----------
    jumps : JumpPath
    *paths : FlowPath, Recording or Prediction
        Sizes of the activating neurons at a finite λ, drawn thin over the limit.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    ax = _axes(ax)
    clock = np.concatenate([[0.0], jumps.times, [clock_end(jumps)]])
    exponents = np.vstack([jumps.exponents, jumps.exponents[-1]])
    activates = exponents[-1] == 0
    for neuron in range(jumps.width):
        positive = jumps.sets.signs[neuron] > 0
        style: dict[str, Any] = {"color": _NEVER, "lw": 0.7, "zorder": 1}
        if activates[neuron]:
            style = {"color": _POSITIVE if positive else _NEGATIVE, "lw": 1.3, "zorder": 2}
        ax.plot(clock, exponents[:, neuron], ls="-" if positive else "--", **style)
    for path, shade in zip(paths, _shades(paths), strict=True):
        at = _sampled_clock(jumps, path)
        sizes = path.log_output_at(at * -path.log_init_scale) / -path.log_init_scale
        ax.plot(at, sizes[:, activates], color=shade, lw=0.6, ls=_style(path), zorder=4)
    ax.plot(jumps.times, np.zeros_like(jumps.times), "o", ms=3.5, color=_LIMIT, zorder=5)
    _fan_legend(ax, bool((~activates).any()))
    ax.set_ylabel(r"exponent  $\log|a_j| \,/\, \log(1/\lambda)$")
    ax.set_xlabel(CLOCK_LABEL)
    ax.set_xlim(0, clock[-1])
    ax.set_ylim(-1.04, 0.06)
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def jump_figure(
    jumps: JumpPath, *paths: FlowPath | Recording | Prediction, title: str | None = None
) -> Figure:
    """Draw the loss staircase above the neuron fan, on one clock.

    Parameters
    ----------
    jumps : JumpPath
    *paths : FlowPath, Recording or Prediction
        Drawn over the limit.
    title : str, optional

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    loss_staircase(jumps, *paths, ax=top).set_xlabel("")
    neuron_fan(jumps, *paths, ax=bottom)
    if title:
        top.set_title(title, fontsize="medium", loc="left")
    return figure


def clock_end(jumps: JumpPath) -> float:
    """Where pictures of `jumps` end on the clock: a little after the last jump."""
    return float(jumps.times[-1]) * 1.08 if jumps.n_jumps else 1.0


def _sampled_clock(jumps: JumpPath, path: FlowPath | Recording | Prediction) -> Array:
    """Clock times at which a path is drawn: even ones, and all of a flow's own."""
    even = np.linspace(0, clock_end(jumps), 800)
    if isinstance(path, Prediction):
        return even
    return np.unique(np.concatenate([even[even < path.clock[-1]], path.clock]))


def _shades(paths: Sequence[FlowPath | Recording | Prediction]) -> list[Any]:
    """A colour for each path, darker for smaller λ, readable in grey."""
    from matplotlib import colormaps

    order = np.argsort(np.argsort([path.log_init_scale for path in paths]))
    return [colormaps["viridis"](0.15 + 0.75 * i / max(len(paths) - 1, 1)) for i in order]


def _style(path: FlowPath | Recording | Prediction) -> str:
    return ":" if isinstance(path, Prediction) else "-"


def _label(path: FlowPath | Recording | Prediction) -> str:
    kind = {Prediction: ", predicted", Recording: ", trained"}.get(type(path), "")
    return rf"$\lambda = 10^{{{path.log_init_scale / np.log(10):.4g}}}${kind}"


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1]


def _fan_legend(ax: Axes, has_dormant: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=_POSITIVE, label="positive neuron"),
        Line2D([], [], color=_NEGATIVE, ls="--", label="negative neuron"),
    ]
    if has_dormant:
        handles.append(Line2D([], [], color=_NEVER, lw=0.7, label="never activates"))
    ax.legend(handles=handles, loc="lower right", fontsize="small", frameon=False)
