"""Log-spaced snapshots of a training run within a memory bound.

After step i the next snapshot is at step ⌈r i⌉, at least i + 1. When they fill their memory every
second one goes and r becomes r². Weights are kept as they come, in input space, and put in the
coordinates of the problem when room is needed or they are read, so a training step waits for a copy only.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .._support.arrays import Array, frozen
from .._support.validate import int_at_least
from ..errors import InputError
from ..model.general_problem import AnyProblem
from .recording import Recording

MAX_BYTES = 2**28
_LEAST = 4  # snapshots that have to fit into the memory bound
_FULL = 0.75  # part of the memory above which snapshots are thinned once they are projected


class Entry(NamedTuple):
    """One snapshot."""

    step: int
    t: float
    output: Array
    weights: Any  # (m, d) in input space, in the module's precision, or (m, r) once projected
    is_projected: bool = False

    @property
    def nbytes(self) -> int:
        """Memory taken by the arrays."""
        return int(self.output.nbytes + self.weights.nbytes)


class Snapshots:
    """Snapshots of (a, W), the first one among them for good.

    Parameters
    ----------
    problem : Problem or GeneralProblem
        The data of the run.
    rtol : float
        Precision of the run.
    log_init_scale : float or None
        log λ of the start; None to read it off the first snapshot.
    max_bytes : int
        Bound on the memory.
    spacing : float
        The ratio r.
    """

    def __init__(
        self,
        problem: AnyProblem,
        *,
        rtol: float,
        log_init_scale: float | None,
        max_bytes: int,
        spacing: float,
    ) -> None:
        self._problem, self._rtol, self._log_init_scale = problem, rtol, log_init_scale
        self._most = int_at_least(max_bytes, "max_bytes", 1)
        if not (isinstance(spacing, (int, float)) and 1 < spacing < math.inf):
            raise InputError(f"`spacing` is {spacing!r}; pass a finite number above 1.")
        self._spacing = float(spacing)
        self._entries: list[Entry] = []
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, step: int, t: float, output: Array, weights: Any) -> int:
        """Keep a snapshot; return the step to take the next one at."""
        entry = _finite(Entry(step, t, output, weights))
        if not self._entries:
            self._begin(entry)
        self._entries.append(entry)
        self.nbytes += entry.nbytes
        if self.nbytes > self._most:
            self._make_room()
        return max(step + 1, math.ceil(step * self._spacing))

    def recording(
        self, step: int, t: float, output: Array, weights: Any, zigzags: dict[str, Any]
    ) -> Recording:
        """Return what was kept, with the present weights at the end and what was seen of `zigzags`."""
        entries = list(self._entries)
        if entries[-1].step != step:
            entries.append(_finite(Entry(step, t, output, weights)))
        moved = [True, *(new.t > old.t for old, new in pairwise(entries))]
        entries = [entry for entry, has_moved in zip(entries, moved, strict=True) if has_moved]
        hidden = np.empty((len(entries), output.size, self._problem.n_coordinates))
        for place, entry in enumerate(entries):
            hidden[place] = self._projected(entry).weights
        return Recording(
            problem=self._problem,
            log_init_scale=self._log_init_scale or 0.0,
            steps=np.array([entry.step for entry in entries]),
            t=frozen(np.array([entry.t for entry in entries])),
            output=frozen(np.array([entry.output for entry in entries])),
            hidden=frozen(hidden),
            rtol=self._rtol,
            off_span=self._off_span,
            **zigzags,
        )

    def _begin(self, entry: Entry) -> None:
        if _LEAST * entry.nbytes > self._most:
            raise InputError(
                f"`max_bytes` is {self._most} but one snapshot takes {entry.nbytes}; pass room for at "
                f"least {_LEAST}."
            )
        _, self._off_span = self._problem.split_weights(np.asarray(entry.weights, float))
        if self._log_init_scale is None:
            total = np.sum(entry.output**2) + np.sum(np.asarray(entry.weights, float) ** 2)
            if total == 0:
                raise InputError(
                    "The module is all zeros, where training never leaves; draw a start."
                )
            self._log_init_scale = math.log(total / (2 * entry.output.size)) / 2

    def _make_room(self) -> None:
        for place, entry in enumerate(self._entries):
            self._entries[place] = self._projected(entry, only_if_smaller=True)
        self._count()
        while self.nbytes > _FULL * self._most:
            self._entries = [self._entries[0], *self._entries[2::2]]
            self._spacing **= 2
            self._count()

    def _count(self) -> None:
        self.nbytes = sum(entry.nbytes for entry in self._entries)

    def _projected(self, entry: Entry, only_if_smaller: bool = False) -> Entry:
        smaller = 8 * self._problem.n_coordinates < entry.weights.itemsize * entry.weights.shape[1]
        if entry.is_projected or (only_if_smaller and not smaller):
            return entry
        hidden, _ = self._problem.split_weights(entry.weights)
        return entry._replace(weights=hidden, is_projected=True)


def _finite(entry: Entry) -> Entry:
    if not (np.isfinite(entry.output).all() and np.isfinite(entry.weights).all()):
        raise InputError(
            f"The module has weights that are not finite at step {entry.step}; lower the learning rate."
        )
    return entry
