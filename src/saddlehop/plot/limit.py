"""The limit against the clock, a staircase and a fan, with flows at finite λ over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array
from .._support.validate import instance_of, one_of
from ..errors import InputError
from ..flow.simulate import FlowPath
from ..general.jumps_path import GeneralJumpPath
from ..limit.jump_path import JumpPath
from ..yardsticks.min_norm import min_norm_interpolator
from ._shared import (
    CLOCK_LABEL,
    LIMIT,
    NEGATIVE,
    NEVER,
    POSITIVE,
    SMALL,
    add_legend,
    dress,
    label,
    new_axes,
    shades,
    style,
)
from .curves import (
    LEVEL,
    Path,
    clock_end,
    read_flow,
    require_clock,
    rest_of,
    sample,
    signs_of,
    view_end,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


AnyJumps = JumpPath | GeneralJumpPath


def loss_staircase(
    jumps: AnyJumps, *paths: Path, against: str = "clock", ax: Axes | None = None
) -> Axes:
    """Draw the loss in the limit λ → 0, a staircase, with flows over it.

    Parameters
    ----------
    jumps : JumpPath or GeneralJumpPath
    *paths : FlowPath, Prediction or alike
        Drawn over the limit, at their own λ; smaller λ are darker, or later paths if some share a λ.
        Predictions are dotted, training runs dash-dotted.
    against : {"clock", "t"}
        What runs along the axis: the clock t / log(1/λ), or the flow's own time t, on which the
        limit is drawn dashed for the λ of each path.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    instance_of(jumps, "jumps", JumpPath, GeneralJumpPath)
    in_t = one_of(against, "against", ("clock", "t")) == "t"
    if in_t and not paths:
        raise InputError('`against` is "t", where the limit has no place of its own; pass a flow.')
    ax = new_axes(ax)
    units = [require_clock(path) if in_t else 1.0 for path in paths]
    ends = [unit * view_end(jumps, path) for path, unit in zip(paths, units, strict=True)]
    end = max(ends, default=view_end(jumps))
    for path, shade, unit in zip(paths, shades(paths), units, strict=True):
        curve = sample(path, end / unit)
        ax.plot(
            curve.clock * unit, curve.losses, color=shade, lw=1.3, ls=style(path), label=label(path)
        )
        if in_t:
            edges = _edges(jumps, end / unit) * unit
            ax.stairs(jumps.losses, edges, baseline=None, color=shade, lw=0.8, ls="--")
    if not in_t:
        _draw_limit(ax, jumps, jumps.losses, end, bool(paths))
    dress(ax, "time  $t$" if in_t else CLOCK_LABEL, r"loss  $\Sigma_k r_k^2 \,/\, 2n$")
    _cut(ax, jumps, end, paths, units)
    ax.set_ylim(bottom=min(0.0, float(jumps.losses[0]) * -0.03))
    if paths:
        add_legend(ax, "upper right")
    return ax


def neuron_fan(jumps: AnyJumps, *paths: Path, ax: Axes | None = None) -> Axes:
    """Draw the size of each neuron in the limit, as exponents log|a_j| / log(1/λ).

    All start at −1; a neuron that reaches 0 activates. Positive neurons are solid, negative ones
    dashed, neurons that never activate thin and grey.

    Parameters
    ----------
    jumps : JumpPath or GeneralJumpPath
    *paths : FlowPath, Prediction or alike
        Sizes of the activating neurons at a finite λ, drawn thin over the limit.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    instance_of(jumps, "jumps", JumpPath, GeneralJumpPath)
    ax = new_axes(ax)
    end = view_end(jumps, *paths)
    clock = _edges(jumps, end)
    exponents = np.vstack([jumps.exponents, jumps.exponents[-1]])
    activates = exponents[-1] == 0
    signs, wide = signs_of(jumps), 2.4 if paths else 1.3
    for neuron in range(jumps.width):
        positive = signs[neuron] > 0
        look: dict[str, Any] = {"color": NEVER, "lw": 0.7, "zorder": 1}
        if activates[neuron]:
            look = {"color": POSITIVE if positive else NEGATIVE, "lw": wide, "zorder": 2}
        ax.plot(clock, exponents[:, neuron], ls="-" if positive else "--", **look)
    for path, shade in zip(paths, shades(paths), strict=True):
        curve = sample(path, end)
        sizes = curve.exponents[:, activates]
        ax.plot(curve.clock, sizes, color=shade, lw=0.7, ls=style(path), zorder=4)
    ax.plot(jumps.times, np.zeros_like(jumps.times), "o", ms=3.5, color=LIMIT, zorder=5)
    _fan_legend(ax, set(signs[activates].tolist()), bool((~activates).any()))
    dress(ax, CLOCK_LABEL, r"exponent  $\log|a_j| \,/\, \log(1/\lambda)$")
    _cut(ax, jumps, end)
    ax.set_ylim(1.04 * min(-1.0, float(exponents.min())), 0.06)
    return ax


def norm_path(jumps: AnyJumps, *paths: Path, ax: Axes | None = None) -> Axes:
    """Draw the squared norm in the limit against the clock, with flows over it.

    The dashed line, of orthogonal data, is the least squared norm of any network that fits all labels.

    Parameters
    ----------
    jumps : JumpPath or GeneralJumpPath
    *paths : FlowPath
        Drawn over the limit. Other paths that have `clock` and `sq_norms` are drawn at these.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    instance_of(jumps, "jumps", JumpPath, GeneralJumpPath)
    ax = new_axes(ax)
    end = view_end(jumps, *paths)
    for path, shade in zip(paths, shades(paths), strict=True):
        clock, sq_norms = _norms_of(path, end)
        ax.plot(clock, sq_norms, color=shade, lw=1.3, ls=style(path), label=label(path))
    _draw_limit(ax, jumps, jumps.sq_norms, end, bool(paths))
    if isinstance(jumps, JumpPath):
        least = min_norm_interpolator(jumps.problem).sq_norm
        ax.axhline(least, color=NEGATIVE, lw=1.2, ls="--", label="least that fits all labels")
    dress(ax, CLOCK_LABEL, r"squared norm  $\|\theta\|^2$")
    _cut(ax, jumps, end, paths)
    ax.set_ylim(bottom=0)
    add_legend(ax, "lower right")
    return ax


