"""Long steps of an orbit while the patterns of its bodies last: what creeps, in steps as long as it is slow.

Within patterns the weights y of the bodies follow a polynomial, stiff near rest. A step h is a collocation at
Radau's points c_1 … c_s = 1,

    y(c_i h) = y₀ + h Σ_l A_il f(y(c_l h)),    f = (w·D, a D),  D = (1/n) P Σ_k mask_k r_k x_k

which damps what is fast and costs nothing for it. Newton's method runs in the eigenvectors of ∂f/∂y at y₀,
symmetric as f is a gradient. The last coefficient of y(t) in Legendre's polynomials is about its error on
the way; passengers go under the r(t) that it makes. A glide ends just before a wall, and common steps cross.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_follow import ride
from .flow_plateau import _as_neurons, _take_over
from .flow_state import Setting, State
from .jumps_frozen import Frozen, freeze, thaw
from .pieces import carry
from .radau import radau

STAGES = 9
WORTH = 20.0  # a glide must be worth so many steps
SMOOTH = 1e-12  # last coefficient, relative to each body: passengers need r(t) all along
TWIN_TOL = 1e-10
ROUNDS = 12  # of Newton's method
CONVERGED = 1e-14
SHORTER = 0.25  # where Newton's method fails
SAFE, MOST_GROWTH = 0.7, 3.0
BEFORE_WALL = 0.3  # common steps before a wall at which a glide ends,
PRECISION = 0.1  # to within so many
LONGEST = 1e15
TRIES = 8


class Glide(NamedTuple):
    """A step within patterns."""

    length: float
    stages: Array
    """y(c_i h) − y₀, shape (s, q, 1 + r)."""
    roughness: float
    """Last coefficient over `SMOOTH`."""


@dataclass
class Glider:
    """Glides along one orbit, and what is known from one to the next."""

    setting: Setting
    twins: int
    """First row that is a twin, for which `TWIN_TOL` will do."""
    reach: float = 0.0
    """What the next may try."""
    known: tuple[Frozen, bytes, Array, Array] | None = None
    """A place, its patterns, and rates and eigenvectors there."""

    def glide(self, state: State, who: NDArray[np.intp], common: float) -> float:
        """Take a step with neurons `who`, the others aboard; it ends just before a wall if one comes.

        Returns its length, 0 if none lasts within the patterns that is worth many of the `common` steps.
        """
        frozen = freeze(self.setting, state, who)
        least, reach, guess = WORTH * common, 0.0, None
        length = min(max(self.reach, least), LONGEST)
        for _ in range(TRIES):
            if length < least:
                break
            step = self._solve(frozen, who, length, guess)
            guess = None
            if not step.roughness <= 1.0:
                length *= max(_factor(step.roughness), SHORTER)
                continue
            reach = max(reach, length * _factor(step.roughness))
            part = _lasting(frozen, step, PRECISION * common)
            if part == 1.0:
                self._go(state, who, frozen, step)
                self.reach = reach
                return length
            part -= BEFORE_WALL * common / length
            guess = np.array([_between(step, part * c) for c in radau(STAGES).points])
            length *= part
        self.reach = max(reach, length)
        return 0.0

    def again(self, state: State, who: NDArray[np.intp], length: float) -> None:
        """Take a step of that length, no longer than one that was taken from here."""
        frozen = freeze(self.setting, state, who)
        self._go(state, who, frozen, _collocate(frozen, *frozen.eigenvectors(), length, None))

    def _go(self, state: State, who: NDArray[np.intp], frozen: Frozen, step: Glide) -> None:
        """Move bodies to the end of a step, and all others under the r(t) that they make."""
        start = frozen.residuals(frozen.start[None])[0]
        now = frozen.residuals(frozen.start + step.stages)
        powers = step.length ** -np.arange(1.0, STAGES + 1)[:, None]
        path = np.vstack([start, powers * (radau(STAGES).powers @ (now - start))])
        others, twins = np.ones((2, state.output.size), bool)
        others[who] = others[self.twins :] = twins[: self.twins] = False
        ride(self.setting, state, others, path, now, step.length)
        ride(self.loose, state, twins, path, now, step.length)
        thaw(self.setting, state, who, frozen.start + step.stages[-1])
        _back_to_walls(self.setting, state, who)
        state.wait(step.length)

    @cached_property
    def loose(self) -> Setting:
        """The setting for twins."""
        return replace(self.setting, tol=TWIN_TOL)

    def _solve(
        self, frozen: Frozen, who: NDArray[np.intp], length: float, guess: Array | None
    ) -> Glide:
        """Solve for the stages, with eigenvectors from earlier in these patterns if they do."""
        key = who.tobytes() + frozen.modes.tobytes()
        if self.known is not None and self.known[1] == key:
            step = _collocate(frozen, *self.known[2:], length, guess)
            if step.roughness < np.inf or self.known[0] is frozen:
                return step
        self.known = (frozen, key, *frozen.eigenvectors())
        return _collocate(frozen, *self.known[2:], length, guess)


def _factor(roughness: float) -> float:
    """By how much longer a step may be than one of that roughness."""
    return float(SAFE * min(MOST_GROWTH / SAFE, (roughness + 1e-300) ** (-1.0 / STAGES)))


def _lasting(frozen: Frozen, step: Glide, tol: float) -> float:
    """Return the part of a step that lasts within the patterns, to within a time `tol`."""
    from scipy.optimize import brentq  # slow to import

    def slack(part: float) -> float:
        return frozen.slack(frozen.start + _between(step, part))

    before, slack_before = 0.0, frozen.slack(frozen.start)
    for point, stage in zip(radau(STAGES).points.tolist(), step.stages, strict=True):
        slack_there = frozen.slack(frozen.start + stage)
        if slack_there < 0 and not slack_before > 0:
            return float(before)
        if slack_there < 0:
            return float(brentq(slack, before, point, xtol=tol / step.length))
        before, slack_before = point, slack_there
    return 1.0


def _between(step: Glide, part: float) -> Array:
    """y − y₀ at a part of a step."""
    amounts = part ** np.arange(1, STAGES + 1) @ radau(STAGES).powers
    return np.asarray(np.tensordot(amounts, step.stages, 1))


def _collocate(
    frozen: Frozen, rates: Array, modes: Array, length: float, guess: Array | None
) -> Glide:
    """Solve for the stages; roughness inf where Newton's method does not converge."""
    matrix = radau(STAGES).integrals
    inverses = np.linalg.inv(np.eye(STAGES) - length * rates[:, None, None] * matrix)
    size = np.linalg.norm(frozen.start, axis=1)
    stages = np.zeros((STAGES, *frozen.start.shape)) if guess is None else guess
    last = np.inf
    for _ in range(ROUNDS):
        gap = length * np.tensordot(matrix, frozen.slopes(frozen.start + stages), 1) - stages
        parts = (gap.reshape(STAGES, -1) @ modes).T
        amounts = np.matmul(inverses, parts[:, :, None])[:, :, 0]
        change = gap + (modes @ (amounts - parts)).T.reshape(stages.shape)
        stages += change
        error = float(np.max(np.linalg.norm(change, axis=2) / size))
        if error <= CONVERGED or (last < 1e3 * CONVERGED and error > 0.5 * last):
            rough = np.linalg.norm(np.tensordot(radau(STAGES).last, stages, 1), axis=1) / size
            return Glide(length, stages, float(np.max(rough)) / SMOOTH)
        if not error <= 0.5 * last:
            break
        last = error
    return Glide(length, stages, np.inf)


def _back_to_walls(setting: Setting, state: State, who: NDArray[np.intp]) -> None:
    """Take back what a body at rest on a wall drifted across it by rounding, or steps would end there."""
    beyond = state.hidden[who] @ setting.rows.T * state.modes[who] < 0
    for i, k in np.argwhere(beyond):
        row = setting.rows[k]
        state.hidden[who[i]] -= row * (state.hidden[who[i]] @ row) / (row @ row)


def take_along(
    setting: Setting, state: State, who: NDArray[np.intp], pulls: Array, length: float
) -> None:
    """Carry all but neurons `who` for a time under pulls r_k / n."""
    others = np.setdiff1d(np.arange(state.output.size), who)
    carried = carry(setting.rows, pulls, _as_neurons(setting, state, others), length)
    _take_over(setting, state, others, carried, pulls * setting.n_samples)
