"""The limit λ → 0 on samples in blocks: `solve_jumps` without the lists of samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, frozen
from .._support.brief import Brief
from .._support.validate import instance_of
from ..limit.active_sets import ActiveSets, pack
from ..limit.block_process import Course, run
from ..limit.block_work import Digits
from ..limit.jump_course import TIE_TOL
from ..limit.jump_path import known, sign_label
from ..limit.jumps import losses_of, require_tie_tol
from ..limit.kernels import squares
from ..limit.thread_teams import FrugalTeam
from ..limit.ties import samples_apart, split_tie
from .sample_blocks import SampleBlocks

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class BlockJumpPath(Brief):
    """The jump process, J jumps between J + 1 saddles, of samples in blocks.

    The numbers are those of `JumpPath`, bit for bit, however the samples are cut.
    """

    n_samples: int
    """Number of samples n."""
    signs: NDArray[np.int8]
    """Sign of each output weight, shape (m,)."""
    times: Array
    """When each jump happens, on the clock t / log(1/λ), shape (J,)."""
    neurons: tuple[tuple[int, ...], ...]
    """The neurons that activate at each jump: one, or several in a tie."""
    n_fitted: NDArray[np.int64]
    """How many samples are fitted at each jump, shape (J,)."""
    losses: Array
    """Loss (1/2n) Σ r_k² at each saddle, shape (J+1,)."""
    sq_norm_bounds: Array
    """Least and largest that the squared norm at each saddle can be, shape (J+1, 2)."""
    exponents: Array
    """log|a_j| / log(1/λ) at each saddle, shape (J+1, m)."""
    escape_rates: Array
    """Largest growth rate of a dormant neuron at each saddle, per unit of t, shape (J+1,)."""
    margins: Array
    """Clock time from each jump to its runner-up, shape (J,): 0 in a tie, inf if none is left."""
    n_unfit: int
    """How many samples with a label no neuron covers."""
    n_positive: int
    """How many labels are positive."""
    n_negative: int
    """How many labels are negative."""
    least_sq_norm: float
    """Least squared norm of a network of any width that fits all labels."""

    @cached_property
    def sq_norms(self) -> Array:
        """Squared norm at each saddle, shape (J+1,).

        nan from the first tie on of neurons that share some of their samples: `sq_norm_bounds`.
        """
        return known(self.sq_norm_bounds)

    @property
    def interpolates(self) -> bool:
        """Whether every label is fitted in the end."""
        return self.n_unfit == 0

    @property
    def n_jumps(self) -> int:
        """Number of jumps J."""
        return self.times.size

    @property
    def width(self) -> int:
        """Number of neurons m."""
        return self.signs.size

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one row per jump and the columns of `JumpPath.to_frame`."""
        import pandas as pd

        return pd.DataFrame(
            {
                "clock": self.times,
                "neurons": [" ".join(map(str, group)) for group in self.neurons],
                "sign": [sign_label(self.signs, group) for group in self.neurons],
                "samples": self.n_fitted,
                "loss": self.losses[1:],
                "sq_norm": self.sq_norms[1:],
                "escape_rate": self.escape_rates[:-1],
                "margin": self.margins,
            },
            index=pd.RangeIndex(1, self.n_jumps + 1, name="jump"),
        )


def solve_jumps_blocks(
    blocks: SampleBlocks, scheduler: Any = None, *, tie_tol: float = TIE_TOL
) -> BlockJumpPath:
    """Compute the limit λ → 0 on samples in blocks.

    Parameters
    ----------
    blocks : SampleBlocks
    scheduler : None, str or distributed.Client
        A Dask scheduler, by address or client, on whose workers the blocks are to lie. By default
        this process works on them in threads; what does not fit in half of the free memory is made
        afresh in each round, until little of it is open.
    tie_tol : float
        As in `solve_jumps`.

    Returns
    -------
    BlockJumpPath

    Notes
    -----
    O(m n) operations, and a pass over the open samples for each jump; 24 + m / 8 bytes and some for
    each sample. A worker that dies loses nothing: its blocks are made
    again on another.
    """
    instance_of(blocks, "blocks", SampleBlocks)
    tie_tol = require_tie_tol(tie_tol)
    if scheduler is None:
        course = run(FrugalTeam(blocks.recipes), blocks.n_samples, blocks.signs, tie_tol)
    else:
        from .cluster import WorkerTeam, connected

        with connected(scheduler) as client, WorkerTeam(client, blocks.recipes) as team:
            course = run(team, blocks.n_samples, blocks.signs, tie_tol)
    return _path(blocks, course)


def _path(blocks: SampleBlocks, course: Course) -> BlockJumpPath:
    return BlockJumpPath(
        n_samples=blocks.n_samples,
        signs=blocks.signs,
        times=frozen(np.array(course.times)),
        neurons=tuple(course.groups),
        n_fitted=np.array(course.n_fitted, dtype=np.int64),
        losses=losses_of(np.array(course.of_labels), blocks.n_samples),
        sq_norm_bounds=_sq_norm_bounds(blocks.signs, course),
        exponents=frozen(np.array(course.exponents)),
        escape_rates=frozen(np.array(course.escape_rates)),
        margins=frozen(np.array(course.margins)),
        n_unfit=course.n_unfit,
        n_positive=int(course.n_of_sign[1]),
        n_negative=int(course.n_of_sign[0]),
        least_sq_norm=_least_sq_norm(blocks.signs, course),
    )


def _least_sq_norm(signs: NDArray[np.int8], course: Course) -> float:
    """2 (‖β₊‖ + ‖β₋‖); a sample has the sign of any neuron that is active on it."""
    of_sign = course.unfit_of_targets.copy()
    for of_patterns in course.of_targets:
        for pattern, digits in of_patterns.items():
            of_sign[int(signs[pattern[0]] > 0)] += digits
    return float(2 * squares.square_roots(of_sign).sum())


def _sq_norm_bounds(signs: NDArray[np.int8], course: Course) -> Array:
    added = [
        _added_sq_norm(signs, group, of_targets)
        for group, of_targets in zip(course.groups, course.of_targets, strict=True)
    ]
    return frozen(np.cumsum([(0.0, 0.0), *added], axis=0))


def _added_sq_norm(
    signs: NDArray[np.int8], group: tuple[int, ...], of_targets: dict[tuple[int, ...], Digits]
) -> tuple[float, float]:
    """Least and most that a tie adds; samples on which the same neurons are active count as one."""
    patterns = np.zeros((len(of_targets), signs.size), dtype=bool)
    for row, pattern in zip(patterns, of_targets, strict=True):
        row[list(pattern)] = True
    digits = np.array(list(of_targets.values()))
    sets = ActiveSets(pack(patterns), signs)
    parts = split_tie(sets, group, np.arange(len(patterns)))

    def added(groups: list[NDArray[np.int64]]) -> float:
        sums = np.array([digits[samples].sum(axis=0) for samples in groups])
        return float(sum(2 * squares.square_roots(sums)))

    return added([part.samples for part in parts]), added(samples_apart(sets, parts))
