"""The public door for either kind of problem: the type decides, never the data.

(problem, init) ── align ──> Alignment of a Problem, GeneralAlignment of a GeneralProblem
                ── simulate_flow ──> FlowPath, GeneralFlowPath
                ── solve_jumps ──> JumpPath, GeneralJumpPath
"""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from .._support.brief import brief
from .._support.validate import instance_of, one_of, positive_int
from ..errors import InputError
from ..flow import simulate as orthogonal_flow
from ..flow.simulate import FlowPath, require_end, require_rtol
from ..limit import alignment as orthogonal
from ..limit import jumps as orthogonal_jumps
from ..limit.active_sets import ActiveSets
from ..limit.alignment import Alignment
from ..limit.jump_course import TIE_TOL
from ..limit.jump_path import JumpPath
from ..limit.jumps import require_tie_tol
from ..model.general_problem import AnyProblem, GeneralProblem, is_same_problem
from ..model.initialization import Initialization
from ..model.problem import Problem
from ..model.scale import parse_scale
from .alignment import GeneralAlignment, align_general
from .flow import GeneralFlowPath, simulate_general_flow
from .jumps import GENERAL_TIE_TOL, RESTING_CHOICES, solve_general_jumps
from .jumps_path import GeneralJumpPath


@overload
def align(problem: Problem, init: Initialization) -> Alignment: ...


@overload
def align(problem: GeneralProblem, init: Initialization) -> GeneralAlignment: ...


def align(problem: AnyProblem, init: Initialization) -> Alignment | GeneralAlignment:
    """Solve the alignment of every neuron in closed form.

    Parameters
    ----------
    problem : Problem or GeneralProblem
    init : Initialization
        Any start, |a_j| < ‖w_j‖ included.

    Returns
    -------
    Alignment or GeneralAlignment
        By the type of `problem`.

    Notes
    -----
    Of a `Problem`: O(n) per neuron that cannot change sign, O(n log n) per neuron that can, and
    `log_growth` is computed when asked for. Of a `GeneralProblem`: O(n r) per neuron and piece of its
    broken line. A start whose |a_j| equals ‖w_j‖ to within rounding counts as balanced.
    """
    instance_of(problem, "problem", Problem, GeneralProblem)
    if isinstance(problem, Problem):
        return orthogonal.align(problem, init)
    require_start(problem, init)
    return align_general(problem, init)


@overload
def simulate_flow(
    problem: Problem,
    init: Initialization,
    *,
    init_scale: float | str | None = None,
    log_init_scale: float | None = None,
    t_end: float | None = None,
    rtol: float = 1e-8,
    max_steps: int = 1_000_000,
    progress: Callable[[float], object] | None = None,
) -> FlowPath: ...


@overload
def simulate_flow(
    problem: GeneralProblem,
    init: Initialization,
    *,
    init_scale: float | str | None = None,
    log_init_scale: float | None = None,
    t_end: float | None = None,
    rtol: float = 1e-8,
    max_steps: int = 1_000_000,
    progress: Callable[[float], object] | None = None,
) -> GeneralFlowPath: ...


def simulate_flow(
    problem: AnyProblem,
    init: Initialization,
    *,
    init_scale: float | str | None = None,
    log_init_scale: float | None = None,
    t_end: float | None = None,
    rtol: float = 1e-8,
    max_steps: int = 1_000_000,
    progress: Callable[[float], object] | None = None,
) -> FlowPath:
    """Follow gradient flow from the weights λ·`init`.

    Parameters
    ----------
    problem : Problem or GeneralProblem
    init : Initialization
        The start at unit scale.
    init_scale : float or str
        The scale λ > 0; a string such as "1e-1000" may be far below the smallest float.
    log_init_scale : float
        log λ, instead of `init_scale`; between −1e7 and 1e7.
    t_end : float, optional
        Time at which to stop. By default the flow runs until nothing is left to learn; if all labels
        are 0, until nothing is left of the outputs at the start.
    rtol : float
        Bound on the errors of losses (relative to the loss at 0), activation times (relative)
        and weights (relative to each neuron's largest), between 1e-13 and 1e-1.
    max_steps : int
        Steps after which to give up.
    progress : callable, optional
        Called with the time t reached, every few steps.

    Returns
    -------
    FlowPath or GeneralFlowPath
        By the type of `problem`.

    Raises
    ------
    InputError
        For input that cannot be used.
    FlowError
        If `max_steps` is reached; its `path` is the flow up to there.

    Notes
    -----
    Of a `Problem`: O(m n) operations and memory per step, but O(m² n + m³) in a step that is stiff. Of a
    `GeneralProblem`: some thirty products of m × r with r × n per step. The number of steps grows with
    the number of activations and slowly with 1 / `rtol`, hardly with λ; of a `GeneralProblem` also with
    the walls that neurons meet while they matter to others, and with how slowly they come to rest.
    """
    instance_of(problem, "problem", Problem, GeneralProblem)
    if isinstance(problem, Problem):
        return orthogonal_flow.simulate_flow(
            problem,
            init,
            init_scale=init_scale,
            log_init_scale=log_init_scale,
            t_end=t_end,
            rtol=rtol,
            max_steps=max_steps,
            progress=progress,
        )
    log_scale, end = parse_scale(init_scale, log_init_scale), require_end(t_end)
    tolerance, most = require_rtol(rtol), positive_int(max_steps, "max_steps")
    require_start(problem, init)
    if progress is not None and not callable(progress):
        raise InputError(f"`progress` is {brief(progress)}; pass a function of the time reached.")
    return simulate_general_flow(problem, init, log_scale, end, tolerance, most, progress)


