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
    Edge,
    Line,
    along_walls,
    guarded,
    made_up,
    next_slip,
    on_one_wall,
    pushes,
)
from .pieces import GROWING, Carried
from .walls import wall_rule

TOGETHER = 1e-9  # shares of a time within which neurons cross as one


BEYOND = 2 * ON_WALL  # where a neuron is put that crosses: no more on the wall to rounding
NEAR = 3.0  # growth within which all pushes together find what the largest finds
MOST = 300.0  # logarithms of ratios


class Brink(NamedTuple):
    """A neuron that grows along a wall on a plateau."""

    edge: Edge
    """`level` is the logarithm of what its height would be without pushes."""
    own: Line
    """|a_j|."""
    towards: Array
    """Pushes of the drivers, positive across the wall, in units of |a_j| at a_i² = 1, shape (q,)."""
    drivers: Drivers
    begin: float
    """Time from which on it goes along the wall."""
    due: float
    """When it crosses."""

    def log_free(self, time: float) -> float:
        """Return log(|w·x_k| / ‖w‖) at a time without pushes."""
        return self.edge.level - self.own.exponent - self.own.slope * time

    def height(self, time: float) -> float:
        """Return |w·x_k| / ‖w‖ at a time, negative beyond the wall."""
        return math.exp(min(self.log_free(time), MOST)) - _pushed(
            self.own, self.towards, self.drivers, time
        )


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
    index, before = {int(j): i for i, j in enumerate(rest)}, np.zeros((rest.size, r.size), bool)
    known = {(edge.neuron, edge.sample): edge for edge in state.edges if edge.neuron in index}
    for j, k in known:
        before[index[j], k] = True
    along = along_walls(setting.rows, r / setting.n_samples, carried, before)
    along &= (carried.ends == GROWING)[:, None] & ~guarded(setting.rows, along, carried.field.modes)
    if not along.any():
        return []
    drivers = _drivers(setting, state, acting, carried, outcome)
    found = []
    for i, k in np.argwhere(along):
        own = Line(setting.log_start + outcome.log_growth[i], outcome.rates[i], 0.0)
        modes, w = carried.field.modes[i], carried.neurons.hidden[i]
        push = pushes(setting.rows, modes, k, drivers.taken)
        towards = -int(modes[k] * carried.neurons.signs[i]) * push
        share = abs(w @ setting.rows[k]) / np.linalg.norm(w)
        edge = known.get((int(rest[i]), int(k)))
        if share > ON_WALL * setting.norms[k]:
            size = setting.log_start + carried.neurons.log_scales[i] + math.log(np.linalg.norm(w))
            there = share + _pushed(own, towards, drivers, carried.elapsed[i])
            edge = Edge(
                int(rest[i]), int(k), size + math.log(there) if there > 0 else -math.inf, 0.0
            )
        if edge is not None:
            found.append(_brink(edge, own, towards, drivers, float(carried.elapsed[i])))
        elif towards.any():
            state.chosen[rest[i], k] = True
    return found


def _brink(edge: Edge, own: Line, towards: Array, drivers: Drivers, begin: float) -> Brink:
    """Find when a neuron crosses: as the limit does, then all pushes together."""
    from scipy.optimize import brentq  # slow to import

    one = Brink(edge, own, towards, drivers, begin, math.inf)
    slip = next_slip(edge, own, towards, drivers)
    if slip is None:
        return one

    def left(time: float) -> float:
        """The share of the free height that is left."""
        sizes = 2 * (drivers.exponents + drivers.rates * time) - one.log_free(time)
        sizes = np.exp(np.minimum(sizes, MOST))
        return 1.0 - float(np.sum(towards * sizes / (own.slope + 2 * drivers.rates)))

    due = max(slip.span + slip.time, begin)
    width = NEAR / float(np.min(drivers.rates))
    low, high = max(due - width, begin), due + width
    if left(low) > 0 > left(high):
        due = float(brentq(left, low, high, xtol=1e-12 * width))
    return one._replace(due=due)


def _drivers(
    setting: Setting, state: State, acting: NDArray[np.bool_], carried: Carried, outcome: Outcome
) -> Drivers:
    """Neurons that grow, and what they take from r / n."""
    who = np.flatnonzero((carried.ends == GROWING) & (outcome.rates > 0))
    heights = np.where(carried.field.modes[who] > 0, outcome.directions[who] @ setting.rows.T, 0.0)
    taken = setting.curvature / setting.n_samples * carried.neurons.signs[who][:, None] * heights
    sizes = setting.log_start + outcome.log_growth[who]
    drivers = Drivers(sizes, outcome.rates[who], np.zeros(who.size), taken)
    active = np.flatnonzero(acting)
    return made_up(freeze(setting, state, active) if active.size else None, drivers)


def _pushed(own: Line, towards: Array, drivers: Drivers, time: float) -> float:
    """Return how far a neuron is pushed across by a time, in units of its ‖w‖."""
    sizes = np.exp(2 * np.minimum(drivers.exponents + drivers.rates * time, 0.0))
    return float(np.sum(towards * sizes / (own.slope + 2 * drivers.rates)))


def push_on(setting: Setting, state: State, r: Array, some: list[Brink], time: float) -> None:
    """Move neurons as they were pushed on a plateau that lasted so long, across walls that they reach."""
    crossed: set[int] = set()
    there = [one for one in some if one.begin <= time]
    for one in there:
        j, k = one.edge.neuron, one.edge.sample
        if j in crossed:
            continue
        reached = one.due <= time * (1 + TOGETHER)
        free = setting.rows[k]
        if (state.modes[j] == 0).any():
            held = setting.rows[state.modes[j] == 0]
            free = free - np.linalg.pinv(held) @ (held @ free)
        w = state.hidden[j]
        height = -BEYOND * setting.norms[k] if reached else one.height(time)
        height *= np.linalg.norm(w) * state.modes[j, k]
        state.hidden[j] += (height - w @ setting.rows[k]) / (free @ free) * free
        if reached:
            crossed.add(j)
            _cross(setting, state, r, j, k)
    settle(setting, state, np.array(sorted({one.edge.neuron for one in there}), np.intp))
    state.edges = tuple(one.edge for one in there if one.edge.neuron not in crossed)


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
