"""How fast the loss falls in the end, and how suddenly it starts to.

Near the end residuals follow ṙ = −H r, with asymptotic rate λ_min(H) and local Polyak–Łojasiewicz
constant μ = ‖∇L‖²/(2L). For λ → 0 the last neuron fits O(1) samples, so a² = O(1) there and
λ_min(H) = O(1/n). From starts of order one with |a| ≥ ‖w‖ all m ~ log n neurons grow to share ‖β‖ ~ √n,
and rates lie between 1/n and 1/√n.

Two groups: neuron ± starts with a = ±1 and u aligned with its n/2 labels ±1. Then

    f = a²/√(n/2) = 1 / (1 + C exp(−2ρt)),   C = √(n/2) − 1,   ρ = √(n/2) / n,   loss (1 − f)² / 2,

so the time from 90% to 10% of the first loss, in units of the time to half of it, is of order 1/log n:
its inverse rises by ½ / 3.69 for each unit of log n, as n → ∞.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import logit

from .._support.arrays import Array
from ..flow.simulate import FlowPath, simulate_flow
from ..limit.jumps import solve_jumps
from ..model.datasets import make_orthogonal
from ..model.initialization import Initialization
from ..yardsticks.curvature import asymptotic_rate, local_pl_constant
from .drawing import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    RED,
    SAMPLES,
    THEORY,
    Axes,
    draw_means,
    dress,
    tick_only_at,
)
from .draws import covering_start, generator, half_and_half, usual_width
from .result import POSITIVE, Claim, Number, Report, exact, number_of, tracked
from .statistics import Line, fit_line, fit_power
from .tables import Frame, as_table, by_size, where

ENDS = (0.9, 0.1)  # of the first loss, between which the transition is timed
_SHARPNESS = "1 / relative width of the transition, per log n"
LEARNED = 1e-6  # of the first loss, where the mean rate is read
SHARPENING = 0.5 / (logit(1 - np.sqrt(0.1)) - logit(1 - np.sqrt(0.9)))


def measure(
    *,
    limit_sizes: Sequence[int],
    flow_sizes: Sequence[int],
    draws: int,
    group_sizes: Sequence[int],
    report: Report = lambda share: None,
) -> Frame:
    """Measure rates in the limit and from starts of order one, and the transition of two groups.

    Parameters
    ----------
    limit_sizes, flow_sizes : sequences of int
        Numbers of samples n for the limit λ → 0 and for flows at λ = 1 with the dominated law.
    draws : int
        Problems for each n (normal labels, norms one, the usual width).
    group_sizes : sequence of int
        Even numbers of samples for the two groups.
    """
    runs = [("limit", n, draw) for n in limit_sizes for draw in range(draws)]
    runs += [("order one", n, draw) for n in flow_sizes for draw in range(draws)]
    runs += [("two groups", n, 0) for n in group_sizes]
    record = {"limit": _limit_record, "order one": _flow_record, "two groups": _group_record}
    return as_table(
        [
            {"start": start, "n": n, "draw": draw, **record[start](n, draw)}
            for start, n, draw in tracked(runs, report, [n**1.5 for _, n, _ in runs])
        ]
    )


def _limit_record(n: int, draw: int) -> dict[str, float]:
    rng = generator(9, n, draw)
    problem = make_orthogonal(n, "uniform", rng=rng)
    jumps = solve_jumps(problem, covering_start(problem, usual_width(n), rng))
    return {"asymptotic_rate": asymptotic_rate(problem, jumps.final)}


def _flow_record(n: int, draw: int) -> dict[str, float]:
    rng = generator(9, n, draw)
    problem = make_orthogonal(n, "uniform", rng=rng)
    init = covering_start(problem, usual_width(n), rng, "dominated")
    flow = simulate_flow(problem, init, log_init_scale=0.0)
    end = int(np.argmax(flow.losses <= LEARNED * flow.losses[0]))
    return {
        "asymptotic_rate": asymptotic_rate(problem, flow.final),
        "mean_rate": float(np.log(flow.losses[0] / flow.losses[end]) / (2 * flow.t[end])),
        "first_rate": local_pl_constant(problem, flow(0.0)),
        "last_rate": local_pl_constant(problem, flow(float(flow.t[end]))),
        "relative_width": relative_width(flow),
    }


def _group_record(n: int, draw: int) -> dict[str, float]:
    problem = half_and_half(n)
    hidden = np.zeros((2, n))
    hidden[0, : n // 2] = hidden[1, n // 2 :] = 1 / np.sqrt(n // 2)
    flow = simulate_flow(problem, Initialization(np.array([1.0, -1.0]), hidden), log_init_scale=0.0)
    gap = np.max(np.abs(flow.losses - two_group_losses(n, flow.t)))
    return {"gap": float(gap / flow.losses[0]), "relative_width": relative_width(flow)}


def two_group_losses(n: int, t: Array) -> Array:
    """Return the losses of two groups at times t, in closed form."""
    size = np.sqrt(n // 2)
    fitted = 1 / (1 + (size - 1) * np.exp(-2 * size / n * t))
    return np.asarray((1 - fitted) ** 2 / 2)


def two_group_width(n: int) -> float:
    """Return the relative width of the transition of two groups, in closed form."""
    first = 1 / np.sqrt(n // 2)
    early, late, half = (
        logit(1 - np.sqrt(share) * (1 - first)) - logit(first) for share in (*ENDS, 0.5)
    )
    return float((late - early) / half)


def relative_width(flow: FlowPath) -> float:
    """Return the time from 90% to 10% of the first loss, over the time to half of it."""
    times = [_time_at(flow, share) for share in (*ENDS, 0.5)]
    return (times[1] - times[0]) / times[2]


def _time_at(flow: FlowPath, share: float) -> float:
    """Return when the loss has fallen to `share` of its first value; it never rises."""
    from scipy.optimize import brentq

    after = int(np.argmax(flow.losses <= share * flow.losses[0]))
    bracket = flow.t[after - 1], flow.t[after]
    return float(brentq(lambda t: float(flow.loss_at(t)) / flow.losses[0] - share, *bracket))


def exponent(table: Frame, start: str, column: str) -> Line:
    """Fit the mean of `column` by a power of n."""
    means = by_size(where(table, start=start), column)
    return fit_power(means["n"], means["mean"], means["error"] / means["mean"])


def _sharpness(table: Frame) -> Frame:
    part = where(table, start="order one")
    return by_size(part.assign(sharpness=1 / part["relative_width"]), "sharpness")


def sharpening(table: Frame, start: str) -> Line:
    """Fit 1 / relative width by log n."""
    if start == "two groups":
        groups = where(table, start=start)
        return fit_line(np.log(groups["n"]), 1 / groups["relative_width"])
    means = _sharpness(table)
    return fit_line(np.log(means["n"]), means["mean"], means["error"])


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge both exponents, the closed form of two groups, and that transitions sharpen."""
    rise = sharpening(table, "order one").slope
    sharpens = number_of(f"{_SHARPNESS}, random order-one start", rise, POSITIVE, "> 0")
    return [*_exponents(table), *_two_groups(table), sharpens], (
        "Order-one starts have |a| ≥ ‖w‖ and the usual width. Only the orders 1/n and 1/√n are taken from "
        "Dana et al.; the closed form of two groups is derived here."
    )


