"""Neurons among their walls while the residuals stand still: broken lines, in closed form.

With b = |a| and the velocity v of the wall rule, ẇ = b v and ḃ = w·v. On a piece v is constant; along
its line, u = w·v/‖v‖ and the time E in units of 1/‖v‖,

    b² = Q + u²,    u + b = (u₀ + b₀) e^E,    Q = c + ‖w off the line‖²,    c = b² − ‖w‖² conserved

A piece ends at a wall; where Q < 0 and u < 0 the output weight turns at u = −√−Q, attracting and
repelling walls change places, and the neuron goes on with the other sign. A line into w = 0 ends there:
never if c = 0 (the neuron decays for ever), at rest if c > 0. Each neuron has its own scale e^σ.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..errors import SaddlehopError
from ..model.problem import row_norms
from .kernels import pieces as kernels
from .walls import TOL, Field, Flags, Sides

GROWING, DECAYING, RESTING, DEAD, STALLED, MOVING = range(6)
_EPS = float(np.finfo(np.float64).eps)
PIECES = 100  # of a neuron, per sample: more pieces than this have never been seen
_Record = TypeVar("_Record")


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
    speed: Array
    """‖v_j‖ there; 0 where nothing moves, shape (m,)."""
    ahead: Array
    """b_j + w_j·v_j / ‖v_j‖ there, in the neuron's own scale, shape (m,)."""
    n_pieces: int
    """Pieces of all neurons together."""


def take(record: _Record, which: Any) -> _Record:
    """Return some of the neurons of a record of arrays."""
    return type(record)(*(part[which] for part in parts(record)))


def parts(record: Any) -> list[Any]:
    """Return the arrays of a record."""
    return [getattr(record, item.name) for item in fields(record)]


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
    size = row_norms(hidden)[:, None] * row_norms(rows)
    walls = np.asarray((np.abs(hidden @ rows.T) <= TOL * size) & rows.any(axis=1))
    neurons = Neurons(
        signs,
        np.zeros(output.size),
        np.abs(output),
        np.array(hidden, np.float64),
        imbalance + off_span**2,
        walls,
        np.where(walls, -1, sides).astype(np.int8),
    )
    kernels.scale(kernels.Neurons(*parts(neurons)))
    return neurons


def carry(rows: Array, pulls: Array, neurons: Neurons, duration: float = np.inf) -> Carried:
    """Follow neurons for a time, or for ever, while the residuals stand still, or for several in turn.

    Parameters
    ----------
    rows : ndarray, shape (n, r)
        Inputs.
    pulls : ndarray, shape (n,) or (parts, n)
        r_k / n; of parts of a time, one after another.
    neurons : Neurons
    duration : float
        Of each part.

    Returns
    -------
    Carried
        Times are those of the last part.

    Notes
    -----
    After the first piece of a neuron each costs O(n), O(r) for every wall that may have come near, and
    O(r) for each pair of walls it is on where one comes or goes.
    """
    (m, n), r = neurons.walls.shape, rows.shape[1]
    now = take(neurons, np.arange(m))
    field = kernels.new_fields(m, n, r)
    most = PIECES * (n + 1)
    trip, n_pieces, done = kernels.carry(
        np.ascontiguousarray(rows),
        np.ascontiguousarray(np.atleast_2d(pulls)),
        kernels.Neurons(*parts(now)),
        field,
        duration,
        most,
    )
    if not done:
        raise SaddlehopError(
            f"A neuron met more than {most} walls at constant residuals, which points to rounding; "
            "rescale the inputs or leave out samples that are nearly dependent."
        )
    return Carried(now, Field(*field), *trip, n_pieces)
