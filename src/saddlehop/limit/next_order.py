"""The next order in 1/L, L = log(1/λ): what the jumps leave behind in the dormant neurons.

Let T_i = s_i L + θ_i be the time at which the first of the neurons of jump i would reach size one if its
growth went on. Between the jumps a dormant neuron is on a line,

    log|a_j(t)| = e_j L + κ_j + ρ_j (t − T_i),

so the next jump, of neuron g, has θ_{i+1} = θ_i − κ_g / ρ_g; every κ_j grows by ρ_j (θ_{i+1} − θ_i),
and by its shift Δ_j on the orbit of the jump (`heteroclinic.py`). At the start θ = 0 and κ_j = log C_j.
Jump i happens at t = s_i L + θ_i + τ_½, with τ_½ the half time of its neuron on the orbit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..errors import SaddlehopError
from ..model.problem import Problem
from .active_sets import ActiveSets
from .heteroclinic import solve_orbit
from .kernels import orbit as kernel
from .orbits import Group, Orbit, Passengers

MOST_RATIO_OF_NORMS = 1e10  # the orbits' times differ by its square
MOST_RATIO_OF_PULLS = 1e100


@dataclass(frozen=True, eq=False)
class SolvedJump:
    """One jump followed from saddle to saddle."""

    reference: float
    """θ_i: the orbit's own time is τ = t − s_i L − θ_i."""
    neurons: tuple[int, ...]
    """The neurons that activate."""
    samples: NDArray[np.int64]
    """The samples they fit."""
    classes: NDArray[np.int64]
    """Class of each sample, shape (|B|,)."""
    orbit: Orbit
    """The orbit; neurons that fit the same samples are one row of it."""
    rows: NDArray[np.int64]
    """Row of the orbit that each neuron is part of, shape (G,)."""
    log_shares: Array
    """Log of each neuron's share of its row; the squares of shares add up to one, shape (G,)."""
    passengers: NDArray[np.int64]
    """Dormant neurons that share samples with them."""
    slowest: float
    """1/ρ of the slowest neuron of the group."""
    arrivals: Array
    """κ_j of all neurons if nothing happened, log|a_j| = e_j L + κ_j + ρ_j τ before, shape (m,)."""
    log_sizes: Array
    """κ_j of all neurons just after the jump, with the ρ_j after it, shape (m,)."""

    @property
    def output(self) -> Array:
        """Sizes |a_g| the neurons reach, shape (G,)."""
        return np.asarray(np.exp(self.log_shares) * self.orbit.output[self.rows])

    @property
    def weights(self) -> Array:
        """u_gk / |β_k| the neurons reach on each class, shape (G, K)."""
        return np.asarray(np.exp(self.log_shares)[:, None] * self.orbit.weights[self.rows])

    @property
    def half_times(self) -> Array:
        """τ at which each neuron passes half of its final a², shape (G,)."""
        return self.orbit.half_times[self.rows]

    def log_output(self, tau: Array) -> Array:
        """Return log|a_g| of the neurons at each τ, shape (T, G)."""
        return np.asarray(self.orbit.curve.log_output(tau)[:, self.rows] + self.log_shares)


def follow_jumps(
    problem: Problem,
    sets: ActiveSets,
    log_growth: Array,
    neurons: tuple[tuple[int, ...], ...],
    samples: tuple[NDArray[np.int64], ...],
) -> list[SolvedJump]:
    """Carry the sizes of the dormant neurons through all the jumps.

    Parameters
    ----------
    problem : Problem
    sets : ActiveSets
    log_growth : ndarray, shape (m,)
        log C_j.
    neurons, samples : tuples
        Of each jump: the neurons that activate and the samples they fit.

    Returns
    -------
    list of SolvedJump
    """
    _require_narrow(problem)
    rates = growth_rates(problem, sets, samples)
    kappa = np.where(np.isfinite(log_growth), log_growth, 0.0)
    dormant = np.ones(sets.width, dtype=bool)
    solved: list[SolvedJump] = []
    theta = 0.0
    for jump, (group, fitted) in enumerate(zip(neurons, samples, strict=True)):
        members = list(group)
        wait = float(np.min(-kappa[members] / rates[jump, members]))
        theta += wait
        kappa = kappa + rates[jump] * wait
        dormant[members] = False
        passengers = np.flatnonzero(dormant & (rates[jump] > rates[jump + 1]))
        orbit, classes, rows, log_shares = _orbit(
            problem, sets, group, fitted, passengers, rates[jump : jump + 2], kappa
        )
        arrivals = kappa.copy()
        kappa[passengers] += orbit.shifts
        solved.append(
            SolvedJump(
                reference=theta,
                neurons=group,
                samples=fitted,
                classes=classes,
                orbit=orbit,
                rows=rows,
                log_shares=log_shares,
                passengers=passengers,
                slowest=float(1 / rates[jump, members].min()),
                arrivals=arrivals,
                log_sizes=kappa.copy(),
            )
        )
    return solved


