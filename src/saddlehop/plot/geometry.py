"""Neurons in a plane: where their weights point and how large they are.

A neuron is drawn at |a_j| u_j, what it adds to the targets, projected on two directions. Sizes that
are powers of λ can be drawn as 1 + log(|a_j| ‖u_j‖) / 2L instead, from 0 at the start to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array
from ..errors import InputError
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.network import Network
from ..model.problem import Problem
from ._shared import NEVER, add_legend, dress, neuron_look, new_axes
from .function import function

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def neuron_map(
    problem: AnyProblem,
    *networks: Network,
    plane: Any = "principal",
    log_init_scale: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the neurons of a network as arrows in a plane, or as kinks of its function.

    Positive neurons are filled circles, negative ones open squares.

    Parameters
    ----------
    problem : Problem
        A GeneralProblem too if `plane` is "kinks".
    *networks : Network
        The last is drawn; those before it, such as `flow(t)` at earlier times, leave a trail.
    plane : {"principal", "kinks"} or pair of int
        The two principal directions of |a_j| u_j in the last network; or two samples, whose
        coordinates become the axes; or, for one-dimensional inputs with bias, the function h(x)
        itself with the kink of each neuron, as `function` draws it.
    log_init_scale : float, optional
        log λ: draw sizes on a logarithmic scale from λ at the centre to 1 on the circle.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
    """
    if not networks:
        raise InputError("`networks` is empty; pass the network to draw, such as `jumps.final`.")
    if isinstance(plane, str) and plane == "kinks":
        return function(problem, *networks, ax=ax)
    if isinstance(problem, GeneralProblem):
        raise InputError(
            "`problem` is a GeneralProblem, which has no sample coordinates; pass it to `plot.utility`, or "
            '`plane="kinks"` if it has one input and a bias.'
        )
    for network in networks:
        network.outputs(problem)  # checks that the two fit
    ax = new_axes(ax)
    axes = _plane(problem, networks[-1], plane)
    places = np.array([_places(network, axes, log_init_scale) for network in networks])
    signs = np.sign(networks[-1].output)
    for neuron, sign in enumerate(signs):
        if sign != 0:
            _draw_neuron(ax, places[:, neuron], sign)
    _dress_plane(ax, plane, log_init_scale)
    return ax


def _plane(problem: Problem, network: Network, plane: Any) -> Array:
    """Two orthonormal directions in sample coordinates, shape (2, n)."""
    n = problem.n_samples
    if isinstance(plane, str) and plane == "principal":
        return _principal(network)
    try:
        first, second = (int(sample) for sample in plane)
    except (TypeError, ValueError):
        first = second = -1
    if not (0 <= first < n and 0 <= second < n and first != second):
        raise InputError(
            f'`plane` is {plane!r}; pass "principal", "kinks" or two different samples from 0 to '
            f"{n - 1}."
        )
    return np.eye(n)[[first, second]]


def _principal(network: Network) -> Array:
    """The principal directions of the contributions, pointing to where most of them lie."""
    moved = np.abs(network.contributions)
    size = moved.max(initial=0.0) or 1.0
    axes = np.linalg.svd(moved / size, full_matrices=False)[2][:2]
    axes = np.vstack([axes, np.zeros((2 - len(axes), moved.shape[1]))])
    lean = np.sum((moved / size) @ axes.T, axis=0)
    return np.asarray(axes * np.where(lean < 0, -1.0, 1.0)[:, None])


def _places(network: Network, axes: Array, log_scale: float | None) -> Array:
    """Where each neuron is drawn, shape (m, 2)."""
    moved = np.abs(network.contributions)
    if log_scale is None:
        return np.asarray(moved @ axes.T)
    size = np.linalg.norm(np.maximum(network.hidden, 0), axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        height = 1 + (np.log(np.abs(network.output)) + np.log(size)) / (2 * -log_scale)
        direction = np.maximum(network.hidden, 0) / size[:, None]
        moved = np.nan_to_num(np.clip(height, 0, None)[:, None] * direction)
    return np.asarray(moved @ axes.T)


def _draw_neuron(ax: Axes, places: Array, sign: float) -> None:
    look = neuron_look(sign)
    end, colour = places[-1], look["color"]
    ax.plot([0, end[0]], [0, end[1]], color=colour, lw=0.8, ls="-" if sign > 0 else "--")
    if len(places) > 1:
        ax.plot(places[:, 0], places[:, 1], color=colour, lw=0.7, alpha=0.45, zorder=1)
    ax.plot(*end, ms=5.5, zorder=3, **look)


def _dress_plane(ax: Axes, plane: Any, log_scale: float | None) -> None:
    from matplotlib.lines import Line2D

    ax.axhline(0, color=NEVER, lw=0.6, zorder=0)
    ax.axvline(0, color=NEVER, lw=0.6, zorder=0)
    if log_scale is not None:
        angle = np.linspace(0, 2 * np.pi, 200)
        ax.plot(np.cos(angle), np.sin(angle), color=NEVER, lw=0.8, zorder=0)
    names = (
        ("first principal direction", "second principal direction")
        if isinstance(plane, str)
        else [f"sample {sample}" for sample in plane]
    )
    dress(ax, *names)
    ax.set_aspect("equal", adjustable="datalim")
    handles = [
        Line2D([], [], lw=0.8, label="positive neuron", **neuron_look(1)),
        Line2D([], [], lw=0.8, ls="--", label="negative neuron", **neuron_look(-1)),
    ]
    add_legend(ax, "best", handles=handles)
