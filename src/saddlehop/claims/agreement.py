"""The flow itself interpolates when the limit says so, at finite λ.

In the limit a network interpolates iff each sample is in the active set of some neuron. At finite λ the
order of jumps may differ and overshooting residuals may end pairs, but a sample that one neuron alone
covers cannot be lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..limit.jumps import solve_jumps
from ..model.datasets import make_orthogonal
from ..model.initialization import Initialization
from ..yardsticks.interpolation import required_width
from .draws import BLACK, BLUE, GREEN, RED, generator
from .flows import flow_of, is_fitted
from .result import Claim, Frame, Number, Report, as_table, share_of, tracked
from .statistics import wilson

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AGREEMENT = 0.99


def measure(
    *,
    sizes: Sequence[int],
    chances: Sequence[float],
    exponents: Sequence[int],
    draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Follow flows on random problems of which some interpolate in the limit and some do not.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of samples n; labels are normal, input norms uniform on [1, 2].
    chances : sequence of float
        The widths are those at which the limit interpolates with these chances.
    exponents : sequence of int
        The scales are λ = 10^−exponent.
    draws : int
        Problems for each n and width.
    """
    runs = [(n, chance, draw) for n in sizes for chance in chances for draw in range(draws)]
    rows = []
    for n, chance, draw in tracked(runs, report, [n + 20 for n, _, _ in runs]):
        rng = generator(4, n, round(1000 * chance), draw)
        problem = make_orthogonal(n, "gaussian", "uniform", rng)
        width = required_width(n // 2, n - n // 2, chance)
        jumps = solve_jumps(problem, Initialization.draw(problem, width, rng=rng))
        for exponent in exponents:
            flow = flow_of(jumps, exponent)
            rows.append(
                {
                    "n": n,
                    "width": width,
                    "draw": draw,
                    "exponent": exponent,
                    "limit": jumps.interpolates,
                    "flow": is_fitted(flow),
                    "loss": flow.losses[-1] / flow.losses[0],
                }
            )
    return as_table(rows)


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge at each λ how often the flow interpolates where the limit does."""
    numbers = []
    for exponent, part in table.groupby("exponent", sort=True):
        says, does = part["limit"].to_numpy(bool), part["flow"].to_numpy(bool)
        for label, hits, among, allowed in (
            ("flow and limit agree", says == does, np.ones_like(says), None),
            ("flow interpolates where the limit does", does, says, (AGREEMENT, 1.0)),
            ("flow interpolates where the limit does not", does, ~says, None),
        ):
            if among.any():
                count = int((hits & among).sum())
                text = f"{label}, λ = 1e-{exponent}"
                theory = "1" if allowed else ""
                numbers.append(share_of(text, count, int(among.sum()), allowed, theory))
    return numbers, (
        "Problems of widths where the limit interpolates in some draws and not in others; a flow "
        "interpolates if its loss falls below 1e-9 of the first. Judged is a share of at least "
        f"{AGREEMENT}."
    )


def draw_shares(ax: Axes, table: Frame) -> None:
    """Draw the shares against λ."""
    says, does = table["limit"].to_numpy(bool), table["flow"].to_numpy(bool)
    for shift, (hits, among, color, marker, label) in enumerate(
        (
            (does, says, BLUE, "o", "interpolates where the limit does"),
            (says == does, np.ones_like(says), GREEN, "s", "agrees with the limit"),
            (does, ~says, RED, "^", "interpolates where the limit does not"),
        )
    ):
        grouped = table.assign(hit=hits)[among].groupby("exponent")["hit"]
        count, total = grouped.sum(), grouped.count()
        low, high = wilson(count, total)
        share = count / total
        bars = [np.maximum(share - low, 0), np.maximum(high - share, 0)]
        scale = 10.0 ** -(count.index.to_numpy(float) + 0.12 * (shift - 1))
        ax.errorbar(scale, share, bars, fmt=marker, color=color, label=label)
    ax.axhline(1, ls="--", color=BLACK, lw=0.9)
    ax.axhline(0, ls="--", color=BLACK, lw=0.9, label="limit")
    ax.set_xscale("log")
    ax.invert_xaxis()
    ax.set_ylim(-0.04, 1.04)
    ax.set_xlabel(r"scale $\lambda$ of the start")
    ax.set_ylabel("share of flows, 95% intervals")
    ax.legend(loc="center right", frameon=False)


agreement = Claim(
    "flow-interpolates",
    "The flow itself interpolates when the limit says so, at finite λ.",
    measure,
    judge,
    (draw_shares,),
    quick={"sizes": (10, 30), "chances": (0.3, 0.7), "exponents": (2, 4, 8), "draws": 40},
    full={
        "sizes": (10, 30, 100),
        "chances": (0.1, 0.3, 0.7, 0.95),
        "exponents": (2, 4, 8),
        "draws": 60,
    },
)
