"""One neuron under constant pulls d_k, exactly, for any length of time.

With A = ∫ a dt, its alive coordinates are u_k + d_k A; between two deaths, with
ρ² = Σ d_k² and b = ȧ = Σ d_k u_k over what is alive,

    a(A)² = a² + 2 b A + ρ² A²,   b(A) = b + ρ² A,   (ρ a ± b) ∝ e^{±ρ t}
    a(t) = e^{ρt} [a (1 + E²) + (b/ρ)(1 − E²)] / 2                with E = e^{−ρt}
    A(t) = e^{ρt} (1 − E) [a (1 + E) + (b/ρ)(1 − E)] / (2ρ)

Deaths are met in the order of u_k / |d_k|, and a crosses zero at most once. Everything is
mirrored so that a ≥ 0.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .state import EPS, INNER, Constants, State, Work, swap_pairs

SNAP = 16.0 * EPS  # |ρa + b| below this share of ρa is rounding: the neuron decays for ever
MOST_SNAP = 1e-3
HUGE = 1e140
TINY = 1e-300


@njit(**INNER)
def time_to_reach(a: float, b: float, rho: float, reach: float) -> tuple[float, float, float]:
    """Return the time until A = `reach`, and a and b there; inf if a gets to 0 before."""
    never = (np.inf, a, b)
    if b < 0.0:
        gap = rho * a + b
        bottom = -b / (rho * rho)
        if gap <= SNAP * rho * a and reach >= bottom * (1.0 - SNAP):
            return never
    b_new = b + rho * rho * reach
    size = max(a, rho * reach, -b / rho)
    square = (a / size) ** 2 + 2.0 * (b / size) * (reach / size) + (rho * reach / size) ** 2
    if square < 0.0:
        return never
    a_new = size * math.sqrt(square)
    if b >= 0.0:
        moved = rho * (a_new - a) + rho * rho * reach
        return math.log1p(moved / (rho * a + b)) / rho, a_new, b_new
    if b_new <= 0.0:
        return math.log((rho * a - b) / (rho * a_new - b_new)) / rho, a_new, b_new
    lowest = math.sqrt((rho * a + b) * (rho * a - b))
    both = math.log((rho * a - b) / lowest) + math.log((rho * a_new + b_new) / lowest)
    return both / rho, a_new, b_new


@njit(**INNER)
def time_to_turn(a: float, b: float, rho: float) -> tuple[float, float, float]:
    """Return the time at which a reaches 0, A there, and b there; inf if it never does."""
    gap = -b - rho * a
    if b >= 0.0 or gap <= SNAP * rho * a:
        return np.inf, np.inf, b
    speed = math.sqrt(gap * (rho * a - b))
    return math.log((rho * a - b) / speed) / rho, a * (a / (speed - b)), -speed


@njit(**INNER)
def glide(a: float, b: float, rho: float, time: float) -> tuple[float, float, float]:
    """Return growth x, a e^{−x} and A e^{−x} after `time` without a death."""
    if rho == 0.0:
        return 0.0, a, a * time
    decay = math.exp(-rho * time)
    lost = -math.expm1(-rho * time)
    if b < 0.0 and abs(rho * a + b) <= SNAP * rho * a:
        return 0.0, a * decay, a * lost / rho
    a_new = 0.5 * (a * (1.0 + decay * decay) + b / rho * lost * (1.0 + decay))
    moved = 0.5 * lost * (a * (1.0 + decay) + b / rho * lost) / rho
    return rho * time, a_new, moved


@njit(**INNER)
def output_at(event: np.ndarray, time: float) -> tuple[float, float]:
    """Return growth and ã of a neuron `time` after the start of a constant pull.

    `event` = (start, a, b, ρ) of its last piece; valid from that start on.
    """
    growth, a, _ = glide(abs(event[1]), event[2], event[3], time - event[0])
    return growth, math.copysign(a, event[1])


@njit(**INNER)
def _sorted_deaths(
    hidden: np.ndarray, pull: np.ndarray, bound: float, threshold: np.ndarray, tail: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the alive pairs that will die, in order; fill their thresholds and tail sums of d².

    Only those with thresholds up to `bound` are looked at. Dead pairs are marked by a hidden
    weight below 0. Also returns Σ d² of the pairs that stay.
    """
    count, stay = 0, 0.0
    members = np.empty(hidden.size, np.int64)
    for p in range(hidden.size):
        if hidden[p] < 0.0:
            continue
        if pull[p] < 0.0 and hidden[p] < -bound * pull[p]:
            members[count] = p
            threshold[count] = -hidden[p] / pull[p]
            count += 1
        else:
            stay += pull[p] * pull[p]
    if count == 0:
        tail[0] = 0.0
        return members[:0], stay
    order = np.argsort(threshold[:count])
    threshold[:count] = threshold[:count][order]
    members = members[:count][order]
    tail[count] = 0.0
    for i in range(count - 1, -1, -1):
        tail[i] = tail[i + 1] + pull[members[i]] ** 2
    return members, stay


