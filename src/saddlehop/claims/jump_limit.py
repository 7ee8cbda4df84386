"""The flow tends to the jump process as λ → 0.

Jump i happens at t_i = s_i L + c_i + o(1), L = log(1/λ), so on the clock t/L an activation is off by
c_i/L: order 1 in 1/L. Away from the jumps the distance between the two paths falls faster than any
power of 1/L, once λ is small enough to set the jumps apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..comparison import compare
from ..datasets import make_orthogonal
from ..flow import simulate_flow
from ..initialization import Initialization
from ..jumps import solve_jumps
from .draws import BLACK, COLORS, generator, usual_width
from .result import Claim, Number, Report, as_table, exact, number_of, tracked
from .statistics import Estimate, fit_line, mean

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LN10 = np.log(10)
ASYMPTOTIC = 100  # decades of λ from which on the order is fitted


def measure(
    *,
    sizes: Sequence[int],
    decades: Sequence[float],
    draws: int,
    report: Report = lambda share: None,
) -> pd.DataFrame:
    """Compare flows with their limits.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of samples n: normal labels, inputs of norm one, the usual width.
    decades : sequence of float
        The scales λ = 10^−decades.
    draws : int
        Problems for each n.
    """
    runs = [(n, draw, decade) for n in sizes for draw in range(draws) for decade in decades]
    rows = []
    for n, draw, decade in tracked(runs, report, [n for n, _, _ in runs]):
        rng = generator(1, n, draw)
        problem = make_orthogonal(n, rng=rng)
        init = Initialization.draw(problem, usual_width(n), rng=rng)
        jumps = solve_jumps(problem, init)
        flow = simulate_flow(problem, init, log_init_scale=-decade * LN10)
        both = compare(flow, jumps)
        first = [group[0] for group in jumps.neurons]
        errors = both.activation_errors[first] / jumps.times
        row = {
            "n": n,
            "draw": draw,
            "decades": decade,
            "L": decade * LN10,
            "clock_error": float(np.nanmedian(np.abs(errors))),
            "worst_clock_error": float(np.nanmax(np.abs(errors))),
            "missing": int(np.isnan(errors).sum()),
            "distance": float(np.median(both.distance)),
            "far": float(np.mean(both.distance > 0.01)),
            "unresolved": float(np.mean(~both.resolved)),
        }
        rows.append(row)
    return as_table(rows)


def orders(table: pd.DataFrame) -> dict[int, Estimate]:
    """Fit for each n the order of the clock errors in 1/L, one line per problem, and average."""
    small = table[table["decades"] >= ASYMPTOTIC]
    found = {}
    for n, part in small.groupby("n"):
        slopes = [
            fit_line(-np.log(one["L"]), np.log(one["clock_error"])).slope.value
            for _, one in part.groupby("draw")
        ]
        found[int(n)] = mean(slopes)
    return found


def judge(table: pd.DataFrame) -> tuple[list[Number], str]:
    """Judge the order in 1/L, and that the paths meet away from the jumps."""
    numbers = [
        number_of(
            f"order of the clock errors in 1/L at n = {n}, λ ≤ 1e-{ASYMPTOTIC}", order, (0.95, 1.05), "1"
        )
        for n, order in orders(table).items()
    ]
    least, most = table["decades"].min(), table["decades"].max()
    for decade in (least, most):
        at = table[table["decades"] == decade]
        label = f"median error of activation clocks at λ = 1e-{decade:g} (share of the clock)"
        numbers.append(number_of(label, mean(at["clock_error"])))
        label = f"share of times between jumps with distance above 1%, λ = 1e-{decade:g}"
        numbers.append(number_of(label, mean(at["far"]), (-1.0, 0.05) if decade == most else None, "0"))
        label = f"median distance of the paths between jumps, λ = 1e-{decade:g}"
        numbers.append(number_of(label, mean(at["distance"]), (-1.0, 1e-3) if decade == most else None, "0"))
    label = f"neurons of the limit that never activate at λ = 1e-{most:g}"
    numbers.append(
        exact(label, table.loc[table["decades"] == most, "missing"].sum(), (0, 0), "0")
    )
    label = f"share of times between jumps that λ = 1e-{most:g} does not yet resolve"
    numbers.append(number_of(label, mean(table.loc[table["decades"] == most, "unresolved"])))
    return numbers, (
        "Judged are the order within 0.05 of 1 and the distance at the smallest λ (median below 1e-3, above 1% "
        "at no more than one time in twenty). At larger λ neighbouring jumps overlap: the limit is not "
        "yet a picture of the flow."
    )


def _by_scale(table: pd.DataFrame, column: str) -> pd.DataFrame:
    spread = table.groupby("decades")[column].quantile([0.25, 0.5, 0.75]).unstack()
    spread.columns = ["low", "middle", "high"]
    return spread


def _draw(ax: Axes, table: pd.DataFrame, column: str, floor: float) -> None:
    for color, (n, part) in zip(COLORS, table.groupby("n"), strict=False):
        shown = _by_scale(part, column).clip(lower=floor)
        ax.plot(shown.index, shown["middle"], "o-", ms=3, lw=0.9, color=color, label=f"$n = {n}$")
        ax.fill_between(shown.index, shown["low"], shown["high"], color=color, alpha=0.18, lw=0)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel(r"decades $\log_{10}(1/\lambda)$")


def draw_clocks(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the clock errors against λ, a line of order 1 dashed."""
    _draw(ax, table, "clock_error", 1e-16)
    shown = _by_scale(table, "clock_error")["middle"]
    decades = np.asarray(shown.index, dtype=float)
    line = shown.iloc[-1] * decades[-1] / decades
    ax.plot(decades, line, "--", color=BLACK, lw=1, label=r"order 1 in $1/\log(1/\lambda)$")
    ax.set_ylabel("relative error of activation\nclocks, median and quartiles")
    ax.legend(loc="lower left", frameon=False)


def draw_distances(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the distance between flow and limit away from the jumps."""
    _draw(ax, table, "distance", 1e-12)
    ax.set_ylabel("distance flow–limit between jumps,\nshare of the final norm")
    ax.legend(loc="lower left", frameon=False)


jump_limit = Claim(
    "limit",
    "As λ → 0 the flow tends to the jump process: clocks of activation with order 1 in 1/log(1/λ), and "
    "the paths meet away from the jumps.",
    measure,
    judge,
    (draw_clocks, draw_distances),
    quick={"sizes": (20, 50, 100), "decades": (10, 100, 1000, 10_000), "draws": 8},
    full={
        "sizes": (20, 50, 100, 200),
        "decades": (10, 30, 100, 300, 1000, 3000, 10_000),
        "draws": 30,
    },
)
