"""Inside one jump: the orbit from one saddle to the next.

A group of neurons leaves a saddle and fits the samples B. Samples with the same curvature q and
the same neurons of the group on them stay proportional, u_gk = w_gc β_k, so they form classes c
with one residual fraction f_c = r_k / y_k each. With p_c = q_c / n and masses M_gc = Σ_{k∈c} β_k²

    ẇ_gc = a_g p_c f_c,    ȧ_g = Σ_c p_c f_c M_gc w_gc,    f_c = 1 − Σ_g a_g w_gc,

from a_g ~ exp(κ_g + ρ_g τ), aligned, as τ → −∞, to f = 0. A dormant neuron j feels the f_c through
the part of S_j in B and a constant pull R_j through the rest of its open samples. Its size goes
from exp(ρ_j τ) at τ → −∞ to exp(Δ_j + R_j τ) at τ → +∞; Δ_j is its *shift*.

A lone neuron has a way of its own (`lone.py`); neurons that tie are integrated step by step
(`kernels/orbit.c`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..errors import SaddlehopError
from .kernels import orbit as kernel
from .lone import lone_orbit
from .orbits import Group, Orbit, Passengers

RTOL = 1e-10
_START = 1e-16  # residual fraction at which the integration starts: growth is linear before
_END = 1e-9  # and at which it ends
_MAX_STEPS = 100_000
_ROOM = 2**19  # numbers kept of the steps at first; an orbit that needs more begins again
_STIFF_AFTER = 4000  # explicit steps after which an orbit of up to _STIFF_SIZE numbers is stiff
_STIFF_SIZE = 1000
_STIFF_TIME = 1e300
_END_STIFF = 1e-7
_RTOL_STIFF = 1e-8
_MAX_STIFF_EVALUATIONS = 20_000


@dataclass(frozen=True, eq=False)
class NumericalCurve:
    """An integrated orbit."""

    states: Callable[[Array], Array] = field(repr=False)
    """Active rows (ℓ, V) of the state at scaled times within the orbit, shape (T, G, K + 2)."""
    nodes: Array = field(repr=False)
    """Scaled times at which the steps end, from 0, shape (N,)."""
    rates: Array
    """Scaled growth rates, shape (G,)."""
    origin: float
    """τ of scaled time 0."""
    time_unit: float
    """One unit of scaled time in units of τ."""
    log_size_unit: float
    """Log of the unit of |a|."""

    def fractions(self, tau: Array) -> Array:
        """Return the residual fraction of each class at each τ, shape (T, K)."""
        states = self._states(tau)
        square = np.exp(2 * states[:, :, :1])
        fractions = 1 - (square * np.maximum(states[:, :, 1:-1], 0)).sum(axis=1)
        return np.asarray(fractions)

    def log_output(self, tau: Array) -> Array:
        """Return log|a_g| at each τ, shape (T, G)."""
        return np.asarray(self._states(tau)[:, :, 0] + self.log_size_unit)

    def _states(self, tau: Array) -> Array:
        time = (np.asarray(tau, dtype=np.float64) - self.origin) / self.time_unit
        states = self.states(np.clip(time, 0, self.nodes[-1]))
        states[:, :, 0] += np.minimum(time, 0)[:, None] * self.rates  # linear growth before
        return states


def solve_orbit(group: Group, passengers: Passengers) -> Orbit:
    """Follow one jump.

    Parameters
    ----------
    group : Group
        The neurons that activate.
    passengers : Passengers
        Dormant neurons that share samples with them.

    Returns
    -------
    Orbit
    """
    if len(group.rates) > 1:
        return _integrated_orbit(group, passengers)
    orbit = lone_orbit(group, passengers)
    if orbit is None:
        raise _too_stiff(1)
    return orbit


def _integrated_orbit(group: Group, passengers: Passengers) -> Orbit:
    scaled = _Scaled(group, passengers)
    n_active = len(group.rates)
    n_explicit = _STIFF_AFTER if scaled.start.size <= _STIFF_SIZE else _MAX_STEPS
    state, nodes, states = _integrate(scaled, n_active, n_explicit) or _integrate_stiff(
        scaled, n_active
    )
    curve = NumericalCurve(
        states=states,
        nodes=nodes,
        rates=group.rates * scaled.time_unit,
        origin=scaled.origin,
        time_unit=scaled.time_unit,
        log_size_unit=scaled.log_size_unit,
    )
    log_output = state[:n_active, 0] + scaled.log_size_unit
    weights = np.exp(state[:n_active, :1] - scaled.log_size_unit) * state[:n_active, 1:-1]
    return Orbit(
        output=np.exp(log_output),
        weights=np.where(group.masses > 0, np.maximum(weights, 0), 0.0),
        half_times=_half_times(curve, log_output),
        shifts=_shifts(scaled, passengers, state[n_active:], float(nodes[-1])),
        curve=curve,
    )


def _shifts(scaled: _Scaled, passengers: Passengers, state: Array, end: float) -> Array:
    """Read Δ_j off the passengers' rows at the end: the part of (a, z) that goes on growing."""
    ratio = np.maximum(state[:, -1], 0)
    growing = np.where(passengers.rests > 0, np.log1p(ratio) - np.log(2), 0.0)
    since = scaled.origin + end * scaled.time_unit
    return np.asarray(state[:, 0] + growing - passengers.rests * since)


