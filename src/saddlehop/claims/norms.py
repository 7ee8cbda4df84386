"""Squared norms in the limit, for the two claims about them.

    ‖θ‖² = 2 Σ_i ‖β_{B_i}‖,     least: 2 (‖β₊‖ + ‖β₋‖)

For log n ≪ m ≪ exp n each new neuron of a sign takes about half of what is left, so the ratio of the
two tends to Σ_i 2^{−i/2} = 1 + √2. The sum ends after about log₂ n terms, which leaves a gap of order
n^{−1/2}.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..limit.active_sets import ActiveSets
from ..limit.jump_path import JumpPath
from ..limit.jumps import solve_jumps
from ..model.datasets import make_orthogonal
from ..model.initialization import Initialization
from ..model.problem import Problem
from ..yardsticks.min_norm import min_norm_interpolator
from .draws import generator, half_and_half
from .result import Frame, as_table
from .statistics import Line, fit_line

MOST_WEIGHTS = 2**22  # beyond which active sets are drawn without weights


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


def by_size(table: Frame, column: str, key: str = "n") -> Frame:
    """Return mean, standard error, spread and largest of `column` for each value of `key`."""
    rows = []
    for value, part in table.dropna(subset=[column]).groupby(key):
        draws = part[column].to_numpy()
        rows.append(
            {
                key: value,
                "mean": draws.mean(),
                "spread": draws.std(ddof=1),
                "error": draws.std(ddof=1) / np.sqrt(draws.size),
                "largest": draws.max(),
                "draws": draws.size,
            }
        )
    return as_table(rows)


def towards_limit(sizes: Any, means: Any, errors: Any) -> Line:
    """Fit mean = c + b n^{−1/2}: the intercept is the limit n → ∞."""
    return fit_line(1 / np.sqrt(np.asarray(sizes, dtype=float)), means, errors)
