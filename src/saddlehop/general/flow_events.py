"""First times at which polynomials fall below zero, found from the left without missing any.

A polynomial on [0, 1] lies within the hull of its Bernstein coefficients, so it stays above 0 where these
do. Halve the interval, go right where the left half stays above 0, left otherwise; Newton's method
does the last digits. A polynomial that starts on 0 falls where it gets visibly below.
"""

from __future__ import annotations

from functools import cache
from math import comb

import numpy as np

from .._support.arrays import Array

HALVINGS = 22
NEWTON = 3
BELOW = 3.0  # floors below 0 that are visible


def first_falls(coefficients: Array, length: Array | float, floor: Array) -> Array:
    """Return when each polynomial first falls below 0, inf if never before `length`.

    Parameters
    ----------
    coefficients : ndarray, shape (P + 1, N)
        Of t^p.
    length : float or ndarray, shape (N,)
    floor : ndarray, shape (N,)
        Values down to −`floor` are 0 to rounding. A polynomial that is at most `floor` at 0 starts on 0,
        and falls where it gets below −3 `floor`.
    """
    times = np.full(coefficients.shape[1], np.inf)
    lengths = np.broadcast_to(np.asarray(length, float), times.shape)
    first = coefficients[0] + np.where(coefficients[0] <= floor, BELOW * floor, 0.0)
    bound = np.zeros(lengths.shape)
    for coefficient in np.abs(coefficients[:0:-1]):
        bound = (bound + coefficient) * lengths
    near = np.flatnonzero(first < bound)
    if near.size:
        scaled = coefficients[:, near] * lengths[near] ** np.arange(len(coefficients))[:, None]
        scaled[0] = first[near]
        times[near] = _first_roots(scaled) * lengths[near]
    return times


def _first_roots(scaled: Array) -> Array:
    """Return the first roots of polynomials on [0, 1], inf where there is none."""
    order = len(scaled) - 1
    found = np.full(scaled.shape[1], np.inf)
    points = _to_bernstein(order) @ scaled
    falls = np.flatnonzero(np.min(points, axis=0) < 0)
    if falls.size:
        low, width = _first_interval(points[:, falls])
        found[falls] = np.where(np.isfinite(low), _polish(scaled[:, falls], low, width), np.inf)
    return found


def _first_interval(points: Array) -> tuple[Array, float]:
    """Return where the first short interval starts that may hold a root, inf if none does, and its width."""
    left_half, right_half = _halves(len(points) - 1)
    low, width = np.zeros(points.shape[1]), 1.0
    for _ in range(HALVINGS):
        width /= 2
        left, right = left_half @ points, right_half @ points
        clear = np.min(left, axis=0) >= 0
        low += clear * width
        points = np.where(clear, right, left)
    return np.where(np.min(points, axis=0) < 0, low, np.inf), width


def _polish(scaled: Array, low: Array, width: float) -> Array:
    """Newton's method within intervals that start at `low`."""
    start = np.where(np.isfinite(low), low, 0.0)
    slope = np.arange(1, len(scaled))[:, None] * scaled[1:]
    time = start + 0.5 * width
    for _ in range(NEWTON):
        with np.errstate(divide="ignore", invalid="ignore"):
            new = time - _value(scaled, time) / _value(slope, time)
        time = np.where(np.isfinite(new), np.clip(new, start, start + width), time)
    return time


def _value(coefficients: Array, time: Array) -> Array:
    value = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        value = value * time + coefficient
    return np.asarray(value)


@cache
def _to_bernstein(order: int) -> Array:
    rows = range(order + 1)
    return np.array([[comb(i, p) / comb(order, p) if p <= i else 0.0 for p in rows] for i in rows])


@cache
def _halves(order: int) -> tuple[Array, Array]:
    """Return the matrices that take Bernstein coefficients to those on each half."""
    rows = range(order + 1)
    left = np.array([[comb(i, p) / 2.0**i if p <= i else 0.0 for p in rows] for i in rows])
    return left, left[::-1, ::-1].copy()
