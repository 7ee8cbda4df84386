"""How fast the loss falls: the local Polyak–Łojasiewicz constant and the asymptotic rate.

With d_k = ‖x_k‖ r_k / n the gradient has entries Σ_k d_k max(u_jk, 0) and a_j d_k 1[u_jk > 0], and

    μ = ‖∇L‖² / (2 L),   so that L̇ = −2 μ L.

While no pair dies the residuals follow ṙ = −H r,

    H_kl = (‖x_k‖ ‖x_l‖ / n) (δ_kl Σ_j a_j² 1[u_jk > 0] + Σ_j max(u_jk, 0) max(u_jl, 0)),

and near the end of training, where H stands still, their slowest part falls at rate λ_min(H).
"""

from __future__ import annotations

import numpy as np

from .._support.arrays import Array
from .._support.memory import require_memory
from .._support.validate import instance_of
from ..errors import InputError
from ..model.general_problem import orthogonal_problem
from ..model.network import Network
from ..model.problem import Problem


def local_pl_constant(problem: Problem, network: Network) -> float:
    """Return μ = ‖∇L‖² / (2L), half of the rate at which log L falls at this moment.

    Parameters
    ----------
    problem : Problem
    network : Network

    Returns
    -------
    float
        In units of 1 / t; nan where the loss is 0.
    """
    orthogonal_problem(problem, "the rate at the end is known")
    instance_of(network, "network", Network)
    residuals = problem.y - network.outputs(problem)
    size = float(np.max(np.abs(residuals)))
    if size == 0:
        return float("nan")
    shape = residuals / size  # μ does not change with the size of the residuals
    pulls = problem.norms * shape / problem.n_samples
    positive = np.maximum(network.hidden, 0)
    with np.errstate(over="ignore"):
        sq_gradient = np.sum((positive @ pulls) ** 2) + _sq_speed(network, pulls)
    return _require_finite(float(sq_gradient / np.mean(shape**2)))


def _sq_speed(network: Network, pulls: Array) -> float:
    """Return Σ_jk (a_j d_k)² over the alive pairs."""
    return float(np.sum(network.output**2 * ((network.hidden > 0) @ pulls**2)))


def asymptotic_rate(problem: Problem, network: Network) -> float:
    """Return λ_min(H), the rate at which the slowest part of the residuals falls.

    Parameters
    ----------
    problem : Problem
    network : Network
        Near the end of training, such as `flow.final` or `jumps.final`.

    Returns
    -------
    float
        In units of 1 / t; 0 if no neuron is active on some sample, whose residual then never
        moves. The loss falls at twice this rate. Costs O(n³).
    """
    import scipy.linalg  # slow to import

    instance_of(network, "network", Network)
    orthogonal_problem(problem, "the rate at the end is known")
    n = network.outputs(problem).size
    require_memory(3 * n**2, f"A matrix of {n} × {n} rates")
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = np.maximum(network.hidden, 0) * (problem.norms / np.sqrt(problem.n_samples))
        rates = problem.curvatures / problem.n_samples * (network.output**2 @ (network.hidden > 0))
        matrix = scaled.T @ scaled
        matrix[np.diag_indices_from(matrix)] += rates
    if not rates.all():
        return 0.0
    _require_finite(float(np.sum(np.abs(matrix))))
    return float(scipy.linalg.eigh(matrix, eigvals_only=True, subset_by_index=[0, 0])[0])


def _require_finite(value: float) -> float:
    if not np.isfinite(value):
        raise InputError(
            "The rates of this network leave the range of floating-point numbers; rescale its weights "
            "or the inputs."
        )
    return value
