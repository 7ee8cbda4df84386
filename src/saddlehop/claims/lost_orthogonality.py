"""How far the theory of orthogonal rows carries as Gaussian rows lose orthogonality.

The limit on the rows as they are stands beside that of the nearest orthogonal rows from the same weights.
With β_k = y_k / ‖x_k‖ and X̂ the rows of norm one, every interpolating network has

    ‖θ‖² ≥ 2 max( max_k |β_k|,  (‖β₊‖ + ‖β₋‖) / ‖X̂‖₂ ):

for α with |Σ_k α_k max(w·x_k, 0)| ≤ 1 on the unit sphere, 2 Σ_k α_k y_k = 2 Σ_j a_j Σ_k α_k max(w_j·x_k, 0)
≤ 2 Σ_j |a_j| ‖w_j‖ ≤ ‖θ‖². One α is ±e_k / ‖x_k‖; the other has α_k ‖x_k‖ = β_k / (‖β_±‖ ‖X̂‖₂), the dual of
`yardsticks/min_norm.py` over ‖X̂‖₂ (Cauchy-Schwarz, ‖max(X̂w, 0)‖ ≤ ‖X̂‖₂). Orthogonal rows attain the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..general.jumps_path import GeneralJumpPath
from ..general.verbs import solve_jumps
from ..limit.jump_path import JumpPath
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.orthogonalization import orthogonalize
from ..model.problem import Problem
from ..yardsticks.interpolation import interpolation_probability
from ..yardsticks.min_norm import least_sq_norm
from .beyond import CHAPTER, KINDS, draw_trial
from .drawing import BLUE, GREEN, GREY, THEORY, Axes, coloured, draw_means, draw_shares, dress
from .result import Claim, Number, Report, exact, number_of, share_of, tracked
from .statistics import mean
from .tables import Frame, as_table, by_size, where

SLACK = 1e-6  # residuals that count as 0 may take this off a norm


def measure(
    *,
    n_samples: int,
    kinds: Sequence[str],
    widths: Sequence[int],
    draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Solve limits on Gaussian rows as they are and on the nearest orthogonal ones.

    Parameters
    ----------
    n_samples : int
        Number of samples n.
    kinds : sequence of str
        Dimensions, as `beyond.KINDS` names them.
    widths : sequence of int
        Widths m.
    draws : int
        Problems for each dimension and width.
    """
    runs = [(kind, width, draw) for kind in kinds for width in widths for draw in range(draws)]
    costs = [3 if KINDS[kind] < 1 else 1 for kind, _, _ in runs]
    rows = []
    for kind, width, draw in tracked(runs, report, costs):
        problem, init = draw_trial(12, kind, n_samples, width, draw)
        row = {"kind": kind, "ratio": KINDS[kind], "width": width, "draw": draw}
        found = solve_jumps(problem, init)
        rows.append(row | _record(problem, found) | _twin(problem, init))
    return as_table(rows)


def _record(problem: GeneralProblem, jumps: GeneralJumpPath) -> dict[str, Any]:
    least, bound = _least_norms(problem)
    fits = bool(jumps.interpolates)
    positive, negative = int((problem.y > 0).sum()), int((problem.y < 0).sum())
    return {
        "status": jumps.status,
        "jumps": jumps.n_jumps,
        "interpolates": fits,
        "norm_ratio": jumps.sq_norms[-1] / least if fits else np.nan,
        "bound_ratio": jumps.sq_norms[-1] / bound if fits else np.nan,
        "chance": interpolation_probability(positive, negative, jumps.width),
    }


def _least_norms(problem: GeneralProblem) -> tuple[float, float]:
    """Least squared norm on orthogonal rows of these norms, and a lower bound on these rows."""
    norms = np.linalg.norm(problem.coordinates, axis=1)
    orthogonal = Problem(problem.y, norms=norms)
    least = least_sq_norm(orthogonal)
    largest = np.linalg.norm(problem.coordinates / norms[:, None], 2)
    return least, max(2 * float(np.abs(orthogonal.targets).max()), least / float(largest))


def _twin(problem: GeneralProblem, init: Initialization) -> dict[str, Any]:
    """Solve the limit on the nearest orthogonal rows from the same weights; nan if there are none."""
    names = "orthogonal_jumps", "orthogonal_interpolates", "orthogonal_ratio"
    if problem.rank < problem.n_samples:
        return dict.fromkeys(names, np.nan)
    twin = Problem.from_data(orthogonalize(problem.coordinates), problem.y)
    jumps: JumpPath = solve_jumps(twin, Initialization.from_weights(init.output, init.hidden, twin))
    fits = jumps.interpolates
    ratio = jumps.sq_norms[-1] / least_sq_norm(twin) if fits else np.nan
    return dict(zip(names, (jumps.times.size, float(fits), ratio), strict=True))


def judge(table: Frame) -> tuple[list[Number], str]:
    """Judge the norm against the bound, and the chance on orthogonal rows; report the rest."""
    numbers = _judged(table)
    for kind in dict.fromkeys(table["kind"]):
        part = where(table, kind=kind)
        done, widest = where(part, status="done"), int(part["width"].max())
        unfinished = len(part) - len(done)
        numbers.append(share_of(f"limits not at rest, {kind}", unfinished, len(part)))
        numbers += [_share(rows, kind, width) for width, rows in done.groupby("width")]
        widest_done = where(done, width=widest)
        numbers += _means(widest_done, f"{kind}, m = {widest}")
    return numbers, (
        "Judged are two theorems: an interpolating network has at least the norm of the bound, and on the "
        "orthogonal rows beside them the share that interpolates is P of `width`. Norms are those of limits "
        "that interpolate; the least norm is that of orthogonal rows of the same norms and labels, no "
        "bound on these rows. Where d = n/2 there are no orthogonal rows to compare with."
    )


