"""The chance that a random layer covers every sample, so that the limit interpolates.

For a symmetric isotropic start with |a_j| ≥ ‖w_j‖ each neuron takes either sign with
probability ½ and covers each sample of its sign with probability ½, all independently:

    P = Σ_p C(m, p) 2^−m (1 − 2^−p)^n₊ (1 − 2^−(m−p))^n₋
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import Any

import numpy as np

from .._support.validate import int_at_least, real_number
from ..errors import InputError
from ..model.general_problem import GeneralProblem
from ..model.problem import Problem

_MOST_WIDTH = 2**17  # a few seconds


def interpolation_probability(n_positive: int, n_negative: int, width: int) -> float:
    """Return the exact probability that a random layer interpolates in the limit λ → 0.

    Parameters
    ----------
    n_positive, n_negative : int
        Number of samples with a positive and a negative label.
    width : int
        Number of neurons m.

    Returns
    -------
    float

    Notes
    -----
    Holds for the laws "balanced" and "dominated". Relative error below 1e-12. O(width²) bit
    operations.
    """
    _require_counts(n_positive)
    n_positive = int_at_least(n_positive, "n_positive", 0)
    n_negative = int_at_least(n_negative, "n_negative", 0)
    width = int_at_least(width, "width", 0)
    if width > _MOST_WIDTH:
        raise InputError(
            f"`width` is {width}, whose exact binomials would take {width**2 / 2**33:.3g} GiB of "
            f"arithmetic; pass at most {_MOST_WIDTH}."
        )
    covered = _log_covered(width)
    with np.errstate(under="ignore"):
        both = np.exp(_times(n_positive, covered) + _times(n_negative, covered[::-1]))
        return min(math.fsum(_binomial_weights(width) * both), 1.0)


def _require_counts(n_positive: Any) -> None:
    if isinstance(n_positive, (Problem, GeneralProblem)):
        raise InputError(
            "The chance to interpolate depends on the numbers of positive and negative labels, and is "
            f"known for orthogonal rows only, but `n_positive` is a {type(n_positive).__name__}; pass "
            "two counts, or see where drawn starts end with `sh.simulate_flow(problem, init, "
            "init_scale=1e-8)`."
        )


def required_width(n_positive: int, n_negative: int, probability: float) -> int:
    """Return the least width at which the limit interpolates with at least `probability`.

    Parameters
    ----------
    n_positive, n_negative : int
        Number of samples with a positive and a negative label.
    probability : float
        Strictly between 0 and 1.

    Returns
    -------
    int

    Notes
    -----
    Doubles the width, then halves the range: O(log m) times the cost of
    `interpolation_probability` at the width m returned.
    """
    probability = real_number(probability, "probability")
    if not 0 < probability < 1:
        raise InputError(f"`probability` is {probability}; pass a number strictly between 0 and 1.")

    def is_enough(width: int) -> bool:
        return interpolation_probability(n_positive, n_negative, width) >= probability

    high = 1
    while not is_enough(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def _binomial_weights(width: int) -> np.ndarray:
    """C(m, p) 2^−m for p = 0 … m, each correctly rounded, from exact integers."""
    whole = 1 << width
    counts = accumulate(range(width), lambda count, p: count * (width - p) // (p + 1), initial=1)
    return np.array([count / whole for count in counts])


def _log_covered(width: int) -> np.ndarray:
    """log(1 − 2^−p) for p = 0 … m: the log chance that one of p neurons is active on a sample."""
    with np.errstate(divide="ignore"):
        return np.log1p(-np.ldexp(1.0, -np.arange(width + 1)))


def _times(count: int, logs: np.ndarray) -> np.ndarray:
    """`count` times `logs`, with 0 · (−inf) = 0."""
    return count * logs if count > 0 else np.zeros_like(logs)
