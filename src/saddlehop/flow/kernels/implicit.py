"""One stiff step of the moving pairs: extrapolated linearly implicit Euler.

Once most samples are fitted, fast residuals follow slow ones, and a series would have to resolve
the fastest. With y = (u, a), f its velocity and J = ∂f/∂y at the start, one Euler step is

    (I − γJ) δ = γ f(y),     y ← y + δ

and the results of 2, 3, 4, ... such steps over one length are extrapolated to step 0, where each
further one adds an order. For δ, with v_jk = u_jk + γ a_j d_k and s_k = κ_k Σ_j w_j a_j²,

    δd_k = −κ_k Σ_j w_j (a_j b_jk + v_jk δa_j) / (1 + γ s_k)                          b = γ f
    (1 − γ² Σ_k d_k²) δa_j = b_j + Σ_k γ (v_jk δd_k + d_k b_jk)
    δu_jk = b_jk + γ (δa_j d_k + a_j δd_k)

so only an m × m system is left. The results sit in rows 1, 2, ... of the series buffers, the
start in row 0.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .state import INNER, Constants, State, Work
from .taylor import FLAGS

MOST_LEVELS = 12
LEAST_LEVELS = 3  # two results may agree by chance


@njit(**INNER)
def implicit_step(
    constants: Constants, state: State, work: Work, step: float, levels: int
) -> tuple[int, float]:
    """Fill row 1 with the state after `step`; return the levels taken and the error."""
    _rates(constants, state, work)
    error = np.inf
    for level in range(1, levels + 1):
        _euler_steps(constants, state, work, step, level)
        error = _extrapolate(state, work, level)
        if not np.isfinite(error):
            return level, np.inf
        if level >= LEAST_LEVELS and error <= constants.step_tol:
            return level, error
    return levels, error


@njit(**INNER)
def _rates(constants: Constants, state: State, work: Work) -> None:
    """Fill `rate` with s_k."""
    work.rate[:] = 0.0
    for j in range(state.output.size):
        square = work.weight[j] * work.output_series[0, j] ** 2
        for q in range(work.bounds[j], work.bounds[j + 1]):
            work.rate[work.packed_sample[q]] += square
    for k in range(work.rate.size):
        work.rate[k] *= constants.stiffness[k]


@njit(**INNER, fastmath=FLAGS)
def _reduced_inverse(constants: Constants, state: State, work: Work, gamma: float) -> np.ndarray:
    """Return the inverse of the m × m matrix that is left for δa; fill `lever` with v."""
    m = state.output.size
    u, d, sample, lever = (
        work.hidden_series[0],
        work.pull_series[0],
        work.packed_sample,
        work.lever,
    )
    matrix = np.zeros((m, m))
    for j in range(m):
        for q in range(work.bounds[j], work.bounds[j + 1]):
            lever[q] = u[q] + gamma * work.output_series[0, j] * d[q]
    row = work.load
    for j in range(m):
        matrix[j, j] = 1.0
        if work.bounds[j] == work.bounds[j + 1]:
            continue
        row[:] = 0.0
        for q in range(work.bounds[j], work.bounds[j + 1]):
            k = sample[q]
            row[k] = lever[q] * constants.stiffness[k] / (1.0 + gamma * work.rate[k])
            matrix[j, j] -= (gamma * d[q]) ** 2
        for i in range(m):
            total = 0.0
            for q in range(work.bounds[i], work.bounds[i + 1]):
                total += row[sample[q]] * lever[q]
            matrix[j, i] += gamma * work.weight[i] * total
    inverse: np.ndarray = _inverse(matrix)
    return inverse


@njit(**INNER)
def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Return the inverse by Gauss–Jordan elimination; not finite if singular."""
    m = matrix.shape[0]
    inverse = np.zeros((m, m))
    for i in range(m):
        inverse[i, i] = 1.0
    for column in range(m):
        pivot = column
        for i in range(column + 1, m):
            if abs(matrix[i, column]) > abs(matrix[pivot, column]):
                pivot = i
        for k in range(m):
            matrix[column, k], matrix[pivot, k] = matrix[pivot, k], matrix[column, k]
            inverse[column, k], inverse[pivot, k] = inverse[pivot, k], inverse[column, k]
        scale = 1.0 / matrix[column, column]
        for k in range(m):
            matrix[column, k] *= scale
            inverse[column, k] *= scale
        for i in range(m):
            factor = matrix[i, column]
            if i != column and factor != 0.0:
                for k in range(m):
                    matrix[i, k] -= factor * matrix[column, k]
                    inverse[i, k] -= factor * inverse[column, k]
    return inverse


@njit(**INNER)
def _euler_steps(constants: Constants, state: State, work: Work, step: float, level: int) -> None:
    """Take level + 1 Euler steps over `step`; the result goes to row `level`."""
    gamma = step / (level + 1)
    inverse = _reduced_inverse(constants, state, work, gamma)
    hidden, output = work.hidden_series[level], work.output_series[level]
    hidden[:] = work.hidden_series[0]
    output[:] = work.output_series[0]
    for _ in range(level + 1):
        work.counts[0] += 1
        work.counts[4] += work.bounds[-1]
        _one_euler_step(constants, state, work, gamma, inverse, hidden, output)