def _judged(table: Frame) -> list[Number]:
    fits = table.dropna(subset=["bound_ratio"])
    numbers = []
    if len(fits):
        allowed = (1 - SLACK, np.inf)
        label = "smallest ‖θ‖² / lower bound of a limit that interpolates"
        numbers.append(exact(label, fits["bound_ratio"].min(), allowed, "1 or more"))
    twins = table.dropna(subset=["orthogonal_interpolates"])
    if len(twins):
        chance = float(twins["chance"].mean())
        label = "share that interpolates on the orthogonal rows"
        hits = int(twins["orthogonal_interpolates"].sum())
        numbers.append(share_of(label, hits, len(twins), (chance, chance), f"{chance:.4g}"))
    return numbers


def _share(rows: Frame, kind: str, width: int) -> Number:
    label = f"share that interpolates, {kind}, m = {width}"
    chance = f"{rows['chance'].mean():.3g} if orthogonal"
    return share_of(label, int(rows["interpolates"].sum()), len(rows), None, chance)


def _means(part: Frame, where_: str) -> list[Number]:
    numbers = []
    for column, label, beside in (
        ("jumps", "jumps", "orthogonal_jumps"),
        ("norm_ratio", "‖θ‖² / least on orthogonal rows", "orthogonal_ratio"),
        ("bound_ratio", "‖θ‖² / lower bound", None),
    ):
        values = part[column].dropna()
        twins = part[beside].dropna() if beside else values.iloc[:0]
        theory = f"{twins.mean():.3g} on the orthogonal rows" if len(twins) else ""
        if len(values):
            numbers.append(number_of(f"{label}, {where_}", mean(values), None, theory))
    return numbers


def _ticks(ax: Axes, table: Frame) -> None:
    """Dimensions along x, the most orthogonal rows first."""
    names = table.drop_duplicates("ratio").sort_values("ratio")
    ax.set_xticks(names["ratio"], names["kind"])
    ax.minorticks_off()
    ax.invert_xaxis()


def draw_interpolation(ax: Axes, table: Frame) -> None:
    """Draw the share that interpolates against the dimension, for each width."""
    done = where(table, status="done")
    for shift, (color, width, part) in enumerate(coloured(done, "width")):
        hits = part.groupby("ratio")["interpolates"].agg(["sum", "count"])
        x = hits.index.to_numpy(float) * 1.06**shift
        label = f"$m = {width}$"
        draw_shares(ax, x, hits["sum"], hits["count"], fmt="o", color=color, label=label)
        ax.axhline(part["chance"].mean(), ls="--", color=color, lw=0.9)
    ax.plot([], [], label="orthogonal rows, exact", **THEORY)
    dress(ax, "dimension $d$", "share that interpolates, 95%", "lower left", log="x")
    ax.set_ylim(0, 1.04)
    _ticks(ax, done)


def _draw_beside(ax: Axes, table: Frame, columns: tuple[tuple[str, Any, str, str], ...]) -> None:
    widest = where(table, status="done", width=table["width"].max())
    for shift, (column, color, marker, label) in enumerate(columns):
        known = widest.dropna(subset=[column])
        known = known.groupby("ratio").filter(lambda part: len(part) > 1)
        if len(known):
            means = by_size(known, column, "ratio")
            means["ratio"] *= 1.06**shift
            draw_means(ax, means, "ratio", fmt=marker, color=color, label=label)


def draw_jumps(ax: Axes, table: Frame) -> None:
    """Draw the mean number of jumps against the dimension."""
    _draw_beside(
        ax,
        table,
        (
            ("jumps", BLUE, "o", "rows as they are"),
            ("orthogonal_jumps", GREY, "s", "nearest orthogonal rows"),
        ),
    )
    dress(ax, "dimension $d$", "mean number of jumps, 95%", "lower left", log="x")
    ax.set_ylim(0)
    _ticks(ax, table)


def draw_norms(ax: Axes, table: Frame) -> None:
    """Draw the norms of limits that interpolate against the dimension."""
    _draw_beside(
        ax,
        table,
        (
            ("norm_ratio", BLUE, "o", "over least norm, orthogonal rows"),
            ("orthogonal_ratio", GREY, "s", "the same on orthogonal rows"),
            ("bound_ratio", GREEN, "^", "over a lower bound on these rows"),
        ),
    )
    ax.axhline(1, **THEORY)
    ratio = r"$\|\theta\|^2$ of interpolating limits / norm, 95%"
    dress(ax, "dimension $d$", ratio, "upper left", log="x")
    ax.set_ylim(0, ax.get_ylim()[1] * 1.25)
    _ticks(ax, table)


lost_orthogonality = Claim(
    "lost-orthogonality",
    "A measurement beside two theorems: jumps, norm and the share that interpolates as Gaussian rows lose "
    "orthogonality.",
    measure,
    judge,
    (draw_interpolation, draw_jumps, draw_norms),
    quick={
        "n_samples": 12,
        "kinds": ("d = 20n", "d = 5n", "d = 2n", "d = n", "d = n/2"),
        "widths": (10, 20),
        "draws": 4,
    },
    full={
        "n_samples": 12,
        "kinds": ("d = 20n", "d = 5n", "d = 2n", "d = n", "d = n/2"),
        "widths": (10, 20),
        "draws": 20,
    },
    chapter=CHAPTER,
)
