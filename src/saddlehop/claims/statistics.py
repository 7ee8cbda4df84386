"""Estimates with intervals: means, straight lines and thresholds.

All intervals are two-sided and of 95% confidence. A straight line y = b + s x with standard
errors σ is fitted by weighted least squares, its standard errors widened by the scatter where that
is larger than the σ say.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._support.arrays import Array
from ..yardsticks.intervals import Z


@dataclass(frozen=True)
class Estimate:
    """A number with its standard error."""

    value: float
    """The number."""
    error: float
    """Its standard error."""

    @property
    def interval(self) -> tuple[float, float]:
        """Confidence interval."""
        return self.value - Z * self.error, self.value + Z * self.error

    def __format__(self, spec: str) -> str:
        """Return "value ± error", each written as `spec` says."""
        return f"{self.value:{spec}} ± {self.error:{spec}}"


@dataclass(frozen=True)
class Line:
    """A straight line fitted to points."""

    slope: Estimate
    """Rise per unit of x."""
    intercept: Estimate
    """Height at x = 0."""


def mean(values: Any) -> Estimate:
    """Return the mean of independent draws; nan as error for fewer than two."""
    draws = np.asarray(values, dtype=float)
    if draws.size < 2:
        return Estimate(float(draws.mean()), float("nan"))
    return Estimate(float(draws.mean()), float(draws.std(ddof=1) / np.sqrt(draws.size)))


def fit_line(x: Any, y: Any, sigma: Any = None) -> Line:
    """Fit a straight line, with weights 1/σ² if standard errors are given.

    Without them, and with points that scatter more than they say, the scatter sets the errors.
    """
    points = np.asarray(x, dtype=float)
    design = np.column_stack([np.ones_like(points), points])
    errors = np.ones_like(points) if sigma is None else _positive(sigma)
    values = np.asarray(y, dtype=float) / errors
    scaled = design / errors[:, None]
    normal = np.linalg.inv(scaled.T @ scaled)
    solution = normal @ (scaled.T @ values)
    spare = points.size - 2
    excess = float(np.sum((values - scaled @ solution) ** 2) / spare) if spare > 0 else np.nan
    spread = excess if sigma is None else np.fmax(excess, 1.0)
    slope, level = np.sqrt(np.diag(normal) * spread)[::-1]
    return Line(
        Estimate(float(solution[1]), float(slope)), Estimate(float(solution[0]), float(level))
    )


def _positive(sigma: Any) -> Array:
    """Put the least positive error in place of zeros, such as those of equal draws."""
    errors = np.asarray(sigma, dtype=float)
    least = np.min(errors, where=errors > 0, initial=np.inf)
    return np.where(errors > 0, errors, least if np.isfinite(least) else 1.0)


def fit_power(x: Any, y: Any, relative_error: Any = None) -> Line:
    """Fit y = e^b x^s: a straight line in log-log."""
    return fit_line(np.log(x), np.log(y), relative_error)


def threshold(
    levels: Sequence[float], successes: Sequence[int], trials: Sequence[int], share: float
) -> Estimate:
    """Return the level x at which the chance of success is `share`.

    Maximum likelihood for log(−log P) = b + s x, the form that a union bound over many rare
    failures takes; the standard error is by the delta method.
    """
    x = np.asarray(levels, dtype=float)
    hits, total = np.asarray(successes, dtype=float), np.asarray(trials, dtype=float)
    design = np.column_stack([np.ones_like(x), x - x.mean()])
    start = np.log(-np.log((hits + 0.5) / (total + 1)))
    beta = np.linalg.lstsq(design, start, rcond=None)[0]
    information = np.eye(2)
    for _ in range(50):
        rate = np.exp(design @ beta)
        chance = np.exp(-rate)
        weight = total * rate**2 * chance / np.maximum(1 - chance, 1e-300)
        score = design.T @ (rate * (total * chance - hits) / np.maximum(1 - chance, 1e-300))
        information = design.T @ (weight[:, None] * design)
        move = np.linalg.solve(information, score)
        beta = beta + np.clip(move, -1, 1)
        if np.max(np.abs(move)) < 1e-12:
            break
    target = np.log(-np.log(share))
    offset = (target - beta[0]) / beta[1]
    gradient = np.array([-1.0, -offset]) / beta[1]
    error = float(np.sqrt(gradient @ np.linalg.solve(information, gradient)))
    return Estimate(float(x.mean() + offset), error)
