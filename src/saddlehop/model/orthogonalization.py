"""The nearest orthogonal rows of the same norms (Löwdin's symmetric orthogonalization).

With the rows normalised to D⁻¹X = U Σ Vᵀ, the nearest orthonormal rows are the polar factor
U Vᵀ, and the result is

    D U Vᵀ = X M,    M = V Σ⁻¹ Vᵀ,

so a new point x goes through the same linear map, to x M.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._support.arrays import Array, is_sparse, thin_svd
from .._support.memory import require_memory
from ..errors import InputError
from .problem import row_norms, validated_rows


def orthogonalize(X: Any) -> Array:
    """Replace the rows of `X` by the nearest orthogonal rows of the same norms.

    Parameters
    ----------
    X : array_like or scipy.sparse array, shape (n, d)
        Linearly independent rows.

    Returns
    -------
    ndarray, shape (n, d)

    Raises
    ------
    InputError
        If the rows are linearly dependent; the sentence names the rank.

    Notes
    -----
    O(n² d) operations.
    """
    norms, left, _, right = _decompose(X)
    return np.asarray(norms[:, None] * (left @ right))


def orthogonalizing_map(X: Any) -> Array:
    """Return the linear map M with `X @ M` equal to `orthogonalize(X)`.

    Use it to take new points to the space in which the orthogonalized rows live; it takes to
    zero what is orthogonal to all rows of `X`.

    Parameters
    ----------
    X : array_like or scipy.sparse array, shape (n, d)
        Linearly independent rows.

    Returns
    -------
    ndarray, shape (d, d)

    Notes
    -----
    O(n² d + n d²) operations; memory O(d²).
    """
    _, _, singular, right = _decompose(X)
    require_memory(
        2 * right.shape[1] ** 2, f"The map of {right.shape[1]} × {right.shape[1]} numbers"
    )
    return np.asarray((right.T / singular) @ right)


def _decompose(X: Any) -> tuple[Array, Array, Array, Array]:
    """Return row norms and the singular value decomposition of the normalised rows."""
    rows = validated_rows(X, "X")
    n_samples, n_features = rows.shape
    require_memory(4 * n_samples * n_features, f"Decomposing `X` of shape {rows.shape}")
    norms = row_norms(rows)
    if (norms == 0).any():
        raise InputError(
            f"Row {int(np.argmax(norms == 0))} of `X` is zero and has no direction; remove that "
            "sample."
        )
    dense = rows.toarray() if is_sparse(rows) else rows
    left, singular, right = thin_svd(dense / norms[:, None])
    rank = int(np.sum(singular > max(rows.shape) * np.finfo(float).eps * singular[0]))
    if rank < rows.shape[0]:
        raise InputError(
            f"`X` has {rows.shape[0]} rows but rank {rank}; take them as they are "
            "(`sh.GeneralProblem(X, y)`, no `--orthogonalize`), or remove samples until the rows are "
            "linearly independent."
        )
    return norms, left, singular, right
