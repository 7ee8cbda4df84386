"""The flow's state, in units in which max |β_k| = 1 and the fastest pull is 1:

    u̇_jk = a_j d_k,   ȧ_j = Σ_k d_k u_jk,   d_k = κ_k r_k,   r_k = β_k − Σ_j a_j u_jk   (u_jk alive)

Neuron j is held as (a_j, u_j) = e^{σ_j} (ã_j, ũ_j), so nothing under- or overflows at any λ.
Only alive pairs are held: those of neuron j fill `first[j] … first[j] + alive[j]`, the moving
ones in front. A pair is alive because it is listed, not because its value is positive: e^{σ_j}
may have left a true tiny value at 0.

A sample is *settled* when it is fitted to tolerance and no moving neuron adds to it: its pull
counts as 0 until that changes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ..._support.arrays import Array

Index = NDArray[np.int64]

EPS = 2.0**-52
# For kernels that only other kernels call: no time goes into compiling a door to Python.
INNER: dict[str, Any] = {
    "cache": True,
    "error_model": "numpy",
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
}


class Constants(NamedTuple):
    """What does not change along a flow."""

    target: Array  # β_k
    stiffness: Array  # κ_k
    loss_weight: Array  # the loss is Σ_k loss_weight_k r_k²
    step_tol: float  # error of one step, relative to each neuron's largest weight
    settled_tol: float  # relative shift of a weight that a settled sample may still cause
    plateau_tol: float  # the same for the pulls taken constant
    t_end: float  # inf: until nothing is left to learn


class State(NamedTuple):
    """A point of the flow."""

    time: Array  # (2,) the time and its rounding error
    output: Array  # (m,) ã_j
    scale: Array  # (m,) σ_j
    hidden: Array  # (N,) ũ_jk
    sample: NDArray[np.int32]  # (N,) k
    first: Index  # (m,)
    alive: Index  # (m,)
    moving: Index  # (m,)
    control: Array  # (5,) stiff steps: length to try, steps to wait, steps to wait next time;
    # Magnus steps: length to try; steps since a stiff step was tried

    def copy(self) -> State:
        """Return an independent copy."""
        return State._make(array.copy() for array in self)


class Work(NamedTuple):
    """Buffers of a step; nothing in them outlives it but the counts."""

    weight: Array  # (m,) e^{2σ_j}
    residual: Array  # (n,) r_k
    sensitivity: Array  # (n,) Σ_j a_j² over the neurons alive at k
    pull: Array  # (n,) d_k, 0 once settled
    settled: NDArray[np.bool_]  # (n,)
    load: Array  # (n,)
    is_moving: NDArray[np.bool_]  # (m,)
    bounds: Index  # (m + 1,) where the packed moving pairs of each neuron begin
    packed_sample: NDArray[np.int32]  # (N,) k
    hidden_series: Array  # (P + 1, N) Taylor coefficients of ũ, packed
    pull_series: Array  # (P + 1, N) those of d_k for each pair
    output_series: Array  # (P + 1, m) those of ã
    sizes: Array  # (P + 1,) the largest coefficient of each order
    product: Array  # (N,)
    lever: Array  # (N,)
    rate: Array  # (n,) relaxation rates s_k
    load_change: Array  # (n,)
    curves: Array  # (13, n) pulls over a Magnus step
    segment_pull: Array  # (largest segment,)
    threshold: Array  # (largest segment,)
    tail: Array  # (largest segment + 1,)
    shifted: Array  # (P + 1,)
    events: Array  # (m, 4) where each neuron's last piece of a constant pull begins
    counts: Index  # (5,) evaluations, deaths, plateau steps, stiff steps, pairs evaluated


@njit(**INNER)
def rescale(state: State) -> None:
    """Bring each neuron's largest weight to order one, by a power of two."""
    for j in range(state.output.size):
        largest = abs(state.output[j])
        start = state.first[j]
        for p in range(start, start + state.alive[j]):
            largest = max(largest, state.hidden[p])
        if largest == 0.0 or 0.25 <= largest <= 4.0:
            continue
        exponent = -math.frexp(largest)[1]
        state.scale[j] -= exponent * math.log(2.0)
        state.output[j] = math.ldexp(state.output[j], exponent)
        for p in range(start, start + state.alive[j]):
            state.hidden[p] = math.ldexp(state.hidden[p], exponent)


FAINT = (
    1e-30  # what weights far below one do on a sample with label 0 pulls at no time that matters
)


