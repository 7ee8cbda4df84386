"""How fast the loss falls along a flow: μ = ‖∇L‖² / 2L, so that L̇ = −2 μ L."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .._support.arrays import Array
from .._support.validate import instance_of
from ..errors import InputError
from ..flow.simulate import FlowPath
from ..general.jumps_path import orthogonal_jumps
from ..limit.jump_path import JumpPath
from ..model.general_problem import orthogonal_problem
from ..yardsticks.curvature import asymptotic_rate, local_pl_constant
from ._shared import CLOCK_LABEL, NEVER, add_legend, dress, label, new_axes, shades
from .curves import FARTHEST, clock_end, require_clock

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DEPTH = 1e-10  # below this part of the largest μ the axis ends
_NEAR = 0.1  # distance of logarithms from which on μ has come to the dashed line


def pl_constant(
    *flows: FlowPath, jumps: JumpPath | None = None, points: int = 300, ax: Axes | None = None
) -> Axes:
    """Draw the local Polyak–Łojasiewicz constant along flows, on a logarithmic axis.

    It falls to nothing at a saddle and tends to the dashed line, the asymptotic rate, in the end.

    Parameters
    ----------
    *flows : FlowPath
        At least one, at scales λ < 1.
    jumps : JumpPath, optional
        Their limit, whose jumps are marked by thin lines.
    points : int
        How many times each flow is read at.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    if not flows:
        raise InputError("`flows` is empty; pass at least one flow of `simulate_flow`.")
    for flow in flows:
        instance_of(flow, "flows", FlowPath)
        orthogonal_problem(
            flow.problem, "the rate at the end is known", "draw `plot.loss_staircase`"
        )
    if jumps is not None:
        orthogonal_jumps(jumps, "the rate at the end is known", "draw `plot.loss_staircase(jumps)`")
    ax = new_axes(ax)
    highest, end = [], clock_end(jumps) if jumps is not None else np.inf
    ends = [end]
    for flow, shade in zip(flows, shades(flows), strict=True):
        clock, values = _along(flow, points)
        highest.append(np.nanmax(values, initial=1e-300))
        ax.semilogy(clock, values, color=shade, lw=1.2, label=label(flow))
        rate = asymptotic_rate(flow.problem, flow.final)
        if rate > 0:
            ax.axhline(rate, color=shade, lw=1, ls="--")
            ends.extend(clock[np.abs(np.log(values / rate)) > _NEAR][-1:])
    if jumps is not None:
        for time in jumps.times:
            ax.axvline(time, color=NEVER, lw=0.6, zorder=0)
    mu = r"$\mu = \|\nabla L\|^2 / 2L$  (dashed: $\lambda_{\min}(H)$ in the end)"
    dress(ax, CLOCK_LABEL, mu)
    ax.set_xlim(0, min(max(ends), FARTHEST * end) if jumps is not None else None)
    top = float(np.nanmax(highest))
    ax.set_ylim(top * _DEPTH, top * 3)
    add_legend(ax, "lower right")
    return ax


def _along(flow: FlowPath, points: int) -> tuple[Array, Array]:
    """Clock times and μ there; nan where μ is zero, which has no logarithm."""
    times = np.unique(np.concatenate([np.linspace(0, flow.t[-1], points), flow.t]))
    if times.size > 2 * points:
        times = times[np.linspace(0, times.size - 1, 2 * points).astype(np.int64)]
    values = np.array([local_pl_constant(flow.problem, flow(float(t))) for t in times])
    return times / require_clock(flow), np.where(values > 0, values, np.nan)
