"""Dormant neurons on plateaus: sizes λ^(−e_j) e^{κ_j}, directions that follow the residuals at once.

At each saddle `pieces` carries every dormant neuron for ever, which gives its state and rate ρ_j; then

    e_j += ρ_j Δ over the clock,    κ_j += ρ_j δ over the time δ that is O(1) as λ → 0

c_j = a_j² − ‖w_j‖² counts nothing beside a_j² once e_j > −1. A neuron that decays back to e_j = −1 meets it
there again: if c_j > 0 it stalls, if c_j < 0 it goes on with the other sign. A neuron that grows along a wall
may slip across it (`jumps_slips`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .alignment import outcome_of
from .flow_state import ON_WALL
from .jumps_slips import (
    Drivers,
    Line,
    Slip,
    along_walls,
    guarded,
    next_slip,
    on_one_wall,
    pushes_across,
    taken_by,
)
from .pieces import DEAD, DECAYING, GROWING, MOVING, STALLED, Carried, Neurons, carry, take
from .walls import Edge, Flags

ACTIVE = MOVING  # in `ends`: not dormant
ASLEEP = ACTIVE + 1  # in `ends`: dormant, its state not known yet
ALIKE = 1e-9  # directions closer than this are one
REENTRY = 1e3  # sizes, in units of |c|^½, at which a neuron meets its c again


@dataclass
class Dormant:
    """All neurons; what is said of those that are active means nothing."""

    rows: Array
    neurons: Neurons
    """Signs, directions and κ (`log_scales`), as `pieces` has them; m of them."""
    imbalance: Array
    """c_j at unit scale, shape (m,); `neurons.excess` is it only while it counts."""
    exponents: Array
    """e_j, shape (m,)."""
    rates: Array
    """ρ_j, shape (m,)."""
    ends: NDArray[np.int8]
    """GROWING, DECAYING, RESTING, DEAD, STALLED, or ACTIVE, shape (m,)."""
    modes: NDArray[np.int8]
    """Shape (m, n)."""
    shares: Array
    """θ_jk, shape (m, n)."""
    chosen: Flags
    """Walls on which the side a neuron came from decided, shape (m, n)."""
    along: Flags
    """Walls along which a neuron grows without touching them, shape (m, n)."""
    levels: Array
    """E in |w·x_k| = λ^(−E) e^h there, shape (m, n)."""
    log_heights: Array
    """h there, shape (m, n)."""
    sensitive: Flags
    """Neurons that rounding may have turned another way on an orbit, shape (m,)."""
    edges: list[Edge]
    """Those of them that it may come to cross."""
    wake: bool
    """Whether neurons at rest on a wall, no sample active, count as come from its active side."""

    @classmethod
    def of(cls, rows: Array, neurons: Neurons, wake: bool) -> Dormant:
        """Put all neurons at e = −1."""
        m, n = neurons.walls.shape
        return cls(
            rows,
            neurons,
            neurons.excess.copy(),
            np.full(m, -1.0),
            np.zeros(m),
            np.zeros(m, np.int8),
            neurons.sides.copy(),
            np.zeros((m, n)),
            np.zeros((m, n), bool),
            np.zeros((m, n), bool),
            np.zeros((m, n)),
            np.zeros((m, n)),
            np.zeros(m, bool),
            [],
            wake,
        )

    def align(self, pulls: Array) -> None:
        """Let all dormant neurons follow pulls r_k / n (n,) for ever."""
        self._realign(np.flatnonzero(self.ends != ACTIVE), pulls)
        self.rates[self.ends == ACTIVE] = 0

    def _realign(self, who: NDArray[np.intp], pulls: Array) -> None:
        who = who[self.ends[who] != STALLED]
        if self.wake:
            resting = who[(self.modes[who] < 0).all(axis=1)]
            self.neurons.sides[resting] = np.where(self.neurons.walls[resting], 1, -1)
        carried = carry(self.rows, pulls, take(self.neurons, who))
        outcome, lines = outcome_of(carried), np.isin(carried.ends, (GROWING, DECAYING))
        self._put(who, _on_rays(carried, outcome.directions, outcome.log_growth, lines))
        self.rates[who], self.ends[who] = outcome.rates, carried.ends
        self.modes[who], self.shares[who] = carried.field.modes, carried.field.shares
        self.chosen[who] |= carried.chosen & ~self._note_edges(who, pulls, carried)

    def _note_edges(self, who: NDArray[np.intp], pulls: Array, carried: Carried) -> Flags:
        """Find walls that neurons go along, and may cross; return which of them they did before."""
        end, before = carried.neurons, self.along[who]
        along = along_walls(self.rows, pulls, carried, before)
        with np.errstate(divide="ignore"):
            heights = np.log(np.abs(end.hidden @ self.rows.T)) + end.log_scales[:, None]
        fresh, levels = along & ~before, self.exponents[who, None]
        self.along[who] = along
        self.levels[who] = np.where(fresh, levels, self.levels[who])
        self.log_heights[who] = np.where(fresh, heights, self.log_heights[who])
        free = along & ~guarded(self.rows, along, carried.field.modes)
        self.edges = [edge for edge in self.edges if edge.neuron not in who]
        for j, k in zip(who[np.nonzero(free)[0]], np.nonzero(free)[1], strict=True):
            height = float(self.log_heights[j, k])
            self.edges.append(Edge(int(j), int(k), float(self.levels[j, k]), height))
        return before & along

    def drivers(self, share: Array, log_weight: float) -> Drivers:
        """Neurons that grow, and what they take from r_k / n: `share` (n,) of their outputs."""
        who = np.flatnonzero((self.ends == GROWING) & (self.rates > 0))
        neurons = self.neurons
        there = self.modes[who], neurons.signs[who], neurons.hidden[who]
        taken = taken_by(self.rows, share, *there)
        sizes = neurons.log_scales[who] - log_weight
        return Drivers(self.exponents[who], self.rates[who], sizes, taken)

    def next_slips(self, drivers: Drivers) -> list[Slip]:
        """When neurons cross walls that they grow along."""
        dormant = [edge for edge in self.edges if self.ends[edge.neuron] != ACTIVE]
        found = [self._slip(edge, drivers) for edge in dormant]
        return [slip for slip in found if slip is not None]

    def _slip(self, edge: Edge, drivers: Drivers) -> Slip | None:
        j, k = edge.neuron, edge.sample
        own = Line(
            *(float(part[j]) for part in (self.exponents, self.rates, self.neurons.log_scales))
        )
        sign = self.neurons.signs[j]
        towards = pushes_across(self.rows, self.modes[j], sign, k, drivers.taken)
        return next_slip(edge, own, towards, drivers)

    def slip(self, slips: list[Slip], pulls: Array) -> None:
        """Let neurons cross, now, those of their walls that they reach first."""
        first = {s.edge.neuron: s for s in sorted(slips, key=lambda s: -s.time)}
        for j, slip in first.items():
            neurons, modes, chosen = self.neurons, self.modes[j], self.chosen[j].copy()
            heights = np.abs(self.rows @ neurons.hidden[j])
            near = heights <= ON_WALL * np.linalg.norm(self.rows, axis=1)
            crossed = on_one_wall(self.rows, modes, slip.edge.sample)
            neurons.walls[j] |= near
            self.along[j] = False
            neurons.sides[j, near] = np.where(crossed, -modes, modes)[near]
            neurons.log_scales[j] += self.rates[j] * slip.time
            self._realign(np.array([j]), pulls)
            self.chosen[j, near] = chosen[near]
            neurons.log_scales[j] -= self.rates[j] * slip.time

    def _put(self, who: NDArray[np.intp], some: Neurons) -> None:
        for name, values in vars(some).items():
            getattr(self.neurons, name)[who] = values

    def arrivals(self) -> Array:
        """Return how far on the clock each neuron is from e = 0, shape (m,); inf: it does not grow."""
        growing = (self.ends == GROWING) & (self.rates > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(growing, np.maximum(-self.exponents, 0) / self.rates, np.inf)

    def returns(self) -> Array:
        """Return how far on the clock each neuron is from meeting its c again, shape (m,)."""
        falling = (self.ends == DECAYING) & (self.imbalance != 0) & (self.exponents > -1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(falling, (self.exponents + 1) / -self.rates, np.inf)

    def wait(self, span: float) -> None:
        """Let `span` pass on the clock."""
        self.exponents += self.rates * span
        if span > 0:
            self.neurons.excess[self.rates != 0] = 0

    def shift(self, time: float) -> None:
        """Let a time pass that is O(1) as λ → 0."""
        self.neurons.log_scales[:] += self.rates * time

    def meet_imbalance(self, who: NDArray[np.intp], pulls: Array) -> None:
        """Let neurons that decayed to e = −1 go on with their c."""
        self.exponents[who] = -1.0
        kept, some = self.imbalance[who], take(self.neurons, who)
        size = REENTRY * np.sqrt(np.abs(kept))
        entry = replace(
            some,
            excess=kept,
            output=size * np.sqrt(1 + np.sign(kept) / REENTRY**2),
            hidden=size[:, None] * some.hidden,
            log_scales=np.zeros(who.size),
        )
        elapsed = (some.log_scales - np.log(size)) / -self.rates[who]
        self._put(who, entry)
        self._realign(who, pulls)
        self.neurons.log_scales[who] -= self.rates[who] * elapsed

    def bundles(self, who: NDArray[np.intp]) -> list[NDArray[np.intp]]:
        """Gather neurons that move as one: growing in one direction, with one sign, in one pattern."""
        found: dict[bytes, list[int]] = {}
        for j in who:
            alone = np.int64(j) if self.ends[j] != GROWING else np.int64(-1)
            key = alone.tobytes() + self.neurons.signs[j].tobytes() + self.modes[j].tobytes()
            found.setdefault(key, []).append(int(j))
        return [np.array(members) for members in found.values()]

    def count_directions(self, some: list[int]) -> int:
        """Count the directions of neurons, each with its sign."""
        found: list[Array] = []
        for j in some:
            line = np.append(self.neurons.hidden[j], self.neurons.signs[j])
            if all(np.linalg.norm(line - other) > ALIKE for other in found):
                found.append(line)
        return len(found)

    def needed(self, log_size: float) -> float:
        """Return the log(1/λ) at which all dormant neurons are below a size, now that e < 0 for them."""
        there = (self.ends != ACTIVE) & (self.exponents < 0)
        above = self.neurons.log_scales[there] - log_size
        return float(np.max(above / -self.exponents[there], initial=0.0))

    def is_inert(self) -> Flags:
        """Which neurons nothing can move: stalled, or off all samples and walls, shape (m,)."""
        off = (self.modes < 0).all(axis=1) & ~self.neurons.walls.any(axis=1)
        return np.asarray((self.ends == STALLED) | ((self.ends == DEAD) & off))


def _on_rays(carried: Carried, directions: Array, log_growth: Array, lines: Flags) -> Neurons:
    """Put neurons that grow or decay for ever on their rays, at size e^κ."""
    end = carried.neurons
    some = lines[:, None]
    return replace(
        end,
        log_scales=np.where(lines, log_growth, end.log_scales),
        output=np.where(lines, 1.0, end.output),
        hidden=np.where(some, directions, end.hidden),
        walls=np.where(some, carried.field.kept, end.walls),
    )
