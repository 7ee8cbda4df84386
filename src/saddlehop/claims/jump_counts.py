"""How many jumps there are, and when the first and the last happen.

Every neuron of a sign takes about half of the open samples of that sign, so about log₂ n jumps are
needed for each. The first comes when the best of the neurons, active on about n/4 samples of size
one, has grown from λ: ρ = √(n/4)/n, so at clock 2√n.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .drawing import BLACK, BLUE, RED, SAMPLES, THEORY, Axes, draw_spread, dress
from .norms import at_usual_width, measure_norms
from .result import Claim, Number, Report, number_of, within
from .statistics import Estimate, Line, fit_line
from .tables import Frame, by_size

LARGE = 1000
CLOCKS = (("first", BLUE, 2.0), ("last", RED, 2.5))  # jump, its colour, its clock / √n


def measure(
    *, sizes: Sequence[int], draws: Sequence[int], report: Report = lambda share: None
) -> Frame:
    """Solve the limit for labels ±1, half of either sign, on inputs of norm one.

    For each number of samples n of `sizes` so many starts as `draws` says, of the usual width.
    """
    table = measure_norms(7, at_usual_width(sizes, draws, ["unit"]), report)
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
    for name, _, theory in CLOCKS:
        for row in by_size(table, f"{name}_scaled").to_dict("records"):
            n = int(row["n"])
            judged = within(0.05, theory) if n == last_n else None
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
    means = by_size(table, "jumps")
    label = f"jumps, spread; slope {slope_of_count(table).slope:.2f}"
    draw_spread(ax, means, fmt="o", color=BLUE, label=label)
    ax.plot(means["n"], 2 * np.log2(means["n"]), "--", color=BLACK, lw=1, label=r"$2\log_2 n$")
    dress(ax, SAMPLES, "number of jumps", "upper left", log="x")


def draw_clocks(ax: Axes, table: Frame) -> None:
    """Draw the clocks of the first and last jump against n."""
    for name, color, theory in CLOCKS:
        means = by_size(table, f"{name}_scaled")
        draw_spread(ax, means, fmt="o", color=color, label=f"{name} jump")
        ax.axhline(theory, ls="--", color=color, lw=0.9)
    ax.plot([], [], label="2 and 2.5", **THEORY)
    clock = r"clock $t/\log(1/\lambda)$, in units of $\sqrt{n}$"
    dress(ax, SAMPLES, clock, "lower right", log="x", ncols=3)
    ax.set_ylim(0)


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
