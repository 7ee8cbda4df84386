"""The door to the C kernels of the flow: records of arrays, and what can be done with them.

Each record mirrors the C structure of its name in ``state.h`` and ``steps.h``, field by field; types,
shapes and memory order of its arrays are looked at where the structure is made.
"""

from __future__ import annotations

import math
from ctypes import POINTER, Structure, byref, c_double, c_int64, c_void_p
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address

MOST_TERMS = 25
MOST_ROWS = 13  # states at once in a stiff step
MOST_GRAM = 192
N_CURVES = 13
LINE = 64  # bytes that the processor fetches at once; numbers across two of them cost twice
RUNNING, ARRIVED, LEARNED, OVERFLOWED = 0, 1, 2, 3
PLATEAU, STIFF, MAGNUS = 0, -1, -2  # in the column of orders, in place of the order of a series
DEATH = np.dtype([("threshold", np.float64), ("pair", np.int64)])

Index = NDArray[np.int64]


class Constants(NamedTuple):
    """What does not change along a flow."""

    target: Array  # (n,) β_k
    stiffness: Array  # (n,) κ_k
    loss_weight: Array  # (n,) the loss is Σ_k loss_weight_k r_k²
    step_tol: float  # error of one step, relative to each neuron's largest weight
    settled_tol: float  # relative shift of a weight that a settled sample may still cause
    plateau_tol: float  # the same for the pulls taken constant
    t_end: float  # inf: until nothing is left to learn


class State(NamedTuple):
    """A point of the flow: neuron j is e^{σ_j} (ã_j, ũ_j), of which only alive pairs are held."""

    time: Array  # (2,) the time and its rounding error
    output: Array  # (m,) ã_j
    scale: Array  # (m,) σ_j
    hidden: Array  # (N,) ũ_jk
    sample: NDArray[np.int32]  # (N,) k
    first: Index  # (m,) where the pairs of each neuron begin
    alive: Index  # (m,)
    moving: Index  # (m,)
    control: Array  # (8,)
    sign: Array  # (m,) that a_j keeps for ever; 0 where it may change
    surplus: Array  # (m,) log of a_j² − Σ_k u_jk² over alive pairs, conserved, where sign ≠ 0

    def copy(self) -> State:
        """Return an independent copy."""
        return State._make(array.copy() for array in self)


class Rows(NamedTuple):
    """What is recorded at the start of each of R steps, and after the last."""

    time: Array  # (R + 1,)
    loss: Array  # (R + 1,)
    sq_norm: Array  # (R + 1,)
    log_output: Array  # (R + 1, m) log |a_j|
    scale: Array  # (R + 1, m) σ_j
    order: Index  # (R,) of the series, or PLATEAU, STIFF, MAGNUS
    stretch: Array  # (R, 3) of the time that series are in, see stretch.h
    series: Array  # (R, P + 1, m) Taylor coefficients of ã, or start, a, b and ρ of its last piece

    @classmethod
    def of_size(cls, n_rows: int, width: int, n_terms: int = MOST_TERMS) -> Rows:
        """Return room for `n_rows` steps."""
        more = n_rows + 1
        return cls(
            time=np.empty(more),
            loss=np.empty(more),
            sq_norm=np.empty(more),
            log_output=np.empty((more, width)),
            scale=np.empty((more, width)),
            order=np.zeros(n_rows, np.int64),
            stretch=np.full((n_rows, 3), np.inf),
            series=np.zeros((n_rows, n_terms, width)),
        )


def _pointers(names: str) -> list[tuple[str, type]]:
    return [(name, c_void_p) for name in names.split()]


class _Constants(Structure):
    _fields_ = [
        *_pointers("target stiffness loss_weight"),
        ("n_samples", c_int64),
        *((name, c_double) for name in ("step_tol", "settled_tol", "plateau_tol", "t_end")),
    ]


