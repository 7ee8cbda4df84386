"""Taylor series of neurons within their patterns.

With modes and walls fixed the flow is polynomial, so its series follow by products of series:

    r_p = y δ_{p0} − Σ_j Σ_i a_{j,i} z_{jk,p−i} over active pairs,   z_p = w_p·x_k
    D_p = (1/n) P Σ_k r_{k,p} x_k,   (p+1) w_{p+1} = Σ_i a_i D_{p−i},   (p+1) a_{p+1} = Σ_i w_i·D_{p−i}

Given the series of r, each neuron is alone and linear: that is how neurons go on by themselves
after events that the others do not feel.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_state import Setting, State, bases, off_walls, weights


class Series(NamedTuple):
    """Coefficients of t^p, p = 0 … P, for some neurons."""

    output: Array
    """ã, shape (P + 1, q)."""
    hidden: Array
    """w̃, shape (P + 1, q, r)."""
    sides: Array
    """w̃·x_k, shape (P + 1, q, n)."""
    force: Array
    """Σ r_k x_k over active pairs, shape (P, q, r)."""
    residual: Array
    """r, shape (P, n), or (P, q, n) where each neuron has its own time."""


def expand(
    setting: Setting,
    state: State,
    neurons: NDArray[np.intp],
    order: int,
    residual: Array | None = None,
) -> Series:
    """Return the series of `neurons`, all of them unless `residual` is given."""
    n, rank = setting.rows.shape
    q = neurons.size
    mask = (state.modes[neurons] > 0).astype(float)
    walls = bases(state, neurons)
    scale = weights(state)[neurons]
    a = np.empty((order + 1, q))
    w = np.empty((order + 1, q, rank))
    z = np.empty((order + 1, q, n))
    force, pull = np.empty((order, q, rank)), np.empty((order, q, rank))
    r = np.empty((order, n)) if residual is None else residual
    a[0], w[0] = state.output[neurons], state.hidden[neurons]
    z[0] = w[0] @ setting.rows.T
    active = np.empty((order, q, n)) if residual is None else None
    for p in range(order):
        if active is not None:
            active[p] = mask * z[p]
            load = (scale * a[p::-1]).ravel() @ active[: p + 1].reshape(-1, n)
            r[p] = (setting.labels if p == 0 else 0.0) - setting.curvature * load
        force[p] = (mask * r[p]) @ setting.rows
        pull[p] = off_walls(force[p], walls) / setting.n_samples
        back = pull[p::-1]
        w[p + 1] = np.einsum("pj,pjr->jr", a[: p + 1], back) / (p + 1)
        a[p + 1] = np.einsum("pjr,pjr->j", w[: p + 1], back) / (p + 1)
        z[p + 1] = w[p + 1] @ setting.rows.T
    return Series(a, w, z, force, r)


def lengths(series: Series, tol: float) -> Array:
    """Return how long each neuron's series may be followed, shape (q,)."""
    order = len(series.output) - 1
    longest = np.full(series.output.shape[1], np.inf)
    for p in (order - 1, order):
        if p > 0:
            size = np.abs(series.output[p]) + np.linalg.norm(series.hidden[p], axis=1)
            longest = np.minimum(longest, _length(size, tol, p))
    return longest


def residual_length(series: Series, tol: float) -> float:
    """Return how long the series of r may be followed."""
    order = len(series.residual) - 1
    sizes = np.max(np.abs(series.residual[[order - 1, order]]), axis=1) if order > 0 else [0.0, 0.0]
    return float(min(_length(sizes[0], tol, order - 1), _length(sizes[1], tol, order)))


def _length(size: Any, tol: float, p: int) -> Array:
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray((tol / size) ** (1.0 / p)) if p > 0 else np.asarray(np.inf)


def at(coefficients: Array, time: Array | float) -> Array:
    """Return Σ_p c_p t^p; `time` has the shape of one coefficient's first axis, or none."""
    time = np.asarray(time)
    time = time.reshape(time.shape + (1,) * (coefficients.ndim - 1 - time.ndim))
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * time + coefficient
    return np.asarray(value)


def shifted(coefficients: Array, times: Array) -> Array:
    """Return the series (P, n) of r about each of `times`, shape (P, q, n)."""
    out = np.repeat(coefficients[:, None, :], times.size, axis=1)
    for low in range(len(out) - 1):
        for p in range(len(out) - 2, low - 1, -1):
            out[p] += times[:, None] * out[p + 1]
    return out
