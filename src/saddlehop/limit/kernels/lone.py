"""Door to `lone.c` and `riders.c`: the orbit of a lone neuron, and dormant ones along it."""

from __future__ import annotations

import math
from ctypes import Structure, byref, c_double, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address

PLACES = 10  # as in fours.h
TERMS = 18  # as in lone.h
_LANES = 4


class _Addresses(Structure):
    """A C structure of pointers, which keeps the arrays it points to."""

    def __init__(self, *arrays: NDArray[Any], counts: tuple[int, ...] = ()) -> None:
        self.arrays = arrays
        super().__init__(*(address(array, array.dtype) for array in arrays), *counts)


class _Lone(_Addresses):
    _fields_ = (("pulls", c_void_p), ("masses", c_void_p), ("n_nodes", c_int64))


class _Radau(_Addresses):
    _fields_ = tuple((name, c_void_p) for name in ("points", "integrals", "tops", "levers"))


class _Series(_Addresses):
    _fields_ = tuple((name, c_void_p) for name in ("squares", "pushes", "weights", "sizes"))


class _Riders(_Addresses):
    _fields_ = (
        *((name, c_void_p) for name in ("rests", "masses", "shares", "below")),
        ("n_riders", c_int64),
        ("n_classes", c_int64),
    )


_lone_panels = Kernel(
    "lone_panels",
    *(c_int64, _Lone, _Radau, _Series, c_void_p),
    *(c_double, c_double, c_double, c_double, c_void_p, c_int64, c_void_p),
)
_ride = Kernel(
    "ride",
    *(c_double, _Lone, _Radau, _Series, _Riders, c_void_p, c_int64, c_void_p, c_void_p),
)


@dataclass(frozen=True, eq=False)
class Panels:
    """The orbit of a lone neuron in pieces, in units in which it grows like exp(t) to size one."""

    lone: _Lone
    series: _Series
    table: Array
    """One row for each panel, as in lone.h."""
    half_time: float
    """t at which its square passes 1/2."""

    @property
    def starts(self) -> Array:
        """t at the start of each panel, shape (P,)."""
        return self.table[:, 2]

    @property
    def times(self) -> Array:
        """t at Radau's points, shape (P, PLACES)."""
        return self.table[:, 3 : 3 + PLACES]

    @property
    def sizes(self) -> Array:
        """1 / a there."""
        return self.table[:, 3 + PLACES : 3 + 2 * PLACES]

    @property
    def pushes(self) -> Array:
        """p f of each node there, shape (P, N, PLACES)."""
        return self.table[:, 3 + 2 * PLACES :].reshape(len(self.table), -1, PLACES)


def lone_panels(
    pulls: Array, masses: Array, latest: float, tol: float, reach: float, end: float
) -> Panels | None:
    """Follow a lone neuron; None if there is no way on.

    Parameters
    ----------
    pulls, masses : ndarray, shape (N,)
        p and M of the nodes that stand for classes, Σ M = Σ p² M = 1.
    latest : float
        ∫ a² dt where the panels begin at the latest.
    tol : float
        How rough a panel may be: what of its values is of the highest degree.
    reach : float
        Most by which a panel lengthens ∫ a² dt, relative to its start.
    end : float
        Residual fraction at the end of the last panel.
    """
    n_nodes = pulls.size
    lone = _Lone(pulls, masses, counts=(n_nodes,))
    series = _Series(*(np.empty((rows, TERMS)) for rows in (1, n_nodes, n_nodes, 2)))
    groups = -(-n_nodes // _LANES)
    room = np.empty(groups * _LANES * (4 + 2 * PLACES + 2 * PLACES**2))
    half_time, most, count = c_double(), 64, -1
    while count < 0:
        table = np.empty((most, 3 + 2 * PLACES + n_nodes * PLACES))
        count = _lone_panels(
            lone,
            _radau(),
            series,
            address(room, np.float64),
            *(latest, tol, reach, end),
            address(table, np.float64),
            most,
            byref(half_time),
        )
        most *= 4
    return Panels(lone, series, table[:count], half_time.value) if count else None


def ride(
    panels: Panels,
    rests: Array,
    masses: Array,
    shares: Array,
    below: NDArray[np.int64],
) -> tuple[Array, float]:
    """Carry dormant neurons along a lone one.

    Parameters
    ----------
    panels : Panels
        The lone neuron.
    rests : ndarray, shape (D,)
        R of each, the growth rate from samples that stay open.
    masses : ndarray, shape (D, K)
        M of the classes on which it is active.
    shares : ndarray, shape (K, N)
        What each class takes of the values at the nodes.
    below : ndarray, shape (K,)
        The node before each class.

    Returns
    -------
    shifts : ndarray, shape (D,)
        log b − R t of each at last, if it was ρ t at first.
    rough : float
        What of b in a panel was of the highest degree, at most.
    """
    n_riders, n_classes = masses.shape
    n_nodes = shares.shape[1]
    shifts = np.empty(n_riders)
    lanes = 12 * n_nodes + (n_nodes + 2) * TERMS
    shared = PLACES**2 * (n_nodes + 1) + 1
    others = n_nodes * (TERMS + PLACES + 1) + len(panels.table) * shared + 2 * _LANES * n_classes
    room = np.empty(_LANES * lanes + others)
    rough = _ride(
        panels.lone,
        _radau(),
        panels.series,
        _Riders(rests, masses.copy(), shares, below, counts=(n_riders, n_classes)),
        address(panels.table, np.float64),
        len(panels.table),
        address(room, np.float64),
        address(shifts, np.float64),
    )
    return shifts, rough


@cache
def _radau() -> _Radau:
    """Radau's points in (0, 1] and what is read off values there, by sums over Legendre's polynomials."""
    x = _radau_points()
    legendre = np.array([_legendre(point) for point in x]).T
    weights = (1 + x) / (PLACES * legendre[PLACES - 1]) ** 2
    values = np.zeros((PLACES, PLACES))
    tops = np.zeros((2, PLACES))
    for k in range(PLACES):
        # Σ weights P_k P_l over the points is the integral for all k, l < PLACES
        coefficients = weights * legendre[k]
        # ∫ P_k is (P_{k+1} − P_{k−1}) / (2k + 1), from −1
        integral = legendre[k + 1] - (legendre[k - 1] if k else -1.0)
        values += integral[:, None] * coefficients / 4
        if k >= PLACES - 2:
            tops[k - PLACES + 2] = (2 * k + 1) / 2 * coefficients
    points = (1 + x) / 2
    levers = np.array([1 / math.prod(row[row != 0].tolist()) for row in points[:, None] - points])
    return _Radau(points, values, tops, levers)


def _radau_points() -> Array:
    """Zeros of P_S − P_{S−1} for S = PLACES, by Newton's method; the last is 1."""
    points = []
    for k in range(PLACES - 1, 0, -1):
        x = math.cos(2 * math.pi * k / (2 * PLACES - 1))
        for _ in range(20):
            values, slope = _legendre(x), 0.0
            for degree, sign in ((PLACES, 1), (PLACES - 1, -1)):
                slope += sign * degree * (values[degree - 1] - x * values[degree]) / (1 - x * x)
            x -= (values[PLACES] - values[PLACES - 1]) / slope
        points.append(x)
    return np.array([*points, 1.0])


def _legendre(x: float) -> list[float]:
    """P_0 … P_S at x, for S = PLACES."""
    values = [1.0, x]
    for k in range(1, PLACES):
        values.append(((2 * k + 1) * x * values[k] - k * values[k - 1]) / (k + 1))
    return values
