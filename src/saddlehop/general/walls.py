"""The wall rule: a neuron of sign s moves with s times the shortest field that its walls allow.

Neuron j is on wall k where w_j·x_k = 0. With q_jk = s_j r_k / n (`pulls`) its velocity is

    v_j = Σ_{k active} q_jk x_k + Σ_{k on the wall} θ_jk q_jk x_k,    θ_jk ∈ [0, 1]     (`shares`)

Walls with q < 0 attract: their θ make v_j shortest, all at once. A θ inside (0, 1) holds the neuron on
the wall (it slides, v_j·x_k = 0); at 0 or 1 it leaves to the inactive or active side. Walls with q > 0
repel: θ is 0 or 1, by the side v_j points to. A neuron that rests on a repelling wall could leave to
either side; it stays on the side it came from (`sides`), and `chosen` says that this decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from . import kernels
from .kernels import pieces

TOL = 1e-13  # what sums of terms of size 1 may be off by rounding
ZERO = 1e-8  # residuals below this share of the largest label count as 0

Sides = NDArray[np.int8]
Flags = NDArray[np.bool_]


class Edge(NamedTuple):
    """A neuron that grows along a wall which it does not touch."""

    neuron: int
    sample: int
    level: float
    """E in |w·x_k| = λ^(−E) e^h."""
    log_height: float
    """h."""


@dataclass(frozen=True, eq=False)
class Field:
    """How neurons move where they are."""

    velocity: Array
    """v_j, shape (m, r); exactly 0 where it is 0 to within rounding."""
    shares: Array
    """θ_jk, shape (m, n): 1 on active samples, 0 on inactive ones, between on walls slid on."""
    modes: Sides
    """1 where the neuron is on or leaves to the active side, −1 the inactive, 0 where it slides,
    shape (m, n)."""
    kept: Flags
    """Walls that the neuron does not leave, v_j·x_k = 0: those it slides on and those along which it
    moves with θ at 0 or 1, shape (m, n)."""
    chosen: Flags
    """Repelling walls on which the side the neuron came from decided, shape (m, n)."""
    slack: Array
    """Rounding of the velocities, shape (m,)."""


def wall_rule(
    rows: Array,
    pulls: Array,
    walls: Flags,
    sides: Sides,
    guess: Array | None = None,
) -> Field:
    """Find the velocities of neurons on walls.

    Parameters
    ----------
    rows : ndarray, shape (n, r)
        Inputs x_k.
    pulls : ndarray, shape (m, n)
        q_jk = s_j r_k / n.
    walls : ndarray of bool, shape (m, n)
        Whether w_j·x_k = 0.
    sides : ndarray of int8, shape (m, n)
        ±1: the side neuron j is on; on a wall the side it came from, or where it is moving across.
    guess : ndarray, shape (m, n), optional
        Shares θ to start the search on walls from; it saves time where few are new. Where the θ of
        dependent walls are not unique, the result depends on it; velocities do not.

    Returns
    -------
    Field
    """
    (m, n), r = walls.shape, rows.shape[1]
    field = pieces.new_fields(m, n, r)
    if guess is not None:
        field.shares[:], field.kept[:] = guess, True
    some, none = np.ones((m, r)), np.zeros(m)
    signs = np.ones(m, np.int8)
    neurons = pieces.Neurons(signs, none, none, some, none, np.array(walls), sides.copy())
    pieces.fill_fields(np.ascontiguousarray(rows), np.ascontiguousarray(pulls), neurons, field)
    return Field(*field)


def shortest(base: Array, walls: Array, slack: float, guess: Array | None = None) -> Array:
    """Return θ ∈ [0, 1]^p that makes base + θ·walls shortest.

    Parameters
    ----------
    base : ndarray, shape (r,)
    walls : ndarray, shape (p, r)
        Rows may be dependent; then θ is one of several, the sum unique.
    slack : float
        Slopes along a unit wall that count as 0.
    guess : ndarray, shape (p,), optional
        θ to start from; zeros by default.
    """
    shares = np.zeros(len(walls)) if guess is None else guess
    pulls, sides = -np.ones(len(walls)), -np.ones(len(walls), np.int8)
    return kernels.wall_rule(base, -walls, pulls, sides, shares, slack)[1]
