"""The door to the C kernels that follow neurons while the residuals stand still: walls and broken lines.

Each record mirrors the C structure of its name in ``field.h``, ``gram.h`` and ``pieces.c``, field by field.
"""

from __future__ import annotations

from ctypes import Structure, c_double, c_int64, c_void_p
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address
from . import Flags, Modes, _Basis, _Memory, _pointers, _Walls, _WallsWork

GRAM_BYTES = 2**27  # for rows of X Xᵀ, which are made again where they do not fit


class Neurons(NamedTuple):
    """Where neurons are; changed in place."""

    signs: Modes
    log_scales: Array
    output: Array
    hidden: Array
    excess: Array
    walls: Flags
    sides: Modes


class Fields(NamedTuple):
    """How they move there; changed in place."""

    velocity: Array
    shares: Array
    modes: Modes
    kept: Flags
    chosen: Flags
    slack: Array


class Trip(NamedTuple):
    """What is found on the way."""

    ends: Modes
    """What each neuron does for ever, or MOVING, shape (m,)."""
    elapsed: Array
    """Time at which each neuron is as it was left, shape (m,)."""
    chosen: Flags
    """Walls on which the side a neuron came from decided, shape (m, n)."""
    speed: Array
    """‖v‖ on the last piece, 0 where nothing moves, shape (m,)."""
    ahead: Array
    """b + w·v / ‖v‖ there, shape (m,)."""


class _Inputs(Structure):
    _fields_ = [*_pointers("rows norms pulls"), ("n", c_int64), ("rank", c_int64)]


class _Neurons(Structure):
    _fields_ = _pointers(" ".join(Neurons._fields))


class _Fields(Structure):
    _fields_ = _pointers(" ".join(Fields._fields))


class _Gram(Structure):
    _fields_ = [
        ("x", c_void_p),
        ("n", c_int64),
        ("rank", c_int64),
        *_pointers("rows place owner"),
        ("capacity", c_int64),
        ("made", c_int64),
    ]


class _Motion(Structure):
    _fields_ = [
        ("gram", _Gram),
        ("walls", _Walls),
        ("walls_work", _WallsWork),
        ("faces", _Basis),
        *_pointers("load change changed"),
        ("n_changed", c_int64),
        *_pointers("sum rate height unit"),
        *((name, c_double) for name in ("speed", "sum_off", "rate_off", "height_off")),
    ]


class _Trip(Structure):
    _fields_ = [
        ("duration", c_double),
        ("most_pieces", c_int64),
        *_pointers(" ".join(Trip._fields)),
        ("n_pieces", c_int64),
    ]


_scale = Kernel("general_scale", None, _Neurons, c_int64, c_int64)
_field_rule = Kernel("general_fields", None, _Inputs, _Neurons, _Fields, _Motion, c_int64)
_carry = Kernel("general_carry", c_int64, _Inputs, _Neurons, _Fields, _Motion, _Trip, c_int64)


class _Room:
    """What the kernels work on: inputs, and space for one neuron."""

    def __init__(self, rows: Array, pulls: Array) -> None:
        n, r = rows.shape
        self._kept = rows, pulls, np.linalg.norm(rows, axis=1), np.full(n, -1)
        norms, nowhere = (address(array, array.dtype, n) for array in self._kept[2:])
        x = address(rows, np.float64, n, r)
        self.inputs = _Inputs(x, norms, address(pulls, np.float64), n, r)
        self._new = new = _Memory()
        slots = max(1, min(n, GRAM_BYTES // (8 * n)))
        gram = _Gram(x, n, r, new(slots, n), nowhere, new(slots, dtype=np.int64), slots, 0)
        listed = new(n, dtype=np.int64), new(n), new(r), 0.0, new(n, dtype=np.int8)
        walls = _Walls(0, r, x, norms, *listed, new(n), new(n, dtype=np.bool_), new(r))
        loads = new(n), new(n), new(n, dtype=np.int64), 0
        self.motion = _Motion(
            gram,
            walls,
            new.walls_work(r, n),
            new.basis(r),
            *loads,
            *(new(r), new(n), new(n), new(r)),
        )


def _addresses(arrays: Any, shapes: tuple[tuple[int, ...], ...]) -> list[int]:
    types = (_TYPES[name] for name in arrays._fields)
    return [
        address(array, t, *shape) for array, t, shape in zip(arrays, types, shapes, strict=True)
    ]


_TYPES = {
    **dict.fromkeys((*Neurons._fields, *Fields._fields, *Trip._fields), np.float64),
    **dict.fromkeys(("signs", "sides", "modes", "ends"), np.int8),
    **dict.fromkeys(("walls", "kept", "chosen"), np.bool_),
}


def _neurons(neurons: Neurons) -> _Neurons:
    m, n, r = *neurons.walls.shape, neurons.hidden.shape[1]
    return _Neurons(*_addresses(neurons, ((m,), (m,), (m,), (m, r), (m,), (m, n), (m, n))))


def _fields(fields: Fields) -> _Fields:
    m, n, r = *fields.kept.shape, fields.velocity.shape[1]
    return _Fields(*_addresses(fields, ((m, r), (m, n), (m, n), (m, n), (m, n), (m,))))


def new_fields(m: int, n: int, r: int) -> Fields:
    """Return room for the fields of m neurons."""
    flags = np.zeros((m, n), np.bool_), np.empty((m, n), np.bool_)
    return Fields(
        np.empty((m, r)), np.empty((m, n)), np.empty((m, n), np.int8), *flags, np.empty(m)
    )


def scale(neurons: Neurons) -> None:
    """Bring neurons to size 1, b from c where that loses nothing."""
    _scale(_neurons(neurons), *neurons.hidden.shape)


def fill_fields(rows: Array, pulls: Array, neurons: Neurons, fields: Fields) -> None:
    """Find how neurons move where they are, under pulls (m, n), each its own."""
    room = _Room(rows, pulls)
    _field_rule(room.inputs, _neurons(neurons), _fields(fields), room.motion, len(pulls))


def carry(
    rows: Array, pulls: Array, neurons: Neurons, fields: Fields, duration: float, most_pieces: int
) -> tuple[Trip, int, bool]:
    """Follow neurons for a time.

    Parameters
    ----------
    rows : ndarray, shape (n, r)
        Inputs.
    pulls : ndarray, shape (n,)
        r_k / n.
    neurons : Neurons
        Moved in place.
    fields : Fields
        Filled with how they move at the end.
    duration : float
    most_pieces : int
        Of one neuron.

    Returns
    -------
    Trip, number of pieces, whether all came to an end
    """
    m, n = neurons.walls.shape
    room = _Room(rows, pulls)
    flags: NDArray[np.bool_] = np.zeros((m, n), np.bool_)
    trip = Trip(np.empty(m, np.int8), np.empty(m), flags, np.empty(m), np.empty(m))
    found = _addresses(trip, ((m,), (m,), (m, n), (m,), (m,)))
    plan = _Trip(duration, most_pieces, *found, 0)
    done = _carry(room.inputs, _neurons(neurons), _fields(fields), room.motion, plan, m)
    return trip, plan.n_pieces, done == m
