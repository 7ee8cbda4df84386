"""Rows that are not orthogonal: how far is plain gradient descent from the flow on nearest rows?

Gaussian rows of norm about one in d = f·n dimensions have cosines of order d^{−1/2}. The flow is
computed for their nearest orthogonal rows; gradient descent runs on the rows as they are. Distance is
the mean over time of |L₁ − L₂| / L(0), until the flow has fitted all but 1e-6 of the loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .._arrays import Array
from .._optional import require
from ..flow import simulate_flow
from ..initialization import Initialization
from ..orthogonalization import orthogonalize
from ..problem import Problem
from .draws import BLACK, BLUE, COLORS, GREY, generator, usual_width
from .result import Claim, Number, Report, as_table, number_of, tracked
from .statistics import mean

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LEARNED = 1e-6  # share of the first loss at which the comparison ends


def measure(
    *,
    n_samples: int,
    factors: Sequence[int],
    draws: int,
    init_scale: float,
    step: float,
    report: Report = lambda share: None,
) -> pd.DataFrame:
    """Compare loss curves of gradient descent with the flow on the nearest orthogonal rows.

    Parameters
    ----------
    n_samples : int
        Number of samples n; normal labels.
    factors : sequence of int
        Dimensions d in units of n.
    draws : int
        Data sets for each dimension.
    init_scale, step : float
        Scale λ of the start, and the step η of gradient descent, in units of t.
    """
    torch = require("torch", "The claim `near-orthogonal`", "torch")
    runs = [(factor, draw) for factor in factors for draw in range(draws)]
    return as_table(
        [
            {"factor": factor, "draw": draw, **_compare(torch, n_samples, factor, draw, init_scale, step)}
            for factor, draw in tracked(runs, report)
        ]
    )


def _compare(
    torch: Any, n: int, factor: int, draw: int, init_scale: float, step: float
) -> dict[str, object]:
    rng = generator(10, n, factor, draw)
    X = rng.standard_normal((n, factor * n)) / np.sqrt(factor * n)
    rows, y = orthogonalize(X), rng.standard_normal(n)
    problem = Problem.from_data(rows, y)
    W = rng.standard_normal((2 * usual_width(n), factor * n)) / np.sqrt(factor * n)
    output = rng.choice([-1.0, 1.0], len(W)) * np.linalg.norm(W, axis=1)
    flow = simulate_flow(
        problem, Initialization.from_weights(output, W, problem), init_scale=init_scale
    )
    learned = flow.losses <= LEARNED * flow.losses[0]
    end = flow.t[np.argmax(learned)] if learned.any() else flow.t[-1]
    count = int(end / step)
    exact = flow.loss_at(step * np.arange(count))
    weights = (init_scale * output, init_scale * W)
    as_is = descend(torch, X, y, *weights, step, count) / exact[0]
    nearest = descend(torch, rows, y, *weights, step, count) / exact[0]
    exact = exact / exact[0]
    shown = np.linspace(0, count - 1, 200).astype(int)
    cosines = np.corrcoef(X)[np.triu_indices(n, 1)]
    return {
        "cosine": float(np.sqrt(np.mean(cosines**2))),
        "distance": float(np.mean(np.abs(as_is - exact))),
        "largest": float(np.max(np.abs(as_is - exact))),
        "by_step": float(np.mean(np.abs(nearest - exact))),
        "last": float(as_is[-1]),
        "curve_times": step * shown if draw == 0 else None,
        "curve": as_is[shown] if draw == 0 else None,
        "flow_curve": exact[shown] if draw == 0 else None,
    }


def descend(
    torch: Any, X: Array, y: Array, output: Array, W: Array, step: float, count: int
) -> Array:
    """Return the first `count` losses (1/2n) Σ r² of gradient descent in PyTorch."""
    inputs, labels = torch.tensor(X), torch.tensor(y)
    parameters = [torch.tensor(part, requires_grad=True) for part in (output, W)]
    optimizer = torch.optim.SGD(parameters, lr=step)
    losses = []
    for _ in range(count):
        a, w = parameters
        loss = ((labels - torch.relu(inputs @ w.T) @ a) ** 2).mean() / 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def judge(table: pd.DataFrame) -> tuple[list[Number], str]:
    """Collect the distances; nothing is claimed."""
    numbers = []
    for factor, part in table.groupby("factor"):
        for column, label in (
            ("cosine", "root mean square cosine between rows"),
            ("distance", "mean distance of the loss curves / L(0)"),
            ("largest", "largest distance / L(0)"),
            ("by_step", "of which the step of gradient descent, mean"),
            ("last", "loss of gradient descent / L(0) when the flow has 1e-6"),
        ):
            numbers.append(number_of(f"d = {factor}n: {label}", mean(part[column])))
    return numbers, (
        "A measurement: no theorem is claimed for rows that are not orthogonal. Distances are those between "
        "gradient descent on the rows as drawn and the exact flow on the nearest orthogonal rows."
    )


def draw_curves(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the loss curves of the first draw at each dimension."""
    for color, row in zip(COLORS, table[table["draw"] == 0].to_dict("records"), strict=False):
        label = f"$d = {row['factor']}n$"
        ax.plot(row["curve_times"], row["curve"], color=color, lw=1.1, label=f"{label}, descent")
        ax.plot(row["curve_times"], row["flow_curve"], "--", color=color, lw=0.9)
    ax.plot([], [], "--", color=BLACK, lw=0.9, label="flow, nearest rows")
    ax.set_xlabel("time $t$ = steps × $\\eta$")
    ax.set_ylabel("loss / first loss, one draw each")
    ax.legend(loc="upper right", frameon=False)


def draw_distances(ax: Axes, table: pd.DataFrame) -> None:
    """Draw the distance against the dimension."""
    for column, color, marker, label in (
        ("distance", BLUE, "o", "rows as they are"),
        ("by_step", GREY, "s", "orthogonal rows: the step alone"),
    ):
        groups = table.groupby("factor")[column]
        ax.errorbar(
            groups.mean().index, groups.mean(), 1.96 * groups.sem(), fmt=marker, color=color, label=label
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("dimensions per sample $d/n$")
    ax.set_ylabel("mean distance of loss curves\n/ first loss, 95% intervals")
    ax.legend(loc="best", frameon=False)


near_orthogonal = Claim(
    "near-orthogonal",
    "Beyond exact orthogonality nothing is claimed: how far gradient descent on Gaussian rows is from the "
    "flow on the nearest orthogonal rows.",
    measure,
    judge,
    (draw_curves, draw_distances),
    quick={"n_samples": 20, "factors": (2, 5, 20), "draws": 4, "init_scale": 1e-3, "step": 0.1},
    full={"n_samples": 50, "factors": (2, 5, 20, 50), "draws": 12, "init_scale": 1e-3, "step": 0.1},
)
