"""Neurons and residuals at one moment, as the circle of directions shows them.

A neuron is a direction, a sign and a size |a_j| ‖w_j‖, 0 while it is dormant. The limit keeps no weights
of dormant neurons, but growing and decaying ones have turned to D or −D, which their active samples
give: D = (1/n) Σ_k r_k x_k over these, along the walls on which they slide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..general.alignment import GeneralAlignment
from ..general.jumps_path import GeneralJumpPath
from ..general.walls import ZERO
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.network import Network
from ._shared import size_unit
from .moments import moments_of

ALIKE = 1e-3  # directions closer than this are drawn as one
_SMALL = 0.02  # share of the longest arrow below which a neuron counts as dormant


@dataclass(frozen=True, eq=False)
class Scene:
    """Residuals and neurons at one moment."""

    residuals: Array
    """r_k, shape (n,)."""
    headings: Array
    """Unit vectors of the neurons drawn, shape (k, r)."""
    signs: Array
    """Signs of their a_j, shape (k,)."""
    sizes: Array
    """|a_j| ‖w_j‖, shape (k,); 0: dormant."""
    states: NDArray[np.str_]
    """"active", "growing", "decaying", "resting", "dead", "stalled", or "" if not known, shape (k,)."""
    note: str = ""
    """What cannot be drawn."""


def scene_of(problem: GeneralProblem, shown: Any, clock: Any, t: Any) -> Scene:
    """Return what is to be drawn of a start, an alignment, a network or a path."""
    if isinstance(shown, GeneralJumpPath) and t is None:
        last = shown.n_jumps
        index = last if clock is None else int(np.searchsorted(shown.times, clock, side="right"))
        shown(0.0 if clock is None else clock)  # checks the time
        return _saddle_scene(problem, shown, index)
    nobody = np.zeros(0)
    if shown is None:
        return Scene(problem.y, np.zeros((0, problem.rank)), nobody, nobody, nobody.astype(str))
    if isinstance(shown, Initialization):
        headings, signs, _ = headings_of(shown.output, shown.hidden)
        return Scene(problem.y, headings, signs, 0 * signs, np.full(signs.size, ""))
    if isinstance(shown, GeneralAlignment):
        sizes = np.zeros(shown.signs.size)
        signs = np.asarray(shown.signs, dtype=float)
        return Scene(problem.y, shown.directions, signs, sizes, shown.states)
    network = moments_of(shown, clock, t)[-1].network
    return _network_scene(problem, network, problem.y - network.outputs(problem))


def _network_scene(problem: GeneralProblem, network: Network, residuals: Array) -> Scene:
    headings, signs, sizes = headings_of(network.output, network.hidden)
    sizes[sizes < _SMALL * unit_of(problem, sizes)] = 0
    states = np.where(sizes > 0, "active", "")
    return Scene(_without_noise(problem, residuals), headings, signs, sizes, states)


def headings_of(output: Array, hidden: Array) -> tuple[Array, Array, Array]:
    """Return unit vectors, signs and sizes |a_j| ‖w_j‖ of the neurons that are not 0."""
    norms = np.linalg.norm(hidden, axis=1)
    seen = (norms > 0) & (output != 0)
    return hidden[seen] / norms[seen, None], np.sign(output[seen]), np.abs(output * norms)[seen]


def saddle_unit(problem: GeneralProblem, jumps: GeneralJumpPath) -> float:
    """Return the size of the longest arrow at any saddle of the limit."""
    sizes = [bundle_sizes(_saddle_scene(problem, jumps, i)) for i in range(jumps.n_jumps + 1)]
    return max(unit_of(problem, at_one) for at_one in sizes)


def _saddle_scene(problem: GeneralProblem, jumps: GeneralJumpPath, index: int) -> Scene:
    """Neurons of the limit: dormant ones that move stand where they turn to, the others nowhere."""
    residuals = _without_noise(problem, jumps.residuals[index])
    network, states = jumps.saddle(index), jumps.states[index]
    headings = network.hidden.copy()
    turning = np.isin(states, ("growing", "decaying"))
    for j in np.flatnonzero(turning):
        headings[j] = _ahead(problem, residuals, jumps.active[index, j])
        headings[j] *= jumps.signs[index, j] * (1 if states[j] == "growing" else -1)
    norms = np.linalg.norm(headings, axis=1)
    seen = (norms > 0) & ((states == "active") | turning)
    idle = [f"{np.sum(states == s)} {s}" for s in ("resting", "dead", "stalled") if s in states]
    return Scene(
        residuals,
        headings[seen] / norms[seen, None],
        jumps.signs[index][seen],
        (np.abs(network.output) * np.linalg.norm(network.hidden, axis=1))[seen],
        states[seen],
        ", ".join(idle),
    )


def _ahead(problem: GeneralProblem, residuals: Array, active: Array) -> Array:
    """D of a neuron with these samples active: along the walls on which it slides."""
    rows = problem.coordinates
    field: Array = (residuals * (active > 0)) @ rows
    walls = rows[active == 0]
    if len(walls):
        field = field - np.linalg.pinv(walls) @ (walls @ field)
    return field


def _without_noise(problem: GeneralProblem, residuals: Array) -> Array:
    return np.where(np.abs(residuals) <= ZERO * np.abs(problem.y).max(), 0.0, residuals)


def unit_of(problem: GeneralProblem, sizes: Array) -> float:
    """Return the size of the longest arrow."""
    return size_unit(problem.y, np.linalg.norm(problem.coordinates, axis=1), sizes)


def bundle_sizes(scene: Scene) -> Array:
    """Return the sizes of the arrows, positive ones first."""
    both = [
        joined(scene.headings[scene.signs == sign], scene.sizes[scene.signs == sign])
        for sign in (1, -1)
    ]
    return np.asarray(np.linalg.norm(np.concatenate(both), axis=1))


def joined(headings: Array, sizes: Array) -> Array:
    """Return size times heading, summed over those that point alike, shape (g, r)."""
    if not len(headings):
        return headings
    near = np.linalg.norm(headings[:, None] - headings, axis=2) < ALIKE
    first = near.argmax(axis=1)  # of each neuron, the first that points as it does
    arrows = headings * sizes[:, None]
    return np.array([arrows[first == i].sum(axis=0) for i in np.unique(first)])