def require_start(problem: GeneralProblem, init: Initialization) -> None:
    """Raise unless `init` is a start of `problem` that is not 0 throughout."""
    instance_of(init, "init", Initialization)
    if init.n_coordinates != problem.rank:
        raise InputError(
            f"`init` has {init.n_coordinates} coordinates but the problem has rank {problem.rank}; draw "
            "the start for this problem."
        )
    if not (init.output.any() or init.hidden.any()):
        raise InputError(
            "`init` is 0 throughout, where nothing ever moves; pass a start that is not 0, such as "
            "`sh.Initialization.draw(problem, width)`."
        )


@overload
def solve_jumps(
    problem: Problem,
    start: Initialization | Alignment | ActiveSets,
    *,
    tie_tol: float | None = None,
) -> JumpPath: ...


@overload
def solve_jumps(
    problem: GeneralProblem,
    start: Initialization | GeneralAlignment,
    *,
    tie_tol: float | None = None,
    max_steps: int = 100_000,
    resting: str = "stay",
    progress: Callable[[float], object] | None = None,
) -> GeneralJumpPath: ...


def solve_jumps(
    problem: AnyProblem,
    start: Initialization | Alignment | ActiveSets | GeneralAlignment,
    *,
    tie_tol: float | None = None,
    max_steps: int = 100_000,
    resting: str = "stay",
    progress: Callable[[float], object] | None = None,
) -> JumpPath | GeneralJumpPath:
    """Compute the limit λ → 0 of gradient flow, without training.

    Parameters
    ----------
    problem : Problem or GeneralProblem
    start : Initialization, Alignment, ActiveSets or GeneralAlignment
        Where the flow starts, or what alignment made of it; of a `GeneralProblem` an Initialization or
        a GeneralAlignment.
    tie_tol : float, optional
        Neurons whose arrivals differ by at most `tie_tol` times the clock count as tied: 1e-12 of a
        `Problem`, 1e-9 of a `GeneralProblem`, above the rounding of the arrivals.
    max_steps : int
        Steps of the flow on one orbit after which to give up on its rest (`GeneralProblem`).
    resting : {"stay", "wake"}
        What a neuron does that came to a wall from the active side and rests there with no other sample
        active, once the label of that sample is overshot, so that it would grow on the active side
        (`GeneralProblem`). The flow is not unique there: "stay" is what `simulate_flow` does, and gradient
        descent, which steps across the wall.
    progress : callable, optional
        Called with the clock reached, after each jump (`GeneralProblem`).

    Returns
    -------
    JumpPath or GeneralJumpPath
        By the type of `problem`.

    Notes
    -----
    Of a `Problem`: O(m n) operations in all, on blocks for all cores if large, which changes no bit of the
    result. Of a `GeneralProblem`: what `simulate_flow` costs from one saddle to the next, on the neurons
    that are active and one for each direction in which others grow.
    """
    instance_of(problem, "problem", Problem, GeneralProblem)
    if isinstance(problem, Problem):
        tolerance = TIE_TOL if tie_tol is None else tie_tol
        return orthogonal_jumps.solve_jumps(problem, start, tie_tol=tolerance)  # type: ignore[arg-type]
    return solve_general_jumps(
        problem,
        _require_general_start(problem, start),
        require_tie_tol(GENERAL_TIE_TOL if tie_tol is None else tie_tol),
        positive_int(max_steps, "max_steps"),
        one_of(resting, "resting", RESTING_CHOICES) == "wake",
        progress,
    )


def _require_general_start(problem: GeneralProblem, start: object) -> Initialization:
    if isinstance(start, GeneralAlignment):
        if not is_same_problem(problem, start.problem):
            raise InputError(
                "`start` is the alignment of another problem; align the start on `problem`."
            )
        return start.initialization
    if not isinstance(start, Initialization):
        raise InputError(
            f"`start` is of type {type(start).__name__}; pass an Initialization or a GeneralAlignment."
        )
    require_start(problem, start)
    return start
