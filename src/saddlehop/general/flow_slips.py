"""What pushes dormant neurons across walls that they grow along, while a plateau holds residuals fixed.

On a plateau w_j·x_k stays what it is where D_j·x_k = 0, but for what dormant neurons learn (`jumps_slips`):
below the tolerance of residuals, and soon below rounding of w_j, yet maybe more than w_j·x_k. Sizes are those
of the flow here, e^e where `jumps_slips` has λ^(−e), so that its spans are times.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .alignment import Outcome
from .flow_state import ON_WALL, Setting, State, settle
from .jumps_frozen import freeze
from .jumps_slips import (
    Drivers,
    Line,
    along_walls,
    guarded,
    made_up,
    next_slip,
    off_held,
    on_one_wall,
    pushes_across,
    taken_by,
)
from .pieces import GROWING, Carried
from .walls import Edge, wall_rule

TOGETHER = 1e-9  # shares of a time within which neurons cross as one
BEYOND = 2 * ON_WALL  # where a neuron is put that crosses: no more on the wall to rounding
NEAR = 3.0  # growth within which all pushes together find what the largest finds
MOST = 300.0  # logarithms of ratios


class Brink(NamedTuple):
    """A neuron that grows along a wall on a plateau."""

    edge: Edge
    """Its height without pushes: those that are not of this plateau are taken off."""
    own: Line
    """|a_j|."""
    towards: Array
    """Pushes of the drivers, positive across the wall, shape (q,)."""
    drivers: Drivers
    begin: float
    """Time from which on it goes along the wall."""
    due: float = math.inf
    """When it crosses."""

    def log_free(self, time: float) -> float:
        """Return log(|w·x_k| / ‖w‖) at a time without pushes."""
        return self.edge.level - self.own.exponent - self.own.slope * time

    def left(self, time: float) -> float:
        """Return the share of it that pushes leave, negative beyond the wall."""
        sizes = 2 * (self.drivers.exponents + self.drivers.rates * time) - self.log_free(time)
        slopes = self.own.slope + 2 * self.drivers.rates
        return 1.0 - float(np.sum(self.towards * np.exp(np.minimum(sizes, MOST)) / slopes))

    def at(self, time: float) -> Edge:
        """Return the edge with its height at a time."""
        return self.edge._replace(level=self.edge.level + math.log(self.left(time)))

    def aimed(self) -> Brink | None:
        """Take from a height what pushes add later, and find when it is 0; None: they came before."""
        gained = 2.0 - self.left(self.begin)
        if gained <= 0:
            return None
        one = self._replace(edge=self.edge._replace(level=self.edge.level + math.log(gained)))
        slip = next_slip(one.edge, one.own, one.towards, one.drivers)
        return one if slip is None else one._replace(due=one._root(slip.span + slip.time))

    def _root(self, guess: float) -> float:
        """The zero of `left` near a guess that is right as λ → 0."""
        from scipy.optimize import brentq  # slow to import

        width = NEAR / float(np.min(self.drivers.rates))
        low, high = max(guess - width, self.begin), guess + width
        if self.left(low) > 0 > self.left(high):
            return float(brentq(self.left, low, high, xtol=1e-12 * width))
        return max(guess, self.begin)


def brinks(
    setting: Setting,
    state: State,
    acting: NDArray[np.bool_],
    r: Array,
    carried: Carried,
    outcome: Outcome,
) -> list[Brink]:
    """Find the walls that neurons which do not act, `carried` for ever at residuals `r`, grow along."""
    rest = np.flatnonzero(~acting)
    known = {(edge.neuron, edge.sample): edge for edge in state.edges}
    whole = np.zeros(state.modes.shape, np.bool_)
    for j, k in known:
        whole[j, k] = True
    along = along_walls(setting.rows, r / setting.n_samples, carried, whole[rest])
    along &= (carried.ends == GROWING)[:, None] & ~guarded(setting.rows, along, carried.field.modes)
    if not along.any():
        return []
    drivers, found = _drivers(setting, state, acting, carried, outcome), []
    for i, k in np.argwhere(along):
        modes, w = carried.field.modes[i], carried.neurons.hidden[i]
        own = Line(setting.log_start + outcome.log_growth[i], outcome.rates[i], 0.0)
        sign = carried.neurons.signs[i]
        towards = pushes_across(setting.rows, modes, sign, k, drivers.taken)
        height, edge = abs(w @ setting.rows[k]), known.get((rest[i], k))
        if height > ON_WALL * np.linalg.norm(w) * setting.norms[k]:
            level = setting.log_start + carried.neurons.log_scales[i] + math.log(height)
            edge = Edge(int(rest[i]), int(k), level, 0.0)
        one = edge and Brink(edge, own, towards, drivers, float(carried.elapsed[i])).aimed()
        if one is not None:
            found.append(one)
        elif towards.any():
            state.chosen[rest[i], k] = True
    return found


def _drivers(
    setting: Setting, state: State, acting: NDArray[np.bool_], carried: Carried, outcome: Outcome
) -> Drivers:
    """Neurons that grow, and what they take from r / n."""
    who = np.flatnonzero((carried.ends == GROWING) & (outcome.rates > 0))
    there = carried.field.modes[who], carried.neurons.signs[who], outcome.directions[who]
    taken = taken_by(setting.rows, setting.curvature / setting.n_samples, *there)
    sizes = setting.log_start + outcome.log_growth[who]
    drivers = Drivers(sizes, outcome.rates[who], np.zeros(who.size), taken)
    active = np.flatnonzero(acting)
    return made_up(freeze(setting, state, active) if active.size else None, drivers)


def push_on(setting: Setting, state: State, r: Array, some: list[Brink], time: float) -> None:
    """Move neurons as they were pushed on a plateau that lasted so long, across walls that they reach."""
    there = [one for one in some if one.begin <= time]
    late = time * (1 + TOGETHER)
    reached = {one.edge.neuron: one for one in there if one.due <= late or one.left(time) <= 0}
    left = [one for one in there if one.edge.neuron not in reached]
    for one in left:
        _put(setting, state, one.edge, one.left(time) * math.exp(min(one.log_free(time), MOST)))
    for j, one in reached.items():
        k = one.edge.sample
        _put(setting, state, one.edge, -BEYOND * setting.norms[k])
        _cross(setting, state, r, j, k)
    settle(setting, state, np.unique([one.edge.neuron for one in there]).astype(np.intp))
    state.edges = tuple(one.at(time) for one in left)


def _put(setting: Setting, state: State, edge: Edge, height: float) -> None:
    """Put a neuron at a height, in units of ‖w‖, along the walls that it slides on."""
    j, k = edge.neuron, edge.sample
    free, w = off_held(setting.rows, state.modes[j], setting.rows[k]), state.hidden[j]
    change = height * np.linalg.norm(w) * state.modes[j, k] - w @ setting.rows[k]
    state.hidden[j] += change / (free @ free) * free


def _cross(setting: Setting, state: State, r: Array, j: int, k: int) -> None:
    """Let a neuron leave the wall that it is on to the other side."""
    modes, w = state.modes[j], state.hidden[j]
    near = np.abs(setting.rows @ w) <= 2 * BEYOND * np.linalg.norm(w) * setting.norms
    walls = (near | (modes == 0)) & (setting.norms > 0)
    sides = np.where(
        on_one_wall(setting.rows, modes, k) & near, -modes, np.where(modes == 0, -1, modes)
    )
    pulls = np.sign(state.output[j]) * r / setting.n_samples
    field = wall_rule(setting.rows, pulls[None], walls[None], sides[None].astype(np.int8))
    state.modes[j] = field.modes[0]
    state.count("crossings")
