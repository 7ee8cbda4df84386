"""Beyond exact orthogonality: how far the theory's loss curve is from training on the rows as they are.

Gaussian rows in d dimensions have cosines of order 1/√d. Plain gradient descent (PyTorch) runs on them
as they are; the exact flow runs on the nearest orthogonal rows from the same weights. Descent on the
orthogonal rows is the control: it shows what step size alone does. A measurement, no claim.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._support.arrays import Array
from .._support.optional import require
from ..flow.simulate import simulate_flow
from ..limit.jumps import solve_jumps
from ..model.initialization import Initialization
from ..model.orthogonalization import orthogonalize
from ..model.problem import Problem
from .drawing import BLACK, BLUE, GREY, Axes, coloured, draw_means, dress, tick_only_at
from .draws import generator, usual_width
from .flows import LOG10
from .result import Claim, Number, Report, number_of, tracked
from .statistics import mean
from .tables import Frame, as_table, by_size, where

POINTS = 101
RATE = 0.1  # learning rate, in units of t
PAST_LAST_JUMP = 1.5  # how far the curves run


def measure(
    *,
    n_samples: int,
    ratios: Sequence[int],
    exponent: int,
    draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Train on rows as they are and on the orthogonal ones, beside the exact flow.

    Parameters
    ----------
    n_samples : int
        Number of samples n, with normal labels.
    ratios : sequence of int
        The dimensions are d = ratio · n.
    exponent : int
        The scale is λ = 10^−exponent.
    draws : int
        Problems for each d.
    """
    import pandas as pd

    torch = require("torch", "The claim not-orthogonal", "torch")
    runs = [(ratio, draw) for ratio in ratios for draw in range(draws)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on matrices this small threads only wait for each other
    try:
        parts = [
            _curves(torch, n_samples, ratio, exponent, draw)
            for ratio, draw in tracked(runs, report, [ratio + 5 for ratio, _ in runs])
        ]
    finally:
        torch.set_num_threads(threads)
    return pd.concat(parts, ignore_index=True)


def _curves(torch: Any, n: int, ratio: int, exponent: int, draw: int) -> Frame:
    import pandas as pd

    rng = generator(10, n, ratio, draw)
    X, y = rng.standard_normal((n, ratio * n)) / np.sqrt(ratio * n), rng.standard_normal(n)
    orthogonal = orthogonalize(X)
    problem = Problem.from_data(orthogonal, y)
    W = rng.standard_normal((usual_width(n), ratio * n)) / np.sqrt(ratio * n)
    output = rng.choice([-1.0, 1.0], len(W)) * np.linalg.norm(W, axis=1)
    init = Initialization.from_weights(output, W, problem)
    log_scale = -exponent * LOG10
    t_end = PAST_LAST_JUMP * float(solve_jumps(problem, init).times[-1]) * -log_scale
    steps = int(np.ceil(t_end / RATE / (POINTS - 1)))
    t = np.arange(POINTS) * steps * RATE
    flow = simulate_flow(problem, init, log_init_scale=log_scale, t_end=float(t[-1]))
    scale = 10.0**-exponent
    rows = {"raw": X, "orthogonal": orthogonal}
    curves = {k: descend(torch, X, y, scale * output, scale * W, steps) for k, X in rows.items()}
    unit = flow.losses[0]
    gram = X @ X.T / np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(X, axis=1))
    rows_of_curve = {
        "ratio": ratio,
        "draw": draw,
        "clock": t / -log_scale,
        "flow": flow.loss_at(t) / unit,
        **{name: curve / unit for name, curve in curves.items()},
        "largest_cosine": float(np.max(np.abs(gram - np.eye(n)))),
    }
    return pd.DataFrame(rows_of_curve)


