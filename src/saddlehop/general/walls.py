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
        velocity[j], shares[j, k], modes[j, k], chosen[j, k] = _on_walls(
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


def _on_walls(
    base: Array, rows: Array, pulls: Array, sides: Sides, guess: Array, slack: float
) -> tuple[Array, Array, Sides, Flags]:
    """Velocity, shares, modes and choices of one neuron on several walls, `base` without them."""
    velocity, shares = _settle(base, rows, pulls, (pulls >= 0) & (sides > 0), guess, slack)
    chosen = pulls > 0
    for k in np.flatnonzero(chosen):
        chosen[k] = _could_differ(base, rows, pulls, shares, int(k), slack)
    return velocity, shares, _modes(shares), chosen


def _settle(
    base: Array, rows: Array, pulls: Array, on: Flags, guess: Array, slack: float
) -> tuple[Array, Array]:
    """Choose the sides of repelling walls by where the velocity points, starting from `on`.

    Each round raises s G(w + v) − ‖v‖²/2, so no choice comes twice.
    """
    attracts, repels = pulls < 0, pulls >= 0
    small = slack * np.linalg.norm(rows, axis=1)
    walls, shares = pulls[:, None] * rows, guess
    while True:
        shares = np.where(repels, on, shares)
        fixed = base + (shares * repels) @ walls
        shares[attracts] = shortest(fixed, walls[attracts], slack, shares[attracts])
        velocity = base + shares @ walls
        rates = rows @ velocity
        moved = repels & np.where(on, rates >= -small, rates > small)
        if (moved == on).all():
            return velocity, shares
        on = moved


def _could_differ(
    base: Array, rows: Array, pulls: Array, shares: Array, k: int, slack: float
) -> bool:
    """Whether the velocity with the other side of repelling wall `k` points to that other side."""
    on = (pulls >= 0) & (shares > 0)
    on[k] = ~on[k]
    _, other = _settle(base, rows, pulls, on, shares, slack)
    return bool((other[k] > 0) == on[k])


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
        θ to start from, those inside (0, 1) independent; zeros by default.

    Notes
    -----
    An active-set method: the wall that shortens most is set free, the free ones are solved for, and
    what leaves the box is fixed at its bound. A wall that depends on the free ones has slope 0, so
    the free ones stay independent.
    """
    sizes = np.linalg.norm(walls, axis=1)
    unit = walls / np.where(sizes > 0, sizes, 1)[:, None]
    shares = np.zeros(len(walls)) if guess is None else guess.copy()
    free, barred = (shares > 0) & (shares < 1), sizes == 0
    _solve_free(base, walls, unit, sizes, shares, free)
    while True:
        slopes = unit @ (base + shares @ walls)
        gain = np.where(shares == 0, -slopes, np.where(shares == 1, slopes, -np.inf))
        gain[free | barred] = -np.inf
        if gain.size == 0 or gain.max() <= slack:
            return _snapped(shares, slack, sizes)
        k = int(np.argmax(gain))
        free[k], before = True, shares[k]
        _solve_free(base, walls, unit, sizes, shares, free)
        barred[k] |= shares[k] == before  # nothing but rounding set it free


def _snapped(shares: Array, slack: float, sizes: Array) -> Array:
    """Shares that are 0 or 1 to within rounding are."""
    result = np.where(shares * sizes <= slack, 0.0, shares)
    result[(1 - shares) * sizes <= slack] = 1.0
    return result


def _solve_free(
    base: Array, walls: Array, unit: Array, sizes: Array, shares: Array, free: Flags
) -> None:
    """Move the free shares to their best values, and fix those that reach a bound on the way."""
    while free.any():
        rest = base + np.where(free, 0, shares) @ walls
        basis, triangle = np.linalg.qr(unit[free].T)
        best = np.linalg.solve(triangle, -(rest @ basis)) / sizes[free]
        outside = (best < 0) | (best > 1)
        if not outside.any():
            shares[free] = best
            return
        now, bound = shares[free], (best > 1).astype(np.float64)
        steps = (bound[outside] - now[outside]) / (best[outside] - now[outside])
        step = float(steps.min())
        moved = now + step * (best - now)
        reached = np.flatnonzero(outside)[steps == step]
        moved[reached] = bound[reached]
        shares[free] = moved
        free[np.flatnonzero(free)[reached]] = False
