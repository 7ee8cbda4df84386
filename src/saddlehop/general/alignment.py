"""The first instant: where each neuron goes while the residuals stand still at the labels.

While all weights are of order λ the pulls r_k / n = y_k / n are constant and neurons do not see each
other; `pieces` follows each along its broken line to one of five ends,

    growing    w → ∞ along D, |a| ≈ λ C e^{ρt}, ρ = ‖D‖        resting    D = 0, held by samples
    decaying   w → 0 on a ray, |a| ≈ λ C e^{−ρt}               dead       touches no sample
                                                               stalled    w = 0 or a = 0 for good
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .._support.brief import Brief
from .._support.labelled import Labelled
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from ..model.problem import row_norms
from .pieces import DECAYING, GROWING, Carried, carry, place
from .rays import Rays
from .walls import Flags, Sides

STATES = np.array(["growing", "decaying", "resting", "dead", "stalled"])


@dataclass(frozen=True, eq=False, repr=False)
class GeneralAlignment(Brief, Labelled):
    """What each neuron has become after the first instant, on data as they are."""

    problem: GeneralProblem
    """The data."""
    initialization: Initialization
    """The start, at unit scale."""
    states: NDArray[np.str_]
    """"growing", "decaying", "resting", "dead" or "stalled", shape (m,)."""
    signs: Sides
    """Final sign of each a_j, shape (m,); 0 for a neuron whose a_j is 0 for good."""
    rates: Array
    """ρ_j in |a_j| ≈ λ C_j e^{ρ_j t}, shape (m,): negative if decaying, 0 where nothing moves."""
    directions: Array
    """Unit rows w_j / ‖w_j‖ in the problem's coordinates, shape (m, r); of D_j if growing."""
    active: NDArray[np.int8]
    """1 where sample k is active, 0 where neuron j stays on its wall (slides), −1 where it is not,
    shape (m, n)."""
    log_growth: Array
    """log C_j, shape (m,); log |a_j| where nothing moves."""
    chosen: Flags
    """Walls on which the side a neuron came from decided, since the flow is not unique there,
    shape (m, n)."""


def align_general(problem: GeneralProblem, init: Initialization) -> GeneralAlignment:
    """Solve the alignment of every neuron in closed form; `align` of `verbs` checks the input."""
    rays = Rays.of(problem.coordinates)
    pulls = rays.gather(problem.y / problem.n_samples)
    carried, outcome = align_pulls(rays.rows, pulls, init)
    return GeneralAlignment(
        problem=problem,
        initialization=init,
        states=_frozen(STATES[carried.ends]),
        signs=_frozen(carried.neurons.signs),
        rates=_frozen(outcome.rates),
        directions=_frozen(outcome.directions),
        active=_frozen(rays.spread(carried.field.modes, -1)),
        log_growth=_frozen(outcome.log_growth),
        chosen=_frozen(rays.spread(carried.chosen, False)),
    )


def align_pulls(rows: Array, pulls: Array, init: Initialization) -> tuple[Carried, Outcome]:
    """Follow a start for ever while the pulls r_k / n stand still."""
    rows, pulls, unit = in_units(rows, pulls)
    neurons = place(rows, pulls, init.output, init.hidden, init.off_span)
    carried = carry(rows, pulls, neurons)
    outcome = outcome_of(carried)
    return carried, replace(outcome, rates=outcome.rates * unit)


def in_units(rows: Array, pulls: Array) -> tuple[Array, Array, float]:
    """Rows and pulls in units of the largest, so that squares stay floats, and the unit of rates."""
    length, pull = float(row_norms(rows).max()), float(np.max(np.abs(pulls))) or 1.0
    return rows / length, pulls / pull, pull * length


@dataclass(frozen=True, eq=False)
class Outcome:
    """Where neurons carried for ever go."""

    rates: Array
    """ρ_j, shape (m,)."""
    directions: Array
    """Unit rows, shape (m, r); 0 where w_j = 0."""
    log_growth: Array
    """log C_j, shape (m,)."""


def outcome_of(carried: Carried) -> Outcome:
    """Read off rates, directions and log C of neurons carried for ever."""
    neurons, ends = carried.neurons, carried.ends
    growing, decaying = ends == GROWING, ends == DECAYING
    rates = np.where(growing, carried.speed, np.where(decaying, -carried.speed, 0))
    size = np.where(growing, carried.ahead / 2, neurons.output)
    with np.errstate(divide="ignore"):
        log_growth = neurons.log_scales + np.log(size) - rates * carried.elapsed
    ways = np.where(growing[:, None], carried.field.velocity, neurons.hidden)
    lengths = row_norms(ways)
    return Outcome(rates, ways / np.where(lengths > 0, lengths, 1)[:, None], log_growth)


def _frozen(array: Any) -> Any:
    array.flags.writeable = False
    return array
