"""The public door for either kind of problem: the type decides, never the data.

(problem, init) ── align ──> Alignment of a Problem, GeneralAlignment of a GeneralProblem
"""

from __future__ import annotations

from typing import overload

from .._support.validate import instance_of
from ..errors import InputError
from ..limit import alignment as orthogonal
from ..limit.alignment import Alignment
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.initialization import Initialization
from ..model.problem import Problem
from .alignment import GeneralAlignment, align_general


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
