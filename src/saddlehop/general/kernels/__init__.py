"""The door to the C kernels for data as they are: the wall rule, and the steps of the flow.

Each record mirrors the C structure of its name in ``state.h`` and ``walls.h``, field by field; types,
shapes and memory order of its arrays are looked at where the structure is made. Long buffers are only
touched when used.
"""

from __future__ import annotations

from ctypes import POINTER, Structure, addressof, byref, c_double, c_int64, c_void_p
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address

MOST_ORDER, PANEL = 22, 8
COUNTS = (
    "crossings",
    "slides",
    "leavings",
    "turns",
    "stalls",
    "evaluations",
    "plateaus",
    "pieces",
    "implicit",
)

Modes = NDArray[np.int8]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Setting:
    """What does not change along a flow."""

    rows: Array
    """Samples in coordinates of their span, shape (n, r); none is longer than 1."""
    labels: Array
    """Shape (n,)."""
    curvature: Array
    """How much r_k falls where h(x_k) rises: more than 1 where a row stands for several samples,
    shape (n,)."""
    n_samples: int
    """Number of samples the rows stand for."""
    norms: Array
    """Lengths of the rows, shape (n,)."""
    imbalance: Array
    """c_j, shape (m,)."""
    log_start: float
    """log λ."""
    tol: float
    """Error allowed in a step, relative to each neuron's size and to the labels."""

    @cached_property
    def stepper(self) -> Stepper:
        """Working space for flows in this setting."""
        return Stepper(self)

    @cached_property
    def slides(self) -> dict[bytes, Any]:
        """What is known of walls slid on, by their samples."""
        return {}


class Weights(NamedTuple):
    """Where a flow stands, as far as the kernels know."""

    scale: Array
    """σ_j, shape (m,)."""
    output: Array
    """ã_j, shape (m,)."""
    hidden: Array
    """w̃_j, shape (m, r)."""
    modes: Modes
    """Shape (m, n)."""
    chosen: Flags
    """Walls on which the side a neuron came from decided so far, shape (m, n)."""
    counts: NDArray[np.int64]
    """Work done, one for each of COUNTS."""


def _pointers(names: str) -> list[tuple[str, type]]:
    return [(name, c_void_p) for name in names.split()]


class _Matrix(Structure):
    _fields_ = [*_pointers("panels"), ("p", c_int64), ("c", c_int64)]


class _Setting(Structure):
    _fields_ = [
        *_pointers("rows"),
        ("to_rows", _Matrix),
        ("to_sides", _Matrix),
        *_pointers("norms label curvature imbalance"),
        *((name, c_int64) for name in ("n_rows", "rank", "n_samples", "width")),
        ("log_start", c_double),
        ("tol", c_double),
    ]


class _State(Structure):
    _fields_ = _pointers("scale output hidden mode chosen counts")


class _Basis(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("rank", "count", "n_removed")),
        *_pointers("q upper wall"),
    ]


class _Walls(Structure):
    _fields_ = [
        ("count", c_int64),
        ("rank", c_int64),
        *_pointers("rows norms sample pull base"),
        ("slack", c_double),
        *_pointers("side share chosen velocity"),
    ]


class _WallsWork(Structure):
    _fields_ = [("free", _Basis), *_pointers("fixed best other velocity on barred")]


class _Series(Structure):
    _fields_ = [
        ("order", c_int64),
        ("n_patterns", c_int64),
        *_pointers("pattern leader weight output hidden sides force drive rise residual"),
    ]


class _Alone(Structure):
    _fields_ = _pointers("force shifted drive hidden output sides residual pull held")


class _Work(Structure):
    _fields_ = [
        ("series", _Series),
        ("alone", _Alone),
        ("bases", c_void_p),
        ("slides", _Basis),
        ("walls", _Walls),
        ("walls_work", _WallsWork),
        *_pointers("masked load end time event"),
        ("before", _State),
    ]


