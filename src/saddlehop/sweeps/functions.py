"""What a sweep can measure of a problem and a start: each function returns the columns of a row."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .._support.arrays import Array
from ..errors import InputError
from ..general.jumps_path import GeneralJumpPath
from ..general.verbs import simulate_flow, solve_jumps
from ..limit.active_sets import ActiveSets
from ..limit.alignment import align
from ..model.general_problem import AnyProblem, GeneralProblem
from ..model.initialization import Initialization
from ..model.problem import Problem
from ..yardsticks.min_norm import least_sq_norm

Row = dict[str, Any]
SMALL = 1e-3  # neurons whose |a| is this much below the largest take no part in a flow


def measure_jumps(problem: AnyProblem, start: Initialization | ActiveSets) -> Row:
    """Run the jump process."""
    jumps = solve_jumps(problem, start)  # type: ignore[arg-type]
    row = {
        "interpolates": jumps.interpolates,
        "n_jumps": jumps.n_jumps,
        "n_ties": int(np.count_nonzero(jumps.margins == 0)),
        **_norms(problem, float(jumps.sq_norms[-1])),
        "final_loss": float(jumps.losses[-1]),
        **_first_and_last(jumps.times),
    }
    if isinstance(jumps, GeneralJumpPath):
        row["n_directions"] = int(jumps.n_directions[-1])
        row["n_dead"] = int(np.count_nonzero(jumps.states[-1] == "dead"))
        row["status"] = jumps.status
    return row


def measure_flow(problem: AnyProblem, start: Initialization, init_scale: str, rtol: float) -> Row:
    """Follow the flow to its end, beside the limit of the same start."""
    jumps = solve_jumps(problem, start)
    flow = simulate_flow(problem, start, init_scale=init_scale, rtol=rtol)
    sizes = flow.log_output[-1]
    grown = sizes > sizes.max() + np.log(SMALL)
    clocks = np.sort(flow.activation_times[grown]) / abs(flow.log_init_scale or np.nan)
    row = {
        "interpolates": bool(flow.losses[-1] <= 10 * rtol * flow.losses[0]),
        "n_active": int(clocks.size),
        **_norms(problem, float(flow.sq_norms[-1])),
        "final_loss": float(flow.losses[-1]),
        **_first_and_last(clocks),
        "limit_interpolates": jumps.interpolates,
        "limit_sq_norm": float(jumps.sq_norms[-1]),
    }
    if isinstance(jumps, GeneralJumpPath):
        row["limit_final_loss"] = float(jumps.losses[-1])
        row["limit_status"] = jumps.status
    return row


def _norms(problem: AnyProblem, reached: float) -> Row:
    """What was reached, and what it is measured against."""
    if isinstance(problem, GeneralProblem):
        return {"sq_norm": reached, "least_squares_loss": problem.least_squares_loss}
    least = least_sq_norm(problem)
    ratio = reached / least if least > 0 else np.nan
    return {"sq_norm": reached, "least_sq_norm": least, "norm_ratio": ratio}


def _first_and_last(clocks: Array) -> Row:
    ends = clocks[[0, -1]] if clocks.size else (np.nan, np.nan)
    return {"first_clock": float(ends[0]), "last_clock": float(ends[1])}


def measure_coverage(problem: Problem, start: Initialization | ActiveSets) -> Row:
    """Count the samples that no neuron covers in the limit, without running the process."""
    sets = align(problem, start).sets if isinstance(start, Initialization) else start
    uncovered = (problem.y != 0) & ~sets.words.any(axis=1)
    count = int(np.count_nonzero(uncovered))
    return {"interpolates": count == 0, "n_uncovered": count}


COMPUTE: dict[str, Callable[..., Row]] = {
    "jumps": measure_jumps,
    "flow": measure_flow,
    "coverage": measure_coverage,
}


def load_function(name: str, folder: str = "") -> Callable[..., Row]:
    """Return what `compute` names: one of ours, or "module:function", first looked for in `folder`."""
    if name in COMPUTE:
        return COMPUTE[name]
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        known = ", ".join(map(repr, COMPUTE))
        raise InputError(
            f'`compute` is {name!r}; pass one of {known}, or a function as "module:function".'
        )
    try:
        with _first_on_path(folder):
            function = getattr(importlib.import_module(module), attribute)
    except Exception as err:
        raise InputError(
            f"`compute` is {name!r}, which cannot be imported ({type(err).__name__}: {err}); pass a "
            "function that can."
        ) from None
    if not callable(function):
        raise InputError(f"`compute` is {name!r}, which is not a function; pass one.")
    return function  # type: ignore[no-any-return]


@contextmanager
def _first_on_path(folder: str) -> Iterator[None]:
    if not folder:
        yield
        return
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
