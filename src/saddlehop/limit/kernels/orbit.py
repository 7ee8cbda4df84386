"""A heteroclinic orbit, and passive neurons carried along it, by an explicit Runge–Kutta method.

Row j of the state is (ℓ_j, V_j0 … V_jK), a_j = exp(ℓ_j) and V_jc = w_jc / a_j. With the residual
fractions f_c = 1 − Σ_active exp(2 ℓ_g) max(V_gc, 0) of the classes c < K, and f_K = 1,

    ℓ̇_j = g_j = Σ_c s_jc f_c M_jc max(V_jc, 0),      V̇_jc = s_jc f_c − g_j V_jc.

The first `n_active` rows make the residuals; the others only feel them. Column K stands for all
samples that the jump leaves open. A weight that falls to zero is dead: its s_jc becomes zero.
The tableau is Dormand and Prince's of order 8, given by the caller.
"""

import math

import numpy as np
from numba import njit

_STAGES = 12
_NOISE = 1e-8


@njit(cache=True)
def fractions(state, n_active, f):
    """Fill f (K,) with the residual fractions."""
    f[:] = 1.0
    for g in range(n_active):
        square = math.exp(2 * state[g, 0])
        for c in range(f.size):
            f[c] -= square * max(state[g, c + 1], 0.0)


@njit(cache=True)
def _slope(state, n_active, strength, mass, f, out):
    fractions(state, n_active, f)
    n_classes = f.size
    for j in range(len(state)):
        growth = strength[j, n_classes] * state[j, n_classes + 1]
        for c in range(n_classes):
            growth += strength[j, c] * f[c] * mass[j, c] * max(state[j, c + 1], 0.0)
        out[j, 0] = growth
        for c in range(n_classes):
            out[j, c + 1] = strength[j, c] * f[c] - growth * state[j, c + 1]
        out[j, n_classes + 1] = strength[j, n_classes] - growth * state[j, n_classes + 1]


@njit(cache=True)
def frozen_slope(state, n_active, strength, mass, f, out):
    """The slope for an integrator that cannot bury: weights below zero stay where they are."""
    _slope(state, n_active, strength, mass, f, out)
    for j in range(len(state)):
        for c in range(strength.shape[1]):
            if state[j, c + 1] < -_NOISE:
                out[j, c + 1] = 0.0


@njit(cache=True)
def _stages(state, step, n_active, strength, mass, tableau, slopes, f, work):
    """Fill the slopes of all stages, the first being there; leave the new state in `work`."""
    for stage in range(1, _STAGES + 1):
        work[:] = state
        for i in range(stage):
            weight = tableau[stage, i]
            if weight != 0:
                for j in range(len(work)):
                    for c in range(work.shape[1]):
                        work[j, c] += step * weight * slopes[i, j, c]
        if stage < _STAGES:
            _slope(work, n_active, strength, mass, f, slopes[stage])


@njit(cache=True)
def _error(state, new, step, slopes, fifth, third, rtol):
    """Hairer's combination of the errors of orders 5 and 3, in units of the tolerance.

    The largest over all entries, not their mean: on late steps one fast class sets the pace.
    """
    worst5, worst3 = 0.0, 0.0
    for j in range(len(state)):
        for c in range(state.shape[1]):
            e5, e3 = 0.0, 0.0
            for i in range(_STAGES):
                e5 += fifth[i] * slopes[i, j, c]
                e3 += third[i] * slopes[i, j, c]
            scale = rtol * (1.0 if c == 0 else 1e-3 + max(abs(state[j, c]), abs(new[j, c])))
            worst5 = max(worst5, (e5 / scale) ** 2)
            worst3 = max(worst3, (e3 / scale) ** 2)
    if worst5 == 0 and worst3 == 0:
        return 0.0
    return step * worst5 / math.sqrt(worst5 + 0.01 * worst3)


@njit(cache=True)
def integrate(state, n_active, strength, mass, tableau, fifth, third, rtol, end_fraction, nodes):
    """Go on until all residual fractions are below `end_fraction`; change `state`, `strength`.

    `nodes` (most, 1 + n_active (K + 2)) receives time and active rows at the start of every step
    and at the end. Returns how many, or minus that if there was no room.
    """
    n_rows, n_columns = state.shape
    f = np.empty(n_columns - 2)
    slopes = np.empty((_STAGES, n_rows, n_columns))
    new = np.empty_like(state)
    time, step, count = 0.0, 0.1, 0
    while count < len(nodes):
        _keep(nodes[count], time, state, n_active)
        count += 1
        fractions(state, n_active, f)
        if np.max(np.abs(f)) <= end_fraction:
            return count
        _slope(state, n_active, strength, mass, f, slopes[0])
        while True:
            _stages(state, step, n_active, strength, mass, tableau, slopes, f, new)
            error = _error(state, new, step, slopes, fifth, third, rtol)
            if error <= 1:
                break
            step *= max(0.2, 0.9 * error ** (-1 / 8)) if error < np.inf else 0.1
        time += step
        state[:] = new
        _bury(state, strength)
        step *= min(5.0, 0.9 * error ** (-1 / 8)) if error > 0 else 5.0
    return -count


@njit(cache=True)
def _keep(node, time, state, n_active):
    node[0] = time
    node[1:] = state[:n_active].copy().ravel()


@njit(cache=True)
def _bury(state, strength):
    """Weights below zero are dead; those of a fitted class hover there within rounding."""
    for j in range(len(state)):
        for c in range(strength.shape[1]):
            if state[j, c + 1] < -_NOISE:
                state[j, c + 1] = 0.0
                strength[j, c] = 0.0


@njit(cache=True)
def states_at(times, nodes, n_active, strength, mass, tableau, out):
    """Fill `out` (T, n_active, K + 2): one step each from the node before, of the same order."""
    n_columns = out.shape[2]
    f = np.empty(n_columns - 2)
    slopes = np.empty((_STAGES, n_active, n_columns))
    alive = np.empty_like(strength)
    for i in range(times.size):
        node = max(np.searchsorted(nodes[:, 0], times[i], side="right") - 1, 0)
        state = nodes[node, 1:].copy().reshape((n_active, n_columns))
        for j in range(n_active):
            for c in range(strength.shape[1]):
                alive[j, c] = strength[j, c] if state[j, c + 1] > 0 else 0.0
        _slope(state, n_active, alive, mass, f, slopes[0])
        step = times[i] - nodes[node, 0]
        _stages(state, step, n_active, alive, mass, tableau, slopes, f, out[i])


@njit(cache=True)
def add_over_sets(words, samples, weights, sums):
    """Add the weight of each sample to `sums` (m,) of the neurons active on it."""
    for k in samples:
        for j in range(sums.size):
            active = (words[k, j >> 6] >> np.uint64(j & 63)) & np.uint64(1)
            sums[j] += weights[k] * active