@njit(**INNER, fastmath=FLAGS)
def _one_euler_step(
    constants: Constants,
    state: State,
    work: Work,
    gamma: float,
    inverse: np.ndarray,
    hidden: np.ndarray,
    output: np.ndarray,
) -> None:
    change = work.load_change
    _fill_pull(constants, work, hidden, output)
    right = _right_side(constants, work, gamma, hidden, output)
    shift = np.zeros(output.size)
    for j in range(output.size):
        for i in range(output.size):
            shift[j] += inverse[j, i] * right[i]
    _add_change_by_outputs(constants, work, gamma, shift)
    b, start_pull = work.product, work.pull_series[0]
    for j in range(output.size):
        a_start = work.output_series[0, j]
        for q in range(work.bounds[j], work.bounds[j + 1]):
            moved = shift[j] * start_pull[q] + a_start * change[work.packed_sample[q]]
            hidden[q] += b[q] + gamma * moved
        output[j] += shift[j]


@njit(**INNER, fastmath=FLAGS)
def _fill_pull(constants: Constants, work: Work, hidden: np.ndarray, output: np.ndarray) -> None:
    """Fill `load` with the pull on each sample at these weights."""
    pull, start_hidden = work.load, work.hidden_series[0]
    pull[:] = 0.0
    for j in range(output.size):
        a, a_start, weight = output[j], work.output_series[0, j], work.weight[j]
        for q in range(work.bounds[j], work.bounds[j + 1]):
            moved = a * hidden[q] - a_start * start_hidden[q]
            pull[work.packed_sample[q]] -= weight * moved
    for k in range(pull.size):
        pull[k] = work.pull[k] + constants.stiffness[k] * pull[k]


@njit(**INNER, fastmath=FLAGS)
def _right_side(
    constants: Constants, work: Work, gamma: float, hidden: np.ndarray, output: np.ndarray
) -> np.ndarray:
    """Return the right side for δa; fill `product` with b, `load_change` with its part of δd."""
    sample, b, pull, change = work.packed_sample, work.product, work.load, work.load_change
    change[:] = 0.0
    for j in range(output.size):
        weighted = work.weight[j] * work.output_series[0, j]
        for q in range(work.bounds[j], work.bounds[j + 1]):
            b[q] = gamma * output[j] * pull[sample[q]]
            change[sample[q]] -= weighted * b[q]
    for k in range(change.size):
        change[k] *= constants.stiffness[k] / (1.0 + gamma * work.rate[k])
    right = np.empty(output.size)
    lever, start_pull = work.lever, work.pull_series[0]
    for j in range(output.size):
        total = 0.0
        for q in range(work.bounds[j], work.bounds[j + 1]):
            k = sample[q]
            total += pull[k] * hidden[q] + lever[q] * change[k] + start_pull[q] * b[q]
        right[j] = gamma * total
    return right


@njit(**INNER, fastmath=FLAGS)
def _add_change_by_outputs(
    constants: Constants, work: Work, gamma: float, shift: np.ndarray
) -> None:
    """Add to δd in `load_change` what δa makes of it."""
    pull, change = work.load, work.load_change
    pull[:] = 0.0
    for j in range(shift.size):
        weighted = work.weight[j] * shift[j]
        for q in range(work.bounds[j], work.bounds[j + 1]):
            pull[work.packed_sample[q]] -= weighted * work.lever[q]
    for k in range(pull.size):
        change[k] += pull[k] * constants.stiffness[k] / (1.0 + gamma * work.rate[k])


@njit(**INNER, fastmath=FLAGS)
def _extrapolate(state: State, work: Work, level: int) -> float:
    """Bring rows 1 … level to the highest orders they allow; return the change in row 1."""
    count = work.bounds[-1]
    largest, total = 0.0, 0.0
    for row in range(level - 1, 0, -1):
        share = 1.0 / ((level + 1.0) / (row + 1.0) - 1.0)
        fine, coarse = work.hidden_series[row + 1], work.hidden_series[row]
        largest = 0.0
        for q in range(count):
            coarse[q] = fine[q] + share * (fine[q] - coarse[q])
            largest = max(largest, abs(coarse[q] - fine[q]))
            total += coarse[q]
        fine, coarse = work.output_series[row + 1], work.output_series[row]
        for j in range(state.output.size):
            coarse[j] = fine[j] + share * (fine[j] - coarse[j])
            largest = max(largest, abs(coarse[j] - fine[j]))
            total += coarse[j]
    return largest if np.isfinite(total) else np.inf


@njit(**INNER)
def arrive(state: State, work: Work) -> None:
    """Take over row 1; a pair that ends below 0 by less than the tolerance ends at 0."""
    q = 0
    for j in range(state.output.size):
        if state.moving[j] == 0:
            continue
        state.output[j] = work.output_series[1, j]
        for p in range(state.first[j], state.first[j] + state.moving[j]):
            state.hidden[p] = max(work.hidden_series[1, q], 0.0)
            q += 1


@njit(**INNER)
def first_crossing(work: Work, tol: float) -> float:
    """Return the share of the step, on chords, at which the first pair is at 0; 1 if none is."""
    share = 1.0
    start, end = work.hidden_series[0], work.hidden_series[1]
    for q in range(work.bounds[-1]):
        if end[q] < -tol:
            share = min(share, start[q] / (start[q] - end[q]))
    return share
