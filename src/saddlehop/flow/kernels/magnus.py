"""One step through many deaths: pulls that change little, each neuron exact under them.

Under given pulls d(t) the equations of a neuron are linear, and under constant pulls they are
closed form, deaths included. A commutator-free Magnus step replaces d(t) by two constants,

    y(h) ≈ e^{(h/2) B(D₁ + 4 D₂)} e^{(h/2) B(D₁ − 4 D₂)} y(0)
    D₁ = (1/h) ∫ d dt,   D₂ = (1/h²) ∫ (t − h/2) d dt            over the step

with error h⁵. d(t) is found by sweeps: first extrapolated from the start, then twice from what the
last sweep gives, the second time in two halves. The difference between the last two sweeps is the
error estimate.

Each death is a kink of d: where pair (j, k) dies, ḋ_k gains c = κ_k w_j a_j² d_k. So d(t) is taken as
a sum of ramps c (t − τ)₊ and the cubic through what is left of d and ḋ at both ends. With s = h − τ
the ramp has ∫ d = c s²/2 and ∫ (t − h/2) d = c (h s²/4 − s³/6).

Rows of the series buffers: 0 the start, 1 and 2 the results of sweeps, 3 the middle, 4 what
lies between two exponentials. A pair that
died within the step holds minus the time since its death.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .pull import HUGE, pull_pairs
from .state import INNER, Constants, State, Work, kill_moving
from .taylor import FLAGS

# NumPy's integers: of Python's each value would compile the kernels anew
START, FIRST, SECOND, MIDDLE, BETWEEN = np.arange(5)
LONGEST = 50.0  # e-folds in one exponential; a step with more is refused, for its error is nan
# rows of `curves`: d and ḋ at start, middle and end; the two constants; Σ_j w_j ã_j ũ_j at the start;
# of the ramps: value and slope at the end, mean, and 4 D₂
D_START, SLOPE_START, D_MIDDLE, SLOPE_MIDDLE, D_END, SLOPE_END, EARLY, LATE, BASE = np.arange(9)
RAMP, RAMP_SLOPE, RAMP_MEAN, RAMP_TILT = np.arange(9, 13)


@njit(**INNER)
def magnus_step(constants: Constants, state: State, work: Work, step: float) -> float:
    """Fill row 1 with the state after `step`; return the error."""
    curves = work.curves
    work.counts[0] += 4
    work.counts[4] += 4 * work.bounds[-1]
    curves[BASE] = 0.0
    _add_contributions(state, work, START, curves[BASE])
    curves[D_START] = work.pull
    _slopes(constants, state, work, START, curves[D_START], curves[SLOPE_START])
    for k in range(curves.shape[1]):
        slope = step * curves[SLOPE_START, k]
        curves[EARLY, k] = curves[D_START, k] + slope / 6.0
        curves[LATE, k] = curves[D_START, k] + slope * (5.0 / 6.0)
    half = 0.5 * step
    _pull_twice(state, work, step, START, SECOND)
    _measure(constants, state, work, SECOND, D_END)
    _ramps(constants, state, work, step, 0.0, step)
    _cubic(curves, D_START, D_END, step)
    _pull_twice(state, work, step, START, SECOND)
    _measure(constants, state, work, SECOND, D_END)
    _ramps(constants, state, work, step, 0.0, step)
    _middle_of_cubic(curves, step)
    _ramps(constants, state, work, step, half, half)
    curves[D_MIDDLE] += curves[RAMP]
    curves[SLOPE_MIDDLE] += curves[RAMP_SLOPE]
    _cubic(curves, D_START, D_MIDDLE, half)
    _pull_twice(state, work, half, START, MIDDLE)
    _measure(constants, state, work, MIDDLE, D_MIDDLE)
    _ramps(constants, state, work, step, 0.0, half)
    _cubic(curves, D_MIDDLE, D_END, half)
    _pull_twice(state, work, half, MIDDLE, FIRST)
    return float(_difference(state, work))


@njit(**INNER)
def _ramps(
    constants: Constants, state: State, work: Work, step: float, later: float, span: float
) -> None:
    """Fill the ramps of row 2 over an interval of length `span` that ends `later` before its end."""
    curves, hidden = work.curves, work.hidden_series[SECOND]
    curves[RAMP : RAMP_TILT + 1] = 0.0
    for j in range(state.output.size):
        a = work.output_series[SECOND, j]
        rise = (work.output_series[START, j] - a) / step
        for q in range(work.bounds[j], work.bounds[j + 1]):
            if hidden[q] >= 0.0:
                continue
            since = -hidden[q] - later
            if not 0.0 < since <= span:
                continue
            k = work.packed_sample[q]
            share = -hidden[q] / step
            pull = curves[D_END, k] + share * (curves[D_START, k] - curves[D_END, k])
            slope = constants.stiffness[k] * work.weight[j] * (a - rise * hidden[q]) ** 2 * pull
            square = slope * since * since / span
            curves[RAMP, k] += slope * since
            curves[RAMP_SLOPE, k] += slope
            curves[RAMP_MEAN, k] += 0.5 * square
            curves[RAMP_TILT, k] += square * (1.0 - since / (1.5 * span))


@njit(**INNER, fastmath=FLAGS)
def _cubic(curves: np.ndarray, left: int, right: int, step: float) -> None:
    """Fill the two constants for d and ḋ at both ends and the ramps between."""
    for k in range(curves.shape[1]):
        d, d_end = curves[left, k], curves[right, k] - curves[RAMP, k]
        slope = step * curves[left + 1, k]
        slope_end = step * (curves[right + 1, k] - curves[RAMP_SLOPE, k])
        mean = 0.5 * (d + d_end) + (slope - slope_end) / 12.0 + curves[RAMP_MEAN, k]
        tilt = 0.4 * (d_end - d) - (slope + slope_end) / 30.0 + curves[RAMP_TILT, k]
        curves[EARLY, k], curves[LATE, k] = mean - tilt, mean + tilt


@njit(**INNER, fastmath=FLAGS)
def _middle_of_cubic(curves: np.ndarray, step: float) -> None:
    """Fill d and ḋ in the middle, without the ramps."""
    for k in range(curves.shape[1]):
        d, d_end = curves[D_START, k], curves[D_END, k] - curves[RAMP, k]
        slope = step * curves[SLOPE_START, k]
        slope_end = step * (curves[SLOPE_END, k] - curves[RAMP_SLOPE, k])
        curves[D_MIDDLE, k] = 0.5 * (d + d_end) + 0.125 * (slope - slope_end)
        curves[SLOPE_MIDDLE, k] = (1.5 * (d_end - d) - 0.25 * (slope + slope_end)) / step


@njit(**INNER, fastmath=FLAGS)
def _add_contributions(state: State, work: Work, row: int, total: np.ndarray) -> None:
    """Add Σ_j w_j ã_j ũ_jk to `total`."""
    hidden, sample = work.hidden_series[row], work.packed_sample
    for j in range(state.output.size):
        weighted = work.weight[j] * work.output_series[row, j]
        for q in range(work.bounds[j], work.bounds[j + 1]):
            total[sample[q]] += weighted * max(hidden[q], 0.0)


@njit(**INNER, fastmath=FLAGS)
def _measure(constants: Constants, state: State, work: Work, row: int, target: int) -> None:
    """Fill d and ḋ of a row."""
    curves = work.curves
    work.load[:] = 0.0
    _add_contributions(state, work, row, work.load)
    for k in range(work.load.size):
        change = constants.stiffness[k] * (curves[BASE, k] - work.load[k])
        curves[target, k] = work.pull[k] + change
    _slopes(constants, state, work, row, curves[target], curves[target + 1])


@njit(**INNER, fastmath=FLAGS)
def _slopes(
    constants: Constants, state: State, work: Work, row: int, pull: np.ndarray, slope: np.ndarray
) -> None:
    """Fill ḋ_k = −κ_k Σ_j w_j (ȧ_j u_jk + a_j² d_k)."""
    hidden, sample, squares = work.hidden_series[row], work.packed_sample, work.load_change
    slope[:] = 0.0
    squares[:] = 0.0
    for j in range(state.output.size):
        speed = 0.0
        for q in range(work.bounds[j], work.bounds[j + 1]):
            speed += pull[sample[q]] * max(hidden[q], 0.0)
        square = work.weight[j] * work.output_series[row, j] ** 2
        speed *= work.weight[j]
        for q in range(work.bounds[j], work.bounds[j + 1]):
            k = sample[q]
            slope[k] += speed * max(hidden[q], 0.0)
            squares[k] += square if hidden[q] >= 0.0 else 0.0
    for k in range(slope.size):
        total = slope[k] + squares[k] * pull[k]
        slope[k] = -constants.stiffness[k] * total


@njit(**INNER)
def _pull_twice(state: State, work: Work, step: float, source: int, target: int) -> None:
    """Apply the two exponentials."""
    for j in range(state.output.size):
        if work.bounds[j] < work.bounds[j + 1]:
            _pull_packed(work, j, EARLY, 0.5 * step, source, BETWEEN)
            _pull_packed(work, j, LATE, 0.5 * step, BETWEEN, target)


@njit(**INNER, fastmath=FLAGS)
def _pull_packed(work: Work, j: int, curve: int, time: float, source: int, target: int) -> None:
    """Move neuron j for `time` under one row of `curves`."""
    start, count = work.bounds[j], work.bounds[j + 1] - work.bounds[j]
    old = work.hidden_series[source, start : start + count]
    new = work.hidden_series[target, start : start + count]
    sample = work.packed_sample[start : start + count]
    constant, pull = work.curves[curve], work.segment_pull[:count]
    a = work.output_series[source, j]
    b, sq_rho = 0.0, 0.0
    for p in range(count):
        d = constant[sample[p]] if old[p] >= 0.0 else 0.0
        pull[p] = d
        b += d * old[p]
        sq_rho += d * d
    rho = math.sqrt(sq_rho)
    if not rho * time <= LONGEST:  # or not a number, after such a step of another neuron
        new[:] = old
        work.output_series[target, j] = np.nan
        return
    swing = math.sinh(0.5 * rho * time)
    rise = 2.0 * swing * swing  # cosh − 1
    ramp = 2.0 * swing * math.sqrt(1.0 + swing * swing) / rho if rho > 0.0 else time
    lift = rise / sq_rho if rho > 0.0 else 0.5 * time * time
    a_new = a + a * rise + b * ramp
    moved = a * ramp + b * lift
    lowest = 0.0
    for p in range(count):
        new[p] = old[p] + (pull[p] * moved if old[p] >= 0.0 else -time)
        lowest = min(lowest, new[p] if old[p] >= 0.0 else 0.0)
    if lowest < 0.0 or a * a_new <= 0.0:
        bound = HUGE if a * a_new <= 0.0 else abs(moved)
        a_new = _pull_through_deaths(work, j, a, old, new, pull, time, bound)
    work.output_series[target, j] = a_new


@njit(**INNER)
def _pull_through_deaths(
    work: Work,
    j: int,
    a: float,
    old: np.ndarray,
    new: np.ndarray,
    pull: np.ndarray,
    time: float,
    bound: float,
) -> float:
    """Move the pairs of a neuron of which some die, into `new`; return its output weight."""
    new[:] = old
    growth, a_new = pull_pairs(a, new, pull, time, bound, work.threshold, work.tail, work.events[j])
    factor = math.exp(growth)
    for p in range(new.size):
        if new[p] >= 0.0:
            new[p] *= factor
        elif old[p] < 0.0:
            new[p] -= time
    return float(a_new * factor)


@njit(**INNER)
def _difference(state: State, work: Work) -> float:
    """Return the largest difference between rows 1 and 2."""
    largest, total = 0.0, 0.0
    for j in range(state.output.size):
        if work.bounds[j] < work.bounds[j + 1]:
            change = abs(work.output_series[FIRST, j] - work.output_series[SECOND, j])
            largest = max(largest, change)
            total += change
    first, second = work.hidden_series[FIRST], work.hidden_series[SECOND]
    for q in range(work.bounds[-1]):
        change = abs(max(first[q], 0.0) - max(second[q], 0.0))
        largest = max(largest, change)
        total += change
    return largest if np.isfinite(total) else np.inf


@njit(**INNER)
def land(state: State, work: Work) -> None:
    """Take over row 1 and strike off the dead; the packing is void after that."""
    for j in range(state.output.size):
        start, stop = work.bounds[j], work.bounds[j + 1]
        if start == stop:
            continue
        state.output[j] = work.output_series[FIRST, j]
        for q in range(stop - 1, start - 1, -1):  # from the back: the dead change places with it
            p = state.first[j] + q - start
            state.hidden[p] = work.hidden_series[FIRST, q]
            if state.hidden[p] < 0.0:
                state.hidden[p] = 0.0
                kill_moving(state, j, p)
                work.counts[1] += 1