@njit(**INNER)
def _snap(first: float, a: float) -> float:
    """What share of ρa is rounding once a has come down from `first`: that of a² − ‖u‖² stays."""
    return min(SNAP * (first / a) ** 2, MOST_SNAP) if 0.0 < a < first else SNAP


@njit(**INNER)
def _run_until_turn(
    a: float,
    hidden: np.ndarray,
    pull: np.ndarray,
    time: float,
    bound: float,
    threshold: np.ndarray,
    tail: np.ndarray,
    event: np.ndarray,
) -> tuple[float, float, float, float]:
    """Move one neuron with a ≥ 0 for `time`, or until a = 0.

    A must stay below `bound`. Returns growth, a, b (both with the growth taken out) and the time
    left. Pairs that die are marked by minus the time since. `event` gets start, a, b and ρ of the
    last piece, its start counted from the end.
    """
    b = 0.0
    for p in range(hidden.size):
        if hidden[p] >= 0.0:
            b += pull[p] * hidden[p]
    members, stay = _sorted_deaths(hidden, pull, bound, threshold, tail)
    moved, died, first = 0.0, 0, a
    while True:
        rho = math.sqrt(stay + tail[died])
        snap = _snap(first, a)
        if rho == 0.0:
            b = 0.0  # nothing pulls; what is left of it is rounding
        elif b < 0.0 and abs(rho * a + b) <= snap * rho * a:
            b = -rho * a
        wait, a_next, b_next = np.inf, a, b
        step = np.inf
        if rho > 0.0:
            if died < members.size:
                step = max(threshold[died] - moved, 0.0)
                wait, a_next, b_next = time_to_reach(a, b, rho, step)
            turn, reach, b_turn = time_to_turn(a, b, rho)
            if turn < wait:
                wait, step, a_next, b_next = turn, reach, 0.0, b_turn
        if not wait < time:  # also ends where the time is not a number
            break
        time -= wait
        moved += step
        a, b = a_next, b_next
        if a == 0.0:
            break
        hidden[members[died]] = -max(time, TINY)
        died += 1
    growth, noise = 0.0, 0.0
    event[0], event[1], event[2], event[3] = time, a, b, rho
    if a > 0.0 or b > 0.0:
        growth, a_new, last = glide(a, b, rho, time)
        if growth == 0.0 and a > 0.0 and b < 0.0:  # it decays for ever: A from its end
            moved += a / rho
            last = -a_new / rho
            noise = snap * a / rho
        a, time = a_new, 0.0
    else:
        last = 0.0
    _shift(hidden, pull, moved, last, growth, noise)
    return growth, a, b, time


@njit(**INNER)
def _shift(
    hidden: np.ndarray,
    pull: np.ndarray,
    moved: float,
    last: float,
    growth: float,
    noise: float,
) -> None:
    """Move the alive pairs by A = moved e^{growth} + last; what is left of `moved` may be noise."""
    factor = math.exp(-growth)
    for p in range(hidden.size):
        if hidden[p] >= 0.0:
            rest = hidden[p] + pull[p] * moved
            if noise > 0.0 and abs(rest) <= noise * abs(pull[p]) + SNAP * hidden[p]:
                rest = 0.0
            hidden[p] = max(rest * factor + pull[p] * last, 0.0)


@njit(**INNER)
def pull_pairs(
    a: float,
    hidden: np.ndarray,
    pull: np.ndarray,
    time: float,
    bound: float,
    threshold: np.ndarray,
    tail: np.ndarray,
    event: np.ndarray,
) -> tuple[float, float]:
    """Move one neuron for `time` under its pairs' constant pulls; return growth and a.

    |A| must stay below `bound`. Overwrites `pull`, marks pairs that die by minus the time since,
    fills `event`.
    """
    speed = 0.0
    for p in range(hidden.size):
        speed += pull[p] * max(hidden[p], 0.0)
    sign = math.copysign(1.0, a) if a != 0.0 else math.copysign(1.0, speed)
    left, growth = time, 0.0
    a = abs(a)
    for _ in range(2):
        for p in range(hidden.size):
            pull[p] *= sign
        growth, a, b, left = _run_until_turn(a, hidden, pull, left, bound, threshold, tail, event)
        if left == 0.0 or b == 0.0:
            break
        for p in range(hidden.size):
            pull[p] *= sign  # undo the mirror before the opposite one
        sign = -sign
        bound = HUGE
    event[0] = time - event[0]
    event[1] = math.copysign(event[1], sign)
    return growth, sign * a


