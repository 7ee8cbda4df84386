"""How fast the loss falls: L̇ = −2 μ L, and at the end μ → λ_min(H).

A lone neuron that fits k samples of size one on inputs of norm one ends at rate √k/n, or 2/n for k = 1:
the rates lie between the orders 1/n and 1/√n. Two groups of n/2 samples, one aligned balanced neuron
each, have the closed form

    f(t) = 1 / (1 + (‖β‖/a² − 1) e^{−2ρt}),  ρ = ‖β‖/n,  μ = 2 ρ f(t)

with f the share of the labels that is fitted. From a² = 1, μ thus rises from order 1/n to order 1/√n
near t = √n log n, in a window of order √n: a share of order 1/log n of the time it takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .._arrays import Array
from ..curvature import asymptotic_rate, local_pl_constant
from ..datasets import make_orthogonal
from ..flow import FlowPath, simulate_flow
from ..initialization import Initialization
from ..jumps import solve_jumps
from .draws import BLACK, BLUE, COLORS, GREEN, RED, covering_start, generator, half_and_half, usual_width
from .result import Claim, Number, Report, as_table, exact, number_of, tracked
from .statistics import Line, fit_line

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LEVELS = np.array([0.25, 0.5, 0.75])
FITTED = 1e-8  # share of the first loss down to which μ is averaged
CLOSED_FORM = 1e-6  # agreement of the flow with the closed form
POINTS = 120  # at which μ is drawn


def measure(
    *,
    sizes: Sequence[int],
    draws: int,
    group_sizes: Sequence[int],
    report: Report = lambda share: None,
) -> pd.DataFrame:
    """Measure rates at the end and along the flow.

    Parameters
    ----------
    sizes, draws : sequence of int, int
        Numbers of samples n (labels uniform in size, inputs of norm one, the usual width), and
        starts that cover all samples for each.
    group_sizes : sequence of int
        Numbers of samples n of the problem with two groups.
    """
    runs = [("limit", n, draw) for n in sizes for draw in range(draws)]
    runs += [("order one", n, draw) for n in sizes for draw in range(draws)]
    runs += [("two groups", n, 0) for n in group_sizes]
    kinds = {"limit": _limit, "order one": _order_one, "two groups": _two_groups}
    costs = [float(n) ** 2 for _, n, _ in runs]
    return as_table(
        [
            {"kind": kind, "n": n, "draw": draw, **kinds[kind](n, draw)}
            for kind, n, draw in tracked(runs, report, costs)
        ]
    )


def _limit(n: int, draw: int) -> dict[str, object]:
    rng = generator(9, n, draw)
    problem = make_orthogonal(n, "uniform", rng=rng)
    jumps = solve_jumps(problem, covering_start(problem, usual_width(n), rng))
    return {"last": asymptotic_rate(problem, jumps.final)}


def _order_one(n: int, draw: int) -> dict[str, object]:
    rng = generator(9, n, draw, 1)
    problem = make_orthogonal(n, "uniform", rng=rng)
    init = covering_start(problem, usual_width(n), rng, "dominated")
    flow = simulate_flow(problem, init, init_scale=1.0)
    fitted = flow.losses <= FITTED * flow.losses[0]
    end = flow.t[np.argmax(fitted)] if fitted.any() else flow.t[-1]
    times = np.linspace(0, end, POINTS)
    logs = np.log(flow.loss_at(times))
    return {
        "last": asymptotic_rate(problem, flow.final),
        "mean": float((logs[0] - logs[-1]) / (2 * end)),
        "first": local_pl_constant(problem, flow(0.0)),
        "curve": -np.diff(logs) / (2 * np.diff(times)) if draw == 0 else None,
        "curve_times": (times[1:] + times[:-1]) / 2 if draw == 0 else None,
    }


def group_rate(n: int, t: Array) -> Array:
    """Return μ(t) of the problem with two groups in closed form, from a² = ‖u‖² = 1."""
    size = np.sqrt(n / 2)
    fitted = 1 / (1 + (size - 1) * np.exp(-2 * size / n * np.asarray(t)))
    return np.asarray(2 * size / n * fitted)


def _two_groups(n: int, draw: int) -> dict[str, object]:
    problem = half_and_half(n)
    hidden = np.zeros((2, n))
    hidden[0, : n // 2] = hidden[1, n // 2 :] = 1 / np.sqrt(n / 2)
    start = Initialization([1.0, -1.0], hidden)
    end = 3 * np.sqrt(n) * np.log(n)
    flow = simulate_flow(problem, start, init_scale=1.0, t_end=end, rtol=1e-10)
    passed = _passed(flow, n)
    times = np.linspace(0, 0.5 * end, 12)
    rates = [local_pl_constant(problem, flow(float(t))) for t in times]
    error = float(np.max(np.abs(np.array(rates) / group_rate(n, times) - 1)))
    low, middle, high = passed
    return {"closed_form_error": error, "middle": middle, "window": high - low}


def _passed(flow: FlowPath, n: int) -> Array:
    """Return when μ of the flow passes quarter, half and three quarters of its last value."""
    times = np.linspace(0, 1.0, 4001) * flow.t[-1]
    logs = np.log(flow.loss_at(times))
    usable = logs > logs[0] - 40
    rates = -np.diff(logs[usable]) / (2 * np.diff(times[usable]))
    middles = (times[usable][1:] + times[usable][:-1]) / 2
    return np.interp(LEVELS * 2 * np.sqrt(n / 2) / n, rates, middles)


def exponent(table: pd.DataFrame, kind: str, column: str) -> Line:
    """Fit log of the rate by log n, over means of logs."""
    part = table[table["kind"] == kind]
    logs = np.log(part[column]).groupby(part["n"])
    middle, error = logs.mean(), logs.sem()
    return fit_line(np.log(middle.index), middle, np.maximum(error, 1e-12))


def sharpness(table: pd.DataFrame) -> Line:
    """Fit middle / window of the two groups by log n."""
    part = table[table["kind"] == "two groups"]
    return fit_line(np.log(part["n"]), part["middle"] / part["window"])


def judge(table: pd.DataFrame) -> tuple[list[Number], str]:
    """Judge the exponents, the closed form, and the share of time that the transition takes."""
    last, one = exponent(table, "limit", "last").slope, exponent(table, "order one", "last").slope
    middle = exponent(table, "order one", "mean").slope
    first = exponent(table, "order one", "first").slope
    groups = table[table["kind"] == "two groups"]
    worst = float(groups["closed_form_error"].max())
    sharper = 1 / (2 * np.log(9))
    between = (-1.0, -0.5)
    return [
        number_of("exponent of the last rate in n, λ → 0", last, (-1.1, -0.9), "−1: order 1/n"),
        number_of("exponent of the last rate in n, starts of order one", one, between, "in [−1, −½]"),
        number_of("exponent of the mean rate in n, starts of order one", middle, between, "in [−1, −½]"),
        number_of("exponent of the first rate in n, starts of order one", first),
        exact("two groups: largest relative error of μ, flow against closed form", worst, (0, CLOSED_FORM)),
        number_of(
            "two groups: middle / window of the transition, slope against log n",
            sharpness(table).slope,
            (0.95 * sharper, 1.05 * sharper),
            f"1 / (2 log 9) = {sharper:.4f}",
        ),
    ], (
        "Judged are the exponent −1 of the limit within 0.1, those of starts of order one between the two "
        "orders, and the two-group problem, derived here; widths grow as log n, which bends the exponents."
    )


def draw_exponents(ax: Axes, table: pd.DataFrame) -> None:
    """Draw rates against n, both orders dashed."""
    rows = (
        ("limit", "last", RED, "s", r"last, $\lambda \to 0$"),
        ("order one", "last", BLUE, "o", r"last, $\lambda = 1$"),
        ("order one", "mean", GREEN, "^", r"mean, $\lambda = 1$"),
    )
    for kind, column, color, marker, label in rows:
        part = table[table["kind"] == kind]
        logs = np.log(part[column]).groupby(part["n"])
        slope = exponent(table, kind, column).slope
        middle = np.exp(logs.mean())
        bars = middle * (np.exp(1.96 * logs.sem()) - 1)
        text = f"{label}: {slope.value:.2f} ± {slope.error:.2f}"
        ax.errorbar(middle.index, middle, bars, fmt=marker, color=color, label=text)
    sizes = np.array(sorted(table.loc[table["kind"] == "limit", "n"].unique()), dtype=float)
    ax.plot(sizes, 1 / sizes, "--", color=BLACK, lw=0.9, label=r"orders $1/n$, $1/\sqrt{n}$")
    ax.plot(sizes, 1 / np.sqrt(sizes), "--", color=BLACK, lw=0.9)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("samples $n$")
    ax.set_ylabel("rate (1 / unit of $t$), 95% intervals")
    ax.set_ylim(top=3)
    ax.legend(loc="upper right", frameon=False, ncols=2)


def draw_transition(ax: Axes, table: pd.DataFrame) -> None:
    """Draw μ along flows from order one in rescaled time, and the two groups in closed form."""
    curves = table[(table["kind"] == "order one") & (table["draw"] == 0)]
    shown = curves[curves["n"].isin(sorted(curves["n"])[:: max(1, len(curves) // 3)])]
    for color, row in zip(COLORS, shown.to_dict("records"), strict=False):
        n = int(row["n"])
        unit = np.sqrt(n) * np.log(n)
        ax.plot(row["curve_times"] / unit, np.sqrt(n) * row["curve"], color=color, lw=1, label=f"$n = {n}$")
    scaled = np.linspace(0, 1.5, 300)
    for n, style in ((100, "--"), (10_000, ":"), (100_000_000, "-.")):
        rate = group_rate(n, scaled * np.sqrt(n) * np.log(n))
        power = round(np.log10(n))
        label = rf"two groups, $n = 10^{power}$"
        ax.plot(scaled, np.sqrt(n) * rate, style, color=BLACK, lw=0.9, label=label)
    ax.set_xlim(0, 1.5)
    ax.set_ylim(0)
    ax.set_xlabel(r"rescaled time $t \,/\, (\sqrt{n} \log n)$")
    ax.set_ylabel(r"$\sqrt{n} \, \mu(t)$, one draw each")
    ax.legend(loc="upper right", frameon=False)


rates = Claim(
    "rates",
    "The loss falls at rates between the orders 1/n and 1/√n (Dana et al.); in the limit λ → 0 the last rate "
    "is of order 1/n.",
    measure,
    judge,
    (draw_exponents, draw_transition),
    quick={"sizes": (30, 60, 120, 240), "draws": 8, "group_sizes": (100, 300, 1000, 3000)},
    full={
        "sizes": (30, 60, 120, 250, 500, 1000),
        "draws": 30,
        "group_sizes": (100, 300, 1000, 3000, 10_000, 30_000),
    },
)
