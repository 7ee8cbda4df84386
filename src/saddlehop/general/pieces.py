"""Neurons among their walls while the residuals stand still: broken lines, in closed form.

With b = |a| and the velocity v of the wall rule, ẇ = b v and ḃ = w·v. On a piece v is constant; along
its line, u = w·v/‖v‖ and the time E in units of 1/‖v‖,

    b² = Q + u²,    u + b = (u₀ + b₀) e^E,    Q = c + ‖w off the line‖²,    c = b² − ‖w‖² conserved

A piece ends at a wall; where Q < 0 and u < 0 the output weight turns at u = −√−Q, attracting and
repelling walls change places, and the neuron goes on with the other sign. A line into w = 0 ends there:
never if c = 0 (the neuron decays for ever), at rest if c > 0. Each neuron has its own scale e^σ.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..errors import SaddlehopError
from ..model.problem import row_norms
from .walls import TOL, Field, Flags, Sides, into_faces, wall_rule

GROWING, DECAYING, RESTING, DEAD, STALLED, MOVING = range(6)
RAY = 1e-11  # a line that passes 0 within this, relative to w, counts as a line into 0
_EPS = float(np.finfo(np.float64).eps)
_ROUNDS = 100  # per sample: more pieces than this have never been seen
_Parts = TypeVar("_Parts")


@dataclass(frozen=True, eq=False)
class Neurons:
    """Where neurons are: a_j = s_j e^{σ_j} b_j, w_j = e^{σ_j} u_j."""

    signs: Sides
    """s_j, shape (m,): ±1, or 0 where a_j = 0 for good."""
    log_scales: Array
    """σ_j, shape (m,)."""
    output: Array
    """b_j = |a_j| e^{−σ_j}, shape (m,)."""
    hidden: Array
    """u_j, shape (m, r)."""
    excess: Array
    """c_j = a_j² − ‖w_j‖² at σ = 0, exactly conserved, shape (m,)."""
    walls: Flags
    """Whether w_j·x_k = 0, shape (m, n)."""
    sides: Sides
    """±1: the side of wall k on which neuron j is, or from which it came, shape (m, n)."""


@dataclass(frozen=True, eq=False)
class Line:
    """The lines on which neurons are."""

    speed: Array
    """‖v‖, shape (m,)."""
    unit: Array
    """v / ‖v‖, or 0, shape (m, r)."""
    along: Array
    """u = w·v / ‖v‖, shape (m,)."""
    room: Array
    """Q = b² − u², shape (m,); 0 if it is 0 to within rounding."""
    ahead: Array
    """b + u, shape (m,)."""
    back: Array
    """b − u, shape (m,)."""
    into_zero: Flags
    """Whether the line leads into w = 0, shape (m,)."""


@dataclass(frozen=True, eq=False)
class _Stop:
    """Where pieces end: `length` along the line, after `time`; MOVING, or what neurons do for ever."""

    length: Array
    time: Array
    end: NDArray[np.int8]
    wall: NDArray[np.intp]
    turns: Flags


@dataclass(frozen=True, eq=False)
class Carried:
    """Neurons after some time at constant residuals, and what they do from there on."""

    neurons: Neurons
    """At the end of the time; where that is for ever, at the start of the last piece."""
    field: Field
    """How they move there."""
    ends: NDArray[np.int8]
    """GROWING, DECAYING, RESTING, DEAD or STALLED for ever; MOVING: to the next wall; shape (m,)."""
    elapsed: Array
    """Time at which each neuron is as `neurons` says, shape (m,)."""
    chosen: Flags
    """Walls on which the side a neuron came from decided on the way, shape (m, n)."""
    n_pieces: int
    """Pieces of all neurons together."""


def take(parts: _Parts, which: Any) -> _Parts:
    """Return some of the neurons of a record of arrays."""
    return type(parts)(*(getattr(parts, item.name)[which] for item in fields(parts)))  # type: ignore[arg-type]


def _put(parts: _Parts, which: Any, some: _Parts) -> None:
    for item in fields(parts):  # type: ignore[arg-type]
        getattr(parts, item.name)[which] = getattr(some, item.name)


def place(rows: Array, pulls: Array, output: Array, hidden: Array, off_span: Array) -> Neurons:
    """Put neurons where their weights say.

    Parameters
    ----------
    rows : ndarray, shape (n, r)
        Inputs.
    pulls : ndarray, shape (n,)
        r_k / n; they decide the sign of a neuron with a_j = 0.
    output, hidden, off_span : ndarray, shapes (m,), (m, r), (m,)
        Weights, and norms of the parts of w_j outside the span of the inputs.

    Returns
    -------
    Neurons
        Balanced to within rounding counts as balanced.
    """
    sq_norms = np.einsum("jr,jr->j", hidden, hidden)
    imbalance = output**2 - sq_norms - off_span**2
    imbalance[np.abs(imbalance) <= 16 * _EPS * (sq_norms + off_span**2)] = 0
    heights = np.maximum(hidden @ rows.T, 0)
    drift = heights @ pulls
    drift[np.abs(drift) <= TOL * (heights @ np.abs(pulls))] = 0
    signs = np.sign(np.where(output == 0, drift, output)).astype(np.int8)
    sides = np.where(hidden @ rows.T > 0, 1, -1).astype(np.int8)
    walls = _touching(rows, hidden, row_norms(hidden))
    return _rescaled(
        Neurons(
            signs,
            np.zeros(output.size),
            np.abs(output),
            hidden,
            imbalance + off_span**2,
            walls,
            np.where(walls, -1, sides).astype(np.int8),
        )
    )


def carry(rows: Array, pulls: Array, neurons: Neurons, duration: float = np.inf) -> Carried:
    """Follow neurons for a time, or for ever, while the residuals stand still.

    Parameters
    ----------
    rows : ndarray, shape (n, r)
        Inputs.
    pulls : ndarray, shape (n,)
        r_k / n.
    neurons : Neurons
    duration : float

    Returns
    -------
    Carried

    Notes
    -----
    All neurons go to their next stops together; a round costs a few products with `rows`.
    """
    m, n = neurons.walls.shape
    now, field = _settled(rows, pulls, take(neurons, np.arange(m)))
    ends, elapsed = np.full(m, MOVING, dtype=np.int8), np.zeros(m)
    chosen, going, n_pieces = field.chosen.copy(), np.arange(m), m
    for _ in range(_ROUNDS * (n + 1)):
        part, motion = take(now, going), take(field, going)
        line = line_of(part, motion.velocity)
        stop = _next_stop(rows, part, motion, line)
        ends[going] = stop.end
        left = duration - elapsed[going]
        late = ~(stop.time <= left) | np.isinf(stop.time)
        if duration < np.inf:
            _put(now, going[late], _after(rows, part, motion, line, stop, left, late))
            elapsed[going[late]] = duration
        going, there = going[~late], np.flatnonzero(~late)
        if going.size == 0:
            return Carried(now, field, ends, elapsed, chosen, n_pieces)
        elapsed[going] += stop.time[there]
        part, motion = _at_stop(
            rows,
            pulls,
            take(part, there),
            take(motion, there),
            take(line, there),
            take(stop, there),
        )
        _put(now, going, part)
        _put(field, going, motion)
        chosen[going] |= motion.chosen
        n_pieces += going.size
    raise SaddlehopError(
        f"A neuron met more than {_ROUNDS * (n + 1)} walls at constant residuals, which points to rounding; "
        "rescale the inputs or leave out samples that are nearly dependent."
    )


def line_of(neurons: Neurons, velocity: Array) -> Line:
    """Return the lines of neurons that move with `velocity`."""
    speed = row_norms(velocity)
    unit = velocity / np.where(speed > 0, speed, 1)[:, None]
    along = np.einsum("jr,jr->j", neurons.hidden, unit)
    across = row_norms(neurons.hidden - along[:, None] * unit)
    speed[(neurons.output == 0) & (along <= 16 * _EPS * across)] = 0  # neither a nor w moves
    into_zero = (along < 0) & (across <= RAY * np.abs(along))
    across[into_zero] = 0
    excess = _excess(neurons)
    room = excess + across**2
    room[np.abs(room) <= 64 * _EPS * (across**2 + np.abs(excess))] = 0
    b = neurons.output
    with np.errstate(invalid="ignore", divide="ignore"):
        ahead = np.where(along >= 0, b + along, room / (b - along))
        back = np.where(along <= 0, b - along, room / (b + along))
    return Line(speed, unit, along, room, ahead, back, into_zero)


def _excess(neurons: Neurons) -> Array:
    """c_j in the neuron's own scale."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scaled = neurons.excess * np.exp(-2 * neurons.log_scales)
    return np.where(neurons.excess == 0, 0, scaled)


