"""Dormant neurons that grow along a wall, and slip across it where little that is learned decides.

D_j·x_k = 0 may hold for a wall k that would repel neuron j; rows of whole numbers do so. Then w_j·x_k stays
what it was, ~ λ^(−E), while w_j grows: the neuron comes as near to the wall as one likes, but for what
dormant neurons i take from the residuals,

    d(w_j·x_k)/dt = |a_j| Σ_i p_jki a_i²,     p_jki = −(s_j/n) Σ_l mask_jl C_l s_i (v_i·x_l)₊ x_l·P_j x_k

with v_i = w_i/‖w_i‖, P_j orthogonal to the walls slid on, less what active neurons make up for. Terms grow
like λ^(−e_j − 2e_i), faster than their neurons: before the next arrival one is as large as the height.
Where it points across, the neuron leaves the wall on the other side, at another rate. Where x_k is
orthogonal to all that the neuron feels nothing of the kind ever happens: so on orthogonal rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, thin_svd
from .jumps_frozen import Frozen
from .pieces import GROWING, Carried
from .walls import TOL, Edge, Flags, Sides

SAME = 1e-9  # exponents and rates closer than this, of the largest rate, are one
NO_PUSH = 1e-11  # sums of pushes below this share of their terms are 0


class Slip(NamedTuple):
    """When a neuron crosses its wall."""

    edge: Edge
    span: float
    """On the clock, from now."""
    time: float
    """δ, where sizes are e^κ at δ = 0."""


class Drivers(NamedTuple):
    """Dormant neurons that grow, and what they take from the residuals."""

    exponents: Array
    """e_i, shape (q,)."""
    rates: Array
    """ρ_i, shape (q,)."""
    sizes: Array
    """κ_i, in the units of the flow, shape (q,)."""
    taken: Array
    """−δr_l / n at a_i² = 1, shape (q, n)."""


class Line(NamedTuple):
    """A part of the height that grows like λ^(−exponent) e^{log_size}."""

    exponent: float
    slope: float
    """Of the exponent on the clock, and of the logarithm in time."""
    log_size: float


def taken_by(rows: Array, share: Array, modes: Sides, signs: Sides, directions: Array) -> Array:
    """Return share_l s_i (v_i·x_l)₊, shape (q, n); 0 along walls, where only a vanishing height is left."""
    heights, norms = directions @ rows.T, np.linalg.norm(rows, axis=1)
    off = heights > SAME * np.outer(np.linalg.norm(directions, axis=1), norms)
    return share * signs[:, None] * np.where(off & (modes > 0), heights, 0.0)


def along_walls(rows: Array, pulls: Array, carried: Carried, before: Flags) -> Flags:
    """Repelling walls along which neurons carried for ever go, by r_k / n of `pulls`, shape (m, n).

    Off the wall, that is where they grow; those that went along it `before` may have come to rest.
    """
    field, norms = carried.field, np.linalg.norm(rows, axis=1)
    level = np.abs(field.velocity @ rows.T) <= np.outer(field.slack, norms)
    repels = carried.neurons.signs[:, None] * pulls > 0
    grows = (carried.ends == GROWING)[:, None] & ~carried.neurons.walls
    return np.asarray(level & repels & (field.modes != 0) & (grows | before))


def guarded(rows: Array, pairs: Flags, modes: Sides) -> Flags:
    """Which of the pairs (m, n) have an x_k that is orthogonal to all that the neuron feels, shape (m, n)."""
    found, norms = np.zeros_like(pairs), np.linalg.norm(rows, axis=1)
    samples = np.flatnonzero(pairs.any(axis=0))
    touches = np.abs(rows @ rows[samples].T) > TOL * np.outer(norms, norms[samples])
    found[:, samples] = ((modes >= 0).astype(np.float64) @ touches) == 0
    return np.asarray(found & pairs)


def made_up(at_rest: Frozen | None, drivers: Drivers) -> Drivers:
    """Take off what active neurons at rest make up for while a driver grows.

    With r / C^½ = ρ they follow dρ/dt = −(1/n) JᵀJ ρ − d(taken)/dt, where taken grows like e^{2ρ_i t}.
    """
    if at_rest is None:
        return drivers
    jacobian, root = at_rest.jacobian(), np.sqrt(at_rest.setting.curvature)
    _, values, modes = thin_svd(jacobian)
    relax = values**2 / at_rest.setting.n_samples
    amounts = drivers.taken / root @ modes.T
    amounts *= relax / (relax + 2 * drivers.rates[:, None])
    return drivers._replace(taken=drivers.taken - amounts @ modes * root)


def off_held(rows: Array, modes: Sides, some: Array) -> Array:
    """Take from vectors (p, r) what lies in the walls that a neuron slides on."""
    held = rows[modes == 0]
    return some - (some @ np.linalg.pinv(held)) @ held if len(held) else some


def pushes_across(rows: Array, modes: Sides, sign: int, sample: int, taken: Array) -> Array:
    """Return how each driver pushes a neuron of sign s across a wall, shape (q,).

    That is −s Σ_l mask_l taken_l x_l·P x_k, from the side it is on, 0 where it is 0 to within rounding.
    """
    wall, norms = off_held(rows, modes, rows[sample]), np.linalg.norm(rows, axis=1)
    touches = (modes > 0) & (np.abs(rows @ wall) > TOL * norms * norms[sample])
    terms = taken * np.where(touches, rows @ wall, 0.0)
    total = int(modes[sample] * sign) * terms.sum(axis=1)
    return np.where(np.abs(total) <= NO_PUSH * np.abs(terms).sum(axis=1), 0.0, total)


def on_one_wall(rows: Array, modes: Sides, sample: int) -> Flags:
    """Samples whose wall is that of `sample` where a neuron may move, shape (n,)."""
    free = off_held(rows, modes, rows)
    wall = free[sample] / np.linalg.norm(free[sample])
    lengths = np.linalg.norm(free, axis=1)
    off = np.linalg.norm(free - np.outer(free @ wall, wall), axis=1)
    return np.asarray((off <= SAME * lengths) & (lengths > SAME * np.linalg.norm(rows, axis=1)))


def next_slip(edge: Edge, own: Line, towards: Array, drivers: Drivers) -> Slip | None:
    """Find when a neuron crosses its wall; None if it is not pushed across.

    Parameters
    ----------
    edge : Edge
    own : Line
        Of |a_j| of the neuron.
    towards : ndarray, shape (q,)
        Pushes of the drivers, positive across the wall.
    drivers : Drivers
    """
    across: list[Line] = []
    back = [Line(edge.level, 0.0, edge.log_height)]
    for some in _alike(drivers):
        scale = float(np.max(drivers.sizes[some]))
        push = float(towards[some] @ np.exp(2 * (drivers.sizes[some] - scale)))
        i = some[0]
        slope = own.slope + 2 * float(drivers.rates[i])
        exponent = own.exponent + 2 * float(drivers.exponents[i])
        if push != 0:
            log_size = np.log(abs(push) / slope) + own.log_size + 2 * scale
            (across if push > 0 else back).append(Line(exponent, slope, float(log_size)))
    found = [_overtakes(line, back) for line in across]
    span, time = min((one for one in found if one is not None), default=(np.inf, 0.0))
    return Slip(edge, span, time) if span < np.inf else None


def _alike(drivers: Drivers) -> list[NDArray[np.intp]]:
    """Gather drivers whose sizes are of one order in λ now and later."""
    unit = SAME * float(np.max(drivers.rates, initial=0.0))
    keys = np.column_stack([drivers.exponents / SAME, drivers.rates / (unit or 1.0)]).round()
    _, group = np.unique(keys, axis=0, return_inverse=True)
    return [np.flatnonzero(group == g) for g in range(group.max(initial=-1) + 1)]


def _overtakes(line: Line, others: list[Line]) -> tuple[float, float] | None:
    """When a line is above all others for the first time, on the clock and in δ; None if never."""
    first, time, last = 0.0, 0.0, np.inf
    for other in others:
        gap, faster = other.exponent - line.exponent, line.slope - other.slope
        if faster > 0 and gap / faster >= first:
            first, time = gap / faster, (other.log_size - line.log_size) / faster
        elif faster < 0:
            last = min(last, gap / faster)
        elif faster == 0 and gap >= 0:
            return None
    return (first, time) if first <= last else None
