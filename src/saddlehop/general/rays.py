"""Samples on one ray are one sample: x_k = c_k z_g with c_k > 0 have one wall and are active together.

What neurons feel of them is Σ_k c_k r_k z_g. Repeated samples, also with different labels, are the
common case; their walls must be one wall, or the sides of each are decided apart. Rows of 0 are on no
ray.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array


@dataclass(frozen=True, eq=False)
class Rays:
    """The rays that hold the samples."""

    rows: Array
    """The first sample on each ray, shape (g, r)."""
    group: NDArray[np.intp]
    """The ray of each sample, −1 for a row of 0, shape (n,)."""
    lengths: Array
    """c_k, shape (n,); 0 for a row of 0."""

    @classmethod
    def of(cls, rows: Array) -> Rays:
        """Group the rows (n, r) by direction, equal to twelve digits."""
        norms = np.linalg.norm(rows, axis=1)
        some = np.flatnonzero(norms > 0)
        unit = np.round(rows[some] / norms[some, None], 12) + 0.0
        _, first, inverse = np.unique(unit, axis=0, return_index=True, return_inverse=True)
        order = np.argsort(first)
        group = np.full(len(rows), -1)
        group[some] = np.argsort(order)[inverse.ravel()]
        chosen = some[first[order]]
        lengths = np.zeros(len(rows))
        lengths[some] = norms[some] / norms[chosen][group[some]]
        return cls(rows[chosen], group, lengths)

    def gather(self, pulls: Array) -> Array:
        """Sum c_k r_k over each ray, shape (n,) to (g,)."""
        some = self.group >= 0
        weights = (pulls * self.lengths)[some]
        return np.bincount(self.group[some], weights, len(self.rows)).astype(np.float64)

    def spread(self, values: NDArray[np.generic], empty: int) -> NDArray[np.generic]:
        """Give each sample the value of its ray, `empty` to rows of 0, shape (..., g) to (..., n)."""
        spread = values[..., self.group]
        spread[..., self.group < 0] = empty
        return spread