def _settled(
    rows: Array, pulls: Array, neurons: Neurons, guess: Array | None = None
) -> tuple[Neurons, Field]:
    """Apply the wall rule; a neuron with w = 0 stays there."""
    drive = neurons.signs * neurons.hidden.any(axis=1)
    field = wall_rule(rows, drive[:, None] * pulls, neurons.walls, neurons.sides, guess)
    sides = np.where(field.modes == 0, neurons.sides, field.modes)
    return replace(neurons, hidden=into_faces(neurons.hidden, rows, field.kept), sides=sides), field


def _next_stop(rows: Array, neurons: Neurons, field: Field, line: Line) -> _Stop:
    """Find where the pieces end."""
    stop = _stop_without_walls(neurons, field.modes, line)
    to_wall = _lengths_to_walls(rows, neurons, field, line)
    wall = np.argmin(to_wall, axis=1)
    length = to_wall[np.arange(wall.size), wall]
    first = (length < stop.length) & ~line.into_zero
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        time = _times(line, np.where(first, length, 0)) / line.speed
    return _Stop(
        np.where(first, length, stop.length),
        np.where(first, time, stop.time),
        np.where(first, MOVING, stop.end).astype(np.int8),
        np.where(first, wall, -1),
        stop.turns & ~first,
    )


