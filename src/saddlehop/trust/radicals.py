"""Sums of square roots, exactly: Σ q_i √N_i with rational q_i, where equality can be decided.

Whole numbers are written over a base of coprime non-squares b_i, so that √N = r √(∏ b_i^v_i) with
v_i ∈ {0, 1}. The roots of different v are linearly independent over the rationals, hence a sum is
zero iff every coefficient is. The waits of the jump process are such sums: the exponent that a
neuron has reached, divided by the root of an integer.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, isqrt

MOST_TERMS = 512


class TooManyTermsError(ArithmeticError):
    """A sum has more terms than can be handled."""


class RootField:
    """The numbers Σ q √N for the N made of given whole numbers.

    A number is a dict from the set v, as bits, to the coefficient q.
    """

    def __init__(self, numbers: set[int]) -> None:
        self._base = _coprime_base(numbers)

    one = Fraction(1)

    def root(self, number: int) -> dict[int, Fraction]:
        """√N for one of the whole numbers the field was made of."""
        outside, mask = 1, 0
        for position, b in enumerate(self._base):
            power = 0
            while number % b == 0:
                number //= b
                power += 1
            outside *= b ** (power // 2)
            mask |= (power % 2) << position
        rest = isqrt(number)
        if rest * rest != number:
            raise ValueError("the number is not made of the base")
        return {mask: Fraction(outside * rest)}

    def times(self, left: dict[int, Fraction], right: dict[int, Fraction]) -> dict[int, Fraction]:
        """Product of two numbers."""
        product: dict[int, Fraction] = {}
        for v, p in left.items():
            for w, q in right.items():
                product[v ^ w] = product.get(v ^ w, Fraction(0)) + p * q * self._square(v & w)
        return _checked(product)

    def plus(
        self, left: dict[int, Fraction], right: dict[int, Fraction], factor: int | Fraction = 1
    ) -> dict[int, Fraction]:
        """`left` + `factor` · `right`."""
        total = dict(left)
        for v, q in right.items():
            total[v] = total.get(v, Fraction(0)) + factor * q
        return _checked(total)

    def over_root(self, value: dict[int, Fraction], number: int) -> dict[int, Fraction]:
        """`value` / √N."""
        quotient = self.times(value, self.root(number))
        return {v: q / number for v, q in quotient.items()}

    def _square(self, mask: int) -> int:
        product = 1
        for position, b in enumerate(self._base):
            if mask >> position & 1:
                product *= b
        return product


def _checked(value: dict[int, Fraction]) -> dict[int, Fraction]:
    value = {v: q for v, q in value.items() if q}
    if len(value) > MOST_TERMS:
        raise TooManyTermsError
    return value


def _coprime_base(numbers: set[int]) -> list[int]:
    """Pairwise coprime non-squares over which, with squares, every number can be written."""
    base: list[int] = []
    todo = [n for n in numbers if n > 1]
    while todo:
        n = _without_squares(todo.pop())
        for i, b in enumerate(base):
            common = gcd(n, b)
            if common > 1:
                del base[i]
                todo += [part for part in (common, n // common, b // common) if part > 1]
                break
        else:
            if n > 1:
                base.append(n)
    return sorted(base)


def _without_squares(n: int) -> int:
    """Take the root of n while it is a square."""
    while n > 1 and isqrt(n) ** 2 == n:
        n = isqrt(n)
    return n
