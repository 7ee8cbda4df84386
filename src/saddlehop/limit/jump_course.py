"""What the jump process finds: when which neurons activate, what they fit, and their next order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, frozen
from .._support.brief import Brief
from ..errors import UnresolvedTieError
from ..model.problem import Problem
from .active_sets import ActiveSets
from .alignment import Alignment
from .next_order import SolvedJump, follow_jumps, growth_rates

TIE_TOL = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class JumpCourse(Brief):
    """J jumps between J + 1 saddles, without the networks there."""

    problem: Problem
    """The data."""
    sets: ActiveSets
    """Active sets and signs of the neurons."""
    alignment: Alignment | None
    """The alignment the sets came from; None if they were given."""
    times: Array
    """When each jump happens, on the clock t / log(1/λ), shape (J,)."""
    neurons: tuple[tuple[int, ...], ...]
    """The neurons that activate at each jump: one, or several in a tie."""
    samples: tuple[NDArray[np.int64], ...]
    """The samples fitted at each jump, increasing."""
    losses: Array
    """Loss (1/2n) Σ r_k² at each saddle, shape (J+1,)."""
    exponents: Array
    """log|a_j| / log(1/λ) at each saddle, shape (J+1, m): −1 at the start, 0 once active."""
    escape_rates: Array
    """Largest growth rate of a dormant neuron at each saddle, per unit of t, shape (J+1,)."""
    margins: Array
    """Clock time from each jump to its runner-up, shape (J,): 0 in a tie, inf if none is left (or none
    whose pulls are within about 1e-20 of the largest open ones)."""
    unfit: NDArray[np.int64]
    """Samples with a label that no neuron covers."""
    tie_tol: float = TIE_TOL
    """Neurons that arrive within this part of the clock count as tied."""

    @property
    def interpolates(self) -> bool:
        """Whether every label is fitted in the end."""
        return self.unfit.size == 0

    @property
    def n_jumps(self) -> int:
        """Number of jumps J."""
        return self.times.size

    @property
    def width(self) -> int:
        """Number of neurons m."""
        return self.sets.width

    @cached_property
    def corrections(self) -> Array:
        """c_i in t_i = times_i · log(1/λ) + c_i + o(1), in units of t, shape (J,).

        t_i is when the first neuron of the jump passes half of the a² it reaches.
        """
        return frozen(
            np.array([solved.reference + solved.half_times.min() for solved in self.solved])
        )

    @cached_property
    def growth_rates(self) -> Array:
        """Growth rate ρ_j of each neuron at each saddle were it dormant, shape (J+1, m)."""
        return growth_rates(self.problem, self.sets, self.samples)

    @cached_property
    def solved(self) -> list[SolvedJump]:
        """Each jump followed on its orbit."""
        growth = self.require_alignment().log_growth
        return follow_jumps(self.problem, self.sets, growth, self.neurons, self.samples)

    def require_alignment(self) -> Alignment:
        """Return the alignment, or raise if only the active sets were given."""
        if self.alignment is None:
            raise UnresolvedTieError(
                "The sizes of the neurons depend on the start but only active sets are known; pass "
                "an Initialization or Alignment to `solve_jumps`."
            )
        return self.alignment
