"""Alignment of one neuron at a time, in the variable A = ∫ a dt.

For a neuron with a > 0 (mirror the pulls otherwise) the alive coordinates are u_k + e_k A, so

    a² = φ(A) = a(0)² − Σ u_k² + Σ max(u_k + e_k A, 0)²,       b = ȧ = Σ e_k (u_k + e_k A)

sums over k alive at the start. Coordinate k with e_k < 0 dies at A = −u_k / e_k. Between two
deaths φ is a quadratic: with R² = Σ e_k² over the alive, c = b / R and x = R ΔA,

    c' = c + x,     a'² = a² + x (c + c'),     (a' + c') / (a + c) = exp(R Δt)

Quantities that could cancel are summed from the last death backwards, where all terms are
positive. The caller scales the pulls e to at most 1 and each neuron's start likewise.
"""

import math

import numpy as np
from numba import njit

_EPS = np.finfo(np.float64).eps
_LEAST_PULL = 1e-140  # relative to the largest; below, squares lose their digits


@njit(cache=True)
def align_neurons(output, hidden, pulls, words, signs, stalled):
    """Fill `words` (n, W) with the bits of S_j, `signs` (m,) and `stalled` (m,)."""
    for j in range(output.size):
        sign = _first_sign(output[j], hidden[j], pulls)
        signs[j] = sign
        if sign == 0:
            stalled[j] = np.any((hidden[j] > 0) & (pulls != 0))
            continue
        unit = _unit(output[j], hidden[j])
        a, u = output[j] * unit, hidden[j] * unit
        if not _may_turn(a, u, pulls, sign):
            _set_bits(words[:, j >> 6], np.uint64(j & 63), hidden[j], pulls, sign)
            continue
        dying, pieces = _pieces(a, u, sign * pulls)
        index, _, double = _turn(pieces)
        if double:
            signs[j] = 0
            stalled[j] = True
        elif index < 0:
            _set_bits(words[:, j >> 6], np.uint64(j & 63), hidden[j], pulls, sign)
        else:
            signs[j] = -sign
            for k in dying[index:]:
                words[k, j >> 6] |= np.uint64(1) << np.uint64(j & 63)


@njit(cache=True)
def _unit(a, u):
    """A power of two that brings a start near order 1, so that its squares are within range."""
    return math.ldexp(1.0, min(-math.frexp(max(abs(a), np.max(u)))[1], 1000))


@njit(cache=True)
def growth_constants(output, hidden, pulls, log_growth):
    """Fill `log_growth` (m,) with log C_j, −inf for neurons that die."""
    for j in range(output.size):
        log_growth[j] = _log_growth(output[j], hidden[j], pulls)


@njit(cache=True)
def _first_sign(a, u, pulls):
    """Sign of a just after the start: of a, or of ȧ if a = 0; 0 if that is zero to rounding."""
    if a != 0:
        return np.sign(a)
    alive = np.maximum(u, 0.0) * _unit(a, u)
    slope = np.sum(pulls * alive)
    return np.sign(slope) if abs(slope) > 4 * u.size * _EPS * np.sum(np.abs(pulls) * alive) else 0.0


@njit(cache=True)
def _set_bits(column, bit, u, pulls, sign):
    for k in range(u.size):
        column[k] |= np.uint64((u[k] > 0) & (pulls[k] * sign > 0)) << bit


@njit(cache=True)
def _gap(a, u, pulls, sign):
    """a² − Σ u² over the coordinates that shrink, zero if that is within rounding."""
    shrinking = 0.0
    count = 0
    for k in range(u.size):
        shrinks = (u[k] > 0) & (pulls[k] * sign < 0)
        shrinking += u[k] * u[k] if shrinks else 0.0  # one expression: a branch costs more here
        count += shrinks
    gap = a * a - shrinking
    return 0.0 if abs(gap) <= (count + 4) * _EPS * shrinking else gap


@njit(cache=True)
def _may_turn(a, u, pulls, sign):
    """Whether a can reach zero: only if the shrinking coordinates outweigh it."""
    return a != 0 and _gap(a, u, pulls, sign) < 0


@njit(cache=True)
def _pieces(a, u, e):
    """Walk the deaths backwards.

    Returns the coordinates in the order in which they die and rows (A, R, φ, c) at the
    start and after each death, R over the coordinates alive from there on.
    """
    dying = np.nonzero((u > 0) & (e < 0))[0]
    deaths = u[dying] / -e[dying]
    order = np.argsort(deaths)
    dying, deaths = dying[order], deaths[order]
    if dying.size > 0 and np.max(e[dying]) > -_LEAST_PULL:
        return dying, _wide_rows(a, u, e, dying, deaths)

    grow_r, grow_d = 0.0, 0.0  # R and Σ e u of the coordinates that grow
    for k in range(u.size):
        if u[k] > 0 and e[k] > 0:
            grow_r = math.hypot(grow_r, e[k])
            grow_d += e[k] * u[k]

    count = dying.size
    rows = np.empty((count + 1, 4))
    gap = _gap(a, u, e, 1.0)
    radius, square, moment, total = (
        grow_r,
        0.0,
        0.0,
        0.0,
    )  # of the dying: Σe², Σe²(A_l−A), Σe²(A_l−A)²
    for i in range(count, -1, -1):
        at = deaths[i - 1] if i > 0 else 0.0
        if i < count:
            pull = e[dying[i]]
            step = deaths[i] - at
            radius = math.hypot(radius, pull)
            square += pull * pull
            total += step * (2 * moment + step * square)
            moment += step * square
        stretch = at * grow_r
        rows[i, 0] = at
        rows[i, 1] = radius
        rows[i, 2] = gap + total + 2 * at * grow_d + stretch * stretch
        rows[i, 3] = (grow_d + stretch * grow_r - moment) / radius if radius > 0 else 0.0
    rows[0, 2] = a * a
    return dying, rows


