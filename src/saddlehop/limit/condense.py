"""Fewer classes for the orbit of a lone neuron.

Given its size a(τ), what a neuron weighs on a class is an entire function of the class's pull p,

    ẇ = a p (1 − a w),     w = p ∫ a exp(−p ∫ a²),

so w of all classes follows from w at N Chebyshev nodes in log p, and every sum over classes,
Σ_c M_c g(p_c), from the masses M shared out among the nodes by Lagrange's polynomials. Weights of
passengers follow so too, until they die.
"""

from __future__ import annotations

import numpy as np

from .._support.arrays import Array

_LEAST_NODES = 16
_NODES_PER_E_FOLD = 3
_WORTH = 1.3  # so many times fewer nodes than classes are worth it


def nodes_of(pulls: Array) -> tuple[Array, Array] | None:
    """Return nodes for classes with these pulls.

    Parameters
    ----------
    pulls : ndarray, shape (K,)
        p_c > 0 of each class.

    Returns
    -------
    nodes : ndarray, shape (N,)
        Pulls of the nodes.
    shares : ndarray, shape (K, N)
        Lagrange's polynomials at the classes: values there are `shares @ values at nodes`.
    None
        If they would hardly be fewer than the classes.
    """
    logs = np.log(pulls)
    low, high = float(logs.min()), float(logs.max())
    count = _LEAST_NODES + int(_NODES_PER_E_FOLD * (high - low))
    if pulls.size < _WORTH * count:
        return None
    angles = (np.arange(count) + 0.5) * np.pi / count
    nodes = 0.5 * (low + high) + 0.5 * (high - low) * np.cos(angles)
    apart = logs[:, None] - nodes
    terms = (-1.0) ** np.arange(count) * np.sin(angles) / np.where(apart == 0, 1e-300, apart)
    return np.exp(nodes), terms / terms.sum(axis=1, keepdims=True)
