"""What the limit says about flows at scales λ that people use: two claims.

The flow interpolates whenever the limit does; and how far norm and order of activation at λ are
from their limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..datasets import make_orthogonal
from ..flow import FlowPath, simulate_flow
from ..initialization import Initialization
from ..jumps import JumpPath, solve_jumps
from ..min_norm import min_norm_interpolator
from .draws import BLACK, BLUE, GREY, RED, covering_start, generator, usual_width
from .result import Claim, Number, Report, as_table, number_of, share_of, tracked
from .statistics import Estimate, mean, wilson

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LN10 = np.log(10)
FITTED = 1e-10  # loss, as a share of the first, below which all labels are fitted


def measure_agreement(
    *,
    sizes: Sequence[int],
    decades: Sequence[float],
    draws: int,
    report: Report = lambda share: None,
) -> pd.DataFrame:
    """Ask flow and limit whether they interpolate, at a width where half of the starts do.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of samples n; labels uniform in size, inputs log-normal in norm.
    decades : sequence of float
        The scales λ = 10^−decades.
    draws : int
        Problems for each n.
    """
    runs = [(n, draw, decade) for n in sizes for draw in range(draws) for decade in decades]
    rows = []
    for n, draw, decade in tracked(runs, report, [n * n for n, _, _ in runs]):
        rng = generator(4, n, draw)
        problem = make_orthogonal(n, "uniform", "lognormal", rng)
        init = Initialization.draw(problem, round(usual_width(n) * 0.7), rng=rng)
        limit = solve_jumps(problem, init).interpolates
        flow = simulate_flow(problem, init, log_init_scale=-decade * LN10)
        interpolates = bool(flow.losses[-1] <= FITTED * np.mean(problem.y**2))
        rows.append({"n": n, "decades": decade, "limit": limit, "flow": interpolates})
    return as_table(rows)


def judge_agreement(table: pd.DataFrame) -> tuple[list[Number], str]:
    """Judge the share of starts where the flow fits all labels given that the limit does."""
    numbers = []
    for decade, part in table.groupby("decades"):
        said = part[part["limit"]]
        label = f"flow interpolates, given that the limit does, λ = 1e-{decade:g} ({len(said)} starts)"
        numbers.append(share_of(label, int(said["flow"].sum()), len(said), (1.0, 1.0), "1"))
        other = part[~part["limit"]]
        label = f"flow interpolates although the limit does not, λ = 1e-{decade:g} ({len(other)} starts)"
        numbers.append(share_of(label, int(other["flow"].sum()), len(other), None, "0 as λ → 0"))
    return numbers, (
        f"A flow interpolates if its loss ends below {FITTED:g} of the mean of y². Judged is that it does "
        "whenever the limit does."
    )


def draw_agreement(ax: Axes, table: pd.DataFrame) -> None:
    """Draw both shares against λ."""
    for limit, color, marker, label in (
        (True, BLUE, "o", "limit interpolates"),
        (False, RED, "s", "limit does not"),
    ):
        part = table[table["limit"] == limit].groupby("decades")["flow"]
        hits, count = part.sum(), part.count()
        low, high = wilson(hits, count)
        share = hits / count
        bars = [np.maximum(share - low, 0), np.maximum(high - share, 0)]
        ax.errorbar(share.index, share, bars, fmt=marker, color=color, label=label)
        ax.axhline(float(limit), ls="--", color=BLACK, lw=0.9)
    ax.set_ylim(-0.05, 1.05)
    ax.set_xlabel(r"decades $\log_{10}(1/\lambda)$")
    ax.set_ylabel("P(flow interpolates), 95% intervals")
    ax.legend(loc="center right", frameon=False)


def measure_scales(
    *,
    sizes: Sequence[int],
    decades: Sequence[float],
    draws: int,
    report: Report = lambda share: None,
) -> pd.DataFrame:
    """Follow starts that interpolate at many λ, and compare norm and order with the limit.

    Parameters
    ----------
    sizes, decades, draws
        As for `measure_agreement`, with labels uniform in size and inputs of norm one.
    """
    runs = [(n, draw, decade) for n in sizes for draw in range(draws) for decade in decades]
    rows = []
    for n, draw, decade in tracked(runs, report, [n * n for n, _, _ in runs]):
        rng = generator(8, n, draw)
        problem = make_orthogonal(n, "uniform", rng=rng)
        init = covering_start(problem, usual_width(n), rng)
        jumps = solve_jumps(problem, init)
        flow = simulate_flow(problem, init, log_init_scale=-decade * LN10)
        least = min_norm_interpolator(problem).sq_norm
        learned = flow.sq_norms[-1]
        rows.append(
            {
                "n": n,
                "decades": decade,
                "of_limit": float(learned / jumps.sq_norms[-1]),
                "ratio": float(learned / least),
                "limit_ratio": float(jumps.sq_norms[-1] / least),
                "in_order": _share_in_order(flow, jumps),
            }
        )
    return as_table(rows)


def _share_in_order(flow: FlowPath, jumps: JumpPath) -> float:
    """Share of pairs of activating neurons that the flow activates in the order of the limit."""
    times = np.array([flow.activation_times[group[0]] for group in jumps.neurons])
    earlier, later = np.triu_indices(times.size, 1)
    return float(np.mean(times[earlier] < times[later])) if earlier.size else 1.0


def judge_scales(table: pd.DataFrame) -> tuple[list[Number], str]:
    """Judge that norm and order reach their limits at the smallest λ, and say what larger ones see."""
    numbers = []
    last = table["decades"].max()
    for decade, part in table.groupby("decades"):
        final = decade == last
        for column, label, near in (
            ("of_limit", "norm at λ / norm of the limit", (0.99, 1.01)),
            ("ratio", "norm at λ / least norm", None),
            ("in_order", "share of pairs of neurons in the order of the limit", (0.99, 1.0)),
        ):
            estimate = mean(part[column])
            numbers.append(
                number_of(f"{label}, λ = 1e-{decade:g}", estimate, near if final else None, "")
            )
    numbers.append(number_of("norm of the limit / least norm", mean(table["limit_ratio"])))
    return numbers, (
        "Judged is the smallest λ, within 1%. At scales in use the norm is well below that of the limit, "
        "so nearer the least, and neurons often activate in another order or together."
    )


def _bars(part: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    groups = part.groupby("decades")[column]
    return groups.mean(), groups.std(), groups.sem()


def draw_norms(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the norm ratio against λ, the limit dashed."""
    for (n, part), color, marker in zip(table.groupby("n"), (BLUE, RED), "os", strict=False):
        middle, spread, _ = _bars(part, "ratio")
        ax.errorbar(middle.index, middle, spread, fmt=marker + "-", lw=0.8, color=color, label=f"$n = {n}$")
        ax.axhline(part["limit_ratio"].mean(), ls="--", color=color, lw=0.9)
    ax.plot([], [], "--", color=BLACK, lw=0.9, label=r"limit $\lambda \to 0$")
    ax.axhline(1, ls=":", color=GREY, lw=0.9, label="least norm")
    ax.set_xscale("log")
    ax.set_xlabel(r"decades $\log_{10}(1/\lambda)$")
    ax.set_ylabel(r"$\|\theta\|^2$ / least, spread of draws")
    ax.legend(loc="lower right", frameon=False)


