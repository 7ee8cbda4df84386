"""The learned norm is within a constant factor of the least norm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .draws import BLACK, BLUE, GREEN, GREY, RED, usual_width
from .norms import by_size, norm_record, towards_limit
from .result import Claim, Frame, Number, Report, as_table, exact, number_of, tracked
from .statistics import Estimate, Line, fit_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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
    runs = [
        ("usual", labels, n, usual_width(n), draw)
        for n, count in zip(sizes, draws, strict=True)
        for labels in ("uniform", "unit")
        for draw in range(count)
    ]
    runs += [("swept", "uniform", n_swept, m, draw) for m in widths for draw in range(swept_draws)]
    runs += [("exponential", "uniform", n, 10 * 2**n, k) for n in tiny for k in range(tiny_draws)]
    costs = [n * width / 20 + 1e4 for _, _, n, width, _ in runs]
    rows = [
        {"regime": regime, **norm_record(6, labels, n, width, draw)}
        for regime, labels, n, width, draw in tracked(runs, report, costs)
    ]
    table = as_table(rows)
    table["ratio"] = table["sq_norm"] / table["least"]
    return table[table["interpolates"]].reset_index(drop=True)


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge the limits at either end, the largest ratio, and that no ratio is below 1."""
    numbers = []
    for labels in ("uniform", "unit"):
        usual = _usual(table, labels)
        for row in usual.to_dict("records"):
            n = int(row["n"])
            label = f"mean ratio at n = {n}, m = {usual_width(n)}, {labels} labels"
            stated = STATED.get(n) if labels == "uniform" else None
            numbers.append(_mean_number(f"{label} (spread {row['spread']:.3f})", row, stated))
        limit = towards_limit(usual["n"], usual["mean"], usual["error"]).intercept
        near = (LIMIT * 0.99, LIMIT * 1.01)
        label = f"mean ratio for n → ∞, {labels} labels"
        numbers.append(number_of(label, limit, near, f"1 + √2 = {LIMIT:.3f}"))
    largest = float(table["ratio"].max())
    numbers.append(exact("largest ratio of all draws", largest, (1.0, 3.0), "bounded in n"))
    growth = growth_of_largest(table).slope
    label = "growth of the largest ratio per decade of n, above the mean's"
    numbers.append(number_of(label, growth, (-np.inf, 0.0), "not positive"))
    numbers.append(
        exact("smallest ratio of all draws", table["ratio"].min(), (1 - 1e-9, 3.0), "≥ 1")
    )
    wide = by_size(_of(table, "exponential"), "ratio")
    for row in wide.to_dict("records"):
        label = f"mean ratio at n = {int(row['n'])}, width 10·2^n"
        numbers.append(number_of(label, Estimate(row["mean"], row["error"]), (1.0, 1.02), "1"))
    return numbers, (
        "Over draws that interpolate; the limits are judged within 1%. The mean is below 1 + √2 at "
        "every n tried and nears it as n^(−1/2); widths between log n and exp n lie in between."
    )


def _of(table: Frame, regime: str) -> Frame:
    return table[table["regime"] == regime]


def _usual(table: Frame, labels: str) -> Frame:
    part = _of(table, "usual")
    return by_size(part[part["labels"] == labels], "ratio")


def _mean_number(label: str, row: dict[str, float], stated: float | None) -> Number:
    allowed = None if stated is None else (stated - 0.005, stated + 0.005)
    theory = "" if stated is None else f"{stated} to its last digit"
    return number_of(label, Estimate(row["mean"], row["error"]), allowed, theory)


def growth_of_largest(table: Frame) -> Line:
    """Fit by log10 n how far the largest of the draws is above their mean."""
    usual = _usual(table, "uniform")
    return fit_line(np.log10(usual["n"]), usual["largest"] - usual["mean"])


def draw_sizes(ax: Axes, table: Frame) -> None:
    """Draw the ratio against n at the usual width."""
    usual = _usual(table, "uniform")
    ax.errorbar(
        usual["n"],
        usual["mean"],
        usual["spread"],
        fmt="o",
        color=BLUE,
        label="mean, spread of draws",
    )
    ax.plot(usual["n"], usual["largest"], "^", color=RED, label="largest draw")
    ax.axhline(LIMIT, ls="--", color=BLACK, lw=0.9, label=r"$1+\sqrt{2}$")
    ax.axhline(1, ls=":", color=GREY, lw=0.9, label="least norm")
    ax.set_xscale("log")
    ax.set_ylim(0.8, 2.9)
    ax.set_xlabel(r"samples $n$, width $m \sim \log n$")
    ax.set_ylabel(r"$\|\theta\|^2$ / least $\|\theta\|^2$")
    ax.legend(loc="center right", frameon=False)


def draw_widths(ax: Axes, table: Frame) -> None:
    """Draw the ratio against the width, up to exponential."""
    swept, wide = _of(table, "swept"), _of(table, "exponential")
    n = int(swept["n"].iloc[0])
    for part, color, marker, label in (
        (swept, BLUE, "o-", f"$n = {n}$"),
        (wide, GREEN, "s", r"$m = 10 \cdot 2^n$, $n \leq$ " + str(int(wide["n"].max()))),
    ):
        means = by_size(part, "ratio", "width")
        ax.errorbar(
            means["width"],
            means["mean"],
            means["spread"],
            fmt=marker,
            color=color,
            lw=0.8,
            label=label,
        )
    ax.axhline(LIMIT, ls="--", color=BLACK, lw=0.9, label=r"$1+\sqrt{2}$")
    ax.axhline(1, ls=":", color=GREY, lw=0.9, label="least norm")
    ax.set_xscale("log")
    ax.set_ylim(0.8, 2.9)
    ax.set_xlabel("width $m$ (neurons)")
    ax.set_ylabel(r"$\|\theta\|^2$ / least, spread of draws")
    ax.legend(loc="upper right", frameon=False, ncols=2)


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
