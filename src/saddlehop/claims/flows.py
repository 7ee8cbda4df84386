"""Flows beside their limit on random problems, for the claims about finite λ."""

from __future__ import annotations

from ..flow.simulate import FlowPath, simulate_flow
from ..limit.jump_path import JumpPath
from ..limit.jumps import solve_jumps
from ..model.datasets import make_orthogonal
from ..model.initialization import Initialization
from ..yardsticks.comparison import Comparison, compare
from .draws import covering_start, generator, usual_width

LOG10 = 2.302585092994046
FITTED = 1e-9  # of the first loss: below it a flow interpolates


def problem_with_limit(seed: int, n: int, draw: int, covering: bool = True) -> JumpPath:
    """Draw a problem with normal labels and a balanced start of the usual width; solve its limit."""
    rng = generator(seed, n, draw)
    problem = make_orthogonal(n, "gaussian", "uniform", rng)
    width = usual_width(n)
    init = (
        covering_start(problem, width, rng)
        if covering
        else Initialization.draw(problem, width, rng=rng)
    )
    return solve_jumps(problem, init)


def flow_of(jumps: JumpPath, exponent: float) -> FlowPath:
    """Follow the flow of the same start at λ = 10^−exponent."""
    init = jumps.require_alignment().initialization
    return simulate_flow(jumps.problem, init, log_init_scale=-exponent * LOG10)


def comparison_of(jumps: JumpPath, exponent: float) -> Comparison:
    """Compare the flow at λ = 10^−exponent with its limit."""
    return compare(flow_of(jumps, exponent), jumps)


def is_fitted(flow: FlowPath) -> bool:
    """Whether the flow ends with next to no loss."""
    return bool(flow.losses[-1] <= FITTED * flow.losses[0])
