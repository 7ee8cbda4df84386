"""What a practitioner at λ = 1e-3 sees of the theory: norm and activation order against λ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..yardsticks.comparison import Comparison
from ..yardsticks.min_norm import min_norm_interpolator
from .draws import BLACK, COLORS, GREY
from .flows import LOG10, comparison_of, problem_with_limit
from .result import Claim, Frame, Number, Report, as_table, number_of, tracked
from .statistics import mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PRACTICAL = 3  # λ = 1e-3


def measure(
    *,
    sizes: Sequence[int],
    exponents: Sequence[int],
    draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Follow flows at many scales and compare their norm and order with the limit's.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of samples n.
    exponents : sequence of int
        The scales are λ = 10^−exponent.
    draws : int
        Problems for each n, all of which interpolate in the limit.
    """
    runs = [(n, draw) for n in sizes for draw in range(draws)]
    rows = []
    for n, draw in tracked(runs, report, [n + 50 for n, _ in runs]):
        jumps = problem_with_limit(8, n, draw)
        least = min_norm_interpolator(jumps.problem).sq_norm
        for exponent in exponents:
            found = comparison_of(jumps, exponent)
            rows.append(
                {
                    "n": n,
                    "draw": draw,
                    "exponent": exponent,
                    "ratio": float(found.flow.sq_norms[-1]) / least,
                    "limit_ratio": float(jumps.sq_norms[-1]) / least,
                    "swapped": _share_swapped(found),
                }
            )
    table = as_table(rows)
    table["of_limit"] = table["ratio"] / table["limit_ratio"]
    return table


def _share_swapped(found: Comparison) -> float:
    """Share of the pairs of neurons, apart in the limit, that the flow activates the other way."""
    clock = found.limit_clock
    pairs = int(np.sum(clock[:, None] < clock))
    return len(found.swapped) / pairs if pairs else 0.0


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge norm and order at λ = 1e-3 and at the smallest λ, for each n."""
    numbers = []
    smallest = int(table["exponent"].max())
    for (n, exponent), part in table.groupby(["n", "exponent"]):
        judged = exponent in (PRACTICAL, smallest)
        where = f"n = {n}, λ = 1e-{exponent}"
        of_limit, swapped = mean(part["of_limit"]), mean(part["swapped"])
        close, few = ((0.98, 1.02), (0.0, 0.01)) if judged else (None, None)
        numbers.append(number_of(f"‖θ‖² / limit ‖θ‖², {where}", of_limit, close, "1"))
        numbers.append(number_of(f"pairs in swapped order, {where}", swapped, few, "0"))
    return numbers, (
        f"Judged at λ = 1e-{PRACTICAL} and 1e-{smallest}: norm within 2% of the limit's, at most 1% of "
        "the pairs of neurons swapped. Where it holds in part, it holds at the small λ and not yet at the "
        "large one."
    )


def _draw(ax: Axes, table: Frame, column: str) -> None:
    for color, (n, part) in zip(COLORS, table.groupby("n"), strict=False):
        values = part[column].groupby(part["exponent"])
        middle, error = values.mean(), values.std(ddof=1) / np.sqrt(values.count())
        log_scale = middle.index.to_numpy(float) * LOG10
        ax.errorbar(
            log_scale, middle, 1.96 * error, fmt="o-", ms=3, lw=0.9, color=color, label=f"$n = {n}$"
        )
        if column == "ratio":
            ax.axhline(part["limit_ratio"].mean(), ls="--", color=color, lw=0.9)
    ax.axvline(PRACTICAL * LOG10, color=GREY, lw=0.8, ls=":", label=r"$\lambda = 10^{-3}$")
    ax.set_xscale("log")
    ax.set_xlabel(r"$L = \log(1/\lambda)$")


def draw_ratios(ax: Axes, table: Frame) -> None:
    """Draw the norm over the least norm against L."""
    _draw(ax, table, "ratio")
    ax.plot([], [], "--", color=BLACK, lw=0.9, label=r"limit $\lambda \to 0$")
    ax.set_ylim(bottom=0.9)
    ax.set_ylabel(r"$\|\theta\|^2$ / least $\|\theta\|^2$, 95%")
    ax.legend(loc="lower right", frameon=False)


def draw_order(ax: Axes, table: Frame) -> None:
    """Draw the share of swapped pairs against L."""
    _draw(ax, table, "swapped")
    ax.axhline(0, ls="--", color=BLACK, lw=0.9, label=r"limit $\lambda \to 0$")
    ax.set_ylabel("pairs of neurons in swapped order, 95%")
    ax.legend(loc="upper right", frameon=False)


finite_scale = Claim(
    "finite-scale",
    "At finite λ the flow has the norm of the limit and activates its neurons in the limit's order.",
    measure,
    judge,
    (draw_ratios, draw_order),
    quick={"sizes": (20, 50), "exponents": (2, 3, 8, 30, 100, 1000), "draws": 8},
    full={
        "sizes": (20, 50, 100, 200),
        "exponents": (2, 3, 4, 6, 8, 16, 30, 100, 300, 1000),
        "draws": 20,
    },
)
