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

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from . import kernels

TOL = 1e-13  # what sums of terms of size 1 may be off by rounding

Sides = NDArray[np.int8]
Flags = NDArray[np.bool_]


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
    tol: float = TOL,
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
    tol : float
        Rounding of the field, relative to the sizes of what it sums.

    Returns
    -------
    Field
    """
    norms = np.linalg.norm(rows, axis=1)
    shares = (sides > 0).astype(np.float64)
    modes = sides.copy()
    chosen = np.zeros(walls.shape, dtype=np.bool_)
    slack = tol * ((np.abs(pulls) * ((sides > 0) | walls)) @ norms)
    velocity = (pulls * (shares * ~walls)) @ rows
    n_walls = walls.sum(axis=1)
    one = np.flatnonzero(n_walls == 1)
    k = walls[one].argmax(axis=1)
    velocity[one], shares[one, k], modes[one, k], chosen[one, k] = _on_one_wall(
        velocity[one], rows[k], pulls[one, k], sides[one, k], slack[one]
    )
    start = np.zeros(walls.shape) if guess is None else guess
    for j in np.flatnonzero(n_walls > 1):
        k = np.flatnonzero(walls[j])
        velocity[j], shares[j, k], modes[j, k], chosen[j, k] = kernels.wall_rule(
            velocity[j], rows[k], pulls[j, k], sides[j, k], start[j, k], slack[j]
        )
    still = np.linalg.norm(velocity, axis=1) <= slack
    velocity[still] = 0
    neuron, wall = np.nonzero(walls)
    rates = np.einsum("ir,ir->i", velocity[neuron], rows[wall])
    kept = np.zeros(walls.shape, dtype=np.bool_)
    kept[neuron, wall] = np.abs(rates) <= slack[neuron] * norms[wall]
    return Field(into_faces(velocity, rows, kept), shares, modes, kept, chosen, slack)


def into_faces(vectors: Array, rows: Array, walls: Flags) -> Array:
    """Take out of each vector (m, r) what rounding left of it across the walls (m, n) it keeps."""
    result = vectors.copy()
    for j in np.flatnonzero(walls.any(axis=1)):
        result[j] -= _across(rows[walls[j]].T, vectors[j])
    return result


def _across(walls: Array, vector: Array) -> Array:
    """The part of a vector (r,) in the span of the columns of `walls` (r, p)."""
    basis, triangle = np.linalg.qr(walls)
    sizes = np.abs(np.diagonal(triangle))
    if walls.shape[1] > walls.shape[0] or sizes.min() <= 1e-10 * sizes.max():  # dependent columns
        return np.asarray(walls @ np.linalg.lstsq(walls, vector, rcond=1e-12)[0])
    return np.asarray(basis @ (basis.T @ vector))


def _on_one_wall(
    base: Array, rows: Array, pulls: Array, sides: Sides, slack: Array
) -> tuple[Array, Array, Sides, Flags]:
    """Velocities, shares, modes and choices of neurons on one wall each, in closed form."""
    sq_norms = np.einsum("jr,jr->j", rows, rows)
    low = np.einsum("jr,jr->j", base, rows)
    high = low + pulls * sq_norms
    small = slack * np.sqrt(sq_norms)
    with np.errstate(invalid="ignore", divide="ignore"):
        held = np.clip(low / (low - high), 0, 1)
    held = np.where(low <= small, 0, np.where(high >= -small, 1, held))
    on = np.where(sides > 0, high >= -small, low > small)
    shares = np.where(pulls < 0, held, on)
    chosen = (pulls > 0) & (low <= small) & (high >= -small)
    return base + (shares * pulls)[:, None] * rows, shares, _modes(shares), chosen


def _modes(shares: Array) -> Sides:
    return np.where(shares == 0, -1, shares == 1).astype(np.int8)


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
