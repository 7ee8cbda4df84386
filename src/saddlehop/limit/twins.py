"""Slow, obvious twins of the kernels: plain NumPy, nothing clever, for tests and second opinions.

- `align_neuron` walks the alignment of one neuron in time, from death to death, on the
  cosh/sinh pieces of ȧ = Σ d_k u_k, u̇_k = a d_k.
- `jump_process` recomputes every growth rate at every jump.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class AlignedNeuron:
    """What became of one neuron."""

    sign: int
    """Sign of the output weight in the end."""
    active: NDArray[np.bool_]
    """S_j, shape (n,)."""
    log_growth: float
    """Log C_j; −inf if dead."""
    stalled: bool
    """Whether it comes to rest at zero at a double root."""


def align_neuron(output: float, hidden: Array, pulls: Array) -> AlignedNeuron:
    """Align one neuron by walking from event to event in time.

    Parameters
    ----------
    output : float
        a at unit scale.
    hidden, pulls : ndarray, shape (n,)
        u_k and d_k.

    Returns
    -------
    AlignedNeuron
    """
    a, u, alive, time = output, hidden.copy(), (hidden > 0) & (pulls != 0), 0.0
    if a == 0 and abs(pulls[alive] @ u[alive]) <= _ROUNDING * np.abs(pulls[alive]) @ u[alive]:
        return AlignedNeuron(0, np.zeros_like(alive), -np.inf, bool(alive.any()))
    while True:
        rho = float(np.linalg.norm(pulls[alive]))
        slope = float(pulls[alive] @ u[alive])
        side = int(np.sign(a) or np.sign(slope))
        dying = alive & (side * pulls < 0)
        growing = alive & (side * pulls > 0)
        if not dying.any():
            break
        turn = _turning_time(a, slope, rho)
        shrink = u[dying] / np.abs(pulls[dying])
        wait = _time_of_area(abs(a), side * slope, rho, shrink.min(), turn)
        if wait is None:
            if turn is None:
                return AlignedNeuron(side, np.zeros_like(alive), -np.inf, bool(growing.any()))
            u = np.where(alive, u + pulls * side * _area(abs(a), side * slope, rho, turn), u)
            alive &= u > _ROUNDING * np.abs(hidden)  # what dies just then is dead
            a, time = 0.0, time + turn
        else:
            u = np.where(alive, u + pulls * side * shrink.min(), u)
            alive[np.flatnonzero(dying)[shrink == shrink.min()]] = False
            a, time = side * _size(abs(a), side * slope, rho, wait), time + wait
    if not growing.any():
        return AlignedNeuron(side, growing, -np.inf, False)
    return AlignedNeuron(side, growing, np.log(abs(a + slope / rho) / 2) - rho * time, False)


def _modes(a: float, slope: float, rho: float) -> tuple[float, float]:
    """p, q in a(t) = p exp(ρt) + q exp(−ρt); p = 0 at a double root, to within rounding."""
    p, q = (a + slope / rho) / 2, (a - slope / rho) / 2
    return (0.0 if abs(p) <= _ROUNDING * abs(q) else p), q


def _size(a: float, slope: float, rho: float, time: float) -> float:
    """a after `time` on a piece."""
    p, q = _modes(a, slope, rho)
    return float(p * np.exp(rho * time) + q * np.exp(-rho * time))


def _area(a: float, slope: float, rho: float, time: float) -> float:
    """∫ a dt over `time` on a piece."""
    p, q = _modes(a, slope, rho)
    return float(p * np.expm1(rho * time) - q * np.expm1(-rho * time)) / rho


def _turning_time(a: float, slope: float, rho: float) -> float | None:
    """When a reaches zero if no coordinate dies before; |a| ρ = |slope| is a double root."""
    if a * slope >= 0 or abs(a) * rho >= abs(slope) * (1 - _ROUNDING):
        return None
    return float(np.arctanh(-a * rho / slope) / rho)


def _time_of_area(
    a: float, slope: float, rho: float, area: float, turn: float | None
) -> float | None:
    """When ∫ a dt reaches `area`, or None if a turns first or that never happens."""
    from scipy.optimize import brentq  # takes longer to import than all of saddlehop

    if turn is not None and _area(a, slope, rho, turn) <= area:
        return None
    end = turn if turn is not None else 1 / rho
    while _area(a, slope, rho, end) < area:
        end *= 2
        if rho * end > 300:
            return None
    return float(brentq(lambda t: _area(a, slope, rho, t) - area, 0, end, xtol=1e-300, rtol=1e-15))


@dataclass(frozen=True, eq=False)
class Jumps:
    """The jump process as plain lists."""

    times: list[float]
    """Clock time of each jump."""
    neurons: list[list[int]]
    """Neurons that activate."""
    samples: list[list[int]]
    """Samples they fit."""
    exponents: list[Array]
    """e_j at each saddle."""
    margins: list[float]
    """Clock time to the runner-up."""


def jump_process(
    active: NDArray[np.bool_], y: Array, norms: Array, tie_tol: float = 1e-12
) -> Jumps:
    """Run the jump process, computing all growth rates afresh at every jump.

    Parameters
    ----------
    active : ndarray of bool, shape (m, n)
        S_j.
    y, norms : ndarray, shape (n,)
        Labels and input norms.
    tie_tol : float
        Arrivals within `tie_tol` times the clock are tied.

    Returns
    -------
    Jumps
    """
    n_neurons, n_samples = active.shape
    still_open = y != 0
    dormant = np.ones(n_neurons, dtype=bool)
    e = np.full(n_neurons, -1.0)
    clock = 0.0
    path = Jumps([], [], [], [e.copy()], [])
    while True:
        strength = np.where(still_open, np.abs(y * norms), 0.0)
        largest = strength.max() or 1.0
        rates = largest * np.sqrt(active @ (strength / largest) ** 2) / n_samples
        wait = np.full(n_neurons, np.inf)
        moving = dormant & (rates > 0)
        if not moving.any():
            return path
        wait[moving] = -e[moving] / rates[moving]
        clock += wait.min()
        arrived = wait - wait.min() <= tie_tol * clock
        fitted = still_open & active[arrived].any(axis=0)
        others = wait[dormant & ~arrived] - wait.min()
        e = np.where(dormant, e + rates * wait.min(), 0.0)
        e[arrived] = 0.0
        dormant &= ~arrived
        still_open &= ~fitted
        path.times.append(float(clock))
        path.neurons.append(np.flatnonzero(arrived).tolist())
        path.samples.append(np.flatnonzero(fitted).tolist())
        path.exponents.append(e.copy())
        path.margins.append(0.0 if arrived.sum() > 1 else float(others.min(initial=np.inf)))
