"""Door to `alignment.c`: the alignment of each neuron in closed form."""

from __future__ import annotations

from ctypes import Structure, c_int64, c_void_p

import numpy as np
from numpy.typing import NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address


class _Starts(Structure):
    _fields_ = (
        ("output", c_void_p),
        ("hidden", c_void_p),
        ("pulls", c_void_p),
        ("width", c_int64),
        ("n", c_int64),
    )

    @classmethod
    def of(cls, output: Array, hidden: Array, pulls: Array) -> _Starts:
        width, n = hidden.shape
        return cls(
            address(output, np.float64, width),
            address(hidden, np.float64, width, n),
            address(pulls, np.float64, n),
            width,
            n,
        )


class _Sets(Structure):
    _fields_ = (
        ("words", c_void_p),
        ("signs", c_void_p),
        ("stalled", c_void_p),
        ("n_words", c_int64),
    )


_align_neurons = Kernel("align_neurons", None, _Starts, _Sets, c_void_p)
_growth_constants = Kernel("growth_constants", None, _Starts, c_void_p, c_void_p)


def align_neurons(
    output: Array,
    hidden: Array,
    pulls: Array,
    words: NDArray[np.uint64],
    signs: NDArray[np.int8],
    stalled: NDArray[np.bool_],
) -> None:
    """Fill `words` (n, W), of zeros, with the bits of S_j, `signs` (m,) and `stalled` (m,)."""
    width, n = hidden.shape
    memory = _memory(n)
    sets = _Sets(
        address(words, np.uint64, n, words.shape[1]),
        address(signs, np.int8, width),
        address(stalled, np.bool_, width),
        words.shape[1],
    )
    _align_neurons(_Starts.of(output, hidden, pulls), sets, address(memory, np.float64))


def growth_constants(output: Array, hidden: Array, pulls: Array) -> Array:
    """Return log C_j, shape (m,), −inf for neurons that die."""
    log_growth, memory = np.empty(len(output)), _memory(pulls.size)
    _growth_constants(
        _Starts.of(output, hidden, pulls),
        address(memory, np.float64),
        address(log_growth, np.float64),
    )
    return log_growth


def _memory(n: int) -> Array:
    return np.empty(10 * n + 4)
