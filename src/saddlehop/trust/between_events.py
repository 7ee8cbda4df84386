"""Neurons on any rows by SciPy's integrators, from event to event: slow, plain, and apart from `general`.

With w_j = e^{σ_j} v_j, ‖v_j‖ = 1 and p_j = a_j / ‖w_j‖, which is ±1 for ever where neuron j is balanced,

    σ_j' = p_j v_j·D_j,    v_j' = p_j (D_j − (v_j·D_j) v_j),    p_j' = (1 − p_j²) v_j·D_j

D_j = (1/n) Σ_k θ_jk r_k x_k, where only some neurons (`acting`) add to the outputs. Events are walls
v_j·x_k = 0, a θ_jk that leaves [0, 1] and p_j = 0; there SciPy's bounded least squares decides θ.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..errors import SaddlehopError
from ..general.rays import Rays

TINY = 1e-9  # angle within which a neuron is on a wall
MOST_EVENTS = 1_500
MOST_STEPS = 10_000
EXPLICIT = 3000  # steps before an implicit method takes over what is stiff
STALLED = 1e6  # |a|/‖w‖ from which w counts as 0
LOOKS = (0.25, 0.5, 0.75, 1.0)  # where in a step events are looked for
TOLERANCES = {"rtol": 1e-10, "atol": 1e-13}
ROUNDS = 16  # of choosing sides of repelling walls


class LostError(SaddlehopError):
    """The plain integrator cannot go on; what it computed so far proves nothing."""


@dataclass
class Swarm:
    """Neurons and where they are, samples on one ray taken together."""

    rows: Array
    """Shape (n, r), none of them 0."""
    labels: Array
    """Shape (n,)."""
    curvature: Array
    """How much r_k falls where h(x_k) rises, shape (n,)."""
    n_samples: int
    """Number of samples behind the rows."""
    log_sizes: Array
    """σ_j, shape (m,)."""
    headings: Array
    """v_j, shape (m, r)."""
    ratios: Array
    """p_j, shape (m,)."""
    signs: Array
    """Sign of a_j, or the one it takes from 0, shape (m,)."""
    acting: NDArray[np.bool_]
    """Shape (m,)."""
    modes: NDArray[np.int8] = field(init=False)
    """1 active, −1 not, 0 slides, shape (m, n)."""
    sides: NDArray[np.int8] = field(init=False)
    """±1: the last mode that was not 0, shape (m, n)."""
    stalled: NDArray[np.bool_] = field(init=False)
    """Neurons with w = 0, which stay there, shape (m,)."""
    time: float = 0.0
    lifts: dict[int, Array] = field(default_factory=dict)
    """(Xᵀ)⁺ of the walls each neuron slides on, shape (q, r)."""
    n_events: int = 0
    n_steps: int = 0

    def __post_init__(self) -> None:
        self.unit = self.rows / np.linalg.norm(self.rows, axis=1)[:, None]
        self.stalled = np.zeros(self.signs.size, dtype=np.bool_)
        self.modes = np.where(self.headings @ self.unit.T > TINY, 1, -1).astype(np.int8)
        self.sides = self.modes.copy()

    def run(self, until: float, is_done: Callable[[], bool] = lambda: False) -> None:
        """Go on until a time, or until it is done, which is asked after every step."""
        for j in range(self.signs.size):
            self._decide(j)
        self.n_steps = self.n_events = 0
        done = is_done()
        while self.time < until and not done:
            solver, done = self._solver(until), False
            while solver.status == "running" and not done:
                happened = self._step(solver)
                done = is_done()
                if happened:
                    break

    def _step(self, solver: Any) -> bool:
        """Take a step, up to the first event in it; return whether to start the method anew."""
        if self.n_steps >= MOST_STEPS or self.n_events >= MOST_EVENTS:
            raise LostError(
                f"the plain integrator was stopped after {self.n_steps} steps and {self.n_events} events"
            )
        try:
            message = solver.step()
        except ValueError as err:  # of an implicit method that met inf or nan
            raise LostError(f"the plain integrator stopped: {err}") from err
        if solver.status == "failed":
            raise LostError(f"the plain integrator stopped: {message}")
        self.n_steps += 1
        dense = solver.dense_output()
        event = self._first_event(dense, solver.t_old, solver.t)
        self.time = solver.t if event is None else event
        self._place(dense(self.time))
        self.stalled |= np.abs(self.ratios) > STALLED
        if event is not None:
            self._meet()
        return event is not None or self.n_steps == EXPLICIT

    def _solver(self, until: float) -> Any:
        from scipy.integrate import DOP853, Radau  # slow to import

        method = DOP853 if self.n_steps < EXPLICIT else Radau
        return method(lambda _, z: self._slope(z), self.time, self._packed(), until, **TOLERANCES)

    def _packed(self) -> Array:
        return np.concatenate([self.log_sizes, self.ratios, self.headings.ravel()])

    def _parts(self, z: Array) -> tuple[Array, Array, Array]:
        m = self.signs.size
        return z[:m], z[m : 2 * m], z[2 * m :].reshape(m, -1)

    def _place(self, z: Array) -> None:
        self.log_sizes, self.ratios, self.headings = (part.copy() for part in self._parts(z))
        self.headings /= np.linalg.norm(self.headings, axis=1)[:, None]

    def residual(self, log_sizes: Array, ratios: Array, headings: Array) -> Array:
        """r_k, shape (n,)."""
        some = self.acting
        heights = np.where(self.modes[some] > 0, headings[some] @ self.rows.T, 0.0)
        return self.labels - self.curvature * (
            (ratios[some] * np.exp(2 * log_sizes[some])) @ heights
        )

    def residual_now(self) -> Array:
        """r_k where the neurons are, shape (n,)."""
        return self.residual(self.log_sizes, self.ratios, self.headings)

    def forces(self, residual: Array) -> tuple[Array, Array]:
        """D_j and the same without what walls add, shapes (m, r)."""
        free = np.where(self.modes > 0, residual, 0.0) @ self.rows / self.n_samples
        total = free.copy()
        for j, lift in self.lifts.items():
            total[j] -= (lift @ free[j]) @ self.rows[self.modes[j] == 0]
        total[self.stalled] = 0
        return total, free

    def _slope(self, z: Array) -> Array:
        log_sizes, ratios, headings = self._parts(z)
        ratios = np.clip(ratios, -10 * STALLED, 10 * STALLED)
        D, _ = self.forces(self.residual(log_sizes, ratios, headings))
        along = np.sum(headings * D, axis=1)
        turn = ratios[:, None] * (D - along[:, None] * headings)
        return np.concatenate([ratios * along, (1 - ratios**2) * along, turn.ravel()])

    def _events(self, z: Array) -> Array:
        """What falls below 0 where something happens."""
        log_sizes, ratios, headings = self._parts(z)
        heights = np.where(self.modes == 0, np.inf, self.modes * (headings @ self.unit.T))
        turns = np.where(np.abs(ratios) < 1, self.signs * ratios, np.inf)
        residual = self.residual(log_sizes, ratios, headings)
        found = [heights.ravel(), turns]
        if self.lifts:
            _, free = self.forces(residual)
        for j, lift in self.lifts.items():
            walls = self.modes[j] == 0
            held = -self.n_samples * (lift @ free[j]) * np.sign(residual[walls])
            found += [held, np.abs(residual[walls]) - held]
        return np.concatenate(found) + TINY

    def _first_event(self, dense: Any, begin: float, end: float) -> float | None:
        from scipy.optimize import brentq  # slow to import

        def least(t: float) -> float:
            return float(np.min(self._events(dense(t))))

        low = begin
        for share in LOOKS:
            high = begin + share * (end - begin)
            if least(high) < 0:
                if least(low) <= 0:
                    return low
                return float(brentq(least, low, high, xtol=1e-14 * (1 + abs(high))))
            low = high
        return None

    def _meet(self) -> None:
        """Decide anew for all neurons to which something happens here."""
        self.n_events += 1
        turned = (np.abs(self.ratios) < 1) & (self.signs * self.ratios < 0)
        self.signs = np.where(turned, -self.signs, self.signs)
        for j in range(self.signs.size):
            self._decide(j)

    def _decide(self, j: int) -> None:
        """Choose the shortest velocity of neuron j on its walls, sides of repelling ones by where it goes."""
        heights = self.unit @ self.headings[j]
        near = np.abs(heights) < 3 * TINY
        if not near.any():
            return
        residual = self.residual_now()
        pulls = self.signs[j] * residual / self.n_samples
        attracts, repels = near & (pulls < 0), near & (pulls >= 0)
        sides = self.sides[j]
        sides = np.where(repels & (np.abs(heights) > TINY / 2), np.sign(heights), sides)
        for _ in range(ROUNDS):
            theta = np.where(attracts, 0.0, sides > 0)
            theta[attracts] = _shares(
                theta * pulls @ self.rows, (pulls[:, None] * self.rows)[attracts]
            )
            rates = self.rows @ ((theta * pulls) @ self.rows)
            still = np.abs(rates) <= 1e-12
            moved = np.where(repels & ~still, np.sign(rates), sides)
            if (moved == sides).all():
                break
            sides = moved
        self.modes[j] = np.where(
            attracts, np.where(theta < 1e-13, -1, np.where(theta > 1 - 1e-13, 1, 0)), sides
        )
        self.sides[j] = np.where(self.modes[j] == 0, self.sides[j], self.modes[j])
        self._hold(j)

    def _hold(self, j: int) -> None:
        walls = self.rows[self.modes[j] == 0]
        self.lifts.pop(j, None)
        if len(walls):
            lift = np.linalg.pinv(walls.T, rcond=1e-10)
            v = self.headings[j] - (lift @ self.headings[j]) @ walls
            self.headings[j] = v / np.linalg.norm(v)
            self.lifts[j] = lift


def _shares(base: Array, walls: Array) -> Array:
    """θ ∈ [0, 1]^q that makes base + θ·walls shortest."""
    from scipy.optimize import lsq_linear  # slow to import

    if not len(walls):
        return np.zeros(0)
    scale = np.max(np.linalg.norm(walls, axis=1))
    return np.asarray(lsq_linear(walls.T / scale, -base / scale, (0, 1), "bvls", tol=1e-14).x)


def swarm_of(rays: Rays, labels: Array, n_samples: int, output: Array, hidden: Array) -> Swarm:
    """Put neurons with weights a_j (m,) and w_j (m, r), none of them 0, among samples that all feel.

    Parameters
    ----------
    rays : Rays
        Of the inputs.
    labels : ndarray, shape (n,)
        y_k of all samples.
    n_samples : int
    output, hidden : ndarray, shapes (m,), (m, r)

    Returns
    -------
    Swarm
    """
    some = rays.group >= 0
    norms = np.linalg.norm(hidden, axis=1)
    gathered = rays.gather(labels)
    drift = np.maximum(hidden @ rays.rows.T, 0) @ gathered
    return Swarm(
        rays.rows,
        gathered,
        np.bincount(rays.group[some], rays.lengths[some] ** 2, len(rays.rows)).astype(np.float64),
        n_samples,
        np.log(norms),
        hidden / norms[:, None],
        output / norms,
        np.sign(np.where(output == 0, drift, output)),
        np.ones(output.size, dtype=np.bool_),
    )
