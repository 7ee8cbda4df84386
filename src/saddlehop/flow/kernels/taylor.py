"""One Taylor step of the moving pairs, between deaths.

The equations are polynomial, so with f = Σ_i f_i t^i the coefficients follow each other:

    (i+1) u_{i+1} = Σ_l a_l d_{i−l}          (i+1) a_{i+1} = Σ_k Σ_l d_l u_{i−l}
    d_i = −κ Σ_j e^{2σ_j} Σ_l a_l u_{i−l}

The order grows until the last two terms are below tolerance at the step aimed at (the time to
the next death, often tiny), or else up to the order of least work, where those terms set the step.
A step ends at the first death of a pair; the pair is struck off and the next step starts there.

The moving pairs of all neurons are packed side by side, and d_l is copied to each pair, so that the
sums over l run through memory in order; a neuron's rows stay in the nearest cache.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from .state import EPS, INNER, Constants, State, Work, kill_moving

FLAGS = {"reassoc", "contract", "arcp", "nsz"}
LEAST_ORDER = 3
AIM = 1.1  # a step aims past the next death by this factor


@njit(**INNER)
def pack_moving(state: State, work: Work) -> None:
    """Pack the moving pairs; strike off those that are at 0 and fall."""
    hidden, pull, sample = work.hidden_series[0], work.pull_series[0], work.packed_sample
    q = 0
    for j in range(state.output.size):
        a = state.output[j]
        work.bounds[j] = q
        work.output_series[0, j] = a
        p = state.first[j]
        while p < state.first[j] + state.moving[j]:
            u, k = state.hidden[p], state.sample[p]
            d = work.pull[k]
            if u <= 4.0 * EPS and a * d < 0.0:
                kill_moving(state, j, p)
                work.counts[1] += 1
                continue
            hidden[q], pull[q], sample[q] = u, d, k
            q += 1
            p += 1
    work.bounds[state.output.size] = q


@njit(**INNER)
def expand(constants: Constants, state: State, work: Work, room: float) -> tuple[int, float]:
    """Fill the series; return their order and the step, at most `room`, that they are good for."""
    pack_moving(state, work)
    alive = 0
    for j in range(state.alive.size):
        alive += int(state.alive[j])
    most = _order_of_least_work(constants.step_tol, int(work.bounds[-1]), alive, work.sizes.size)
    aim = room
    for i in range(most):
        order = i + 1
        work.sizes[order] = _weight_terms(state, work, i)
        work.counts[0] += 1
        work.counts[4] += work.bounds[-1]
        if i == 0:
            aim = min(room, AIM * _next_death(state, work))
        elif order >= LEAST_ORDER and _is_below(constants.step_tol, work.sizes, aim, order):
            return order, aim
        if order < most:
            _pull_terms(constants, state, work, order)
    step = min(
        _reach(constants.step_tol, work.sizes, most),
        _reach(constants.step_tol, work.sizes, most - 1),
    )
    return most, min(step, aim)


@njit(**INNER)
def _order_of_least_work(tol: float, moving: int, alive: int, terms: int) -> int:
    """Return the order of least work per time, from nanoseconds measured per pair and term.

    Order P costs about P²/3 + 4P for each moving pair and 30 for each alive one, and reaches as
    far as tol^{1/P}.
    """
    best, least = 0, np.inf
    for order in range(6, terms, 2):
        cost = 3000.0 + 30.0 * alive + moving * (order * order / 3.0 + 4.0 * order)
        per_time = cost / tol ** (1.0 / order)
        if per_time < least:
            best, least = order, per_time
    return best


@njit(**INNER)
def _is_below(tol: float, sizes: np.ndarray, aim: float, order: int) -> bool:
    power = aim ** (order - 1)
    return bool(sizes[order] * power * aim <= tol and sizes[order - 1] * power <= tol)


@njit(**INNER)
def _reach(tol: float, sizes: np.ndarray, order: int) -> float:
    return np.inf if sizes[order] == 0.0 else (tol / sizes[order]) ** (1.0 / order)


@njit(**INNER, fastmath=FLAGS)
def _weight_terms(state: State, work: Work, i: int) -> float:
    """Fill terms i + 1 of ũ and ã, two products at a time; return the largest entry."""
    a, u, d = work.output_series, work.hidden_series, work.pull_series
    share = 1.0 / (i + 1)
    largest = 0.0
    for j in range(state.output.size):
        start, stop = work.bounds[j], work.bounds[j + 1]
        new = u[i + 1, start:stop]
        new[:] = 0.0
        speed = 0.0
        for term in range(0, i, 2):
            x, y = d[term, start:stop], u[i - term, start:stop]
            v, w = d[term + 1, start:stop], u[i - term - 1, start:stop]
            b, c = a[i - term, j], a[i - term - 1, j]
            for q in range(new.size):
                new[q] += b * x[q] + c * v[q]
                speed += x[q] * y[q] + v[q] * w[q]
        if i % 2 == 0:
            x, y, b = d[i, start:stop], u[0, start:stop], a[0, j]
            for q in range(new.size):
                new[q] += b * x[q]
                speed += x[q] * y[q]
        a[i + 1, j] = share * speed
        largest = max(largest, abs(a[i + 1, j]))
        for q in range(new.size):
            new[q] *= share
            largest = max(largest, abs(new[q]))
    return largest


@njit(**INNER, fastmath=FLAGS)
def _pull_terms(constants: Constants, state: State, work: Work, i: int) -> None:
    """Fill term i of the pulls."""
    a, u, change, sample = work.output_series, work.hidden_series, work.load, work.packed_sample
    change[:] = 0.0
    for j in range(state.output.size):
        start, stop = work.bounds[j], work.bounds[j + 1]
        product = work.product[start:stop]
        product[:] = 0.0
        weight = work.weight[j]
        for term in range(0, i, 2):
            x, y = u[i - term, start:stop], u[i - term - 1, start:stop]
            b, c = weight * a[term, j], weight * a[term + 1, j]
            for q in range(product.size):
                product[q] += b * x[q] + c * y[q]
        if i % 2 == 0:
            x, b = u[0, start:stop], weight * a[i, j]
            for q in range(product.size):
                product[q] += b * x[q]
        for q in range(product.size):
            change[sample[start + q]] -= product[q]
    for k in range(change.size):
        change[k] *= constants.stiffness[k]
    pull = work.pull_series[i]
    for q in range(work.bounds[-1]):
        pull[q] = change[sample[q]]


@njit(**INNER)
def _next_death(state: State, work: Work) -> float:
    """Return the earliest death on the tangents."""
    earliest = np.inf
    value, slope = work.hidden_series[0], work.hidden_series[1]
    for q in range(work.bounds[-1]):
        if slope[q] < 0.0 and value[q] + earliest * slope[q] < 0.0:
            earliest = -value[q] / slope[q]
    return earliest


@njit(**INNER)
def first_death(work: Work, order: int, step: float) -> tuple[float, int]:
    """Return the time and packed place of the first death before `step`; place −1 if none."""
    place = -1
    series = work.hidden_series
    rest, power = 0.0, step
    for i in range(2, order + 1):
        power *= step
        rest += work.sizes[i] * power
    for q in range(work.bounds[-1]):
        if series[0, q] + min(series[1, q] * step, 0.0) >= rest:
            continue
        low, power = series[0, q], 1.0
        for i in range(1, order + 1):
            power *= step
            low += min(series[i, q] * power, 0.0)
        if low >= 0.0:
            continue
        death = _first_root(series[:, q], order, step, work.shifted)
        if death < step:
            step, place = death, q
    return step, place


@njit(**INNER)
def _first_root(series: np.ndarray, order: int, step: float, shifted: np.ndarray) -> float:
    """Return the first root of a polynomial in (0, step), or inf.

    Its Bernstein coefficients on [0, length] bound the number of roots there: none if all are
    positive, one if their sign changes once. Halve the interval until one of these holds.
    """
    left, length = 0.0, step
    for _ in range(200):
        _taylor_shift(series, order, left, length, shifted)
        changes = _sign_changes(shifted, order)
        if changes == 1 or length <= 4.0 * EPS * step:
            if changes > 0:
                return float(_bisect_newton(series, order, left, left + length))
            changes = 0
        if changes == 0:
            left += length
            if left >= step:
                return np.inf
            length = step - left
        else:
            length *= 0.5
    return np.inf


@njit(**INNER)
def _taylor_shift(
    series: np.ndarray, order: int, left: float, length: float, shifted: np.ndarray
) -> None:
    """Write the coefficients of t ↦ series(left + length t)."""
    shifted[: order + 1] = series[: order + 1]
    if left > 0.0:
        for i in range(order):
            for low in range(order - 1, i - 1, -1):
                shifted[low] += left * shifted[low + 1]
    power = 1.0
    for i in range(order + 1):
        shifted[i] *= power
        power *= length


@njit(**INNER)
def _sign_changes(shifted: np.ndarray, order: int) -> int:
    """Count the sign changes of the Bernstein coefficients on [0, 1].

    The one of index b is Σ_i C(b, i) / C(order, i) c_i.
    """
    changes, positive = 0, True
    for index in range(order + 1):
        total, ratio = 0.0, 1.0
        for i in range(index + 1):
            total += ratio * shifted[i]
            ratio *= (index - i) / (order - i) if i < order else 0.0
        if total != 0.0 and (total > 0.0) != positive:
            changes += 1
            positive = not positive
    return changes


@njit(**INNER)
def _value(series: np.ndarray, order: int, t: float) -> tuple[float, float]:
    value, slope = 0.0, 0.0
    for i in range(order, -1, -1):
        slope = slope * t + value
        value = value * t + series[i]
    return value, slope


@njit(**INNER)
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


@njit(**INNER)
def move_along(state: State, work: Work, order: int, time: float) -> None:
    """Put the moving pairs at `time` on their series."""
    value = work.product
    _evaluate(work, order, time, value)
    q = 0
    for j in range(state.output.size):
        if state.moving[j] == 0:
            continue
        a = work.output_series[order, j]
        for i in range(order - 1, -1, -1):
            a = a * time + work.output_series[i, j]
        state.output[j] = a
        for p in range(state.first[j], state.first[j] + state.moving[j]):
            state.hidden[p] = max(value[q], 0.0)
            q += 1


@njit(**INNER, fastmath=FLAGS)
def _evaluate(work: Work, order: int, time: float, value: np.ndarray) -> None:
    count = work.bounds[-1]
    value[:count] = work.hidden_series[order, :count]
    for i in range(order - 1, -1, -1):
        term = work.hidden_series[i]
        for q in range(count):
            value[q] = value[q] * time + term[q]


@njit(**INNER)
def strike_packed(state: State, work: Work, place: int) -> None:
    """Strike off the pair at a packed place; the packing is void after that."""
    j = 0
    while work.bounds[j + 1] <= place:
        j += 1
    kill_moving(state, j, state.first[j] + place - work.bounds[j])
    work.counts[1] += 1
