"""Numbers as unevaluated sums of two floats, about 32 digits (Dekker 1971, Knuth).

For differences of numbers that are nearly equal. Magnitudes must stay within about 1e±290.
"""

import math

from numba import njit

_SPLITTER = 134217729.0  # 2^27 + 1


@njit(cache=True, inline="always")
def whole(high, low):
    """The sum of two floats, |low| ≤ |high|."""
    total = high + low
    return total, low - (total - high)


@njit(cache=True, inline="always")
def add(a, a_low, b, b_low):
    """a + b."""
    total = a + b
    part = total - a
    error = (a - (total - part)) + (b - part)
    return whole(total, error + a_low + b_low)


@njit(cache=True, inline="always")
def _product(a, b):
    """a b of two floats, exactly."""
    split = _SPLITTER * a
    a_high = split - (split - a)
    split = _SPLITTER * b
    b_high = split - (split - b)
    a_low, b_low = a - a_high, b - b_high
    product = a * b
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


@njit(cache=True, inline="always")
def multiply(a, a_low, b, b_low):
    """a b."""
    product, error = _product(a, b)
    return whole(product, error + (a * b_low + a_low * b))


@njit(cache=True, inline="always")
def divide(a, a_low, b, b_low):
    """a / b."""
    quotient = a / b
    product, error = multiply(quotient, 0.0, b, b_low)
    rest, _ = add(a, a_low, -product, -error)
    return whole(quotient, rest / b)


@njit(cache=True, inline="always")
def square_root(a, a_low):
    """√a for a > 0."""
    root = math.sqrt(a)
    square, error = _product(root, root)
    rest, _ = add(a, a_low, -square, -error)
    return whole(root, rest / (2.0 * root))
