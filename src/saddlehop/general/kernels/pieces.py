"""The door to the C kernels that follow neurons while the residuals stand still: walls and broken lines.

Each record mirrors the C structure of its name in ``field.h`` and ``pieces.c``, field by field.
"""

from __future__ import annotations

from ctypes import Structure, c_double, c_int64
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address
from . import Flags, Modes, _Basis, _Memory, _pointers, _Walls, _WallsWork


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
    """Time of the last part at which each neuron is as it was left, shape (m,)."""
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


class _Motion(Structure):
    _fields_ = [
        ("walls", _Walls),
        ("walls_work", _WallsWork),
        ("faces", _Basis),
        *_pointers("load change changed"),
        ("n_changed", c_int64),
        *_pointers("sum"),
        ("sum_off", c_double),
        *_pointers("unit"),
        ("turned", c_double),
        *_pointers("reach"),
    ]


class _Trip(Structure):
    _fields_ = [
        ("n_parts", c_int64),
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
        self._kept = rows, pulls, np.linalg.norm(rows, axis=1)
        x, norms = address(rows, np.float64, n, r), address(self._kept[2], np.float64, n)
        self.inputs = _Inputs(x, norms, address(pulls, np.float64), n, r)
        self._new = new = _Memory()
        summed = new(r)
        listed = new(n, dtype=np.int64), new(n), summed, 0.0, new(n, dtype=np.int8)
        walls = _Walls(0, r, x, norms, *listed, new(n), new(n, dtype=np.bool_), new(r))
        loads = new(n), new(n), new(n, dtype=np.int64), 0
        work, faces = new.walls_work(r, n), new.basis(r)
        self.motion = _Motion(walls, work, faces, *loads, summed, 0.0, new(r), 0.0, new(n))


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
    """Follow neurons for some times, one after another.

    Parameters
    ----------
    rows : ndarray, shape (n, r)
        Inputs.
    pulls : ndarray, shape (parts, n)
        r_k / n in each.
    neurons : Neurons
        Moved in place.
    fields : Fields
        Filled with how they move at the end.
    duration : float
        Of each.
    most_pieces : int
        Of one neuron in each.

    Returns
    -------
    Trip, number of pieces, whether all came to an end
    """
    m, n = neurons.walls.shape
    room = _Room(rows, pulls)
    flags: NDArray[np.bool_] = np.zeros((m, n), np.bool_)
    trip = Trip(np.empty(m, np.int8), np.empty(m), flags, np.empty(m), np.empty(m))
    found = _addresses(trip, ((m,), (m,), (m, n), (m,), (m,)))
    plan = _Trip(len(pulls), duration, most_pieces, *found, 0)
    done = _carry(room.inputs, _neurons(neurons), _fields(fields), room.motion, plan, m)
    return trip, plan.n_pieces, done == m
