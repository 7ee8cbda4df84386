"""Where the jump process stands, and how it waits at a saddle and goes to the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..model.general_problem import GeneralProblem
from ..model.initialization import Initialization
from .flow_state import ON_WALL, Setting, is_fitted, residuals
from .flow_trajectory import Units, begin
from .jumps_aboard import Body, board, leave, log_size, newcomer
from .jumps_dormant import Dormant
from .jumps_frozen import Frozen
from .jumps_orbit import LOG_EPS, Orbit
from .jumps_slips import Slip, guarded, made_up
from .pieces import place

SLOW = 1e-9  # rates below this share of the largest at the start count as 0


class Saddle(NamedTuple):
    """A saddle, in units of the flow."""

    residual: Array
    bodies: tuple[Body, ...]
    exponents: Array
    rates: Array
    ends: NDArray[np.int8]
    signs: NDArray[np.int8]
    modes: NDArray[np.int8]
    sizes: Array
    """κ_j at the time `offset`."""
    offset: float
    stationarity: float


class Jump(NamedTuple):
    """A jump, in units of the flow."""

    clock: float
    neurons: tuple[int, ...]
    n_directions: int
    margin: float
    correction: float
    span: tuple[float, float]
    """When 1% and 99% of the loss of the jump are gone, like `correction`."""
    needed: float
    """log(1/λ) from which on the saddle after the jump is seen."""
    n_steps: int
    distance: float


@dataclass
class Process:
    """Where the process stands and where it was, in units of the flow."""

    setting: Setting
    units: Units
    dormant: Dormant
    residual: Array
    bodies: list[Body] = field(default_factory=list)
    clock: float = 0.0
    offset: float = 0.0
    """δ of the time to which the κ_j refer."""
    saddles: list[Saddle] = field(default_factory=list)
    jumps: list[Jump] = field(default_factory=list)
    status: str = "done"
    n_slow: int = 0
    """How often a rate was too small to be told from 0."""
    n_slips: int = 0
    """How often a neuron crossed a wall that it grew along."""
    is_loose: bool = False
    """Whether several did so at once, which leaves δ open from there on."""
    n_open: int = 0
    """How often an active neuron rested along a wall that others might have pushed it across."""
    at_rest: Frozen | None = None
    """The active neurons, where they rest."""

    @property
    def pulls(self) -> Array:
        """r_k / n, 0 where the residual counts as 0."""
        zero = is_fitted(self.setting, self.residual)
        return np.where(zero, 0.0, self.residual) / self.setting.n_samples

    def arrive(self) -> None:
        """Align the dormant neurons at a saddle and write it down."""
        dormant = self.dormant
        dormant.align(self.pulls)
        first = self.saddles[0].rates if self.saddles else dormant.rates
        slow = (dormant.rates != 0) & (np.abs(dormant.rates) <= SLOW * np.max(np.abs(first)))
        dormant.rates[slow] = 0
        self.n_slow += int(slow.any())
        for body in self.bodies:
            dormant.modes[body.members] = body.modes
        self.saddles.append(
            Saddle(
                self.residual,
                tuple(self.bodies),
                dormant.exponents.copy(),
                dormant.rates.copy(),
                dormant.ends.copy(),
                dormant.neurons.signs.copy(),
                dormant.modes.copy(),
                dormant.neurons.log_scales - self.units.log_weight,
                self.offset,
                max((self._force(body) for body in self.bodies), default=0.0),
            )
        )

    def _may_slip(self, body: Body) -> bool:
        """Whether a wall that would repel it is as near as can be, and what the body feels may change."""
        rows, size = self.setting.rows, np.linalg.norm(body.hidden)
        near = np.abs(rows @ body.hidden) <= ON_WALL * size * self.setting.norms
        pairs = near & (body.modes != 0) & (np.sign(body.output) * self.pulls > 0)
        return bool((pairs & ~guarded(rows, pairs[None], body.modes[None])[0]).any())

    def _force(self, body: Body) -> float:
        """‖D_j‖ of active neurons."""
        setting = self.setting
        return float(
            np.linalg.norm((body.theta * self.residual) @ setting.rows) / setting.n_samples
        )

    def wait(self, tie_tol: float) -> bool:
        """Let the clock go on until an arrival is next; return whether one comes."""
        while True:
            arrivals, returns, slips = (
                self.dormant.arrivals(),
                self.dormant.returns(),
                self._slips(),
            )
            span = min(float(returns.min()), *(slip.span for slip in slips), np.inf)
            if np.isinf(arrivals.min()) and np.isinf(span):
                return False
            if arrivals.min() <= span:
                return True
            late = span + tie_tol * (self.clock + span)
            self._go(span)
            self.dormant.meet_imbalance(np.flatnonzero(returns <= late), self.pulls)
            self._slip([slip for slip in slips if slip.span <= late])

    def _slips(self) -> list[Slip]:
        if not self.dormant.edges:
            return []
        setting = self.setting
        taken = setting.curvature / setting.n_samples
        drivers = self.dormant.drivers(taken, self.units.log_weight)
        return self.dormant.next_slips(made_up(self.at_rest, drivers))

    def _slip(self, slips: list[Slip]) -> None:
        self.n_slips += len(slips)
        self.is_loose |= len({slip.edge.neuron for slip in slips}) > 1
        self.dormant.slip(slips, self.pulls)

    def _go(self, span: float) -> None:
        self.dormant.wait(span)
        self.clock += span

    def jump(self, tie_tol: float, most_steps: int) -> None:
        """Let the next neurons arrive and follow them to the next saddle."""
        self.n_open += sum(self._may_slip(body) for body in self.bodies)
        arrivals = self.dormant.arrivals()
        span = float(arrivals.min())
        tied = arrivals <= span + tie_tol * (self.clock + span)
        self._go(span)
        self.dormant.exponents[tied] = 0.0
        groups = self.dormant.bundles(np.flatnonzero(tied))
        n_directions = self.dormant.count_directions([members[0] for members in groups])
        margin = 0.0 if n_directions > 1 else arrivals[~tied].min(initial=np.inf) - span
        orbit, correction = self._follow(groups, most_steps)
        begin, end = orbit.span()
        origin = self.offset - orbit.state.time
        needed = self.dormant.needed(LOG_EPS + self.units.log_weight)
        self.jumps.append(
            Jump(
                self.clock,
                tuple(np.flatnonzero(tied).tolist()),
                n_directions,
                float(margin),
                correction,
                (origin + begin, origin + end),
                np.inf if orbit.rest is None else needed,
                orbit.n_steps,
                np.inf if orbit.rest is None else orbit.rest.distance,
            )
        )

    def _follow(self, groups: list[NDArray[np.intp]], most_steps: int) -> tuple[Orbit, float]:
        """Go along the orbit of new groups; return it and the δ at which it is half done."""
        self._start_clock(groups)
        log_weight = self.units.log_weight
        new = [newcomer(self.dormant, members, log_weight) for members in groups]
        orbit, aboard = board(self.setting, self.dormant, self.bodies + new)
        orbit.run(most_steps)
        if orbit.rest is None:
            self.status = "not_at_rest"
            self.residual, correction = residuals(orbit.setting, orbit.state), np.nan
        else:
            self.residual = orbit.rest.residual
            half = orbit.half_time(np.arange(len(self.bodies), orbit.n_bodies))
            correction = np.nan if self.is_loose else self.offset + half
        self.at_rest = orbit.at_rest
        self.bodies = leave(self.dormant, aboard, orbit, self.residual, log_weight)
        self.offset += orbit.state.time
        return orbit, correction

    def _start_clock(self, groups: list[NDArray[np.intp]]) -> None:
        """Go to where the first of the groups has size ε."""
        sizes = [log_size(self.dormant, members, self.units.log_weight) for members in groups]
        rates = [self.dormant.rates[members[0]] for members in groups]
        time = min((LOG_EPS - size) / rate for size, rate in zip(sizes, rates, strict=True))
        self.dormant.shift(time)
        self.offset += time


def begin_process(problem: GeneralProblem, init: Initialization, wake: bool) -> Process:
    """Return the process at the start."""
    trajectory = begin(problem, init, -1e4, np.inf, 1e-8)
    setting = trajectory.setting
    pulls = setting.labels / setting.n_samples
    neurons = place(setting.rows, pulls, init.output, init.hidden, init.off_span)
    dormant = Dormant.of(setting.rows, neurons, wake)
    return Process(setting, trajectory.units, dormant, setting.labels)
