"""How many jumps there are, and when the first and the last happen.

Every neuron of a sign takes about half of the open samples of that sign, so about log₂ n jumps are
needed for each. The first comes when the best of the neurons, active on about n/4 samples of size
one, has grown from λ: ρ = √(n/4)/n, so at clock 2√n.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .draws import BLACK, BLUE, RED, usual_width
from .norms import by_size, norm_record
from .result import Claim, Frame, Number, Report, as_table, number_of, tracked
from .statistics import Estimate, Line, fit_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LARGE = 1000


def measure(
    *, sizes: Sequence[int], draws: Sequence[int], report: Report = lambda share: None
) -> Frame:
    """Solve the limit for labels ±1, half of either sign, on inputs of norm one.

    Parameters
    ----------
    sizes, draws : sequences of int
        Numbers of samples n, and starts for each; the width is the usual one.
    """
    runs = [(n, draw) for n, count in zip(sizes, draws, strict=True) for draw in range(count)]
    rows = [
        norm_record(7, "unit", n, usual_width(n), draw)
        for n, draw in tracked(runs, report, [n + 1e4 for n, _ in runs])
    ]
    table = as_table(rows)
    for name in ("first", "last"):
        table[f"{name}_scaled"] = table[name] / np.sqrt(table["n"])
    return table[table["interpolates"]].reset_index(drop=True)


def slope_of_count(table: Frame) -> Line:
    """Fit the mean number of jumps by log₂ n."""
    means = by_size(table, "jumps")
    return fit_line(np.log2(means["n"]), means["mean"], means["error"])


def drift_of_last(table: Frame) -> Line:
    """Fit the mean clock of the last jump, over √n, by log10 n."""
    means = by_size(table[table["n"] >= LARGE], "last_scaled")
    return fit_line(np.log10(means["n"]), means["mean"], means["error"])


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge the slope of the count, and both clocks at the largest n."""
    slope = slope_of_count(table).slope
    numbers = [number_of("jumps per doubling of n", slope, (1.8, 2.2), "2")]
    counts = by_size(table, "jumps")
    last_n = int(counts["n"].max())
    for row in counts.to_dict("records"):
        share = Estimate(row["mean"] / np.log2(row["n"]), row["error"] / np.log2(row["n"]))
        allowed = (1.8, 2.2) if row["n"] == last_n else None
        label = f"jumps / log₂ n at n = {int(row['n'])}"
        numbers.append(number_of(label, share, allowed, "about 2"))
    for column, name, theory in (("first", "first", 2.0), ("last", "last", 2.5)):
        for row in by_size(table, f"{column}_scaled").to_dict("records"):
            n = int(row["n"])
            judged = (theory * 0.95, theory * 1.05) if n == last_n else None
            label = f"clock of the {name} jump / √n at n = {n} (spread {row['spread']:.3f})"
            estimate = Estimate(row["mean"], row["error"])
            numbers.append(number_of(label, estimate, judged, f"{theory}"))
    drift = drift_of_last(table).slope
    label = "change of the last jump's clock / √n per decade, n ≥ 1000"
    numbers.append(number_of(label, drift, (-0.02, 0.02), "0"))
    return numbers, (
        "Over starts that interpolate, at the width of 95%. Judged are the slope of the count, within "
        "10%, the count at the largest n, the two clocks there, within 5%, and that the last one "
        "does not drift by more than 0.02 per decade."
    )


def draw_counts(ax: Axes, table: Frame) -> None:
    """Draw the number of jumps against n."""
    means, line = by_size(table, "jumps"), slope_of_count(table)
    label = f"jumps, spread; slope {line.slope.value:.2f} ± {line.slope.error:.2f}"
    ax.errorbar(means["n"], means["mean"], means["spread"], fmt="o", color=BLUE, label=label)
    ax.plot(means["n"], 2 * np.log2(means["n"]), "--", color=BLACK, lw=1, label=r"$2\log_2 n$")
    ax.set_xscale("log")
    ax.set_xlabel("samples $n$")
    ax.set_ylabel("number of jumps")
    ax.legend(loc="upper left", frameon=False)


def draw_clocks(ax: Axes, table: Frame) -> None:
    """Draw the clocks of the first and last jump against n."""
    for name, color, theory in (("first", BLUE, 2.0), ("last", RED, 2.5)):
        means = by_size(table, f"{name}_scaled")
        ax.errorbar(
            means["n"], means["mean"], means["spread"], fmt="o", color=color, label=f"{name} jump"
        )
        ax.axhline(theory, ls="--", color=color, lw=0.9)
    ax.plot([], [], "--", color=BLACK, lw=0.9, label="2 and 2.5")
    ax.set_xscale("log")
    ax.set_ylim(0)
    ax.set_xlabel("samples $n$")
    ax.set_ylabel(r"clock $t/\log(1/\lambda)$, in units of $\sqrt{n}$")
    ax.legend(loc="lower right", frameon=False, ncols=3)


jump_counts = Claim(
    "jumps",
    "There are about 2 log₂ n jumps; for labels and inputs of size one the first is near 2√n on the "
    "clock and the last near 2.5√n.",
    measure,
    judge,
    (draw_counts, draw_clocks),
    quick={"sizes": (100, 1000, 10_000, 100_000), "draws": (300, 200, 60, 20)},
    full={
        "sizes": (100, 1000, 10_000, 100_000, 1_000_000, 10_000_000),
        "draws": (3000, 1000, 400, 100, 30, 6),
    },
)