@njit(cache=True, error_model="numpy")
def pull_neuron(state: State, work: Work, j: int, time: float) -> None:
    """Move neuron j for `time` under the constant pulls `work.pull`."""
    start, count = state.first[j], state.alive[j]
    hidden = state.hidden[start : start + count]
    pull = work.segment_pull[:count]
    for p in range(count):
        pull[p] = work.pull[state.sample[start + p]]
    growth, state.output[j] = pull_pairs(
        state.output[j], hidden, pull, time, HUGE, work.threshold, work.tail, work.events[j]
    )
    state.scale[j] += growth
    _strike_dead(state, work, j)


@njit(**INNER)
def _strike_dead(state: State, work: Work, j: int) -> None:
    p = state.first[j]
    while p < state.first[j] + state.alive[j]:
        if state.hidden[p] < 0.0:
            swap_pairs(state, p, state.first[j] + state.alive[j] - 1)
            state.alive[j] -= 1
            work.counts[1] += 1
        else:
            p += 1


@njit(**INNER)
def pull_all(state: State, work: Work, time: float) -> None:
    """Move every neuron for `time` under the constant pulls `work.pull`."""
    for j in range(state.output.size):
        pull_neuron(state, work, j, time)


@njit(**INNER)
def plateau_length(
    constants: Constants, state: State, work: Work, least: float
) -> tuple[float, float, bool]:
    """Return how long the pulls may be taken constant, the fastest rate, and if all is learned.

    Gives up early, with a lower length, once it is below `least` and something is left to learn.

    Neuron j adds to the pulls at most w ã (e^x − 1)(‖κu‖ + ‖κd‖ ã e^x / ρ) with x = ρ_j t, where
    ã stands for |a| + |b|/ρ. Half of the tolerance over that, times min(t, 1/ρ), bounds the
    relative error it causes in any weight.
    """
    longest, fastest, finished = np.inf, 0.0, True
    for j in range(state.output.size):
        if longest < least and not finished:
            break
        sq_rho, b, shift, gain = 0.0, 0.0, 0.0, 0.0
        learnable = False
        for p in range(state.first[j], state.first[j] + state.alive[j]):
            k, u = state.sample[p], state.hidden[p]
            d, kappa = work.pull[k], constants.stiffness[k]
            sq_rho += d * d
            b += d * u
            shift += (kappa * u) ** 2
            gain += (kappa * d) ** 2
            if d != 0.0 and (
                constants.target[k] != 0.0 or abs(work.residual[k]) > constants.plateau_tol
            ):
                learnable = True
        if sq_rho == 0.0:
            continue
        rho = math.sqrt(sq_rho)
        amplitude = abs(state.output[j]) + abs(b) / rho
        if amplitude == 0.0:
            continue
        slope = math.sqrt(gain) / rho * amplitude
        room = math.log(constants.plateau_tol * rho / amplitude) - 2.0 * state.scale[j]
        decays = abs(abs(state.output[j]) * rho + b * math.copysign(1.0, state.output[j])) <= (
            SNAP * abs(state.output[j]) * rho
        )
        if decays and room > math.log(math.sqrt(shift) + slope):
            continue
        finished = finished and not learnable
        fastest = max(fastest, rho)
        longest = min(longest, _growth_within(room, math.sqrt(shift), slope) / rho)
    return longest, fastest, finished


@njit(**INNER)
def _growth_within(room: float, shift: float, slope: float) -> float:
    """Return the largest x with (e^x − 1)(shift + slope e^x) min(x, 1) ≤ e^room, or less."""
    if room > 600.0:
        return 0.5 * (room - math.log(slope))
    limit = math.exp(room)
    x = math.log(2.0 * limit / (shift + math.sqrt(shift * shift + 4.0 * slope * limit)))
    if x >= 1.0:
        return x
    return min(1.0, math.sqrt(limit / (1.72 * (shift + 2.72 * slope))))
