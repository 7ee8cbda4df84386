"""Neurons that zig-zag on a wall: w_j·x_k changes sign, and changes back a few steps later.

A gradient flow crosses a wall w·x_k = 0 or slides along it. Gradient descent stands for sliding by
stepping across and back, faster than any snapshots show. So steps are watched in bursts of BURST, one
after the other; a pair (j, k) zig-zags in a burst if w_j·x_k changes sign in it twice or more.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, frozen
from .._support.validate import real_number
from ..errors import InputError

BURST = 24  # steps watched one after the other


class WallWatch:
    """Counts, per neuron and sample, the bursts in which the neuron zig-zags on the sample's wall.

    Parameters
    ----------
    share : float
        Share of the steps that are watched, from 0 to 1.
    """

    def __init__(self, share: float) -> None:
        value = real_number(share, "watch")
        if not 0 <= value <= 1:
            raise InputError(
                f"`watch` is {share!r}; pass the share of the steps to watch, from 0 to 1."
            )
        self._period = math.inf if value == 0 else max(BURST, round(BURST / value))
        self.bursts = 0
        self._sides: NDArray[np.bool_] = np.empty((0, 0), dtype=np.bool_)
        self._flips = self._sides.astype(np.int8)
        self._counts: NDArray[np.int64] | None = None
        self._since: Array | None = None

    def is_due(self, step: int) -> bool:
        """Whether the sides after this step are to be seen."""
        return self._period < math.inf and step % self._period < BURST

    def see(self, step: int, t: float, sides: NDArray[np.bool_]) -> None:
        """Take in whether w_j·x_k > 0 after a step, shape (n, m)."""
        place = step % self._period
        if place == 0:
            self._flips = np.zeros(sides.shape, dtype=np.int8)
        else:
            self._flips += sides != self._sides
        self._sides = sides
        if place == BURST - 1:
            self._close(t)

    def _close(self, t: float) -> None:
        to_and_fro = self._flips.T >= 2
        if self._counts is None or self._since is None:
            self._counts = np.zeros(to_and_fro.shape, dtype=np.int64)
            self._since = np.full(len(to_and_fro), np.nan)
        self._counts += to_and_fro
        self._since[np.isnan(self._since) & to_and_fro.any(axis=1)] = t
        self.bursts += 1

    def seen(self) -> dict[str, Any]:
        """Return the fields of a Recording that hold what was seen; none before the first burst ends."""
        if self._counts is None or self._since is None:
            return {}
        return {
            "zigzags": self._counts.copy(),
            "zigzag_since": frozen(self._since.copy()),
            "bursts": self.bursts,
        }