def _integrate(
    scaled: _Scaled, n_active: int, most: int
) -> tuple[Array, Array, Callable[[Array], Array]] | None:
    """Integrate by explicit steps: final state, nodes, dense states; None if it takes too many."""
    tableau = _tableau()
    width = 1 + n_active * scaled.start.shape[1]
    room = min(max(512, _ROOM // width), most)
    while True:
        state, strength = scaled.start.copy(), scaled.strength.copy()
        nodes = np.empty((room, width))
        n_nodes = kernel.integrate(
            state, n_active, strength, scaled.mass, tableau, RTOL, _END, nodes
        )
        if n_nodes > 0:
            break
        if room >= most:
            return None
        room = min(8 * room, most)
    nodes = nodes[:n_nodes].copy()

    def states(times: Array) -> Array:
        strength, mass = scaled.strength[:n_active], scaled.mass[:n_active]
        return kernel.states_at(times, nodes, strength, mass, tableau)

    return state, nodes[:, 0].copy(), states


def _stiff_equation(
    scaled: _Scaled, n_active: int
) -> tuple[Callable[[float, Array], Array], Callable[[float, Array], float]]:
    """The velocity, and how far the residuals still are from the end of the orbit."""
    shape = scaled.start.shape
    fractions = np.empty(shape[1] - 2)
    evaluations = count(1)

    def state_of(z: Array) -> Array:
        return np.ascontiguousarray(z).reshape(shape)  # its difference Jacobian passes columns

    def slope(_: float, z: Array) -> Array:
        if next(evaluations) > _MAX_STIFF_EVALUATIONS:
            raise _too_stiff(n_active)
        out = np.empty(shape)
        kernel.frozen_slope(state_of(z), n_active, scaled.strength, scaled.mass, fractions, out)
        return out.ravel()

    def left(_: float, z: Array) -> float:
        kernel.fractions(state_of(z), n_active, scaled.strength, scaled.mass, fractions)
        return float(np.max(np.abs(fractions))) - _END_STIFF

    left.terminal = True  # type: ignore[attr-defined]
    return slope, left


def _integrate_stiff(
    scaled: _Scaled, n_active: int
) -> tuple[Array, Array, Callable[[Array], Array]]:
    """The same for curvatures so far apart that explicit steps would crawl, by Radau's method."""
    from scipy.integrate import solve_ivp
    from scipy.linalg import LinAlgWarning

    shape = scaled.start.shape
    slope, left = _stiff_equation(scaled, n_active)
    with np.errstate(over="ignore"), warnings.catch_warnings():
        # its difference Jacobian widens steps that show nothing, and may come out singular or infinite
        warnings.simplefilter("error", LinAlgWarning)
        try:
            solution = solve_ivp(
                slope,
                (0, _STIFF_TIME),
                scaled.start.ravel(),
                "Radau",
                events=left,
                dense_output=True,
                rtol=_RTOL_STIFF,
                atol=1e-2 * _RTOL_STIFF,
            )
        except (LinAlgWarning, ValueError):
            raise _too_stiff(n_active) from None
    if solution.status != 1:
        raise _too_stiff(n_active)

    def states(times: Array) -> Array:
        rows = np.array([solution.sol(time).reshape(shape)[:n_active] for time in times])
        return rows.reshape(times.size, n_active, shape[1])

    return solution.y[:, -1].reshape(shape), solution.t, states


class _Scaled:
    """The orbit in units ‖β_B‖ of targets and 1/ρ of time, with the state it starts from."""

    def __init__(self, group: Group, passengers: Passengers) -> None:
        target = np.sqrt(group.masses.max(axis=0).sum())
        rates = np.concatenate([group.rates, passengers.rates])
        unit_rate = group.rates.max()
        self.time_unit = 1 / unit_rate
        self.log_size_unit = float(np.log(target)) / 2
        masses = np.vstack([group.masses, passengers.masses]) / target / target
        self.mass = np.hstack([masses, np.ones((len(rates), 1))])
        pulls = group.pulls * (target / unit_rate)
        rests = np.concatenate([np.zeros(len(group.rates)), passengers.rests]) / unit_rate
        self.strength = np.hstack([np.where(masses > 0, pulls, 0.0), rests[:, None]])
        head = group.head_starts - self.log_size_unit
        speed = group.rates / unit_rate
        begin = float(np.min((np.log(_START) / 2 - head) / speed))
        self.origin = begin * self.time_unit
        log_a = np.concatenate([head + speed * begin, passengers.rates * self.origin])
        self.start = np.hstack([log_a[:, None], self.strength / (rates / unit_rate)[:, None]])


def _too_stiff(n_active: int) -> SaddlehopError:
    return SaddlehopError(
        f"The orbit of a jump of {n_active} neurons does not come to rest, for its input norms differ "
        "too much; use times, losses and samples, which do not need it, or bring the norms closer."
    )


def _half_times(curve: NumericalCurve, log_output: Array) -> Array:
    """τ at which each a_g² first passes half of what it reaches: bisection on the dense orbit."""
    from scipy.optimize import bisect  # slow to import

    half = log_output - np.log(2) / 2
    nodes = curve.origin + curve.nodes * curve.time_unit
    sizes = curve.log_output(nodes)
    times = np.empty(len(half))
    for g in range(len(half)):
        after = int(np.argmax(sizes[:, g] >= half[g]))
        if after == 0:
            times[g] = nodes[0] - (sizes[0, g] - half[g]) / (curve.rates[g] / curve.time_unit)
            continue
        times[g] = bisect(
            lambda tau, g=g: curve.log_output(np.array([tau]))[0, g] - half[g],
            nodes[after - 1],
            nodes[after],
            xtol=1e-13 * curve.time_unit,
        )
    return times


def _tableau() -> tuple[Array, NDArray[np.float64], NDArray[np.float64]]:
    """Dormand and Prince's method of order 8: stages with the step itself as last row; errors."""
    from scipy.integrate import DOP853

    tableau = np.vstack([DOP853.A, DOP853.B])
    return tableau, np.ascontiguousarray(DOP853.E5[:12]), np.ascontiguousarray(DOP853.E3[:12])
