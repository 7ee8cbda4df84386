"""The squared norm of the limit grows as √n."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .draws import BLACK, BLUE, RED, usual_width
from .norms import by_size, norm_record, towards_limit
from .result import Claim, Frame, Number, Report, as_table, exact, number_of, tracked
from .statistics import Estimate, Line, fit_power

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CONSTANT = 2 * np.sqrt(2) * (1 + np.sqrt(2))
LARGE = 1000  # from which on the terms beyond √n are within a tenth


def measure(
    *,
    sizes: Sequence[int],
    draws: Sequence[int],
    report: Report = lambda share: None,
) -> Frame:
    """Solve the limit for labels uniform in size with random sign, and for labels ±1.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of samples n.
    draws : sequence of int
        Problems for each n.
    """
    runs = [
        (labels, n, draw)
        for n, count in zip(sizes, draws, strict=True)
        for labels in ("uniform", "unit")
        for draw in range(count)
    ]
    costs = [n + 1e4 for _, n, _ in runs]
    return as_table(
        [
            norm_record(5, labels, n, usual_width(n), draw)
            for labels, n, draw in tracked(runs, report, costs)
        ]
    )


def power_law(table: Frame, labels: str) -> Line:
    """Fit the mean squared norm for n ≥ `LARGE` by a power of n."""
    means = by_size(table[table["labels"] == labels], "sq_norm")
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
    near = (CONSTANT * 0.995, CONSTANT * 1.005)
    numbers.append(number_of("‖θ‖²/√n for n → ∞, unit labels", constant, near, theory))
    lost = int(table["sq_norm"].isna().sum())
    numbers.append(exact("draws left out for a tie among shared samples", lost))
    return numbers, (
        "Judged are the last decade, within 0.01 of the exponent, and the constant, within 0.5%; below "
        "n = 1e4 the slope is larger, since the sum over jumps ends after about log₂ n terms."
    )


def decade_slopes(table: Frame, labels: str) -> list[tuple[float, float, Estimate]]:
    """Return the log-log slope between neighbouring sizes with its standard error."""
    means = by_size(table[table["labels"] == labels], "sq_norm")
    n, mean = means["n"].to_numpy(float), means["mean"].to_numpy()
    relative = (means["error"] / means["mean"]).to_numpy()
    width = np.diff(np.log(n))
    slope = np.diff(np.log(mean)) / width
    error = np.hypot(relative[1:], relative[:-1]) / width
    return [
        (a, b, Estimate(float(s), float(e)))
        for a, b, s, e in zip(n, n[1:], slope, error, strict=False)
    ]


def _constant(table: Frame) -> Estimate:
    means = by_size(table[table["labels"] == "unit"], "sq_norm")
    means = means[means["n"] >= 100]
    root = np.sqrt(means["n"])
    return towards_limit(means["n"], means["mean"] / root, means["error"] / root).intercept


def draw_norms(ax: Axes, table: Frame) -> None:
    """Draw ‖θ‖²/√n against n, where the claim is a horizontal line."""
    for labels, color, marker in (("unit", BLUE, "o"), ("uniform", RED, "s")):
        means = by_size(table[table["labels"] == labels], "sq_norm")
        root = np.sqrt(means["n"])
        slope = decade_slopes(table, labels)[-1][2]
        name = r"$\pm 1$" if labels == "unit" else r"$\pm$[1, 2]"
        label = f"labels {name}: last slope {slope.value:.4f} ± {slope.error:.4f}"
        ax.errorbar(
            means["n"],
            means["mean"] / root,
            1.96 * means["error"] / root,
            fmt=marker + "-",
            lw=0.8,
            color=color,
            label=label,
        )
    theory = r"$2\sqrt{2}(1+\sqrt{2})\sqrt{E\,y^2}$"
    ax.axhline(CONSTANT, ls="--", color=BLACK, lw=0.9, label=theory)
    ax.axhline(CONSTANT * np.sqrt(7 / 3), ls="--", color=BLACK, lw=0.9)
    ax.set_xscale("log")
    ax.set_ylim(0, 13)
    ax.set_xlabel("samples $n$")
    ax.set_ylabel(r"squared norm $\|\theta\|^2 / \sqrt{n}$, 95% intervals")
    ax.legend(loc="lower right", frameon=False)


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