@njit(**INNER)
def survey(constants: Constants, state: State, work: Work) -> tuple[float, float]:
    """Fill the residuals, pulls and settled samples; return the loss and the alive squared norm."""
    residual, sensitivity = work.residual, work.sensitivity
    residual[:] = constants.target
    sensitivity[:] = 0.0
    sq_norm = 0.0
    for j in range(state.output.size):
        work.weight[j] = math.exp(2.0 * state.scale[j])
        a = state.output[j]
        weighted, square = work.weight[j] * a, work.weight[j] * a * a
        hidden_square = 0.0
        for p in range(state.first[j], state.first[j] + state.alive[j]):
            u, k = state.hidden[p], state.sample[p]
            residual[k] -= weighted * u
            sensitivity[k] += square
            hidden_square += u * u
        sq_norm += work.weight[j] * (a * a + hidden_square)
    return _pulls(constants, work), sq_norm


@njit(**INNER)
def _pulls(constants: Constants, work: Work) -> float:
    """Fill pulls and settled samples; return the loss.

    r_k / Σ_j a_j² is about the shift that sample k still causes in weights of order one. Those
    of all settled samples together may be `settled_tol`.
    """
    loss, shifts = 0.0, 0.0
    tol = constants.settled_tol
    for k in range(work.residual.size):
        r, sensitivity = work.residual[k], work.sensitivity[k]
        loss += constants.loss_weight[k] * r * r
        if sensitivity > 0.0 and abs(r) <= tol * sensitivity:
            shifts += (r / sensitivity) ** 2
    if shifts > tol * tol:
        tol /= math.sqrt(work.residual.size)
    for k in range(work.residual.size):
        r, sensitivity = work.residual[k], work.sensitivity[k]
        small = max(tol * sensitivity, 16.0 * EPS * abs(constants.target[k]))
        work.settled[k] = sensitivity > 0.0 and abs(r) <= small
        still = work.settled[k] or (constants.target[k] == 0.0 and abs(r) < FAINT)
        work.pull[k] = 0.0 if still else constants.stiffness[k] * r
    return loss


@njit(**INNER)
def split_moving(constants: Constants, state: State, work: Work) -> None:
    """Unsettle the samples that moving neurons add to, then put the moving pairs in front.

    A neuron moves if it touches an unsettled sample; a settled sample to which moving neurons
    add more than its tolerance is shared, hence unsettled, which may set more neurons moving.
    """
    changed = True
    while changed:
        _mark_moving_neurons(state, work)
        changed = _unsettle_loaded(constants, state, work)
    for j in range(state.output.size):
        state.moving[j] = _partition(state, work, j) if work.is_moving[j] else 0


@njit(**INNER)
def _mark_moving_neurons(state: State, work: Work) -> None:
    for j in range(state.output.size):
        work.is_moving[j] = False
        for p in range(state.first[j], state.first[j] + state.alive[j]):
            if not work.settled[state.sample[p]]:
                work.is_moving[j] = True
                break


@njit(**INNER)
def _unsettle_loaded(constants: Constants, state: State, work: Work) -> bool:
    work.load[:] = 0.0
    for j in range(state.output.size):
        if work.is_moving[j]:
            weighted = work.weight[j] * abs(state.output[j])
            for p in range(state.first[j], state.first[j] + state.alive[j]):
                work.load[state.sample[p]] += weighted * state.hidden[p]
    limit = 0.5 * constants.settled_tol / math.sqrt(work.load.size)
    changed = False
    for k in range(work.load.size):
        small = limit * work.sensitivity[k]
        if work.settled[k] and work.load[k] > small:
            work.settled[k] = False
            work.pull[k] = constants.stiffness[k] * work.residual[k]
            changed = True
    return changed


@njit(**INNER)
def _partition(state: State, work: Work, j: int) -> int:
    start = int(state.first[j])
    left, right = start, start + int(state.alive[j]) - 1
    while True:
        while left <= right and not work.settled[state.sample[left]]:
            left += 1
        while left <= right and work.settled[state.sample[right]]:
            right -= 1
        if left > right:
            return left - start
        swap_pairs(state, left, right)


@njit(**INNER)
def swap_pairs(state: State, p: int, q: int) -> None:
    """Exchange two pairs of one neuron."""
    state.hidden[p], state.hidden[q] = state.hidden[q], state.hidden[p]
    state.sample[p], state.sample[q] = state.sample[q], state.sample[p]


@njit(**INNER)
def kill_moving(state: State, j: int, p: int) -> None:
    """Strike the moving pair `p` of neuron j off the list."""
    last_moving = state.first[j] + state.moving[j] - 1
    last_alive = state.first[j] + state.alive[j] - 1
    swap_pairs(state, p, last_moving)
    swap_pairs(state, last_moving, last_alive)
    state.moving[j] -= 1
    state.alive[j] -= 1
