"""The flow tends to the jump process.

On the clock t / L with L = log(1/λ), jump i of the flow is at s_i + c_i / L, so clocks are off by
O(1/L). Between two jumps that stand apart the weights that should be zero are λ^|e| = exp(−|e| L) and
the distance falls faster than any power; jumps not yet apart at this λ are a share O(1/L) of all.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from ..yardsticks.comparison import Comparison
from .drawing import BLACK, LOG_SCALE, NORMAL, Axes, coloured, dress
from .flows import compare_flows
from .result import Claim, Number, number_of
from .statistics import Estimate, fit_power, mean
from .tables import Frame

ASYMPTOTIC = 100  # λ = 1e-100: from there on orders are fitted


def _record(found: Comparison) -> dict[str, float]:
    errors = np.abs(found.activation_errors) / found.limit_clock
    return {
        "log_scale": -found.flow.log_init_scale,
        "clock_error": float(np.nanmedian(errors)),
        "worst_clock_error": float(np.nanmax(errors)),
        "distance": float(np.mean(found.distance)),
        "median_distance": float(np.median(found.distance)),
        "resolved": float(np.mean(found.resolved)),
    }


measure = partial(compare_flows, 1, _record)


def order(table: Frame, column: str) -> Estimate:
    """Fit `column` by a power of 1/L for each problem; return the mean of the powers."""
    small = table[table["exponent"] >= ASYMPTOTIC]
    powers = [
        -fit_power(part["log_scale"], part[column]).slope.value
        for _, part in small.groupby(["n", "draw"])
        if (part[column] > 0).all()
    ]
    return mean(powers)


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge the orders of clocks and distance for each n, and how far the smallest λ still is."""
    numbers = []
    smallest = int(table["exponent"].max())
    for n, part in table.groupby("n"):
        clock = order(part, "clock_error")
        label = f"order in 1/L of the clock error (median neuron), n = {n}"
        numbers.append(number_of(label, clock, (0.97, 1.03), "1"))
        worst = order(part, "worst_clock_error")
        numbers.append(number_of(f"the same for the worst neuron, n = {n}", worst, None, "1"))
        apart = order(part, "distance")
        label = f"order in 1/L of the mean distance away from jumps, n = {n}"
        numbers.append(number_of(label, apart, (0.9, np.inf), "1 or more"))
        last = part[part["exponent"] == smallest]
        label = f"mean distance at λ = 1e-{smallest}, n = {n}"
        numbers.append(number_of(label, mean(last["distance"]), (0.0, 0.05), "0"))
    for exponent, part in table.groupby("exponent"):
        label = f"clock error at λ = 1e-{exponent} (median neuron, relative)"
        numbers.append(number_of(label, mean(part["clock_error"]), None, "O(1/L)"))
    return numbers, (
        f"Orders are fitted from λ = 1e-{ASYMPTOTIC} down, one for each problem. The mean distance counts "
        "points between jumps that do not stand apart yet at this λ; where they do it is λ to a power."
    )


def _draw_against_scale(ax: Axes, table: Frame, column: str, label: str) -> None:
    for color, n, part in coloured(table):
        logs = np.log(part[column]).groupby(part["log_scale"])
        middle, error = logs.mean(), logs.std(ddof=1) / np.sqrt(logs.count())
        low, high = np.exp(middle - NORMAL * error), np.exp(middle + NORMAL * error)
        ax.plot(middle.index, np.exp(middle), "o-", ms=3, lw=0.9, color=color, label=f"$n = {n}$")
        ax.fill_between(middle.index, low, high, color=color, alpha=0.25, lw=0)
    scales = np.array([table["log_scale"].min(), table["log_scale"].max()])
    height = table.loc[table["log_scale"] == scales[0], column].mean() * 1.5
    order_one = height * scales[0] / scales
    ax.plot(scales, order_one, "--", color=BLACK, lw=1, label="order 1 in $1/L$")
    dress(ax, LOG_SCALE, label, "lower left", log="xy")


def draw_clock_errors(ax: Axes, table: Frame) -> None:
    """Draw the relative error of the clocks against L."""
    _draw_against_scale(ax, table, "clock_error", r"activation clock $t/L$: error / clock")


def draw_distances(ax: Axes, table: Frame) -> None:
    """Draw the distance away from jumps against L."""
    _draw_against_scale(ax, table, "distance", r"distance / $\|\theta\|$, between jumps")


limit = Claim(
    "limit",
    "As λ → 0 the flow tends to the jump process on the clock t / log(1/λ).",
    measure,
    judge,
    (draw_clock_errors, draw_distances),
    quick={"sizes": (20, 50), "exponents": (10, 100, 1000, 10_000), "draws": 8},
    full={
        "sizes": (20, 50, 100, 200),
        "exponents": (10, 30, 100, 300, 1000, 3000, 10_000),
        "draws": 20,
    },
)
