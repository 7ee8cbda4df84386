"""One Taylor step of the moving pairs, between deaths.

The equations are polynomial, so with f = Σ_i f_i t^i the coefficients follow each other:

    (i+1) u_{i+1} = Σ_l a_l d_{i−l}    (i+1) a_{i+1} = Σ_k Σ_l d_l u_{i−l}    d_i = −κ Σ_j e^{2σ_j} Σ_l a_l u_{i−l}

The order grows until the last two terms are below tolerance at the step aimed at (the time to
the next death, often tiny), or else up to the order of least work, where those terms set the step.
A step ends at the first death of a pair; the pair is struck off and the next step starts there.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .flow_state import EPS, Constants, State, Work, kill_moving

FLAGS = {"reassoc", "contract", "arcp", "nsz"}
LEAST_ORDER = 3
AIM = 1.1  # a step aims past the next death by this factor


@njit(cache=True, error_model="numpy")
def strike_spent(state: State, work: Work) -> None:
    """Strike off the moving pairs that are at 0 and fall."""
    for j in range(state.output.size):
        p = state.first[j]
        while p < state.first[j] + state.moving[j]:
            falls = state.output[j] * work.pull[state.sample[p]] < 0.0
            if falls and state.hidden[p] <= 4.0 * EPS:
                kill_moving(state, j, p)
                work.counts[1] += 1
            else:
                p += 1


@njit(cache=True, error_model="numpy")
def expand(constants: Constants, state: State, work: Work, room: float) -> tuple[int, float]:
    """Fill the series; return their order and the step, at most `room`, that they are good for."""
    most = work.output_series.shape[0] - 1
    _first_terms(state, work)
    aim = room
    size_before = np.inf
    for i in range(most):
        size = 0.0
        for j in range(state.output.size):
            if state.moving[j] > 0:
                size = max(size, _neuron_term(state, work, j, i))
        order = i + 1
        work.counts[0] += 1
        if i == 0:
            aim = min(room, AIM * _next_death(state, work))
        elif order >= LEAST_ORDER and _is_below(constants.step_tol, size, size_before, aim, order):
            return order, aim
        if order < most:
            _pull_term(constants, state, work, order)
            size_before = size
    step = min(
        _reach(constants.step_tol, size, most), _reach(constants.step_tol, size_before, most - 1)
    )
    return most, min(step, aim)


@njit(cache=True, error_model="numpy")
def _is_below(tol: float, size: float, size_before: float, aim: float, order: int) -> bool:
    power = aim ** (order - 1)
    return size * power * aim <= tol and size_before * power <= tol


@njit(cache=True, error_model="numpy")
def _reach(tol: float, size: float, order: int) -> float:
    return np.inf if size == 0.0 else (tol / size) ** (1.0 / order)


@njit(cache=True, error_model="numpy")
def _first_terms(state: State, work: Work) -> None:
    work.sample_series[0] = work.pull
    hidden_row, pull_row = work.hidden_series[0], work.pull_series[0]
    for j in range(state.output.size):
        work.output_series[0, j] = state.output[j]
        for p in range(state.first[j], state.first[j] + state.moving[j]):
            hidden_row[p] = state.hidden[p]
            pull_row[p] = work.pull[state.sample[p]]


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def _neuron_term(state: State, work: Work, j: int, i: int) -> float:
    """Fill term i + 1 of neuron j; return its largest entry."""
    start, stop = state.first[j], state.first[j] + state.moving[j]
    hidden, pull = work.hidden_series[:, start:stop], work.pull_series[:, start:stop]
    new = hidden[i + 1]
    new[:] = 0.0
    speed = 0.0
    for term in range(i + 1):
        a = work.output_series[term, j]
        d, v = pull[i - term], hidden[term]
        for p in range(new.size):
            new[p] += a * d[p]
            speed += d[p] * v[p]
    share = 1.0 / (i + 1)
    largest = 0.0
    for p in range(new.size):
        new[p] *= share
        largest = max(largest, abs(new[p]))
    work.output_series[i + 1, j] = speed * share
    return max(largest, abs(speed * share))


@njit(cache=True, error_model="numpy", fastmath=FLAGS)
def _pull_term(constants: Constants, state: State, work: Work, i: int) -> None:
    """Fill term i of the pulls."""
    row = work.sample_series[i]
    row[:] = 0.0
    quiet = 1e-3 * constants.step_tol
    product = work.pull_series[i]
    for j in range(state.output.size):
        weight = work.weight[j]
        if state.moving[j] == 0 or weight < quiet * quiet:
            continue
        start, stop = state.first[j], state.first[j] + state.moving[j]
        hidden = work.hidden_series[:, start:stop]
        total = product[start:stop]
        total[:] = 0.0
        for term in range(i + 1):
            a, u = work.output_series[term, j], hidden[i - term]
            for p in range(total.size):
                total[p] += a * u[p]
        for p in range(start, stop):
            row[state.sample[p]] -= weight * product[p]
    for k in range(row.size):
        row[k] *= constants.stiffness[k]
    for j in range(state.output.size):
        for p in range(state.first[j], state.first[j] + state.moving[j]):
            product[p] = row[state.sample[p]]


@njit(cache=True, error_model="numpy")
def _next_death(state: State, work: Work) -> float:
    """Return the earliest death on the tangents."""
    earliest = np.inf
    value, slope = work.hidden_series[0], work.hidden_series[1]
    for j in range(state.output.size):
        for p in range(state.first[j], state.first[j] + state.moving[j]):
            if value[p] + earliest * slope[p] < 0.0 and slope[p] < 0.0:
                earliest = -value[p] / slope[p]
    return earliest


@njit(cache=True, error_model="numpy")
def first_death(state: State, work: Work, order: int, step: float) -> tuple[float, int, int]:
    """Return the time, neuron and pair of the first death before `step`; pair −1 if none."""
    neuron, pair = -1, -1
    series = work.hidden_series
    for j in range(state.output.size):
        for p in range(state.first[j], state.first[j] + state.moving[j]):
            low, power = 0.0, step
            for i in range(1, order + 1):
                term = series[i, p] * power
                low += min(term, 0.0)
                power *= step
            if series[0, p] + low >= 0.0:
                continue
            death = _first_root(series[:, p], order, step, work.bernstein)
            if death < step:
                step, neuron, pair = death, j, p
    return step, neuron, pair


@njit(cache=True, error_model="numpy")
def _first_root(
    series: np.ndarray, order: int, step: float, bernstein: np.ndarray
) -> float:
    """Return the first root of a polynomial in (0, step), or inf.

    Its Bernstein coefficients on [0, length] bound the number of roots there: none if all are
    positive, one if their sign changes once. Halve the interval until one of these holds.
    """
    left, length = 0.0, step
    shifted = np.empty(order + 1)
    for _ in range(200):
        _taylor_shift(series, order, left, length, shifted)
        changes = _sign_changes(shifted, order, bernstein)
        if changes == 1 or length <= 4.0 * EPS * step:
            if changes > 0:
                return _bisect_newton(series, order, left, left + length)
            changes = 0
        if changes == 0:
            left += length
            if left >= step:
                return np.inf
            length = step - left
        else:
            length *= 0.5
    return np.inf


@njit(cache=True, error_model="numpy")
def _taylor_shift(
    series: np.ndarray, order: int, left: float, length: float, shifted: np.ndarray
) -> None:
    """Write the coefficients of t ↦ series(left + length t)."""
    shifted[:] = series[: order + 1]
    if left > 0.0:
        for i in range(order):
            for l in range(order - 1, i - 1, -1):
                shifted[l] += left * shifted[l + 1]
    power = 1.0
    for i in range(order + 1):
        shifted[i] *= power
        power *= length


@njit(cache=True, error_model="numpy")
def _sign_changes(shifted: np.ndarray, order: int, bernstein: np.ndarray) -> int:
    """Count the sign changes of the Bernstein coefficients on [0, 1], Σ_i C(l,i)/C(order,i) c_i."""
    changes, positive = 0, True
    for l in range(order + 1):
        total, ratio = 0.0, 1.0
        for i in range(l + 1):
            total += ratio * shifted[i]
            ratio *= (l - i) / (order - i) if i < order else 0.0
        bernstein[l] = total
        if total != 0.0 and (total > 0.0) != positive:
            changes += 1
            positive = not positive
    return changes


@njit(cache=True, error_model="numpy")
def _value(series: np.ndarray, order: int, t: float) -> tuple[float, float]:
    value, slope = 0.0, 0.0
    for i in range(order, -1, -1):
        slope = slope * t + value
        value = value * t + series[i]
    return value, slope


@njit(cache=True, error_model="numpy")
def _bisect_newton(series: np.ndarray, order: int, left: float, right: float) -> float:
    """Return the root between `left`, where the value is positive, and `right`."""
    t = 0.5 * (left + right)
    for _ in range(200):
        value, slope = _value(series, order, t)
        if value > 0.0:
            left = t
        else:
            right = t
        t_new = t - value / slope if slope != 0.0 else left
        if not left < t_new < right:
            t_new = 0.5 * (left + right)
        if abs(t_new - t) <= EPS * right:
            return t_new
        t = t_new
    return t


@njit(cache=True, error_model="numpy")
def move_along(state: State, work: Work, order: int, time: float) -> None:
    """Put the moving neurons at `time` on their series."""
    for j in range(state.output.size):
        if state.moving[j] == 0:
            continue
        start, stop = state.first[j], state.first[j] + state.moving[j]
        hidden = state.hidden[start:stop]
        hidden[:] = work.hidden_series[order, start:stop]
        a = work.output_series[order, j]
        for i in range(order - 1, -1, -1):
            a = a * time + work.output_series[i, j]
            term = work.hidden_series[i, start:stop]
            for p in range(hidden.size):
                hidden[p] = hidden[p] * time + term[p]
        state.output[j] = a
        for p in range(hidden.size):
            hidden[p] = max(hidden[p], 0.0)