def _lengths_to_walls(rows: Array, neurons: Neurons, field: Field, line: Line) -> Array:
    """Length along the line to each wall, inf if it leads away, shape (m, n)."""
    speed = np.where(line.speed > 0, line.speed, 1)
    rates = line.unit @ rows.T
    rates[np.abs(rates) <= (field.slack / speed)[:, None] * np.linalg.norm(rows, axis=1)] = 0
    heights = np.where(neurons.walls, 0, neurons.hidden @ rows.T)
    nears = heights * np.sign(rates) < 0
    return np.where(nears, np.abs(heights) / np.where(nears, np.abs(rates), 1), np.inf)


def _stop_without_walls(neurons: Neurons, modes: Sides, line: Line) -> _Stop:
    """Where pieces would end if there were no walls ahead."""
    back_to_zero = (line.along < 0) & (line.speed > 0)
    turns = back_to_zero & (line.room < 0)
    reaches = back_to_zero & (line.room > 0) & line.into_zero
    lengths = np.where(turns, -line.along - np.sqrt(np.maximum(-line.room, 0)), -line.along)
    ends = np.full(line.speed.size, GROWING, dtype=np.int8)
    fades = back_to_zero & (line.room == 0)
    ends[fades | reaches] = STALLED
    ends[fades & line.into_zero & (neurons.excess == 0)] = DECAYING
    ends[turns] = MOVING
    ends[line.speed == 0] = _resting(take(neurons, line.speed == 0), modes[line.speed == 0])
    finite = turns | reaches
    with np.errstate(divide="ignore", invalid="ignore"):
        times = np.log(line.back / np.sqrt(np.abs(line.room))) / line.speed
    return _Stop(
        np.where(finite | fades, lengths, np.inf),
        np.where(finite, times, np.inf),
        ends,
        np.full(turns.size, -1),
        turns,
    )


def _resting(neurons: Neurons, modes: Sides) -> NDArray[np.int8]:
    """What neurons that do not move are: dead if no sample is active and no wall holds them."""
    touches = (modes >= 0).any(axis=1)
    held = np.where(neurons.output > 0, RESTING, STALLED)
    rest = np.where(touches, held, DEAD)
    return np.where(neurons.hidden.any(axis=1), rest, STALLED).astype(np.int8)


def _times(line: Line, length: Array) -> Array:
    """Time E, in units of 1/speed, to go a length along the line."""
    along = line.along + length
    b = np.sqrt(np.maximum(line.room + along**2, 0))
    return np.where(along <= 0, np.log(line.back / (b - along)), np.log((b + along) / line.ahead))