_step = Kernel("general_step", c_double, _Setting, _State, _Work, POINTER(c_int64), c_double)
_start = Kernel("general_start", None, _Setting, _State, _Work)
_residuals = Kernel("general_residuals", None, _Setting, _State, _Work, c_void_p)
_drive = Kernel(
    "general_drive",
    c_double,
    _Setting,
    _State,
    _Work,
    c_void_p,
    c_int64,
    c_void_p,
    c_int64,
    c_void_p,
    c_void_p,
)
_forces = Kernel("general_forces", None, _Setting, _State, _Work, c_void_p, c_void_p)
_wall_rule = Kernel("general_wall_rule", None, _Walls, _WallsWork)


class _Memory:
    """Buffers, kept while they are in use."""

    def __init__(self) -> None:
        self.arrays: list[object] = []

    def __call__(self, *shape: int, dtype: DTypeLike = np.float64) -> int:
        array: NDArray[np.generic] = np.empty(shape, dtype)
        self.arrays.append(array)
        return address(array, dtype)

    def matrix(self, array: Array) -> _Matrix:
        """Cut a matrix (p, c) into panels of eight columns, the last filled up with zeros."""
        p, c = array.shape
        panels = np.zeros((-(-c // PANEL), p, PANEL))
        for i, panel in enumerate(panels):
            columns = array[:, i * PANEL : (i + 1) * PANEL]
            panel[:, : columns.shape[1]] = columns
        self.arrays.append(panels)
        return _Matrix(address(panels, np.float64), p, c)

    def basis(self, rank: int) -> _Basis:
        return _Basis(rank, 0, 0, self(rank, rank), self(rank, rank), self(rank, dtype=np.int64))

    def walls_work(self, rank: int, count: int) -> _WallsWork:
        flags = self(count, dtype=np.bool_), self(count, dtype=np.bool_)
        vectors = self(rank), self(rank), self(count), self(rank)
        return _WallsWork(self.basis(rank), *vectors, *flags)


class Stepper:
    """Working space for the flows of one setting, and all that is done to a state in it."""

    def __init__(self, setting: Setting) -> None:
        n, r = setting.rows.shape
        self._shape = n, r, setting.imbalance.size
        self._new = _Memory()
        self._arrays = setting.rows, setting.norms, setting.labels, setting.curvature
        self._imbalance = setting.imbalance
        self._setting = _Setting(
            address(setting.rows, np.float64, n, r),
            self._new.matrix(setting.rows),
            self._new.matrix(setting.rows.T),
            address(setting.norms, np.float64, n),
            address(setting.labels, np.float64, n),
            address(setting.curvature, np.float64, n),
            address(setting.imbalance, np.float64, self._shape[2]),
            n,
            r,
            setting.n_samples,
            self._shape[2],
            setting.log_start,
            setting.tol,
        )
        self._work = self._new_work()

    def _new_work(self) -> _Work:
        n, r, m = self._shape
        new, terms = self._new, MOST_ORDER + 1
        bases = (_Basis * m)(*(new.basis(r) for _ in range(m)))
        new.arrays.append(bases)
        series = _Series(
            pattern=new(m, dtype=np.int64),
            leader=new(m, dtype=np.int64),
            weight=new(m),
            output=new(terms, m),
            hidden=new(terms, m, r),
            sides=new(terms, m, n),
            force=new(terms, m, r),
            drive=new(terms, m, r),
            rise=new(terms, m, n),
            residual=new(terms, n),
        )
        vectors = (new(terms, r), new(terms, r), new(terms, r), new(terms, r), new(terms))
        alone = _Alone(*vectors, new(n), new(n), new(terms, r), new(terms, r))
        ints = new(n, dtype=np.int64), new(n), new(r), 0.0, new(n, dtype=np.int8)
        walls = _Walls(
            0,
            r,
            self._setting.rows,
            self._setting.norms,
            *ints,
            new(n),
            new(n, dtype=np.bool_),
            new(r),
        )
        before = Weights(
            np.empty(m),
            np.empty(m),
            np.empty((m, r)),
            np.empty((m, n), np.int8),
            np.empty((m, n), np.bool_),
            np.empty(len(COUNTS), np.int64),
        )
        new.arrays.append(before)
        return _Work(
            series,
            alone,
            addressof(bases),
            new.basis(r),
            walls,
            new.walls_work(r, n),
            new(m, n),
            new(n),
            new(m, n),
            new(m),
            new(m, dtype=np.int64),
            self._state(before),
        )

    def _state(self, weights: Weights) -> _State:
        n, r, m = self._shape
        return _State(
            address(weights.scale, np.float64, m),
            address(weights.output, np.float64, m),
            address(weights.hidden, np.float64, m, r),
            address(weights.modes, np.int8, m, n),
            address(weights.chosen, np.bool_, m, n),
            address(weights.counts, np.int64, len(COUNTS)),
        )

    def step(self, weights: Weights, order: int, room: float) -> tuple[float, int]:
        """Move by one step of at most `room`; return its length and the order of the next.

        An order of 0 stands for the one that suits the tolerance.
        """
        next_order, in_c = c_int64(order), self._state(weights)
        length = _step(self._setting, in_c, self._work, byref(next_order), room)
        return float(length), next_order.value

    def start(self, weights: Weights) -> None:
        """Put neurons that start on walls there, and decide how they move on."""
        _start(self._setting, self._state(weights), self._work)

    def residuals(self, weights: Weights) -> Array:
        """Return r_k = y_k − Σ_j a_j max(w_j·x_k, 0), shape (n,)."""
        found = np.empty(self._shape[0])
        _residuals(self._setting, self._state(weights), self._work, address(found, np.float64))
        return found

    def drive(
        self, weights: Weights, moved: Flags, terms: Array, places: Array
    ) -> tuple[Array, float]:
        """Move neurons `moved` (m,), each by itself, under r(t) = Σ_p terms_p t^p (P, n).

        They go to the last of `places` (q,). Return the residuals that all neurons make at each place, shape
        (q, n), and when the first wall is met by one that others feel.
        """
        made = np.empty((places.size, self._shape[0]))
        first = _drive(
            self._setting,
            self._state(weights),
            self._work,
            address(moved, np.bool_, self._shape[2]),
            len(terms),
            address(terms, np.float64, len(terms), self._shape[0]),
            places.size,
            address(places, np.float64),
            address(made, np.float64),
        )
        return made, float(first)

    def forces(self, weights: Weights, residuals: Array) -> Array:
        """Return D_j = (1/n) P_j Σ_{active} r_k x_k at residuals (n,), shape (m, r)."""
        n, r, m = self._shape
        found = np.empty((m, r))
        of = address(np.ascontiguousarray(residuals), np.float64, n)
        _forces(self._setting, self._state(weights), self._work, of, address(found, np.float64))
        return found


def wall_rule(
    base: Array, rows: Array, pulls: Array, sides: Modes, shares: Array, slack: float
) -> tuple[Array, Array, Modes, Flags]:
    """Find how one neuron moves on several walls.

    Parameters
    ----------
    base : ndarray, shape (r,)
        Its velocity without the walls.
    rows : ndarray, shape (p, r)
        Samples of the walls.
    pulls : ndarray, shape (p,)
        q_k.
    sides : ndarray of int8, shape (p,)
        ±1: the side it is on or came from.
    shares : ndarray, shape (p,)
        θ to start from.
    slack : float
        Rounding of a velocity.

    Returns
    -------
    velocity (r,), shares (p,), modes (p,), chosen (p,)
    """
    p, r = rows.shape
    new = _Memory()
    rows, base, pulls = (np.ascontiguousarray(a, np.float64) for a in (rows, base, pulls))
    norms, samples = np.linalg.norm(rows, axis=1), np.arange(p)
    velocity, chosen = np.empty(r), np.empty(p, np.bool_)
    modes, shares = sides.astype(np.int8), shares.astype(np.float64)
    walls = _Walls(
        p,
        r,
        address(rows, np.float64, p, r),
        address(norms, np.float64, p),
        address(samples, np.int64, p),
        address(pulls, np.float64, p),
        address(base, np.float64, r),
        slack,
        address(modes, np.int8, p),
        address(shares, np.float64, p),
        address(chosen, np.bool_, p),
        address(velocity, np.float64, r),
    )
    _wall_rule(walls, new.walls_work(r, p))
    return velocity, shares, modes, chosen
