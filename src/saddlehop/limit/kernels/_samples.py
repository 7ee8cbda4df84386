"""What `samples.h` declares."""

from __future__ import annotations

from ctypes import Structure, c_int64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..._support.native import address


class Samples(Structure):
    """Samples held in one piece; without words for functions that read none, without norms if all are 1."""

    _fields_ = (
        ("words", c_void_p),
        ("y", c_void_p),
        ("norms", c_void_p),
        ("n", c_int64),
        ("n_words", c_int64),
    )

    def __init__(
        self,
        words: NDArray[np.uint64] | None,
        y: NDArray[np.float64],
        norms: NDArray[np.float64] | None,
    ) -> None:
        n = y.size
        self.arrays: tuple[Any, ...] = (words, y, norms)  # must live as long as their addresses
        super().__init__(
            None if words is None else address(words, np.uint64, n, words.shape[1]),
            address(y, np.float64, n),
            None if norms is None else address(norms, np.float64, n),
            n,
            0 if words is None else words.shape[1],
        )


class List(Structure):
    """The numbers of some samples."""

    _fields_ = (("samples", c_void_p), ("n", c_int64))

    def __init__(self, samples: ArrayLike) -> None:
        self.array = np.ascontiguousarray(samples, dtype=np.uint32)
        super().__init__(address(self.array, np.uint32, self.array.size), self.array.size)