def draw_order(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the share of pairs in the order of the limit against λ."""
    for (n, part), color, marker in zip(table.groupby("n"), (BLUE, RED), "os", strict=False):
        middle, spread, _ = _bars(part, "in_order")
        ax.errorbar(middle.index, middle, spread, fmt=marker + "-", lw=0.8, color=color, label=f"$n = {n}$")
    ax.axhline(1, ls="--", color=BLACK, lw=0.9, label=r"limit $\lambda \to 0$")
    ax.set_xscale("log")
    ax.set_xlabel(r"decades $\log_{10}(1/\lambda)$")
    ax.set_ylabel("pairs of neurons in order,\nspread of draws")
    ax.legend(loc="lower right", frameon=False)


agreement = Claim(
    "flow-interpolates",
    "The flow itself interpolates at a finite λ whenever the limit does.",
    measure_agreement,
    judge_agreement,
    (draw_agreement,),
    quick={"sizes": (20, 50), "decades": (2, 4, 8), "draws": 60},
    full={"sizes": (20, 50, 100), "decades": (2, 4, 8), "draws": 300},
)

finite_scale = Claim(
    "finite-scale",
    "Norm and order of activation tend to those of the limit as λ → 0; at λ near 1e-3 they are far from it.",
    measure_scales,
    judge_scales,
    (draw_norms, draw_order),
    quick={"sizes": (50, 100), "decades": (2, 3, 6, 10, 100, 1000), "draws": 10},
    full={"sizes": (50, 200), "decades": (2, 3, 4, 6, 8, 10, 30, 100, 300, 1000), "draws": 40},
)
