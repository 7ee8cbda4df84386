"""Extremal vectors: the directions neurons grow, or decay, along while the residuals stand still.

They are the critical points of

    G(w) = (1/n) Σ_k r_k (w·x_k)₊        on the sphere,    G ≠ 0;

maxima draw neurons with a > 0, minima those with a < 0, at the rate s G: neurons grow where it is
positive and decay where it is negative. In the plane they are listed: on each arc between walls the
field D is constant, and D/‖D‖ or −D/‖D‖ is one if it lies in its arc; a wall is one where the field on
it points along it. In more dimensions starts are followed to where they end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, frozen
from .._support.brief import Brief
from .._support.labelled import Labelled
from .._support.validate import (
    as_generator,
    frozen_array,
    instance_of,
    positive_int,
    require_length,
)
from ..errors import InputError
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.problem import Problem
from .alignment import align_pulls, in_units
from .pieces import DECAYING, GROWING, take
from .rays import Rays
from .verbs import require_start
from .walls import TOL, Flags, Sides, wall_rule

_NEAR = 1e-12  # angles and cosines that count as 0
_SAME = 1e-7  # directions closer than this are one: starts reach theirs to rounding


@dataclass(frozen=True, eq=False, repr=False)
class ExtremalVectors(Brief, Labelled):
    """Directions that draw neurons, fastest first."""

    problem: GeneralProblem
    """The data."""
    residuals: Array
    """r_k, shape (n,)."""
    directions: Array
    """Unit rows in the problem's coordinates, shape (e, r)."""
    signs: Sides
    """Sign of the a_j of the neurons that each draws, shape (e,)."""
    rates: Array
    """Growth rates of those neurons, shape (e,); negative: they decay."""
    active: NDArray[np.int8]
    """1 where sample k is active there, 0 where neurons slide on its wall, −1 where it is not,
    shape (e, n)."""
    shares: Array
    """Share of the starts that end there, shape (e,); the rest come to rest or die."""
    n_starts: int
    """Number of starts behind `shares`."""
    is_complete: bool
    """Whether these are all: in two coordinates; otherwise those that starts reached."""


def extremal_vectors(
    problem: GeneralProblem,
    residuals: Any = None,
    *,
    starts: Initialization | int = 256,
    rng: Any = None,
) -> ExtremalVectors:
    """Find the directions that draw neurons while the residuals stand still.

    Parameters
    ----------
    problem : GeneralProblem
    residuals : array_like, shape (n,), optional
        r_k = y_k − h(x_k); the labels by default, as at the start.
    starts : Initialization or int
        Starts to follow, or how many balanced ones to draw.
    rng : None, int or numpy Generator

    Returns
    -------
    ExtremalVectors
        All of them if the rank is at most 2, otherwise those that starts reach.
    """
    if isinstance(problem, Problem):
        raise InputError(
            "`problem` is a Problem, of orthogonal rows, whose directions are those of "
            "`sh.align(problem, init).active`; pass `sh.GeneralProblem(X, y)` to list them."
        )
    instance_of(problem, "problem", GeneralProblem)
    r = problem.y if residuals is None else frozen_array(residuals, "residuals", 1)
    require_length(r, "residuals", problem.n_samples, "the problem")
    if not isinstance(starts, Initialization):
        width = positive_int(starts, "starts")
        starts = Initialization.draw(problem, width, rng=as_generator(rng))
    require_start(problem, starts)
    rays = Rays.of(problem.coordinates)
    pulls = rays.gather(r / problem.n_samples)
    carried, outcome = align_pulls(rays.rows, pulls, starts)
    ends = (carried.ends == GROWING) | (carried.ends == DECAYING)
    reached = _Found(
        outcome.directions[ends],
        carried.neurons.signs[ends],
        outcome.rates[ends],
        carried.field.modes[ends],
    )
    listed = _listed(rays.rows, pulls) if problem.rank <= 2 else None
    found, counts = _counted(reached, listed)
    order = np.argsort(-found.rates, kind="stable")
    return ExtremalVectors(
        problem,
        r,
        frozen(found.directions[order]),
        _read_only(found.signs[order]),
        frozen(found.rates[order]),
        _read_only(rays.spread(found.active[order], -1)),
        frozen(counts[order] / starts.width),
        starts.width,
        problem.rank <= 2,
    )


@dataclass(frozen=True, eq=False)
class _Found:
    directions: Array
    signs: Sides
    rates: Array
    active: Sides


def _read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array


