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
    """1 where the neuron is on or leaves to the active side, −1 the inactive, 0 where it stays on the
    wall, shape (m, n)."""
    chosen: Flags
    """Repelling walls on which the side the neuron came from decided, shape (m, n)."""


def wall_rule(rows: Array, pulls: Array, walls: Flags, sides: Sides, tol: float = TOL) -> Field:
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
    for j in np.flatnonzero(n_walls > 1):
        k = np.flatnonzero(walls[j])
        velocity[j], shares[j, k], modes[j, k], chosen[j, k] = _on_walls(
            velocity[j], rows[k], pulls[j, k], sides[j, k], slack[j]
        )
    velocity[np.linalg.norm(velocity, axis=1) <= slack] = 0
    modes[walls & ~velocity.any(axis=1)[:, None] & (pulls <= 0)] = 0
    return Field(velocity, shares, modes, chosen)


def _on_one_wall(
    base: Array, rows: Array, pulls: Array, sides: Sides, slack: Array
) -> tuple[Array, Array, Sides, Flags]:
    """Velocities, shares, modes and choices of neurons on one wall each, in closed form."""
    sq_norms = np.einsum("jr,jr->j", rows, rows)
    low = np.einsum("jr,jr->j", base, rows)
    high = low + pulls * sq_norms
    small = slack * np.sqrt(sq_norms)
    with np.errstate(invalid="ignore", divide="ignore"):
        held = np.where(low > high, np.clip(low / (low - high), 0, 1), 0)
    on = np.where(sides > 0, high >= -small, low > small)
    shares = np.where(pulls < 0, held, on)
    rates = low + shares * (high - low)
    modes = np.where(np.abs(rates) <= small, 0, np.sign(rates))
    modes = np.where(pulls > 0, 2 * on - 1, modes).astype(np.int8)
    chosen = (pulls > 0) & (low <= small) & (high >= -small)
    return base + (shares * pulls)[:, None] * rows, shares, modes, chosen


def _on_walls(
    base: Array, rows: Array, pulls: Array, sides: Sides, slack: float
) -> tuple[Array, Array, Sides, Flags]:
    """Velocity, shares, modes and choices of one neuron on several walls, `base` without them."""
    small = slack * np.linalg.norm(rows, axis=1)
    repels = pulls > 0
    velocity, shares = _settle(base, rows, pulls, repels & (sides > 0), slack)
    rates = rows @ velocity
    modes = np.where(np.abs(rates) <= small, 0, np.sign(rates)).astype(np.int8)
    modes[repels] = np.where(shares[repels] > 0, 1, -1)
    shares[pulls == 0] = modes[pulls == 0] > 0
    chosen = repels & [
        r and _could_differ(base, rows, pulls, shares, k, slack) for k, r in enumerate(repels)
    ]
    return velocity, shares, modes, chosen


def _settle(base: Array, rows: Array, pulls: Array, on: Flags, slack: float) -> tuple[Array, Array]:
    """Choose the sides of repelling walls by where the velocity points, starting from `on`.

    Each round raises s G(w + v) − ‖v‖²/2, so no choice comes twice.
    """
    attracts, repels = pulls < 0, pulls > 0
    small = slack * np.linalg.norm(rows, axis=1)
    while True:
        shares = on.astype(np.float64)
        shares[attracts] = shortest(
            base + (shares * pulls) @ rows, pulls[attracts, None] * rows[attracts], slack
        )
        velocity = base + (shares * pulls) @ rows
        rates = rows @ velocity
        moved = repels & np.where(on, rates >= -small, rates > small)
        if (moved == on).all():
            return velocity, shares
        on = moved


def _could_differ(
    base: Array, rows: Array, pulls: Array, shares: Array, k: int, slack: float
) -> bool:
    """Whether the velocity with the other side of repelling wall `k` points to that other side."""
    on = (pulls > 0) & (shares > 0)
    on[k] = ~on[k]
    _, other = _settle(base, rows, pulls, on, slack)
    return bool((other[k] > 0) == on[k])


def shortest(base: Array, walls: Array, slack: float) -> Array:
    """Return θ ∈ [0, 1]^p that makes base + θ·walls shortest.

    Parameters
    ----------
    base : ndarray, shape (r,)
    walls : ndarray, shape (p, r)
        Rows may be dependent; then θ is one of several, the sum unique.
    slack : float
        Slopes along a unit wall that count as 0.

    Notes
    -----
    An active-set method: the wall that shortens most is set free, the free ones are solved for, and
    what leaves the box is fixed at its bound. A wall that depends on the free ones has slope 0, so
    the free ones stay independent.
    """
    sizes = np.linalg.norm(walls, axis=1)
    unit = walls / np.where(sizes > 0, sizes, 1)[:, None]
    shares, free, barred = np.zeros(len(walls)), np.zeros(len(walls), bool), sizes == 0
    while True:
        slopes = unit @ (base + shares @ walls)
        gain = np.where(shares == 0, -slopes, np.where(shares == 1, slopes, -np.inf))
        gain[free | barred] = -np.inf
        k = int(np.argmax(gain)) if gain.size else 0
        if not gain.size or gain[k] <= slack:
            return shares
        free[k], before = True, shares[k]
        _solve_free(base, walls, unit, sizes, shares, free)
        barred[k] |= shares[k] == before  # nothing but rounding set it free


def _solve_free(
    base: Array, walls: Array, unit: Array, sizes: Array, shares: Array, free: Flags
) -> None:
    """Move the free shares to their best values, and fix those that reach a bound on the way."""
    while free.any():
        rest = base + np.where(free, 0, shares) @ walls
        best = np.linalg.lstsq(unit[free].T, -rest, rcond=None)[0] / sizes[free]
        now = shares[free]
        bound = (best > now).astype(np.float64)
        outside = (best < 0) | (best > 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            steps = np.where(outside, (bound - now) / (best - now), np.inf)
        step = min(1.0, float(steps.min()))
        moved = now + step * (best - now)
        reached = outside & (steps <= step)
        moved[reached] = bound[reached]
        shares[free] = moved
        free[np.flatnonzero(free)[reached]] = False
        if not reached.any():
            return
