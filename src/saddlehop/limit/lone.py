"""The orbit of a lone neuron.

With one curvature it follows the logistic a² = ‖β‖ / (1 + X⁻¹), X = exp(2ρ(τ − τ₀)); the shift of a
passenger is a connection coefficient of the hypergeometric equation. With α = ρ_j / 4ρ,
γ = R_j / 4ρ, δ² = α² − γ²,

    exp(Δ_j + (R_j − ρ_j) τ₀) = T² (α + δ) / α,
    T = Γ(1 + 2α) Γ(2γ) / ( Γ(α − δ + γ) Γ(1 + α + δ + γ) ).

With several, the neuron and its passengers go in a few long panels (`kernels/lone.c`, `riders.c`) on a
few nodes that stand for the curvatures (`condense.py`), in units ‖β_B‖^½ of a and 1/ρ of time from
where it would reach that size if its growth went on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._support.arrays import Array
from .condense import Nodes, nodes_of
from .kernels import lone as kernel
from .orbits import Group, Orbit, Passengers

_LATEST = 0.25  # ∫ a² dt before a² = 1/2
_TOL = 3e-5  # of what a panel looks like inside; at its end the square counts
_REACHES = (2.0, 1.0, 0.5, 0.25, 0.125)
_END = 1e-6  # residual fraction whose square is left out
_START_OF_CURVE = 1e-12  # ∫ a² dt before which growth is linear
_TOL_OF_CURVE = 1e-9
_END_OF_CURVE = 1e-9


def lone_orbit(group: Group, passengers: Passengers) -> Orbit | None:
    """Follow the jump of a lone neuron; None if it does not come to rest.

    Parameters
    ----------
    group : Group
        The neuron.
    passengers : Passengers
        Dormant neurons that share samples with it.
    """
    rate, size = float(group.rates[0]), float(group.masses.sum()) ** 0.25
    center = (np.log(size) - float(group.head_starts[0])) / rate
    found = (_logistic if len(group.pulls) == 1 else _in_panels)(group, passengers, center, size)
    if found is None:
        return None
    half_time, shifts, curve = found
    return Orbit(
        output=np.array([size]),
        weights=np.full((1, len(group.pulls)), 1 / size),
        half_times=np.array([half_time]),
        shifts=shifts + (passengers.rates - passengers.rests) * center,
        curve=curve,
    )


@dataclass(frozen=True, eq=False)
class LogisticCurve:
    """The orbit of a lone neuron with one curvature."""

    rate: float
    """ρ."""
    center: float
    """τ₀, where a² is half of what it reaches."""
    log_size: float
    """Log of the size |a| reached."""

    def fractions(self, tau: Array) -> Array:
        """Return the residual fraction at each τ, shape (T, 1)."""
        return np.exp(-_log1pexp(2 * self.rate * (tau - self.center)))[:, None]

    def log_output(self, tau: Array) -> Array:
        """Return log|a| at each τ, shape (T, 1)."""
        return (self.log_size - _log1pexp(-2 * self.rate * (tau - self.center)) / 2)[:, None]


@dataclass(frozen=True, eq=False)
class PanelCurve:
    """The orbit of a lone neuron with several curvatures."""

    nodes: Nodes
    """What stands for its classes, with pulls in units of the orbit."""
    masses: Array
    """M of the nodes, shape (N,)."""
    rate: float
    """ρ."""
    center: float
    """τ at which the neuron would reach its size if its growth went on."""
    log_size: float
    """Log of the size |a| reached."""

    def fractions(self, tau: Array) -> Array:
        """Return the residual fraction of each class at each τ, shape (T, K)."""
        time = self._time(tau)
        panels = self._panels
        at_nodes = self._between(time, panels.pushes / self.nodes.pulls[:, None])
        at_nodes[time < panels.starts[0]] = 1.0
        return np.asarray(at_nodes @ self.nodes.shares.T)

    def log_output(self, tau: Array) -> Array:
        """Return log|a| at each τ, shape (T, 1)."""
        time = self._time(tau)
        panels = self._panels
        logs = self._between(time, -np.log(panels.sizes)[:, None])
        early = time < panels.starts[0]
        logs[early, 0] = time[early]
        return np.asarray(logs + self.log_size)

    def _time(self, tau: Array) -> Array:
        return (np.asarray(tau, dtype=np.float64) - self.center) * self.rate

    def _between(self, time: Array, values: Array) -> Array:
        """Values (P, N, PLACES) of polynomials at each time, shape (T, N); the last beyond the end."""
        places = self._panels.times
        starts = self._panels.starts
        within = np.clip(time, starts[0], places[-1, -1])
        panel = np.searchsorted(starts, within, side="right") - 1
        apart = within[:, None] - places[panel]
        terms = self._levers[panel] / np.where(apart == 0, 1e-300, apart)
        terms /= terms.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("ti,tni->tn", terms, values[panel]))

    @cached_property
    def _levers(self) -> Array:
        """1 / Π (place − other place) in each panel, up to a factor, shape (P, PLACES)."""
        apart = self._panels.times[:, :, None] - self._panels.times[:, None]
        apart /= np.abs(apart).max(axis=(1, 2), keepdims=True) / 4
        return np.asarray(1 / (apart + np.eye(apart.shape[1])).prod(axis=2))

    @cached_property
    def _panels(self) -> kernel.Panels:
        """Panels short enough to be read anywhere."""
        panels = kernel.lone_panels(
            self.nodes.pulls,
            self.masses,
            _START_OF_CURVE,
            _TOL_OF_CURVE,
            _REACHES[0],
            _END_OF_CURVE,
        )
        assert panels is not None  # the longer ones were found
        return panels


def _in_panels(
    group: Group, passengers: Passengers, center: float, size: float
) -> tuple[float, Array, PanelCurve] | None:
    rate = float(group.rates[0])
    nodes = nodes_of(group.pulls * (size**2 / rate))
    masses = group.masses[0] / size**4 @ nodes.shares
    rests, felt = passengers.rests / rate, passengers.masses / size**4
    for reach in _REACHES:
        panels = kernel.lone_panels(nodes.pulls, masses, _LATEST, _TOL, reach, _END)
        if panels is None:
            break
        shifts, rough = kernel.ride(panels, rests, felt, nodes.shares, nodes.below)
        if rough <= _TOL:
            curve = PanelCurve(nodes, masses, rate, center, float(np.log(size)))
            return center + panels.half_time / rate, shifts, curve
    return None


def _logistic(
    group: Group, passengers: Passengers, center: float, size: float
) -> tuple[float, Array, LogisticCurve]:
    rate = float(group.rates[0])
    curve = LogisticCurve(rate, center, float(np.log(size)))
    return center, _logistic_shifts(passengers, rate), curve


def _logistic_shifts(passengers: Passengers, rate: float) -> Array:
    """Δ_j in the time τ − τ₀."""
    from scipy.special import gammaln  # slow to import

    alpha, gamma = passengers.rates / (4 * rate), passengers.rests / (4 * rate)
    shifts = np.zeros_like(alpha)
    rest = gamma > 0
    a, c = alpha[rest], gamma[rest]
    d = np.sqrt(np.maximum((a - c) * (a + c), 0))
    a_minus_d = c * c / (a + d)
    log_t = gammaln(1 + 2 * a) + gammaln(2 * c) - gammaln(a_minus_d + c) - gammaln(1 + a + d + c)
    shifts[rest] = 2 * log_t + np.log1p(d / a)
    return shifts


def _log1pexp(x: Array) -> Array:
    return np.logaddexp(0, x)
