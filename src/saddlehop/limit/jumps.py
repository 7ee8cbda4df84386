"""The limit λ → 0: a process that jumps from saddle to saddle on the clock s = t / log(1/λ).

Write |a_j| = λ^(−e_j). Exponents start at e_j = −1, all samples with y_k ≠ 0 are open. Repeat

    ρ_j = (1/n) sqrt( Σ_{k ∈ S_j open} y_k² ‖x_k‖² )      growth rate of dormant neuron j
    Δ   = min_j −e_j / ρ_j,   s += Δ,   e_j += ρ_j Δ       wait for the first to reach 0
    the neuron that arrived fits its open samples B exactly, adding 2 ‖β_B‖ to the squared
    norm; they close

until no dormant neuron has an open sample. `kernels/jumps.c` runs it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, chunks, frozen
from .._support.validate import real_number, require_length
from ..errors import InputError
from ..model.general_problem import orthogonal_problem
from ..model.initialization import Initialization
from ..model.problem import Problem
from .active_sets import ActiveSets, label_signs, n_threads, words_of_sign
from .alignment import Alignment, align
from .block_process import groups_by_jump, in_order, run
from .block_work import Block
from .jump_course import TIE_TOL
from .jump_path import JumpPath
from .kernels import jumps as kernel
from .kernels import squares
from .thread_teams import ThreadTeam

MANY_WORDS = 2**18  # of active sets from which on the process runs in threads, on blocks


def solve_jumps(
    problem: Problem, start: Initialization | Alignment | ActiveSets, *, tie_tol: float = TIE_TOL
) -> JumpPath:
    """Compute the limit λ → 0 of gradient flow, without training.

    Parameters
    ----------
    problem : Problem
    start : Initialization, Alignment or ActiveSets
        Where the flow starts, or what alignment made of it.
    tie_tol : float
        Neurons whose arrivals differ by at most `tie_tol` times the clock count as tied. The
        default is above the rounding of the arrivals, and such neurons stay together at every
        λ above exp(−1e10), so nothing that can be observed depends on it.

    Returns
    -------
    JumpPath

    Notes
    -----
    O(m n) operations in all: each sample enters the growth rates once and leaves them once. Large
    problems are cut into blocks for all cores, which changes no bit of the result.
    """
    orthogonal_problem(problem, "jumps are solved")
    tie_tol = require_tie_tol(tie_tol)
    alignment = align(problem, start) if isinstance(start, Initialization) else start
    sets = _require_sets(problem, alignment)
    solve = _in_one_piece if sets.words.size < MANY_WORDS else _in_threads
    course, is_matching = solve(problem, sets, tie_tol)
    return JumpPath(
        problem=problem,
        sets=sets if is_matching else with_matching_signs(problem, sets),
        alignment=alignment if isinstance(alignment, Alignment) else None,
        **course,
        tie_tol=tie_tol,
    )


def require_tie_tol(tie_tol: Any) -> float:
    """Return `tie_tol` as a float."""
    tolerance = real_number(tie_tol, "tie_tol")
    if not 0 <= tolerance < 1:
        raise InputError(f"`tie_tol` is {tolerance}; pass a number from 0 up to 1.")
    return tolerance


def _in_one_piece(
    problem: Problem, sets: ActiveSets, tie_tol: float
) -> tuple[dict[str, Any], bool]:
    y, norms = problem.y, problem.norms
    of_sign = words_of_sign(sets.signs)[::2].copy()
    ran = kernel.jump_process(sets.words, y, norms, sets.width, of_sign, tie_tol)
    of_labels, _ = squares.squares_by_group(
        y,
        norms,
        np.append(ran.fitted, ran.unfit),
        np.append(ran.offsets, ran.fitted.size + ran.unfit.size),
    )
    neurons = groups_by_jump(ran.jump_of_neuron, ran.times.size)
    samples = np.split(ran.fitted.astype(np.int64), ran.offsets[1:-1]) if neurons else []
    course = {
        "times": frozen(ran.times),
        "neurons": neurons,
        "samples": in_order(neurons, samples),
        "losses": losses_of(of_labels, problem.n_samples),
        "exponents": frozen(ran.exponents),
        "escape_rates": frozen(ran.escape_rates),
        "margins": frozen(ran.margins),
        "unfit": ran.unfit.astype(np.int64),
    }
    return course, ran.is_matching


def _in_threads(problem: Problem, sets: ActiveSets, tie_tol: float) -> tuple[dict[str, Any], bool]:
    size = max(MANY_WORDS // sets.words.shape[1], -(-problem.n_samples // n_threads()))
    parts = list(chunks(problem.n_samples, size))
    starts = [part.start for part in parts]
    whole = Block(sets.words, problem.y, problem.norms)
    team = ThreadTeam([whole.of(part) for part in parts])
    course = run(team, problem.n_samples, sets.signs, tie_tol, starts)
    found = {
        "times": frozen(np.array(course.times)),
        "neurons": tuple(course.groups),
        "samples": tuple(course.samples),
        "losses": losses_of(np.array(course.of_labels), problem.n_samples),
        "exponents": frozen(np.array(course.exponents)),
        "escape_rates": frozen(np.array(course.escape_rates)),
        "margins": frozen(np.array(course.margins)),
        "unfit": course.unfit,
    }
    return found, course.is_matching


def losses_of(of_labels: NDArray[np.int64], n_samples: int) -> Array:
    """Losses at the saddles from Σ y² over the samples of each jump and over those never fitted.

    They are summed from the end, so that small losses keep their digits.
    """
    return frozen(squares.values(of_labels[::-1].cumsum(axis=0)[::-1]) / (2 * n_samples))


def _require_sets(problem: Problem, start: Alignment | ActiveSets) -> ActiveSets:
    if isinstance(start, Alignment):
        require_length(start.sets.words, "start", problem.n_samples, "`problem.y`")
        _require_same_problem(problem, start.problem)
        return start.sets
    if isinstance(start, ActiveSets):
        require_length(start.words, "start.words", problem.n_samples, "`problem.y`")
        return start
    raise InputError(
        f"`start` is of type {type(start).__name__}; pass an Initialization, Alignment or "
        "ActiveSets."
    )


def _require_same_problem(problem: Problem, other: Problem) -> None:
    if problem is not other and not (
        np.array_equal(problem.y, other.y) and np.array_equal(problem.norms, other.norms)
    ):
        raise InputError(
            "`start` is the alignment of another problem; align the start on `problem`."
        )


def with_matching_signs(problem: Problem, sets: ActiveSets) -> ActiveSets:
    """Take out of each set the samples whose label has not the neuron's sign."""
    require_length(sets.words, "start.words", problem.n_samples, "`problem.y`")
    of_sign = words_of_sign(sets.signs)
    words = np.empty_like(sets.words)
    for part in chunks(problem.n_samples, 2**16):
        np.bitwise_and(sets.words[part], of_sign[label_signs(problem.y[part])], out=words[part])
    return sets if np.array_equal(words, sets.words) else ActiveSets(words, sets.signs)