class _State(Structure):
    _fields_ = [
        *_pointers("time output scale hidden sample first alive moving control sign surplus"),
        ("width", c_int64),
        ("n_pairs", c_int64),
    ]


class _Work(Structure):
    _fields_ = [
        *_pointers(
            "weight residual sensitivity pull settled load is_moving bounds packed_sample "
            "hidden_series pull_series terms products totals shares neuron entries entry "
            "entry_sample entry_members entry_hidden gram backwards inverse is_felt alone "
            "output_series stretch sizes product lever rate change right rest kind curves segment "
            "deaths tail pieces counts"
        ),
        ("n_terms", c_int64),
    ]


class _Rows(Structure):
    _fields_ = _pointers("time loss sq_norm log_output scale order stretch series")


_advance = Kernel(
    "flow_advance", c_int64, _Constants, _State, _Work, _Rows, c_int64, POINTER(c_int64)
)
_prepare = Kernel("flow_prepare", c_int64, _Constants, _State, _Work)
_move_to = Kernel("flow_move_to", None, _Constants, _State, _Work, c_int64, c_double)
_loss = Kernel("flow_loss", c_double, _Constants, _State, _Work)
_pull_one = Kernel("flow_pull_one", None, _State, _Work, c_int64, c_double)
_crossing_of_series = Kernel(
    "flow_crossing_of_series", c_double, c_void_p, c_int64, c_void_p, c_double, c_double
)
_crossing_of_piece = Kernel("flow_crossing_of_piece", c_double, c_void_p, c_double, c_double)


