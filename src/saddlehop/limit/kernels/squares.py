"""Door to `squares.c`: sums of squares that come out the same in any order."""

from __future__ import annotations

from ctypes import c_int64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._support.arrays import Array
from ..._support.native import Kernel, address
from ._samples import List, Samples

DIGITS = 136
Digits = NDArray[np.int64]

_add_squares = Kernel("add_squares", None, Samples, List, c_void_p, c_void_p)
_squares_by_group = Kernel(
    "squares_by_group", None, Samples, List, c_void_p, c_int64, c_void_p, c_void_p
)
_square_roots = Kernel("square_roots", None, c_void_p, c_int64, c_void_p)
_values = Kernel("values", None, c_void_p, c_int64, c_void_p)


def add_squares(
    y: Array, norms: Array | None, samples: NDArray[Any], of_labels: Digits, of_targets: Digits
) -> None:
    """Add y_k² to one sum and (y_k / ‖x_k‖)² to another for each of the samples."""
    _add_squares(
        Samples(None, y, norms),
        List(samples),
        address(of_labels, np.int64, DIGITS),
        address(of_targets, np.int64, DIGITS),
    )


def squares_by_group(
    y: Array, norms: Array | None, samples: NDArray[Any], offsets: NDArray[np.int64]
) -> tuple[Digits, Digits]:
    """Both sums for each group samples[offsets[i]:offsets[i + 1]], shapes (J, DIGITS)."""
    n_groups = len(offsets) - 1
    of_labels, of_targets = np.zeros((2, n_groups, DIGITS), dtype=np.int64)
    _squares_by_group(
        Samples(None, y, norms),
        List(samples),
        address(offsets, np.int64, n_groups + 1),
        n_groups,
        address(of_labels, np.int64),
        address(of_targets, np.int64),
    )
    return of_labels, of_targets


def square_roots(digits: Digits) -> Array:
    """Square root of each sum, shape (J,); within an ulp or two, and never out of range."""
    return _read(_square_roots, digits)


def values(digits: Digits) -> Array:
    """Value of each sum, shape (J,)."""
    return _read(_values, digits)


def _read(kernel: Kernel, digits: Digits) -> Array:
    digits = np.ascontiguousarray(digits)
    result = np.empty(len(digits))
    kernel(address(digits, np.int64, len(digits), DIGITS), len(digits), address(result, np.float64))
    return result
