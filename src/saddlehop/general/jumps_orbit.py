"""The orbit from one saddle to the next: the flow of active neurons and newcomers, all others aboard.

A state of the flow holds, one row each,

    bodies       neurons of one group, which move as one: (Σ a_j²)^½ and its direction
    passengers   dormant neurons of one direction, at a scale e^−1000: they turn, cross walls and
                 slide as they would, and act on nothing
    twins        the passengers again, pushed aside now and then by more than steps are off

A passenger that nears a repelling wall at a speed v and leaves it at v′ is off by v′ / v times as much after
it. A small D meets many such walls, and 1e-12 becomes 1: then its twin goes another way.

Newcomers start at size ε, which costs an error of ε². The orbit ends where `jumps_rest` finds all
bodies at rest nearby, but for those whose size goes to 0: they fade.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_plateau import forces
from .flow_state import Modes, Setting, State, residuals, weights
from .flow_steps import step
from .jumps_frozen import SIDE_TOL, Frozen, freeze, weights_of
from .jumps_glide import WORTH, Glider, take_along
from .jumps_rest import Rest, residual_at_rest, residue, rest_near

LOG_EPS = float(np.log(1e-7))  # size of newcomers
LOG_ASIDE = -1000.0  # scale of passengers
GLIDE_FROM = 100  # steps before the first is tried
PAUSES = 8, 64  # steps until the next after one in vain, at first and at last
STAYS_COMMON = 0.8  # of the length of steps before, where walls cut the last one short
NEAR = 1e-6  # distance to rest from which it is taken for the end
FAR = 1e-4  # distance from which a rest is not looked for
NEAR_IF_STILL = 1e-5  # where sizes fall like 1/√t, and rounding ends it
FADED = 1e-7
FADING = 1e-3
STILL = 1e-9  # ‖D_j‖ that is 0: a body that small need not go to 0, it may be held
STEPS_PER_CHECKPOINT = 16
ASIDE = 1e-10  # angle by which twins are pushed at each checkpoint, …
PARTED = 1e-3  # … and at which they go another way
NEAR_WALL = 1e-9  # walls nearer than this share of ‖w‖‖x_k‖ are not crossed by that


def aside(setting: Setting, hidden: Array, modes: Modes, rng: np.random.Generator) -> Array:
    """Return w (q, r) turned by `ASIDE` any way, but across no wall."""
    size = np.linalg.norm(hidden, axis=1)[:, None]
    pushes = rng.standard_normal(hidden.shape)
    near = np.abs(hidden @ setting.rows.T) <= NEAR_WALL * size * setting.norms
    for i in np.flatnonzero((near | (modes == 0)).any(axis=1)):
        walls = setting.rows[near[i] | (modes[i] == 0)]
        pushes[i] -= np.linalg.pinv(walls, rcond=NEAR_WALL) @ (walls @ pushes[i])
    return np.asarray(hidden + ASIDE * size * pushes / np.sqrt(hidden.shape[1]))


@dataclass
class Orbit:
    """A flow from near a saddle, and how it ended."""

    setting: Setting
    state: State
    n_bodies: int
    n_twins: int = 0
    """Rows at the end that are twins."""
    n_steps: int = 0
    rest: Rest | None = None
    """Where the bodies rest; None: they do not yet."""
    at_rest: Frozen | None = None
    """The bodies there that do not fade."""
    fading: NDArray[np.bool_] = field(init=False)
    """Bodies whose size goes to 0, shape (n_bodies,)."""
    checkpoints: dict[int, State] = field(default_factory=dict)
    """States before some of the steps: every few, and after each glide."""
    sizes: list[Array] = field(default_factory=list)
    """log |a| of the bodies before each step and at the end, shape (n_bodies,)."""
    course: list[tuple[float, float]] = field(default_factory=list)
    """Time and Σ r_k² / C_k before each step and at the end."""
    glides: dict[int, tuple[float, NDArray[np.intp]]] = field(default_factory=dict)
    """Of the steps that were glides their length, and the bodies that were felt."""
    glider: Glider = field(init=False)
    parted: NDArray[np.bool_] = field(init=False)
    """Twins that went another way than their passengers, shape (n_twins,)."""
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))
    """For twins."""
    common: float = 0.0
    """Length of steps that no wall cuts short."""
    known: tuple[object, Array] | None = None
    """r_∞ of the bodies, and of which patterns."""
    before: Array = field(init=False)
    """Weights of the bodies before the last step, shape (n_bodies, 1 + r)."""
    lag: Array = field(init=False)
    """Weights of the bodies just before the rest less those at rest, shape (n_bodies, 1 + r)."""
    growth: Array = field(init=False)
    """By how much log |a| grew beyond what `state.scale` says, one for each row."""

    def __post_init__(self) -> None:
        self.glider = Glider(self.setting, self.state.output.size - self.n_twins)
        self.fading = np.zeros(self.n_bodies, bool)
        self.parted = np.zeros(self.n_twins, bool)
        self.growth = np.zeros(self.state.scale.size)
        self.before = self._weights()
        self.lag = np.zeros((self.n_bodies, 1 + self.state.hidden.shape[1]))

    def run(self, most: int) -> None:
        """Follow the flow to its rest, for at most so many steps."""
        next_try, next_glide, pause = 8, GLIDE_FROM, PAUSES[0]
        while self.n_steps < most and self.rest is None:
            if self.n_steps % STEPS_PER_CHECKPOINT == 0 or self.n_steps - 1 in self.glides:
                self.checkpoints[self.n_steps] = self.state.copy()
            if self.n_steps % STEPS_PER_CHECKPOINT == 0:
                self._push_twins()
            self._record()
            self.before = self._weights()
            tries = self.n_steps >= next_glide and self._is_clear()
            if tries and self._glide():
                next_glide, pause = self.n_steps + 1, PAUSES[0]
                next_try = 0 if self._moved() <= FAR else next_try
            else:
                if tries:
                    pause = min(2 * pause, PAUSES[1])
                    next_glide = self.n_steps + pause
                self.state.last = step(self.setting, self.state, np.inf)
                self.common = max(self.state.last, STAYS_COMMON * self.common)
            self._keep_aside()
            self.n_steps += 1
            if self.n_steps >= next_try and self._is_quiet():
                next_try = self.n_steps + max(4, self.n_steps // 32)
                self._try_to_rest()
        self._record()

    def _push_twins(self) -> None:
        """Look which twins have parted from their passengers, and push all of them."""
        begin, hidden = self.state.output.size - self.n_twins, self.state.hidden
        size = np.linalg.norm(hidden, axis=1, keepdims=True)
        units = hidden / np.where(size > 0, size, 1.0)
        gaps = np.linalg.norm(units[begin:] - units[begin - self.n_twins : begin], axis=1)
        self.parted |= gaps > PARTED
        hidden[begin:] = aside(self.setting, hidden[begin:], self.state.modes[begin:], self.rng)

    def _moved(self) -> float:
        """How far the bodies have moved in the last step."""
        return float(np.linalg.norm(self._weights() - self.before))

    def _is_clear(self) -> bool:
        """Whether there are bodies and they meet no wall soon if they go on as now."""
        bodies = np.flatnonzero(self._felt())
        if bodies.size == 0:
            return False
        frozen = freeze(self.setting, self.state, bodies)
        rows, modes, w = self.setting.rows, frozen.modes, frozen.start[:, 1:]
        heights = w @ rows.T * modes
        falls = -frozen.slopes(frozen.start)[:, 1:] @ rows.T * modes
        along = SIDE_TOL * np.outer(np.linalg.norm(w, axis=1), self.setting.norms)
        return not ((heights > along) & (heights < WORTH * self.common * falls)).any()

    def _record(self) -> None:
        r = residuals(self.setting, self.state)
        self.sizes.append(self._log_sizes(self.state))
        self.course.append((self.state.time, float(np.sum(r * r / self.setting.curvature))))

    def span(self) -> tuple[float, float]:
        """Return when 1% and 99% of the loss that the orbit takes are gone, to within a step."""
        times, losses = np.array(self.course).T
        fall = losses[0] - losses[-1]
        if not fall > 0:
            return float(times[0]), float(times[-1])
        gone = np.maximum.accumulate((losses[0] - losses) / fall)
        begin, end = np.interp((0.01, 0.99), gone, times)
        return float(begin), float(end)

    def _weights(self) -> Array:
        return weights_of(self.state, np.arange(self.n_bodies))

    def _glide(self) -> bool:
        """Try a long step, bodies too small to be felt aboard."""
        felt, before = self._felt(), self.state.copy()
        bodies = np.flatnonzero(felt)
        length = self.glider.glide(self.state, bodies, self.common)
        if (self._felt() & ~felt).any():
            self.state, length, self.glider.reach = before, 0.0, 0.0
        if length > 0:
            self.glides[self.n_steps] = length, bodies
        return length > 0

    def _felt(self) -> NDArray[np.bool_]:
        """Which bodies are large enough to be felt."""
        return np.asarray(np.exp(self._log_sizes(self.state)) > FADED)

    def _keep_aside(self) -> None:
        """Take passengers that grew for long back to where they act on nothing."""
        near = np.flatnonzero(self.state.scale > LOG_ASIDE / 2)
        near = near[near >= self.n_bodies]
        if near.size:
            self.growth[near] += self.state.scale[near] - LOG_ASIDE
            self.state.scale[near] = LOG_ASIDE
            self.setting.imbalance[near] = 0.0

    def _log_sizes(self, state: State) -> Array:
        bodies = slice(self.n_bodies)
        with np.errstate(divide="ignore"):
            return np.asarray(state.scale[bodies] + np.log(np.abs(state.output[bodies])))

    def _is_quiet(self) -> bool:
        """Whether the weights move too slowly to be farther than NEAR from rest by their speed alone."""
        bodies = np.arange(self.n_bodies)
        scale = weights(self.state)[bodies]
        force = self._body_forces()
        speed = np.sqrt(scale) * np.linalg.norm(force, axis=1)
        speed[self._fade(force)] = 0.0
        return bool(np.max(speed) <= NEAR * max(1.0, float(np.sum(scale))))

    def _body_forces(self) -> Array:
        r = residuals(self.setting, self.state)
        return forces(self.setting, self.state, r)[: self.n_bodies]

    def _fade(self, force: Array) -> NDArray[np.bool_]:
        """Which bodies are small and shrink along their own direction, by more than rounding.

        Under the opposite of `force`: which of them grow.
        """
        bodies, speed = slice(self.n_bodies), np.linalg.norm(force, axis=1)
        small = np.exp(self._log_sizes(self.state)) < FADING
        growth = np.sum(force * self.state.hidden[bodies], axis=1) * np.sign(
            self.state.output[bodies]
        )
        return np.asarray(small & (speed > STILL) & (growth < -0.5 * speed))

    def _try_to_rest(self) -> None:
        force = self._body_forces()
        fading = self._fade(force)
        if (fading & self._felt()).any() or self._fade(-force).any():
            return
        bodies = np.flatnonzero(~fading)
        still = (np.linalg.norm(force[bodies], axis=1) <= STILL).all()
        rest = rest_near(self.setting, self.state, bodies, self._goal(bodies), FAR)
        if rest.distance <= (NEAR_IF_STILL if still else NEAR):
            self.rest, self.fading = rest, fading
            self._come_to_rest(rest)
            self._keep_aside()
            self.at_rest = freeze(self.setting, self.state, bodies)
            self.lag[bodies] = residue(self.at_rest, self.before[bodies])

    def _goal(self, bodies: NDArray[np.intp]) -> Array:
        """r_∞, which depends on the patterns alone."""
        key = (bodies.tobytes(), self.state.modes[bodies].tobytes())
        if self.known is None or self.known[0] != key:
            self.known = key, residual_at_rest(self.setting, self.state, bodies)
        return self.known[1]

    def _come_to_rest(self, rest: Rest) -> None:
        """Go to the rest; what is left of r − r_∞ on the way turns passengers a little."""
        left = np.linalg.norm(residuals(self.setting, self.state) - rest.residual)
        n, impulse = self.setting.n_samples, rest.impulse
        self.state = rest.state
        if left > 0 and impulse.any():
            time = n * float(np.linalg.norm(impulse) / left)
            pulls = rest.residual / n + impulse / time
            take_along(self.setting, self.state, np.flatnonzero(~self.fading), pulls, time)
            self.state.wait(time)

    def half_time(self, newcomers: NDArray[np.intp]) -> float:
        """Return when the first of the newcomers passes half of the a² it reaches; nan if it fades."""
        goals = self._log_sizes(self.state) - 0.5 * np.log(2.0)
        times = [self._crossing(int(i), goals[i]) for i in newcomers if not self.fading[i]]
        return min(times, default=float("nan"))

    def _crossing(self, i: int, goal: float) -> float:
        from scipy.optimize import brentq  # slow to import

        above = np.flatnonzero(np.array([s[i] for s in self.sizes]) >= goal)
        place = max(int(above[0]) - 1, 0)
        before = max(known for known in self.checkpoints if known <= place)
        state = self.checkpoints[before].copy()
        for _ in range(before, place):
            step(self.setting, state, np.inf)

        def forward(state: State, room: float) -> float:
            if place in self.glides:
                length, bodies = self.glides[place]
                self.glider.again(state, bodies, min(room, length))
                return min(room, length)
            return step(self.setting, state, room)

        def excess(room: float) -> float:
            cut = state.copy()
            if room > 0:
                forward(cut, room)
            return float(self._log_sizes(cut)[i] - goal)

        length = forward(state.copy(), np.inf)
        return state.time + float(brentq(excess, 0.0, length, xtol=1e-13 * (1 + state.time)))