class Stepper:
    """Working space for the flows of one problem and width, and all that is done to a state in it.

    Parameters
    ----------
    constants : Constants
    width, n_pairs : int
        m and N of the states to come.
    """

    def __init__(self, constants: Constants, width: int, n_pairs: int) -> None:
        self._shape = constants.target.size, width, n_pairs
        self._kept: list[NDArray[np.generic]] = []
        self._arrays = constants
        self._constants = _Constants(
            *(address(array, np.float64, self._shape[0]) for array in constants[:3]),
            self._shape[0],
            *constants[3:],
        )
        self.counts = np.zeros(5, np.int64)
        """Evaluations, deaths, plateau steps, stiff steps, pairs evaluated."""
        self._weight, self._pull = np.empty(width), np.empty(self._shape[0])
        self._inverse = 1 / np.maximum(np.arange(MOST_TERMS), 1.0)
        self._work = self._new_work()

    def _new_work(self) -> _Work:
        """Memory for long series is only touched when used."""
        n, m, n_pairs = self._shape
        new, terms, eights = self._buffer, MOST_TERMS, -(-m // 8)
        n_entries = min(n_pairs, n * eights)
        return _Work(
            weight=address(self._weight, np.float64, m),
            residual=new(n),
            sensitivity=new(n),
            pull=address(self._pull, np.float64, n),
            settled=new(n, dtype=np.bool_),
            load=new(n),
            is_moving=new(m, dtype=np.bool_),
            bounds=new(m + 1, dtype=np.int64),
            packed_sample=new(n_pairs, dtype=np.int32),
            hidden_series=new(MOST_ROWS, n_pairs),
            pull_series=new(n_pairs),
            terms=new(n + 1, 24),
            products=new(n, 12),
            totals=new(n, 4),
            shares=new(8, 24),
            neuron=new(eights, 8, dtype=np.int32),
            entries=new(eights + 1, dtype=np.int64),
            entry=new(n, dtype=np.int64),
            entry_sample=new(n_entries, dtype=np.int32),
            entry_members=new(n_entries, dtype=np.uint8),
            entry_hidden=new(n_entries, 8),
            gram=new(m, MOST_GRAM),
            backwards=new(m, 52),
            inverse=address(self._inverse, np.float64, terms),
            is_felt=new(m, dtype=np.bool_),
            alone=new(26, n),
            output_series=new(terms, m),
            stretch=new(3),
            sizes=new(terms),
            product=new(n_pairs),
            lever=new(n_pairs),
            rate=new(n),
            change=new(n),
            right=new(m),
            rest=new(n),
            kind=new(m, dtype=np.uint8),
            curves=new(N_CURVES, n),
            segment=new(n),
            deaths=new(n, dtype=DEATH),
            tail=new(n + 1),
            pieces=new(m, 4),
            counts=address(self.counts, np.int64, 5),
            n_terms=terms,
        )

    def _buffer(self, *shape: int, dtype: DTypeLike = np.float64) -> int:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        memory = np.empty(size + LINE, np.uint8)
        self._kept.append(memory)
        return -(-address(memory, np.uint8) // LINE) * LINE

    def _state(self, state: State) -> _State:
        _, m, n_pairs = self._shape
        doubles = address(state.time, np.float64, 2), address(state.output, np.float64, m)
        return _State(
            *doubles,
            address(state.scale, np.float64, m),
            address(state.hidden, np.float64, n_pairs),
            address(state.sample, np.int32, n_pairs),
            *(address(lengths, np.int64, m) for lengths in state[5:8]),
            address(state.control, np.float64, 8),
            address(state.sign, np.float64, m),
            address(state.surplus, np.float64, m),
            m,
            n_pairs,
        )

    def advance(self, state: State, rows: Rows, n_steps: int) -> tuple[int, int]:
        """Take up to `n_steps` steps in place; return the number taken and the status.

        The row after the last step is written too.
        """
        taken = c_int64()
        in_c = _rows(rows, n_steps, self._shape[1])
        status = _advance(
            self._constants, self._state(state), self._work, in_c, n_steps, byref(taken)
        )
        return taken.value, status

    def prepare(self, state: State) -> int:
        """Prepare the step that starts at `state`; return its order."""
        return int(_prepare(self._constants, self._state(state), self._work))

    def move_to(self, state: State, order: int, offset: float) -> None:
        """Move a prepared state along its step."""
        _move_to(self._constants, self._state(state), self._work, order, offset)

    def move_neuron(self, state: State, j: int, offset: float) -> None:
        """Move one neuron of a state that is prepared for a plateau."""
        _pull_one(self._state(state), self._work, j, offset)

    def loss(self, state: State) -> float:
        """Return the loss of a state."""
        return float(_loss(self._constants, self._state(state), self._work))

    def pulls(self) -> tuple[Array, Array]:
        """Return copies of the pulls and weights that a prepared step needs, for `restore`."""
        return self._pull.copy(), self._weight.copy()

    def restore(self, pulls: tuple[Array, Array]) -> None:
        """Undo what `loss` did to a prepared step."""
        self._pull[:], self._weight[:] = pulls


def _rows(rows: Rows, n_steps: int, width: int) -> _Rows:
    more = max(n_steps + 1, rows.time.size)
    steps = more - 1
    return _Rows(
        *(address(column, np.float64, more) for column in rows[:3]),
        *(address(table, np.float64, more, width) for table in rows[3:5]),
        address(rows.order, np.int64, steps),
        address(rows.stretch, np.float64, steps, 3),
        address(rows.series, np.float64, steps, MOST_TERMS, width),
    )


def crossing_of_series(series: Array, stretch: Array, level: float, length: float) -> float:
    """Return the t in (0, length] where log |Σ_i series_i s^i| first passes `level` going up."""
    terms = np.ascontiguousarray(series, dtype=np.float64)
    at = address(terms, np.float64, terms.size)
    time = address(stretch, np.float64, 3)
    return float(_crossing_of_series(at, terms.size, time, level, length))


def crossing_of_piece(piece: Array, level: float, length: float) -> float:
    """Return the same under constant pulls; −1 if it is before the neuron's last piece."""
    fields = np.ascontiguousarray(piece, dtype=np.float64)
    return float(_crossing_of_piece(address(fields, np.float64, 4), level, length))
