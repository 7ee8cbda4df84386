"""Collocation at Radau's points, c_1 < … < c_s = 1, and what is read off polynomials through them."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from .._support.arrays import Array


class Radau(NamedTuple):
    """The rule of s points on [0, 1]."""

    points: Array
    """c, shape (s,)."""
    integrals: Array
    """∫₀^{c_i} of the polynomials that are 1 at one of the points, shape (s, s)."""
    terms: Array
    """Coefficients of 1, t, …, t^{s−1} of a polynomial from its values at c, shape (s, s)."""
    powers: Array
    """Coefficients of t, …, t^s of one that is 0 at 0, shape (s, s)."""
    last: Array
    """The last Legendre coefficient of such a one, shape (s,)."""


@cache
def radau(count: int) -> Radau:
    """Return the rule of so many points."""
    from numpy.polynomial import Legendre

    ends = Legendre.basis(count, [0, 1]) - Legendre.basis(count - 1, [0, 1])
    points = np.sort(ends.roots().real)
    points[-1] = 1.0
    basis = [Legendre.basis(p, [0, 1]) for p in range(count)]
    values = np.column_stack([some(points) for some in basis])
    sums = np.column_stack([some.integ(lbnd=0)(points) for some in basis])
    terms = np.linalg.inv(points[:, None] ** np.arange(count))
    powers = np.linalg.inv(points[:, None] ** np.arange(1, count + 1))
    last = powers[-1] / math.comb(2 * count, count)
    return Radau(points, np.linalg.solve(values.T, sums.T).T, terms, powers, last)