def _at_stop(
    rows: Array, pulls: Array, neurons: Neurons, field: Field, line: Line, stop: _Stop
) -> tuple[Neurons, Field]:
    """Go to the stops and find how neurons move on from there."""
    along = line.along + stop.length
    hidden = neurons.hidden + stop.length[:, None] * line.unit
    hidden[stop.end == STALLED] = 0
    b = np.sqrt(np.maximum(line.room + along**2, 0))
    moved = replace(
        neurons,
        signs=np.where(stop.turns, -neurons.signs, neurons.signs).astype(np.int8),
        output=np.where(stop.turns, 0, b),
        hidden=hidden,
    )
    size = row_norms(neurons.hidden) + row_norms(hidden)
    walls = _touching(rows, hidden, size)
    met = np.flatnonzero(stop.wall >= 0)
    walls[met, stop.wall[met]] = True
    sides = _sides_across(rows, pulls, moved, neurons.walls, walls, line)
    landed = _rescaled(replace(moved, walls=walls, sides=sides))
    return _settled(rows, pulls, landed, np.where(field.kept, field.shares, 0))


def _sides_across(
    rows: Array, pulls: Array, moved: Neurons, before: Flags, walls: Flags, line: Line
) -> Sides:
    """Sides at a stop: beyond a wall that is met and does not attract, else where it came from."""
    rates = line.unit @ rows.T
    crossed = walls & ~before & (moved.signs[:, None] * pulls >= 0) & (rates != 0)
    return np.where(crossed, np.sign(rates), moved.sides).astype(np.int8)


def _after(
    rows: Array, part: Neurons, motion: Field, line: Line, stop: _Stop, left: Array, late: Flags
) -> Neurons:
    """Neurons on their piece after the time `left`, those that are `late` for its end."""
    neurons = take(part, late)
    moved = _along(neurons, take(line, late), take(line, late).speed * left[late])
    fading = (stop.end[late] == DECAYING) | (line.speed[late] == 0)
    rest = replace(neurons, log_scales=neurons.log_scales - line.speed[late] * left[late])
    moved = _choose(fading, rest, moved)
    walls = motion.kept[late]
    walls |= _touching(rows, moved.hidden, row_norms(moved.hidden)) & neurons.walls
    return replace(moved, walls=walls)


def _along(neurons: Neurons, line: Line, time: Array) -> Neurons:
    """Go along lines for a time E: length (b + u)(e^E − 1)/2 + (b − u)(1 − e^−E)/2, here times e^−E."""
    shrink, rest = np.exp(-time), -np.expm1(-time)
    length = (line.ahead + line.back * shrink) * rest / 2
    hidden = neurons.hidden * shrink[:, None] + length[:, None] * line.unit
    output = (line.ahead + line.back * shrink**2) / 2
    return _rescaled(
        replace(neurons, output=output, hidden=hidden, log_scales=neurons.log_scales + time)
    )


def _choose(which: Flags, one: Neurons, other: Neurons) -> Neurons:
    result = take(other, np.arange(which.size))
    _put(result, which, take(one, which))
    return result


def _touching(rows: Array, hidden: Array, size: Array) -> Flags:
    """Whether w_j·x_k = 0 to within rounding; never for a row of zeros."""
    norms = np.linalg.norm(rows, axis=1)
    return np.asarray((np.abs(hidden @ rows.T) <= TOL * size[:, None] * norms) & (norms > 0))


def _rescaled(neurons: Neurons) -> Neurons:
    """Bring each neuron to size 1, b from c where that loses nothing."""
    size = np.maximum(neurons.output, row_norms(neurons.hidden))
    size[size == 0] = 1
    scaled = replace(
        neurons,
        log_scales=neurons.log_scales + np.log(size),
        output=neurons.output / size,
        hidden=neurons.hidden / size[:, None],
    )
    excess, sq_norm = _excess(scaled), np.einsum("jr,jr->j", scaled.hidden, scaled.hidden)
    output = np.where(excess >= 0, np.sqrt(np.maximum(excess + sq_norm, 0)), scaled.output)
    return replace(scaled, output=output)
