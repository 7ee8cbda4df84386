"""Alignment in whole numbers: every float is an integer times a power of two, so signs are exact.

With the coordinates u and pulls e read as integers (each array in one unit), on a piece between
two deaths

    φ(A) = p₀ + 2 p₁ A + p₂ A²,   p₀ = a² − Σ_alive at 0 u² + Σ_alive u²,   p₁ = Σ e u,   p₂ = Σ e²

(sums over the alive) and a death at A = u_k / |e_k| takes one term out. The sign of φ there is that
of an integer. Where `align` counts quantities equal to within rounding (its notes), so does this,
and says for which neurons that was needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cmp_to_key

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array

_EPS_BITS = 52


@dataclass(frozen=True, eq=False)
class ExactAlignment:
    """Signs and active sets proven in whole numbers."""

    signs: NDArray[np.int8]
    """Sign of each a_j, shape (m,)."""
    active: NDArray[np.bool_]
    """Whether k ∈ S_j, shape (m, n)."""
    rounded: tuple[int, ...]
    """Neurons that are as they are only because `align` counts what is equal to within rounding as
    equal: a start that is balanced, or a turn that meets a death, up to the last digits."""


def as_integers(values: Iterable[float]) -> tuple[list[int], int]:
    """Write finite floats as integers times 2^−shift; returns the integers and the shift."""
    ratios = [float(value).as_integer_ratio() for value in values]
    shift = max((below.bit_length() - 1 for _, below in ratios), default=0)
    return [above << (shift - below.bit_length() + 1) for above, below in ratios], shift


def exact_pulls(y: Array, norms: Array) -> tuple[list[int], int]:
    """y_k ‖x_k‖ as integers times 2^−shift."""
    labels, label_shift = as_integers(y)
    lengths, length_shift = as_integers(norms)
    return [a * b for a, b in zip(labels, lengths, strict=True)], label_shift + length_shift


def align_exactly(output: Array, hidden: Array, pulls: list[int]) -> ExactAlignment:
    """Align every neuron; `pulls` are y_k ‖x_k‖ in any unit."""
    signs = np.zeros(output.size, dtype=np.int8)
    active = np.zeros(hidden.shape, dtype=np.bool_)
    rounded = []
    for j in range(output.size):
        (a, *u), _ = as_integers([output[j], *hidden[j]])
        sign, members, was_rounded = _align(a, u, pulls)
        signs[j] = sign
        active[j, members] = True
        if was_rounded:
            rounded.append(j)
    return ExactAlignment(signs, active, tuple(rounded))


def _align(a: int, u: list[int], pulls: list[int]) -> tuple[int, list[int], bool]:
    """Sign, active set, and whether counting within rounding decided."""
    alive = [k for k in range(len(u)) if u[k] > 0 and pulls[k] != 0]
    sign, slope_rounded = _first_sign(a, u, pulls, alive)
    if sign == 0:
        return 0, [], slope_rounded
    growing = [k for k in alive if pulls[k] * sign > 0]
    dying = [k for k in alive if pulls[k] * sign < 0]
    shrinking = sum(u[k] ** 2 for k in dying)
    if a == 0 or a * a >= shrinking:
        return sign, growing, slope_rounded
    survivors, is_double, rounded = _turn(abs(a), u, [sign * e for e in pulls], alive)
    if (shrinking - a * a) << _EPS_BITS <= (len(dying) + 4) * shrinking:
        return sign, growing, is_double or survivors is not None
    if is_double:
        return 0, [], rounded
    return (sign, growing, False) if survivors is None else (-sign, survivors, rounded)


def _first_sign(a: int, u: list[int], pulls: list[int], alive: list[int]) -> tuple[int, bool]:
    """Sign of a, or of ȧ if a = 0."""
    if a != 0:
        return (1 if a > 0 else -1), False
    terms = [u[k] * pulls[k] for k in alive]
    slope, size = sum(terms), sum(map(abs, terms))
    if abs(slope) << _EPS_BITS <= 4 * len(u) * size:
        return 0, slope != 0
    return (1 if slope > 0 else -1), False


def _turn(
    a: int, u: list[int], e: list[int], alive: list[int]
) -> tuple[list[int] | None, bool, bool]:
    """Who shrinks and is alive at the first root of φ; whether it is double; whether by rounding."""

    def earlier(k: int, i: int) -> int:
        return u[i] * e[k] - u[k] * e[i]

    dying = [k for k in alive if e[k] < 0]
    dying.sort(key=cmp_to_key(earlier))
    p0 = a * a
    p1 = sum(e[k] * u[k] for k in alive)
    p2 = sum(e[k] ** 2 for k in alive)
    at, unit = 0, 1  # the piece starts at A = at / unit
    rounding = (len(dying) + 17) * a * a
    for position, k in enumerate(dying):
        if p1 * unit + p2 * at >= 0:
            break
        end, end_unit = u[k], -e[k]
        if p1 * end_unit + p2 * end >= 0:  # the least value lies in this piece
            below = p1 * p1 - p0 * p2
            if abs(below) << _EPS_BITS <= rounding * p2:
                return None, True, below != 0
            return (dying[position:] if below > 0 else None), False, False
        phi = p0 * end_unit**2 + 2 * p1 * end * end_unit + p2 * end**2
        if abs(phi) << _EPS_BITS <= rounding * end_unit**2:
            later = [i for i in dying[position:] if u[i] * end_unit > end * -e[i]]
            return later, False, phi != 0
        if phi < 0:
            return dying[position:], False, False
        p0 -= u[k] ** 2
        p1 -= e[k] * u[k]
        p2 -= e[k] ** 2
        at, unit = end, end_unit
    return None, False, False
