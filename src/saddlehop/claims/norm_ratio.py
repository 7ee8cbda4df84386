"""The learned norm is within a constant factor of the least norm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from .drawing import BLUE, GREEN, GREY, RED, THEORY, Axes, draw_spread, dress
from .draws import usual_width
from .norms import at_usual_width, measure_norms, towards_limit
from .result import Claim, Number, Report, exact, number_of, within
from .statistics import Estimate, Line, fit_line
from .tables import Frame, by_size, where

LIMIT = 1 + np.sqrt(2)
STATED = {100: 1.89, 1000: 2.22, 10_000: 2.35, 100_000: 2.39}


def measure(
    *,
    sizes: Sequence[int],
    draws: Sequence[int],
    swept: tuple[int, Sequence[int], int],
    tiny: Sequence[int],
    tiny_draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Solve the limit at logarithmic, growing and exponential width.

    Parameters
    ----------
    sizes, draws : sequences of int
        Numbers of samples n, and problems for each, at the usual width; with labels uniform in
        size and with labels ±1.
    swept : (n, widths, draws)
        Labels uniform in size at one n and many widths.
    tiny, tiny_draws : sequence of int, int
        Numbers of samples n for width 10 · 2^n, and problems for each.
    """
    n_swept, widths, swept_draws = swept
    runs = {
        "usual": at_usual_width(sizes, draws),
        "swept": [("uniform", n_swept, m, draw) for m in widths for draw in range(swept_draws)],
        "exponential": [("uniform", n, 10 * 2**n, k) for n in tiny for k in range(tiny_draws)],
    }
    table = measure_norms(6, list(chain(*runs.values())), report)
    table.insert(0, "regime", np.repeat([*runs], [len(some) for some in runs.values()]))
    table["ratio"] = table["sq_norm"] / table["least"]
    return table[table["interpolates"]].reset_index(drop=True)


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge the limits at either end, the largest ratio, and that no ratio is below 1."""
    label = "growth of the largest ratio per decade of n, above the mean's"
    growth, ratio = growth_of_largest(table).slope, table["ratio"]
    numbers = [
        *_at_usual_width(table, "uniform", STATED),
        *_at_usual_width(table, "unit", {}),
        exact("largest ratio of all draws", ratio.max(), (1.0, 3.0), "bounded in n"),
        number_of(label, growth, (-np.inf, 0.0), "not positive"),
        exact("smallest ratio of all draws", ratio.min(), (1 - 1e-9, 3.0), "≥ 1"),
    ]
    for row in by_size(where(table, regime="exponential"), "ratio").to_dict("records"):
        label = f"mean ratio at n = {int(row['n'])}, width 10·2^n"
        numbers.append(number_of(label, Estimate(row["mean"], row["error"]), (1.0, 1.02), "1"))
    return numbers, (
        "Over draws that interpolate; the limits are judged within 1%. The mean is below 1 + √2 at "
        "every n tried and nears it as n^(−1/2); widths between log n and exp n lie in between."
    )


def _at_usual_width(table: Frame, labels: str, stated: dict[int, float]) -> list[Number]:
    numbers = []
    usual = _usual(table, labels)
    for row in usual.to_dict("records"):
        n = int(row["n"])
        allowed, theory = None, ""
        if n in stated:
            allowed = (stated[n] - 0.005, stated[n] + 0.005)
            theory = f"{stated[n]} to its last digit"
        label = (
            f"mean ratio at n = {n}, m = {usual_width(n)}, {labels} labels "
            f"(spread {row['spread']:.3f})"
        )
        numbers.append(number_of(label, Estimate(row["mean"], row["error"]), allowed, theory))
    limit = towards_limit(usual["n"], usual["mean"], usual["error"]).intercept
    label = f"mean ratio for n → ∞, {labels} labels"
    return [*numbers, number_of(label, limit, within(0.01, LIMIT), f"1 + √2 = {LIMIT:.3f}")]


def _usual(table: Frame, labels: str) -> Frame:
    return by_size(where(table, regime="usual", labels=labels), "ratio")


def growth_of_largest(table: Frame) -> Line:
    """Fit by log10 n how far the largest of the draws is above their mean."""
    usual = _usual(table, "uniform")
    return fit_line(np.log10(usual["n"]), usual["largest"] - usual["mean"])


def draw_sizes(ax: Axes, table: Frame) -> None:
    """Draw the ratio against n at the usual width."""
    usual = _usual(table, "uniform")
    draw_spread(ax, usual, fmt="o", color=BLUE, label="mean, spread of draws")
    ax.plot(usual["n"], usual["largest"], "^", color=RED, label="largest draw")
    _draw_bounds(ax)
    ratio = r"$\|\theta\|^2$ / least $\|\theta\|^2$"
    dress(ax, r"samples $n$, width $m \sim \log n$", ratio, "center right", log="x")


def draw_widths(ax: Axes, table: Frame) -> None:
    """Draw the ratio against the width, up to exponential."""
    swept, wide = where(table, regime="swept"), where(table, regime="exponential")
    for part, color, marker, label in (
        (swept, BLUE, "o-", f"$n = {swept['n'].iloc[0]}$"),
        (wide, GREEN, "s", rf"$m = 10 \cdot 2^n$, $n \leq$ {wide['n'].max()}"),
    ):
        means = by_size(part, "ratio", "width")
        draw_spread(ax, means, "width", fmt=marker, color=color, lw=0.8, label=label)
    _draw_bounds(ax)
    ratio = r"$\|\theta\|^2$ / least, spread of draws"
    dress(ax, "width $m$ (neurons)", ratio, "upper right", log="x", ncols=2)


def _draw_bounds(ax: Axes) -> None:
    ax.axhline(LIMIT, label=r"$1+\sqrt{2}$", **THEORY)
    ax.axhline(1, ls=":", color=GREY, lw=0.9, label="least norm")
    ax.set_ylim(0.8, 2.9)


norm_ratio = Claim(
    "norm-ratio",
    "The learned norm is within a constant factor of the least: 1 + √2 for log n ≪ m ≪ exp n, 1 for "
    "exponentially wide networks.",
    measure,
    judge,
    (draw_sizes, draw_widths),
    quick={
        "sizes": (100, 1000, 10_000, 100_000),
        "draws": (300, 150, 50, 15),
        "swept": (100, (30, 100, 1000, 10_000), 30),
        "tiny": (4, 6, 8, 10),
        "tiny_draws": 40,
    },
    full={
        "sizes": (100, 1000, 10_000, 100_000, 1_000_000),
        "draws": (3000, 1000, 300, 80, 20),
        "swept": (100, (20, 30, 100, 300, 1000, 10_000, 100_000), 50),
        "tiny": (4, 6, 8, 10, 12, 14),
        "tiny_draws": 50,
    },
)
