"""Door to `orbit.c`: the orbit of a jump by explicit steps."""

from __future__ import annotations

from ctypes import Structure, c_double, c_int64, c_void_p

import numpy as np
from numpy.typing import NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address

STAGES = 12


class _Orbit(Structure):
    _fields_ = (
        ("strength", c_void_p),
        ("mass", c_void_p),
        ("n_rows", c_int64),
        ("n_active", c_int64),
        ("n_classes", c_int64),
    )

    @classmethod
    def of(cls, strength: Array, mass: Array, n_active: int) -> _Orbit:
        shape = strength.shape
        where = [address(array, np.float64, *shape) for array in (strength, mass)]
        return cls(*where, shape[0], n_active, shape[1] - 1)


class _Tableau(Structure):
    _fields_ = (("stages", c_void_p), ("fifth", c_void_p), ("third", c_void_p))

    @classmethod
    def of(cls, stages: Array, fifth: Array, third: Array) -> _Tableau:
        return cls(
            address(stages, np.float64, STAGES + 1, STAGES),
            address(fifth, np.float64, STAGES),
            address(third, np.float64, STAGES),
        )


class _Room(Structure):
    _fields_ = (("slopes", c_void_p), ("fractions", c_void_p), ("state", c_void_p))

    def __init__(self, n_rows: int, n_columns: int) -> None:
        self.arrays = (
            np.empty((STAGES, n_rows, n_columns)),
            np.empty(n_columns),
            np.empty((n_rows, n_columns)),
        )
        super().__init__(*(address(array, np.float64) for array in self.arrays))


_fractions = Kernel("fractions", None, _Orbit, c_void_p, c_void_p)
_frozen_slope = Kernel("frozen_slope", None, _Orbit, c_void_p, c_void_p, c_void_p)
_integrate = Kernel(
    "integrate",
    *(c_int64, _Orbit, _Tableau, _Room, c_void_p, c_double, c_double, c_void_p, c_int64),
)
_states_at = Kernel(
    "states_at",
    *(None, _Orbit, _Tableau, _Room, c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_void_p),
)
_add_over_sets = Kernel(
    "add_over_sets",
    *(None, c_void_p, c_int64, c_void_p, c_void_p, c_int64, c_void_p, c_void_p, c_int64),
)


def fractions(state: Array, n_active: int, strength: Array, mass: Array, f: Array) -> None:
    """Fill f (K,) with the residual fractions."""
    orbit = _Orbit.of(strength, mass, n_active)
    _fractions(orbit, _state(state, orbit), address(f, np.float64, orbit.n_classes))


def frozen_slope(
    state: Array, n_active: int, strength: Array, mass: Array, f: Array, out: Array
) -> None:
    """Fill the slope for an integrator that cannot bury: weights below zero stay where they are."""
    orbit = _Orbit.of(strength, mass, n_active)
    _frozen_slope(
        orbit,
        _state(state, orbit),
        address(f, np.float64, orbit.n_classes),
        _state(out, orbit),
    )


def integrate(
    state: Array,
    n_active: int,
    strength: Array,
    mass: Array,
    tableau: tuple[Array, Array, Array],
    rtol: float,
    end_fraction: float,
    nodes: Array,
) -> int:
    """Go on until all residual fractions are below `end_fraction`; change `state`, `strength`.

    `nodes` (most, 1 + n_active (K + 2)) receives time and active rows at the start of every step
    and at the end. Returns how many, or minus that if there was no room.
    """
    orbit = _Orbit.of(strength, mass, n_active)
    n_kept = n_active * state.shape[1]
    return int(
        _integrate(
            orbit,
            _Tableau.of(*tableau),
            _Room(*state.shape),
            _state(state, orbit),
            rtol,
            end_fraction,
            address(nodes, np.float64, len(nodes), 1 + n_kept),
            len(nodes),
        )
    )


def states_at(
    times: Array, nodes: Array, strength: Array, mass: Array, tableau: tuple[Array, Array, Array]
) -> Array:
    """States of the active neurons, shape (T, G, K + 2): one step each from the node before."""
    n_active, n_columns = strength.shape[0], strength.shape[1] + 1
    node_of_time = np.maximum(np.searchsorted(nodes[:, 0], times, side="right") - 1, 0)
    alive, out = np.empty_like(strength), np.empty((times.size, n_active, n_columns))
    _states_at(
        _Orbit.of(alive, mass, n_active),
        _Tableau.of(*tableau),
        _Room(n_active, n_columns),
        address(times, np.float64, times.size),
        address(node_of_time, np.int64, times.size),
        times.size,
        address(nodes, np.float64, len(nodes), 1 + n_active * n_columns),
        address(strength, np.float64),
        address(out, np.float64),
    )
    return out


def add_over_sets(
    words: NDArray[np.uint64],
    samples: NDArray[np.int64],
    rows: NDArray[np.int64],
    weights: Array,
    sums: Array,
) -> None:
    """Add the weight of each sample to its row of `sums` (n_rows, m), for the neurons active on it."""
    _add_over_sets(
        address(words, np.uint64, len(weights), words.shape[1]),
        words.shape[1],
        address(samples, np.int64, samples.size),
        address(rows, np.int64, samples.size),
        samples.size,
        address(weights, np.float64, weights.size),
        address(sums, np.float64, *sums.shape),
        sums.shape[1],
    )


def _state(state: Array, orbit: _Orbit) -> int:
    return address(state, np.float64, orbit.n_rows, orbit.n_classes + 2)
