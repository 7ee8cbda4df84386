"""Fewer classes for the orbit of a lone neuron.

Given its size a(τ), what a neuron weighs on a class is an entire function of the class's pull p,

    ẇ = a p (1 − a w),     w = p ∫ a exp(−p ∫ a²),

so w of all classes follows from w at N Chebyshev nodes in log p, and every sum over classes,
Σ_c M_c g(p_c), from the masses M shared out among the nodes by Lagrange's polynomials. Weights of
passengers follow so too, also beyond their death: a class that dies takes its mass out of the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array

_LEAST_NODES = 8
_NODES_PER_E_FOLD = 4.5
_WORTH = 1.3  # so many times fewer nodes than classes are worth it


@dataclass(frozen=True, eq=False)
class Nodes:
    """Nodes that stand for classes."""

    pulls: Array
    """p of each node, shape (N,)."""
    shares: Array
    """Lagrange's polynomials at the classes: values there are `shares @ values at nodes`, shape (K, N)."""
    below: NDArray[np.int64]
    """The node before each class, shape (K,)."""


def nodes_of(pulls: Array) -> Nodes:
    """Return nodes for classes: the classes themselves where nodes would hardly be fewer.

    Parameters
    ----------
    pulls : ndarray, shape (K,)
        p_c > 0 of each class.

    Returns
    -------
    Nodes
    """
    logs = np.log(pulls)
    low, high = float(logs.min()), float(logs.max())
    count = _LEAST_NODES + int(_NODES_PER_E_FOLD * (high - low))
    if pulls.size < _WORTH * count:
        return Nodes(pulls, np.eye(pulls.size), np.arange(pulls.size))
    angles = (np.arange(count) + 0.5) * np.pi / count
    nodes = 0.5 * (low + high) - 0.5 * (high - low) * np.cos(angles)
    apart = logs[:, None] - nodes
    terms = (-1.0) ** np.arange(count) * np.sin(angles) / np.where(apart == 0, 1e-300, apart)
    below = np.maximum(np.searchsorted(nodes, logs) - 1, 0)
    return Nodes(np.exp(nodes), terms / terms.sum(axis=1, keepdims=True), below)
