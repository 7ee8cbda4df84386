"""The squared norm of the limit grows as √n."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .drawing import BLUE, RED, SAMPLES, THEORY, Axes, draw_means, dress
from .norms import at_usual_width, measure_norms, towards_limit
from .result import Claim, Number, Report, exact, number_of, within
from .statistics import Estimate, Line, fit_power
from .tables import Frame, by_size, where

CONSTANT = 2 * np.sqrt(2) * (1 + np.sqrt(2))
LARGE = 1000  # from which on the terms beyond √n are within a tenth


def measure(
    *, sizes: Sequence[int], draws: Sequence[int], report: Report = lambda share: None
) -> Frame:
    """Solve the limit for labels uniform in size with random sign, and for labels ±1.

    For each number of samples n of `sizes` so many problems as `draws` says, of the usual width.
    """
    return measure_norms(5, at_usual_width(sizes, draws), report)


def power_law(table: Frame, labels: str) -> Line:
    """Fit the mean squared norm for n ≥ `LARGE` by a power of n."""
    means = by_size(where(table, labels=labels), "sq_norm")
    means = means[means["n"] >= min(LARGE, means["n"].nlargest(3).min())]
    return fit_power(means["n"], means["mean"], means["error"] / means["mean"])


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge the slope over the last decade and the limit of ‖θ‖²/√n for unit labels."""
    numbers = []
    for labels in ("uniform", "unit"):
        slopes = decade_slopes(table, labels)
        for index, (low, high, slope) in enumerate(slopes):
            last = index == len(slopes) - 1
            label = f"slope of log ‖θ‖² from n = {low:.0e} to {high:.0e}, {labels} labels"
            numbers.append(number_of(label, slope, (0.49, 0.51) if last else None, "1/2"))
        fitted = power_law(table, labels).slope
        label = f"slope for n ≥ {LARGE}, {labels} labels"
        numbers.append(number_of(label, fitted, None, "1/2"))
    constant = _constant(table)
    theory = f"2√2(1+√2) = {CONSTANT:.3f}"
    numbers.append(
        number_of("‖θ‖²/√n for n → ∞, unit labels", constant, within(0.005, CONSTANT), theory)
    )
    lost = int(table["sq_norm"].isna().sum())
    numbers.append(exact("draws left out for a tie among shared samples", lost))
    return numbers, (
        "Judged are the last decade, within 0.01 of the exponent, and the constant, within 0.5%; below "
        "n = 1e4 the slope is larger, since the sum over jumps ends after about log₂ n terms."
    )


def decade_slopes(table: Frame, labels: str) -> list[tuple[float, float, Estimate]]:
    """Return the log-log slope between neighbouring sizes with its standard error."""
    means = by_size(where(table, labels=labels), "sq_norm")
    n, mean = means["n"].to_numpy(float), means["mean"].to_numpy()
    relative = (means["error"] / means["mean"]).to_numpy()
    width = np.diff(np.log(n))
    slope = np.diff(np.log(mean)) / width
    error = np.hypot(relative[1:], relative[:-1]) / width
    return [
        (a, b, Estimate(float(s), float(e)))
        for a, b, s, e in zip(n, n[1:], slope, error, strict=False)
    ]


def _over_root(table: Frame, labels: str) -> Frame:
    """Return the mean of ‖θ‖²/√n for each n, with its error."""
    means = by_size(where(table, labels=labels), "sq_norm")
    root = np.sqrt(means["n"])
    return means.assign(mean=means["mean"] / root, error=means["error"] / root)


def _constant(table: Frame) -> Estimate:
    means = _over_root(table, "unit")
    means = means[means["n"] >= 100]
    return towards_limit(means["n"], means["mean"], means["error"]).intercept


def draw_norms(ax: Axes, table: Frame) -> None:
    """Draw ‖θ‖²/√n against n, where the claim is a horizontal line."""
    for labels, name, color, marker in (
        ("unit", r"$\pm 1$", BLUE, "o-"),
        ("uniform", r"$\pm$[1, 2]", RED, "s-"),
    ):
        slope = decade_slopes(table, labels)[-1][2]
        label = f"labels {name}: last slope {slope:.4f}"
        draw_means(ax, _over_root(table, labels), fmt=marker, lw=0.8, color=color, label=label)
    ax.axhline(CONSTANT, label=r"$2\sqrt{2}(1+\sqrt{2})\sqrt{E\,y^2}$", **THEORY)
    ax.axhline(CONSTANT * np.sqrt(7 / 3), **THEORY)
    norm = r"squared norm $\|\theta\|^2 / \sqrt{n}$, 95% intervals"
    dress(ax, SAMPLES, norm, "lower right", log="x")
    ax.set_ylim(0, 13)


norm_growth = Claim(
    "norm-growth",
    "The learned interpolator has squared norm of order √n; for labels and inputs of size one it is "
    "2√2(1+√2)√n.",
    measure,
    judge,
    (draw_norms,),
    quick={"sizes": (10, 100, 1000, 10_000, 100_000), "draws": (200, 100, 50, 20, 10)},
    full={
        "sizes": (10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000),
        "draws": (1000, 1000, 400, 200, 100, 30, 5),
    },
)