def _require_narrow(problem: Problem) -> None:
    """Raise unless the orbits can be followed in floats."""
    felt = problem.y != 0
    targets = np.abs(problem.targets[felt])
    if targets.size and not 1e-150 < targets.min() <= targets.max() < 1e150:
        raise SaddlehopError(
            f"Targets |y| / ‖x‖ from {targets.min():.3g} to {targets.max():.3g} have squares beyond "
            "floating-point numbers, so orbits between saddles cannot be followed; rescale the labels."
        )
    for name, values, most in (
        ("Input norms", problem.norms[felt], MOST_RATIO_OF_NORMS),
        ("Products |y| ‖x‖", np.abs(problem.pulls[felt]) * problem.n_samples, MOST_RATIO_OF_PULLS),
    ):
        if values.size and np.log10(values.max()) - np.log10(values.min()) > np.log10(most):
            raise SaddlehopError(
                f"{name} from {values.min():.3g} to {values.max():.3g} differ too much to follow the "
                f"orbits between saddles; pass samples on which they differ by at most {most:.0e}."
            )


def growth_rates(
    problem: Problem, sets: ActiveSets, samples: tuple[NDArray[np.int64], ...]
) -> Array:
    """Growth rate ρ_j each neuron would have at each saddle if dormant, shape (J+1, m).

    Summed from the last jump backwards, so that small rates keep their digits.
    """
    largest = float(np.max(np.abs(problem.pulls))) or 1.0
    weights = (problem.pulls / largest) ** 2
    squares = np.zeros((len(samples) + 1, sets.width))
    for jump in range(len(samples) - 1, -1, -1):
        squares[jump] = squares[jump + 1]
        rows = np.full(samples[jump].size, jump)
        kernel.add_over_sets(sets.words, samples[jump], rows, weights, squares)
    return np.asarray(largest * np.sqrt(squares))


def _orbit(
    problem: Problem,
    sets: ActiveSets,
    group: tuple[int, ...],
    fitted: NDArray[np.int64],
    passengers: NDArray[np.int64],
    rates: Array,
    kappa: Array,
) -> tuple[Orbit, NDArray[np.int64], NDArray[np.int64], Array]:
    """Solve the orbit of a jump; `rates` are those before and after it.

    Neurons with the same open set stay proportional: they go as one, whose a² is their sum.
    """
    if len(group) == 1:
        first = rows = np.zeros(1, dtype=np.int64)
        _, samples, classes = np.unique(
            problem.curvatures[fitted], return_index=True, return_inverse=True
        )
    else:
        active = np.array([sets.of(neuron, fitted) for neuron in group])
        _, first, rows = np.unique(active, axis=0, return_index=True, return_inverse=True)
        keys = np.vstack([problem.curvatures[fitted], active[first]])
        _, samples, classes = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    rows, classes = rows.ravel(), classes.ravel()
    together = np.full(first.size, -np.inf)
    np.logaddexp.at(together, rows, 2 * kappa[list(group)])
    leaders = [group[g] for g in first]
    masses = np.zeros((samples.size, sets.width))
    kernel.add_over_sets(sets.words, fitted, classes, problem.targets**2, masses)
    orbit = solve_orbit(
        Group(
            rates=rates[0, leaders],
            head_starts=together / 2,
            pulls=problem.curvatures[fitted[samples]] / problem.n_samples,
            masses=masses[:, leaders].T.copy(),
        ),
        Passengers(
            rates=rates[0, passengers],
            rests=rates[1, passengers],
            masses=masses[:, passengers].T.copy(),
        ),
    )
    return orbit, classes, rows, kappa[list(group)] - together[rows] / 2
