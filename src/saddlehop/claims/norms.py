"""Squared norms in the limit, for the two claims about them.

    ‖θ‖² = 2 Σ_i ‖β_{B_i}‖,     least: 2 (‖β₊‖ + ‖β₋‖)

For log n ≪ m ≪ exp n each new neuron of a sign takes about half of what is left, so the ratio of the
two tends to Σ_i 2^{−i/2} = 1 + √2. The sum ends after about log₂ n terms, which leaves a gap of order
n^{−1/2}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..limit.active_sets import ActiveSets
from ..limit.jump_path import JumpPath
from ..limit.jumps import solve_jumps
from ..model.datasets import make_orthogonal
from ..model.initialization import Initialization
from ..model.problem import Problem
from ..yardsticks.min_norm import min_norm_interpolator
from .draws import generator, half_and_half, usual_width
from .result import Report, tracked
from .statistics import Line, fit_line
from .tables import Frame, as_table

MOST_WEIGHTS = 2**22  # beyond which active sets are drawn without weights
Run = tuple[str, int, int, int]  # labels, n, width, draw


def at_usual_width(
    sizes: Sequence[int], draws: Sequence[int], labels: Sequence[str] = ("uniform", "unit")
) -> list[Run]:
    """Return the runs of so many draws for each number of samples, at the usual width."""
    return [
        (kind, n, usual_width(n), draw)
        for n, count in zip(sizes, draws, strict=True)
        for kind in labels
        for draw in range(count)
    ]


def measure_norms(seed: int, runs: Sequence[Run], report: Report) -> Frame:
    """Solve the limit of each run; a row holds its norms and the number and clocks of its jumps."""
    costs = [n * width / 20 + 1e4 for _, n, width, _ in runs]
    return as_table([norm_record(seed, *run) for run in tracked(runs, report, costs)])


def norm_record(seed: int, labels: str, n: int, width: int, draw: int) -> dict[str, object]:
    """Solve the limit of one random problem and return its norms.

    `sq_norm` is nan for a tie among shared samples where only active sets were drawn.
    """
    rng = generator(seed, n, width, draw)
    problem = half_and_half(n) if labels == "unit" else make_orthogonal(n, labels, rng=rng)
    jumps = _solve(problem, width, rng)
    return {
        "labels": labels,
        "n": n,
        "width": width,
        "draw": draw,
        "sq_norm": float(jumps.sq_norms[-1]),
        "least": min_norm_interpolator(problem).sq_norm,
        "interpolates": jumps.interpolates,
        "jumps": jumps.n_jumps,
        "first": float(jumps.times[0]) if jumps.n_jumps else np.nan,
        "last": float(jumps.times[-1]) if jumps.n_jumps else np.nan,
    }


def _solve(problem: Problem, width: int, rng: np.random.Generator) -> JumpPath:
    if problem.n_samples * width <= MOST_WEIGHTS:
        return solve_jumps(problem, Initialization.draw(problem, width, rng=rng))
    return solve_jumps(problem, ActiveSets.draw(problem, width, rng))


def towards_limit(sizes: Any, means: Any, errors: Any) -> Line:
    """Fit mean = c + b n^{−1/2}: the intercept is the limit n → ∞."""
    return fit_line(1 / np.sqrt(np.asarray(sizes, dtype=float)), means, errors)
