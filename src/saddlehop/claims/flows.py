"""Flows beside their limit on random problems, for the claims about finite λ."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..flow.simulate import FlowPath, simulate_flow
from ..limit.jump_path import JumpPath
from ..limit.jumps import solve_jumps
from ..model.datasets import make_orthogonal
from ..yardsticks.comparison import Comparison, compare
from .draws import covering_start, generator, usual_width
from .result import Report, tracked
from .tables import Frame, as_table

LOG10 = 2.302585092994046


def compare_flows(
    seed: int,
    record: Callable[[Comparison], dict[str, float]],
    *,
    sizes: Sequence[int],
    exponents: Sequence[int],
    draws: int,
    report: Report = lambda share: None,
) -> Frame:
    """Compare flows with their limit; a row holds what `record` says of one flow.

    Parameters
    ----------
    seed : int
        The number of the claim.
    record : callable
        Comparison → columns.
    sizes : sequence of int
        Numbers of samples n.
    exponents : sequence of int
        The scales are λ = 10^−exponent.
    draws : int
        Problems for each n, all of which interpolate in the limit.
    report : callable
        Told the share of the work that is done.
    """
    runs = [(n, draw) for n in sizes for draw in range(draws)]
    rows = []
    for n, draw in tracked(runs, report, [n + 50 for n, _ in runs]):
        jumps = problem_with_limit(seed, n, draw)
        for exponent in exponents:
            found = compare(flow_of(jumps, exponent), jumps)
            rows.append({"n": n, "draw": draw, "exponent": exponent, **record(found)})
    return as_table(rows)


def problem_with_limit(seed: int, n: int, draw: int) -> JumpPath:
    """Draw a problem with normal labels and a balanced start of the usual width; solve its limit."""
    rng = generator(seed, n, draw)
    problem = make_orthogonal(n, "gaussian", "uniform", rng)
    return solve_jumps(problem, covering_start(problem, usual_width(n), rng))


def flow_of(jumps: JumpPath, exponent: float) -> FlowPath:
    """Follow the flow of the same start at λ = 10^−exponent."""
    init = jumps.require_alignment().initialization
    return simulate_flow(jumps.problem, init, log_init_scale=-exponent * LOG10)
