"""The first instant: each neuron aligns with the samples it will be able to learn.

While all weights are of order λ the pulls d_k = y_k ‖x_k‖ / n are constant and neurons do not
see each other. In the end neuron j has one sign, is active on samples of that sign only, and

    |a_j(t)| ≈ λ C_j exp(ρ_j t),    u_jk ≈ |a_j| |d_k| / ρ_j on S_j,    ρ_j² = Σ_{k ∈ S_j} d_k²

`kernels/alignment.c` has the closed form.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .._support.brief import Brief
from .._support.validate import instance_of
from ..errors import InputError
from ..model.initialization import Initialization
from ..model.problem import Problem
from .active_sets import ActiveSets, n_words
from .kernels import alignment as kernel


@dataclass(frozen=True, eq=False, repr=False)
class Alignment(Brief):
    """What each neuron has become after the first instant."""

    problem: Problem
    """The data."""
    initialization: Initialization
    """The start, at unit scale."""
    sets: ActiveSets
    """Active sets S_j and signs, packed."""
    stalled: NDArray[np.bool_]
    """Neurons that come to rest at zero at a double root (probability zero), shape (m,)."""

    @property
    def signs(self) -> NDArray[np.int8]:
        """Final sign of each a_j, shape (m,); 0 for a neuron that comes to rest at zero."""
        return self.sets.signs

    @cached_property
    def active(self) -> NDArray[np.bool_]:
        """Whether sample k is in S_j, shape (m, n). A neuron with no sample is dead."""
        return self.sets.to_bool()

    @cached_property
    def log_growth(self) -> Array:
        """log C_j, where |a_j| ≈ λ C_j exp(ρ_j t) after alignment; −inf if dead; shape (m,)."""
        init = self.initialization
        return kernel.growth_constants(init.output, init.hidden, _unit_pulls(self.problem))


def align(problem: Problem, init: Initialization) -> Alignment:
    """Solve the alignment of every neuron in closed form.

    Parameters
    ----------
    problem : Problem
    init : Initialization
        Any start, |a_j| < ‖w_j‖ included.

    Returns
    -------
    Alignment

    Notes
    -----
    O(n) per neuron that cannot change sign, O(n log n) per neuron that can; `log_growth` is
    computed when asked for, O(n log n) per neuron. A start whose |a_j| equals the norm of its
    shrinking coordinates to within rounding counts as equal; so do a turn of a_j and the death of a
    coordinate that meet to within rounding.
    """
    instance_of(problem, "problem", Problem)
    instance_of(init, "init", Initialization)
    if init.n_samples != problem.n_samples:
        raise InputError(
            f"`init` has {init.n_samples} samples but the problem has {problem.n_samples}; draw the "
            "start for this problem."
        )
    words = np.zeros((problem.n_samples, n_words(init.width)), dtype=np.uint64)
    signs = np.empty(init.width, dtype=np.int8)
    stalled = np.zeros(init.width, dtype=np.bool_)
    kernel.align_neurons(init.output, init.hidden, _unit_pulls(problem), words, signs, stalled)
    return Alignment(problem, init, ActiveSets(words, signs), stalled)


def _unit_pulls(problem: Problem) -> Array:
    """The pulls in units of the largest."""
    sizes = np.abs(problem.pulls)
    largest = float(np.max(sizes))
    if largest == 0:
        return problem.pulls
    with np.errstate(under="ignore"):
        pulls = problem.pulls / largest
    lost = (np.abs(pulls) < np.finfo(np.float64).smallest_normal) & (sizes > 0)
    if lost.any():
        small, large = int(np.argmax(lost)), int(np.argmax(sizes))
        raise InputError(
            f"Samples {small} and {large} have |y| ‖x‖ of {sizes[small] * sizes.size:.3g} and "
            f"{largest * sizes.size:.3g}, whose ratio is beyond floating-point numbers; leave out the "
            "smaller, which the larger drowns."
        )
    return pulls
