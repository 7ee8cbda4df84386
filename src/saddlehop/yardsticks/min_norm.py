"""The interpolator of least norm, with a proof that none is smaller.

    min ‖θ‖² = 2 ( ‖β₊‖ + ‖β₋‖ ),     β± the targets of either sign,

attained by two neurons along Σ β_k e_k. The dual problem is to maximise 2 Σ α_k y_k subject to
|Σ_k α_k max(w·x_k, 0)| ≤ 1 on the unit sphere, that is ‖(α_k ‖x_k‖)₊‖ ≤ 1 and
‖(α_k ‖x_k‖)₋‖ ≤ 1; α_k = β_k / (‖x_k‖ ‖β_sign‖) is feasible and leaves no gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._support.arrays import Array, norm
from .._support.brief import Brief
from ..model.general_problem import orthogonal_problem
from ..model.network import Network
from ..model.problem import Problem


@dataclass(frozen=True, eq=False, repr=False)
class MinNormInterpolator(Brief):
    """A network of least norm that fits all labels, with its dual certificate."""

    network: Network
    """Two neurons, one for each sign of the labels; zero for a sign that does not occur."""
    sq_norm: float
    """Least squared norm Σ a² + ‖w‖² of an interpolating network of any width."""
    dual: Array
    """Dual variables α_k, shape (n,): feasible up to rounding."""
    duality_gap: float
    """`sq_norm` minus the lower bound that `dual` proves, zero up to rounding."""


def least_sq_norm(problem: Problem) -> float:
    """Return the least squared norm of a network that fits all labels."""
    targets = problem.targets
    return 2 * (norm(np.maximum(targets, 0)) + norm(np.minimum(targets, 0)))


def min_norm_interpolator(problem: Problem) -> MinNormInterpolator:
    """Return the interpolator of least norm.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    MinNormInterpolator
    """
    orthogonal_problem(problem, "the smallest interpolator is known")
    output = np.zeros(2)
    hidden = np.zeros((2, problem.n_samples))
    dual = np.zeros(problem.n_samples)
    for neuron, sign in enumerate((1, -1)):
        samples = sign * problem.y > 0
        targets = problem.targets[samples]
        size = norm(targets)
        if size > 0:
            output[neuron] = sign * np.sqrt(size)
            hidden[neuron, samples] = np.abs(targets) / np.sqrt(size)
            dual[samples] = targets / size / problem.norms[samples]
    sq_norm = least_sq_norm(problem)
    return MinNormInterpolator(
        Network(output, hidden), sq_norm, dual, sq_norm - _lower_bound(problem, dual)
    )


def _lower_bound(problem: Problem, dual: Array) -> float:
    """What `dual`, scaled to be feasible, proves about the squared norm of any interpolator."""
    slopes = dual * problem.norms
    steepest = max(norm(np.maximum(slopes, 0)), norm(np.minimum(slopes, 0)), 1.0)
    return float(2 * np.sum(dual * problem.y) / steepest)
