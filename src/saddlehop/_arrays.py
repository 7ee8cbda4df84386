"""Small array helpers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def norm(values: Array) -> float:
    """Euclidean norm, safe from overflow and underflow of the squares."""
    largest = float(np.max(np.abs(values), initial=0.0))
    return largest * float(np.linalg.norm(values / largest)) if largest > 0 else 0.0


def frozen(array: Array) -> Array:
    """Make an array of our own read-only and return it."""
    array.flags.writeable = False
    return array