@njit(cache=True)
def _wide_rows(a, u, e, dying, deaths):
    """The rows for pulls whose squares leave the range of floats, each summed by itself."""
    rows = np.zeros((dying.size + 1, 4))
    growing = np.nonzero((u > 0) & (e > 0))[0]
    gap = _gap(a, u, e, 1.0)
    for i in range(len(rows)):
        at = deaths[i - 1] if i > 0 else 0.0
        radius, phi = 0.0, gap
        for k in growing:
            radius = math.hypot(radius, e[k])
            phi += e[k] * at * (2 * u[k] + e[k] * at)
        for q in range(i, dying.size):
            radius = math.hypot(radius, e[dying[q]])
            phi += (e[dying[q]] * (deaths[q] - at)) ** 2
        c = 0.0
        for k in growing:
            c += e[k] / radius * (u[k] + e[k] * at)
        for q in range(i, dying.size):
            c -= e[dying[q]] / radius * (e[dying[q]] * (deaths[q] - at))
        rows[i, 0], rows[i, 1], rows[i, 2], rows[i, 3] = at, radius, phi, c
    rows[0, 2] = a * a
    return rows


@njit(cache=True)
def _turn(rows):
    """First root of φ: (piece, A, False); (−1, inf, False) if none; (piece, A, True) if double.

    A root within rounding of a death counts as at the death, which starts the piece returned.
    """
    phi = rows[0, 2]  # from here on down, so that its error is one of a(0)²
    rounding = (len(rows) + 16) * _EPS * phi
    for i in range(len(rows)):
        at, radius, c = rows[i, 0], rows[i, 1], rows[i, 3]
        if c >= 0:
            break
        below = c * c - phi  # minus the least value of φ on the extended piece
        x = phi / (-c + math.sqrt(max(below, 0.0)))
        if i + 1 == len(rows) or rows[i + 1, 3] >= 0:
            if abs(below) <= rounding:
                return i, at - c / radius, True
            return (i, at + x / radius, False) if below > 0 else (-1, np.inf, False)
        reach = radius * (rows[i + 1, 0] - at)
        phi += reach * (2 * c + reach)
        if abs(phi) <= rounding:
            return _after_deaths_at(rows, i + 1), rows[i + 1, 0], False
        if phi < 0:
            return i, at + min(x, reach) / radius, False
    return -1, np.inf, False


@njit(cache=True)
def _after_deaths_at(rows, i):
    """The piece that starts once all have died that die with the one that starts piece i."""
    while i + 1 < len(rows) and rows[i + 1, 0] <= rows[i, 0] * (1 + 4 * _EPS):
        i += 1
    return i


@njit(cache=True)
def _angle(a, c, a_new, c_new, x):
    """R Δt of a piece on which c grows by x, without cancellation."""
    if x == 0:
        return 0.0
    slope = (c + c_new) / (a + a_new)
    if c >= 0:
        return math.log1p(x * (1 + slope) / (a + c))
    if c_new <= 0:
        return math.log1p(x * (1 - slope) / (a_new - c_new))
    least = math.sqrt(max((a - c) * (a + c), 1e-300))
    return math.asinh(c_new / least) - math.asinh(c / least)


@njit(cache=True)
def _time_to(a, rows, last, end, turns):
    """Go from the start to A = `end` in piece `last`, where a = 0 if it `turns`: (time, a)."""
    time, a_sq = 0.0, a * a
    for i in range(last + 1):
        radius, c = rows[i, 1], rows[i, 3]
        x = radius * ((end if i == last else rows[i + 1, 0]) - rows[i, 0])
        c_new = c + x if i == last else rows[i + 1, 3] * (rows[i + 1, 1] / radius)
        if i == last and turns:
            a_sq_new = 0.0  # not by subtraction: the square root of its rounding would show
        elif turns or i == last or c >= 0:
            a_sq_new = max(a_sq + x * (c + c_new), 0.0)
        else:
            a_sq_new = rows[i + 1, 2]
        time += _angle(math.sqrt(a_sq), c, math.sqrt(a_sq_new), c_new, x) / radius
        a_sq = a_sq_new
    return time, math.sqrt(a_sq)


@njit(cache=True)
def _log_growth(a, u, pulls):
    sign = _first_sign(a, u, pulls)
    scale = max(abs(a), np.max(u))
    if sign == 0 or scale <= 0:
        return -np.inf
    a = abs(a) / scale
    u = u / scale
    e = sign * pulls
    _, rows = _pieces(a, u, e)
    time = 0.0
    if _may_turn(a, u, e, 1.0):
        index, turn, double = _turn(rows)
        if double:
            return -np.inf
        if index >= 0:
            time, a = _time_to(a, rows, index, turn, True)
            u = np.where(u > 0, u + e * turn, 0.0)
            e = -e
            _, rows = _pieces(a, u, e)
    last = len(rows) - 1
    at, rho, _, c = rows[last]
    if rho == 0:
        return -np.inf
    more, a = _time_to(a, rows, last, at, False)
    return math.log(scale) + math.log((a + c) / 2) - rho * (time + more)
