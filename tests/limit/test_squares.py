"""Exact sums of squares: right, and the same in any order."""

import math
from fractions import Fraction

import numpy as np
import pytest

from saddlehop.limit.kernels import squares


def of_group(values, norms):
    whole = np.array([0, len(values)])
    return squares.squares_by_group(values, norms, np.arange(len(values)), whole)


def rounded_square(value):
    mantissa, exponent = math.frexp(value)
    return Fraction(mantissa * mantissa) * Fraction(2) ** (2 * exponent)


@pytest.mark.parametrize("decades", [1, 20, 150])
@pytest.mark.parametrize("seed", range(5))
def test_sums_are_those_of_rational_arithmetic(decades, seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(40) * 10.0 ** rng.uniform(-decades, decades, 40)
    norms = 10.0 ** rng.uniform(-decades / 2, decades / 2, 40)
    of_labels, of_targets = of_group(values, norms)
    exact = sum(map(rounded_square, values))
    assert abs(Fraction(squares.values(of_labels)[0]) - exact) <= exact * Fraction(2) ** -52
    exact = sum(map(rounded_square, values / norms))
    root = Fraction(squares.square_roots(of_targets)[0])
    assert abs(root**2 - exact) <= exact * Fraction(2) ** -50


def test_norms_neither_overflow_nor_vanish():
    for size in (1e-300, 1e300):
        _, of_targets = of_group(np.full(4, size), np.ones(4))
        assert squares.square_roots(of_targets)[0] == pytest.approx(2 * size, rel=1e-15)


def test_order_and_blocks_change_no_bit():
    rng = np.random.default_rng(0)
    values, norms = rng.standard_normal((2, 3000)) * 10.0 ** rng.uniform(-30, 30, (2, 3000))
    whole, _ = of_group(values, norms)
    order = rng.permutation(3000)
    parts = [of_group(values[part], norms[part])[0] for part in np.array_split(order, 7)]
    assert np.array_equal(squares.values(sum(parts)), squares.values(whole))
