"""What every path from saddle to saddle gives: the network by the number of jumps, and by the clock."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._support.validate import real_number
from ..errors import InputError
from ..model.network import Network


class SaddlePath(ABC):
    """Base of jump paths: saddles are numbered from 0, and a jump belongs to what follows it."""

    times: Array

    @abstractmethod
    def saddle(self, index: int) -> Network:
        """Return the network after `index` jumps."""

    @property
    def final(self) -> Network:
        """The network the process ends in."""
        return self.saddle(self.times.size)

    def __call__(self, clock: float) -> Network:
        """Return the network at a time on the clock t / log(1/λ)."""
        clock = real_number(clock, "clock")
        if not clock >= 0:
            raise InputError(f"`clock` is {clock}; pass a time of at least 0.")
        return self.saddle(int(np.searchsorted(self.times, clock, side="right")))

    def _require_saddle(self, index: Any) -> None:
        is_number = isinstance(index, (int, np.integer)) and not isinstance(index, bool)
        if not is_number or not 0 <= index <= self.times.size:
            raise InputError(
                f"`index` is {index} but the saddles are numbered 0 to {self.times.size}; pass one of "
                "these."
            )
