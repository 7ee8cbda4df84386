"""Sums of squares that come out the same in any order: exact, in digits of 32 bits.

A number is m 2^e with ½ ≤ m < 1. Its square, rounded to 53 bits, is the integer q = m² 2^54 times
2^(2e − 54), and q is added to the three digits that it covers. Squares neither over- nor underflow,
and digits (int64) hold the carries of up to 2^31 numbers.
"""

import math

import numpy as np
from numba import njit

DIGITS = 136
_DIGIT = 32  # bits
_LOWEST = -69 * _DIGIT  # weight 2^_LOWEST of the first digit: below the square of any number
_MASK = np.int64(2**_DIGIT - 1)


@njit(cache=True, nogil=True)
def add_squares(y, norms, samples, of_labels, of_targets):
    """Add y_k² to one sum and (y_k / ‖x_k‖)² to another for each sample with a label."""
    number = np.empty(1)
    bits = number.view(np.int64)
    for k in samples:
        number[0] = y[k]
        _add_square(number, bits, of_labels)
        number[0] = y[k] / norms[k]
        _add_square(number, bits, of_targets)


@njit(cache=True, nogil=True)
def _add_square(number, bits, digits):
    """Add the square of the normal float in `number`, a view of `bits`."""
    exponent = ((bits[0] >> 52) & 0x7FF) - 1022
    bits[0] = (bits[0] & 0xFFFFFFFFFFFFF) | (1022 << 52)  # now ½ ≤ number < 1
    q = np.int64(number[0] * number[0] * 2.0**54)
    place = 2 * exponent - 54 - _LOWEST
    i, shift = place >> 5, place & 31
    low = np.uint64(q & _MASK) << np.uint64(shift)  # may reach the sign bit
    high = np.int64(low >> np.uint64(_DIGIT)) + ((q >> _DIGIT) << shift)
    digits[i] += np.int64(low & np.uint64(_MASK))
    digits[i + 1] += high & _MASK
    digits[i + 2] += high >> _DIGIT


@njit(cache=True)
def squares_by_group(y, norms, samples, offsets):
    """Both sums for each group samples[offsets[i]:offsets[i + 1]], shapes (J, DIGITS)."""
    n_groups = len(offsets) - 1
    of_labels = np.zeros((n_groups, DIGITS), dtype=np.int64)
    of_targets = np.zeros((n_groups, DIGITS), dtype=np.int64)
    for i in range(n_groups):
        group = samples[offsets[i] : offsets[i + 1]]
        add_squares(y, norms, group, of_labels[i], of_targets[i])
    return of_labels, of_targets


@njit(cache=True)
def square_roots(digits):
    """Square root of each sum, shape (J,); within an ulp or two, and never out of range."""
    roots = np.zeros(len(digits))
    for i in range(len(digits)):
        value, exponent = _rounded(digits[i])
        roots[i] = math.ldexp(math.sqrt(value), exponent // 2)
    return roots


@njit(cache=True)
def values(digits):
    """Value of each sum, shape (J,)."""
    result = np.zeros(len(digits))
    for i in range(len(digits)):
        value, exponent = _rounded(digits[i])
        result[i] = math.ldexp(value, exponent)
    return result


@njit(cache=True)
def _rounded(digits):
    """Value and even exponent such that the sum is value · 2^exponent."""
    carried = np.empty(DIGITS, dtype=np.int64)
    carry, top = np.int64(0), 2
    for i in range(DIGITS):
        total = digits[i] + carry
        carried[i] = total & _MASK
        carry = total >> _DIGIT
        if carried[i] != 0:
            top = max(top, i)
    base = 2.0**_DIGIT
    value = (carried[top] * base + carried[top - 1]) * base + carried[top - 2]
    return value, _LOWEST + _DIGIT * (top - 2)