def _exponents(table: Frame) -> list[Number]:
    last = exponent(table, "limit", "asymptotic_rate").slope
    label = "exponent in n of the asymptotic rate, λ → 0"
    numbers = [number_of(label, last, (-1.1, -0.9), "−1")]
    between = (-1.0, -0.5)
    for column, name, allowed in (
        ("asymptotic_rate", "asymptotic rate", between),
        ("mean_rate", "mean PL constant down to 1e-6 of the loss", between),
        ("first_rate", "PL constant at the start", None),
        ("last_rate", "PL constant at 1e-6 of the loss", None),
    ):
        slope = exponent(table, "order one", column).slope
        label = f"exponent in n of the {name}, order-one start"
        numbers.append(number_of(label, slope, allowed, "−1 to −1/2"))
    return numbers


def _two_groups(table: Frame) -> list[Number]:
    groups = where(table, start="two groups")
    gap = groups["gap"].max()
    rise = sharpening(table, "two groups").slope.value
    closed = groups.assign(relative_width=[two_group_width(n) for n in groups["n"]])
    stated = sharpening(closed, "two groups").slope.value
    return [
        exact("two groups: largest gap to the closed form / first loss", gap, (0, 1e-7), "0"),
        exact(
            f"{_SHARPNESS}, two groups",
            rise,
            (stated - 1e-6, stated + 1e-6),
            f"{stated:.4f} at these n, {SHARPENING:.4f} for n → ∞",
        ),
    ]


def draw_rates(ax: Axes, table: Frame) -> None:
    """Draw rates against n with the two orders."""
    for start, column, color, marker, label in (
        ("order one", "mean_rate", GREEN, "^", "mean, order one"),
        ("order one", "asymptotic_rate", RED, "s", "last, order one"),
        ("limit", "asymptotic_rate", BLUE, "o", r"last, $\lambda \to 0$"),
    ):
        means = by_size(where(table, start=start), column)
        text = f"{label}: {exponent(table, start, column).slope:.2f}"
        draw_means(ax, means, fmt=marker, color=color, label=text)
    sizes = np.unique(table.loc[table["start"] != "two groups", "n"])
    n = sizes[[0, -1]].astype(float)
    ax.plot(n, 2.0 / np.sqrt(n), label=r"order $1/\sqrt{n}$", **THEORY)
    ax.plot(n, 0.5 / n, "-.", color=BLACK, lw=0.9, label=r"order $1/n$")
    dress(ax, SAMPLES, "rate, per unit of time $t$", "upper right", log="xy")
    tick_only_at(ax, sizes)
    ax.set_ylim(top=ax.get_ylim()[1] * 100)


def draw_transition(ax: Axes, table: Frame) -> None:
    """Draw how sharp the transition is against n."""
    groups = where(table, start="two groups")
    ax.plot(groups["n"], 1 / groups["relative_width"], "o", color=BLUE, label="two groups, flow")
    n = np.geomspace(groups["n"].min(), groups["n"].max(), 100)
    closed = [1 / two_group_width(2 * round(size / 2)) for size in n]
    ax.plot(n, closed, "--", color=BLUE, lw=0.9, label="two groups, closed form")
    draw_means(ax, _sharpness(table), fmt="s", color=RED, label="random start of order one")
    ax.axhline(0, color=GREY, lw=0.5)
    sharpness = "time to half of the loss / time\nfrom 90% to 10% of it"
    dress(ax, SAMPLES, sharpness, "upper left", log="x")


rates = Claim(
    "rates",
    "The loss falls in the end at a rate of order 1/n for λ → 0 and between 1/n and 1/√n for starts of "
    "order one, after a transition whose relative duration is of order 1/log n.",
    measure,
    judge,
    (draw_rates, draw_transition),
    quick={
        "limit_sizes": (30, 100, 300),
        "flow_sizes": (30, 100, 300),
        "draws": 8,
        "group_sizes": (100, 1000, 10_000),
    },
    full={
        "limit_sizes": (30, 100, 300, 1000, 2000),
        "flow_sizes": (30, 100, 300, 1000),
        "draws": 12,
        "group_sizes": (100, 1000, 10_000, 100_000),
    },
)
