"""The limit λ → 0 on data as they are: from saddle to saddle on the clock s = t / log(1/λ).

Write |a_j| = λ^(−e_j) e^{κ_j}. Exponents start at e_j = −1, the residuals at r = y. Repeat

    every dormant neuron follows r for ever: state and rate ρ_j           (`jumps_dormant`)
    Δ = min_j −e_j / ρ_j over ρ_j > 0,   s += Δ,   e_j += ρ_j Δ
    those that reached e = 0 grow from size ε, and with the active neurons follow the flow until
    all rest or fade, the dormant ones aboard                              (`jumps_orbit`)

until no dormant neuron grows. What is O(1) of time goes along: an orbit starts at t = s L + δ, where the
largest newcomers have size ε: κ + ρ (δ − δ_before) = log ε.
"""

from __future__ import annotations

from collections.abc import Callable

from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from .jumps_path import GeneralJumpPath
from .jumps_process import begin_process
from .jumps_result import result_of

GENERAL_TIE_TOL = 1e-9
RESTING_CHOICES = ("stay", "wake")
MOST_JUMPS = 100  # per neuron: more have never been seen


def solve_general_jumps(
    problem: GeneralProblem,
    init: Initialization,
    tie_tol: float,
    max_steps: int,
    wake: bool,
    progress: Callable[[float], object] | None,
) -> GeneralJumpPath:
    """Compute the limit; `solve_jumps` of `verbs` checks the input."""
    process = begin_process(problem, init, wake)
    process.arrive()
    while process.status == "done" and process.wait(tie_tol):
        if len(process.jumps) >= MOST_JUMPS * init.width:
            process.status = "max_jumps"
            break
        process.jump(tie_tol, max_steps)
        process.arrive()
        if progress is not None:
            progress(process.clock * process.units.time)
    return result_of(problem, init, process, max_steps)
