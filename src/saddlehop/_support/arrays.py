"""Small array helpers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def norm(values: Array) -> float:
    """Euclidean norm, safe from overflow and underflow of the squares."""
    largest = float(np.max(np.abs(values), initial=0.0))
    return largest * float(np.linalg.norm(values / largest)) if largest > 0 else 0.0


def thin_svd(matrix: Array) -> tuple[Array, Array, Array]:
    """Singular values with their vectors, by a slower method where the fast one does not converge."""
    try:
        left, values, right = np.linalg.svd(matrix, full_matrices=False)
    except np.linalg.LinAlgError:
        from scipy.linalg import svd  # slow to import

        left, values, right = svd(matrix, full_matrices=False, lapack_driver="gesvd")
    return left, values, right


def is_sparse(value: Any) -> bool:
    """Tell whether `value` is a sparse array; before scipy.sparse is imported none is."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(value))


def frozen(array: Array) -> Array:
    """Make an array of our own read-only and return it."""
    array.flags.writeable = False
    return array


def aligned(value: Any) -> Any:
    """Return arrays, and those in lists and tuples, with their numbers where kernels can read them.

    What Dask brings from another process may lie at odd addresses.
    """
    if isinstance(value, (list, tuple)):
        pieces = [aligned(piece) for piece in value]
        return type(value)(*pieces) if hasattr(value, "_fields") else type(value)(pieces)
    if not isinstance(value, np.ndarray) or value.flags.aligned:
        return value
    copy = value.copy()
    copy.flags.writeable = value.flags.writeable
    return copy


class Travelling:
    """Something whose arrays are aligned again when it comes out of a pickle."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({name: aligned(value) for name, value in state.items()})


def chunks(length: int, size: int = 2**20) -> Iterator[slice]:
    """Cut 0 … length − 1 into slices, for passes over many samples that need temporary arrays."""
    return (slice(start, min(start + size, length)) for start in range(0, length, size))