def descend(torch: Any, X: Array, y: Array, output: Array, W: Array, steps: int) -> Array:
    """Run gradient descent with rate `RATE`; return the loss at the start and after each `steps`."""
    inputs, labels = torch.from_numpy(np.array(X)), torch.from_numpy(np.array(y))
    a = torch.tensor(output, requires_grad=True)
    w = torch.tensor(W, requires_grad=True)
    losses = []
    for step in range((POINTS - 1) * steps + 1):
        loss = ((labels - torch.relu(inputs @ w.T) @ a) ** 2).mean() / 2
        if step % steps == 0:
            losses.append(float(loss.detach()))
        gradients = torch.autograd.grad(loss, (a, w))
        with torch.no_grad():
            a -= RATE * gradients[0]
            w -= RATE * gradients[1]
    return np.array(losses)


def distances(table: Frame) -> Frame:
    """Return mean and largest distance of each pair of curves, in units of the first loss."""
    rows = []
    for (ratio, draw), part in table.groupby(["ratio", "draw"]):
        raw, control = (np.abs(part[k] - part["flow"]) for k in ("raw", "orthogonal"))
        rows.append(
            {
                "ratio": ratio,
                "draw": draw,
                "raw": raw.mean(),
                "raw_largest": raw.max(),
                "control": control.mean(),
                "largest_cosine": part["largest_cosine"].iloc[0],
            }
        )
    return as_table(rows)


def judge(table: Frame) -> tuple[list[Number], str]:
    """Report the distances for each dimension; nothing is claimed."""
    numbers = []
    for ratio, part in distances(table).groupby("ratio"):
        for column, label in (
            ("raw", "mean distance of descent on the rows as they are"),
            ("raw_largest", "largest distance on the rows as they are"),
            ("control", "mean distance of descent on the orthogonal rows"),
            ("largest_cosine", "largest cosine between two rows"),
        ):
            numbers.append(number_of(f"{label}, d = {ratio}n", mean(part[column])))
    return numbers, (
        f"Distances between loss curves up to {PAST_LAST_JUMP} times the last jump's clock, in units of "
        f"the first loss; learning rate {RATE}."
    )


def draw_losses(ax: Axes, table: Frame) -> None:
    """Draw the curves of the first draw for each dimension."""
    for color, ratio, part in coloured(where(table, draw=0), "ratio"):
        ax.plot(part["clock"], part["raw"], color=color, lw=1.2, label=f"descent, $d = {ratio}n$")
        ax.plot(part["clock"], part["flow"], "--", color=color, lw=1)
    ax.plot([], [], "--", color=BLACK, lw=1, label="exact flow, orthogonal rows")
    clock = r"clock $t \,/\, \log(1/\lambda)$"
    dress(ax, clock, "loss / first loss (one draw)", "upper right")
    ax.set_ylim(-0.03, 1.05)


def draw_distances(ax: Axes, table: Frame) -> None:
    """Draw the mean distance against d / n."""
    found = distances(table)
    for column, color, marker, label in (
        ("raw", BLUE, "o-", "rows as they are"),
        ("control", GREY, "s-", "orthogonal rows (step size)"),
    ):
        means = by_size(found, column, "ratio")
        draw_means(ax, means, "ratio", fmt=marker, lw=0.8, color=color, label=label)
    distance = "mean distance from the exact\nflow / first loss, 95%"
    dress(ax, "dimension / samples, $d / n$", distance, "upper right", log="xy")
    tick_only_at(ax, sorted(set(found["ratio"])))
    ax.set_ylim(top=ax.get_ylim()[1] * 4)


not_orthogonal = Claim(
    "not-orthogonal",
    "A measurement, no claim: Gaussian rows in d = 2n, 5n, 20n dimensions, orthogonalized for the exact "
    "flow, against gradient descent on the rows as they are.",
    measure,
    judge,
    (draw_losses, draw_distances),
    quick={"n_samples": 16, "ratios": (2, 5, 20), "exponent": 2, "draws": 3},
    full={"n_samples": 32, "ratios": (2, 5, 20), "exponent": 2, "draws": 10},
)
