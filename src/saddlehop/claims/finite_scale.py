"""What a practitioner at λ = 1e-3 sees of the theory: norm and activation order against λ."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..yardsticks.comparison import Comparison
from ..yardsticks.min_norm import min_norm_interpolator
from .drawing import GREY, LOG_SCALE, THEORY, Axes, coloured, draw_means, dress
from .flows import LOG10, compare_flows
from .result import Claim, Number, number_of
from .statistics import mean
from .tables import Frame, by_size

PRACTICAL = 3  # λ = 1e-3
LIMIT = r"limit $\lambda \to 0$"


def _record(found: Comparison) -> dict[str, float]:
    least = min_norm_interpolator(found.flow.problem).sq_norm
    ratio = float(found.flow.sq_norms[-1]) / least
    limit_ratio = float(found.jumps.sq_norms[-1]) / least
    return {
        "ratio": ratio,
        "limit_ratio": limit_ratio,
        "swapped": _share_swapped(found),
        "of_limit": ratio / limit_ratio,
    }


def _share_swapped(found: Comparison) -> float:
    """Share of the pairs of neurons, apart in the limit, that the flow activates the other way."""
    clock = found.limit_clock
    pairs = int(np.sum(clock[:, None] < clock))
    return len(found.swapped) / pairs if pairs else 0.0


measure = partial(compare_flows, 8, _record)


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
    for color, n, part in coloured(table.assign(log_scale=table["exponent"] * LOG10)):
        means = by_size(part, column, "log_scale")
        look = {"fmt": "o-", "ms": 3, "lw": 0.9, "color": color, "label": f"$n = {n}$"}
        draw_means(ax, means, "log_scale", **look)
        if column == "ratio":
            ax.axhline(part["limit_ratio"].mean(), ls="--", color=color, lw=0.9)
    ax.axvline(PRACTICAL * LOG10, color=GREY, lw=0.8, ls=":", label=r"$\lambda = 10^{-3}$")


def draw_ratios(ax: Axes, table: Frame) -> None:
    """Draw the norm over the least norm against L."""
    _draw(ax, table, "ratio")
    ax.plot([], [], label=LIMIT, **THEORY)
    dress(ax, LOG_SCALE, r"$\|\theta\|^2$ / least $\|\theta\|^2$, 95%", "lower right", log="x")
    ax.set_ylim(bottom=0.9)


def draw_order(ax: Axes, table: Frame) -> None:
    """Draw the share of swapped pairs against L."""
    _draw(ax, table, "swapped")
    ax.axhline(0, label=LIMIT, **THEORY)
    dress(ax, LOG_SCALE, "pairs of neurons in swapped order, 95%", "upper right", log="x")


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