def jump_figure(jumps: AnyJumps, *paths: Path, title: str | None = None) -> Figure:
    """Draw the loss staircase above the neuron fan, on one clock.

    Parameters
    ----------
    jumps : JumpPath or GeneralJumpPath
    *paths : FlowPath, Prediction or alike
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


def _edges(jumps: AnyJumps, end: float) -> Array:
    """Where the steps of the limit begin and the last ends, on the clock."""
    return np.concatenate([[0.0], jumps.times, [max(end, clock_end(jumps))]])


def _draw_limit(ax: Axes, jumps: AnyJumps, steps: Array, end: float, under: bool) -> None:
    """Draw the limit: a line, or a wide grey one that shows under flows that have come near."""
    look: dict[str, Any] = {"color": NEVER, "lw": 4.5} if under else {"color": LIMIT, "lw": 1.8}
    edges = _edges(jumps, end)
    ax.stairs(steps, edges, baseline=None, label="limit λ → 0", zorder=1, **look)


def _cut(
    ax: Axes, jumps: AnyJumps, end: float, paths: Sequence[Any] = (), units: Sequence[float] = ()
) -> None:
    """End the picture at `end`, and say what comes later; `units` of the axis are one of the clock."""
    ax.set_xlim(0, end)
    times = jumps.times * max(units, default=1.0)
    later = [f"{np.sum(times > end)} more to {times[-1]:.4g}"] if (times > end).any() else []
    falls = [
        unit * rest_of(path, float(path.clock[-1]))
        for path, unit in zip(paths, units or [1.0] * len(paths), strict=True)
        if hasattr(path, "clock")
    ]
    if max(falls, default=0.0) > end:
        later.append(f"loss falls on to {max(falls):.4g}")
    if later:
        text = ", ".join(later) + " →"
        ax.annotate(
            text, (1, 1.01), xycoords="axes fraction", ha="right", va="bottom", fontsize=SMALL
        )


def _norms_of(path: Any, end: float) -> tuple[Array, Array]:
    """Clock times and squared norms of a path that keeps them."""
    if not isinstance(path, FlowPath):
        if not hasattr(path, "sq_norms") or not hasattr(path, "clock"):
            raise InputError(
                f"A {type(path).__name__} keeps no squared norms; pass flows of `simulate_flow`."
            )
        return path.clock, path.sq_norms
    flow, scale = path, require_clock(path)

    def read_at(times: Array) -> tuple[list[float]]:
        return ([flow(float(time)).sq_norm for time in times],)

    t, sq_norms = read_flow(flow, end, LEVEL, [flow.sq_norms], read_at)
    return t / scale, sq_norms


def _fan_legend(ax: Axes, signs: set[int], has_dormant: bool) -> None:
    """Name the kinds of neurons that are drawn; `signs` are those of the active ones."""
    from matplotlib.lines import Line2D

    handles = []
    if 1 in signs:
        handles.append(Line2D([], [], color=POSITIVE, label="positive neuron"))
    if -1 in signs:
        handles.append(Line2D([], [], color=NEGATIVE, ls="--", label="negative neuron"))
    if has_dormant:
        handles.append(Line2D([], [], color=NEVER, lw=0.7, label="never activates"))
    add_legend(ax, "lower right", handles=handles)