def _counted(reached: _Found, listed: _Found | None) -> tuple[_Found, Array]:
    """Join what is listed with what starts reached, each once, and count the starts."""
    first = 0 if listed is None else listed.rates.size
    both = reached if listed is None else _Found(*map(_stacked, _parts(listed), _parts(reached)))
    kept: list[int] = list(range(first))
    counts = [0] * first
    for i in range(first, both.rates.size):
        same = (both.signs[kept] == both.signs[i]) & (
            np.abs(both.directions[kept] - both.directions[i]).max(axis=1, initial=0) < _SAME
        )
        if same.any():
            counts[int(np.argmax(same))] += 1
        else:
            kept.append(i)
            counts.append(1)
    return take(both, kept), np.array(counts, dtype=np.float64)


def _parts(found: _Found) -> tuple[Any, ...]:
    return found.directions, found.signs, found.rates, found.active


def _stacked(one: Any, other: Any) -> Any:
    return np.concatenate([one, other])


def _listed(rows: Array, pulls: Array) -> _Found:
    """All extremal vectors where the rank is 1 or 2."""
    rows, pulls, scale = in_units(rows, pulls)
    units = np.array([[1.0], [-1.0]]) if rows.shape[1] == 1 else _candidates(rows, pulls)
    size = np.abs(pulls) @ np.linalg.norm(rows, axis=1)
    found = [_drawn(rows, pulls, unit, sign, TOL * size) for unit in units for sign in (1, -1)]
    kept = [item for item in found if item is not None]
    width = (rows.shape[1], len(rows))
    return _Found(
        np.array([item[0] for item in kept]).reshape(-1, width[0]),
        np.array([item[1] for item in kept], dtype=np.int8),
        scale * np.array([item[2] for item in kept], dtype=np.float64),
        np.array([item[3] for item in kept], dtype=np.int8).reshape(-1, width[1]),
    )


def _candidates(rows: Array, pulls: Array) -> Array:
    """Unit vectors on walls, and those along the field of an arc that lie in the arc."""
    unit_rows = rows / np.linalg.norm(rows, axis=1)[:, None]
    on_walls = np.concatenate([unit_rows[:, ::-1] * [-1, 1], unit_rows[:, ::-1] * [1, -1]])
    angles = np.arctan2(on_walls[:, 1], on_walls[:, 0])
    order = np.argsort(angles)
    angles, on_walls = angles[order], on_walls[order]
    gaps = np.diff(angles, append=angles[0] + 2 * np.pi)
    ends, on_walls = angles[gaps > _NEAR], on_walls[gaps > _NEAR]
    gaps = np.diff(ends, append=ends[0] + 2 * np.pi)
    middles = ends + gaps / 2
    middles = np.column_stack([np.cos(middles), np.sin(middles)])
    fields = (pulls * (middles @ rows.T > 0)) @ rows
    speeds = np.linalg.norm(fields, axis=1)
    ahead = fields[speeds > 0] / speeds[speeds > 0, None]
    inside = np.einsum("ir,ir->i", ahead, middles[speeds > 0])
    ahead *= np.sign(inside)[:, None]
    in_arc = np.arccos(np.minimum(np.abs(inside), 1)) < gaps[speeds > 0] / 2 - _NEAR
    return np.concatenate([on_walls, ahead[in_arc]])


def _drawn(
    rows: Array, pulls: Array, unit: Array, sign: int, slack: float
) -> tuple[Array, int, float, Sides] | None:
    """The extremal vector along `unit` that draws neurons of this sign, if it is one."""
    heights = rows @ unit
    walls = np.abs(heights) <= _NEAR * np.linalg.norm(rows, axis=1)
    rate = sign * float(pulls @ np.where(walls, 0, np.maximum(heights, 0)))
    if abs(rate) <= slack:
        return None
    if rows.shape[1] == 2 and not _draws(rows, sign * pulls, unit, walls, rate, slack):
        return None
    sides = np.where(heights > 0, 1, -1).astype(np.int8)
    field = wall_rule(rows, sign * pulls[None], walls[None], np.where(walls, -1, sides)[None])
    return unit, sign, rate, field.modes[0]


def _draws(rows: Array, pulls: Array, unit: Array, walls: Flags, rate: float, slack: float) -> bool:
    """Whether s G falls from `unit` to both sides in the plane, or to one where it starts out level."""
    if not walls.any():
        return rate > 0
    across, heights = rows @ np.array([-unit[1], unit[0]]), rows @ unit
    after, before = (
        float((pulls * (np.where(walls, turn * across, heights) > 0)) @ across) for turn in (1, -1)
    )
    is_level = min(abs(after), abs(before)) <= slack  # the field of an arc lies along its end
    is_kink = after <= slack and before >= -slack and before - after > slack
    return is_kink or (is_level and rate > 0)
