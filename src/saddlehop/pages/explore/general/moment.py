"""The limit and the flow at one clock, in the coordinates in which they are drawn.

A network on a line is straight between its kinks, w x + b = 0; on the circle neuron j stands at the
direction of w_j, at height 1 + log|a_j| / log(1/λ): 0 at size λ, 1 at size 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ...._support.arrays import Array
from ....general.extremal import ExtremalVectors, extremal_vectors
from ....general.jumps_path import GeneralJumpPath
from ....general.walls import ZERO
from ....model.general_problem import GeneralProblem
from ....model.network import Network
from .state import Shown

_LEVEL = 1e-3  # directions closer than this span no plane
_VISIBLE = 1e-3  # kinks below this share of the largest are not drawn


@dataclass(frozen=True, eq=False)
class Moment:
    """What is shown at one clock."""

    clock: float
    """Time t / log(1/λ)."""
    jumps: GeneralJumpPath
    """The limit."""
    limit: Network
    """The limit's network."""
    flow: Network | None
    """The flow's network, if there is a flow."""
    heights: Array
    """1 + log|a_j| / log(1/λ) of the flow's neurons, shape (m,); empty without a flow."""
    highest: float
    """The largest height on the whole path, at least 1."""

    @property
    def problem(self) -> GeneralProblem:
        """The data."""
        return self.jumps.problem

    @property
    def residuals(self) -> Array:
        """What is left of the labels: of the flow, or of the limit without one; 0 where it is nearly so."""
        network = self.limit if self.flow is None else self.flow
        left = self.problem.y - network.outputs(self.problem)
        size = float(np.max(np.abs(self.problem.y)))
        return np.where(np.abs(left) > ZERO * size, left, 0.0)


def moment_at(jumps: GeneralJumpPath, shown: Shown | None, clock: float) -> Moment:
    """Return what is shown at a time on the clock."""
    if shown is None:
        return Moment(clock, jumps, jumps(clock), None, np.zeros(0), 1.0)
    path = shown.path
    scale = -path.log_init_scale
    flow = path(min(clock * scale, float(path.t[-1])))
    with np.errstate(divide="ignore"):
        heights = 1 + np.log(np.abs(flow.output)) / scale
    highest = max(1.0, 1 + float(path.log_output.max()) / scale)
    return Moment(clock, jumps, jumps(clock), flow, heights, highest)


def is_on_line(problem: GeneralProblem) -> bool:
    """Whether the inputs are points on a line."""
    return problem.n_features - problem.bias == 1


def input_weights(network: Network, problem: GeneralProblem) -> Array:
    """Return the hidden weights in input space, shape (m, d)."""
    return np.asarray(network.hidden @ problem.basis)


def kinks(network: Network, problem: GeneralProblem) -> tuple[Array, Array]:
    """Return where each neuron bends the function on a line, nan if nowhere, and how much, |a w|."""
    weights = input_weights(network, problem)
    sizes = np.abs(network.output * weights[:, 0])
    offsets = weights[:, 1] if problem.bias else np.zeros(len(weights))
    with np.errstate(divide="ignore", invalid="ignore"):
        places = -offsets / weights[:, 0]
    seen = np.isfinite(places) & (sizes > _VISIBLE * sizes.max(initial=0.0))
    return np.where(seen, places, np.nan), sizes


def on_line(network: Network, problem: GeneralProblem, left: float, right: float) -> Array:
    """Return the corners (x, h(x)) of a network's function between two inputs, shape (p, 2)."""
    places = kinks(network, problem)[0]
    inside = places[(places > left) & (places < right)]
    x = np.unique(np.concatenate([[left, right], inside]))
    return np.column_stack([x, network.predict(x[:, None], problem)])


@lru_cache(maxsize=16)
def plane_of(jumps: GeneralJumpPath) -> Array:
    """Return the two directions, in the problem's coordinates, in which neurons are drawn, shape (2, r).

    The inputs' own where there are two; otherwise the plane of the two fastest extremal vectors, or of
    the fastest and an input if there is no other.
    """
    problem = jumps.problem
    if problem.n_features == 2:
        return np.asarray(problem.basis.T)
    fastest = extremal_vectors(problem, starts=jumps.initialization).directions
    axes = np.zeros((2, problem.rank))
    found = 0
    for candidate in np.concatenate([fastest, problem.coordinates]):
        left = candidate - axes.T @ (axes @ candidate)
        if found < 2 and np.linalg.norm(left) > _LEVEL * np.linalg.norm(candidate):
            axes[found] = left / np.linalg.norm(left)
            found += 1
    return axes


def pulls(moment: Moment) -> ExtremalVectors | None:
    """Return the directions that draw neurons at this moment, or None if nothing pulls."""
    residuals = moment.residuals
    if not residuals.any():
        return None
    return extremal_vectors(moment.problem, residuals, starts=moment.jumps.initialization)


def utility(moment: Moment, directions: Array) -> Array:
    """Return G(w) = (1/n) Σ_k r_k (w·x_k)₊ at rows of the problem's coordinates."""
    heights = np.maximum(directions @ moment.problem.coordinates.T, 0)
    return np.asarray(heights @ moment.residuals / moment.problem.n_samples)
