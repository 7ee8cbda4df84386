"""The jump process in ball arithmetic: every number is an interval that contains the true one.

With P_k = y_k² ‖x_k‖² as whole numbers in one unit, G_j = Σ_{k ∈ S_j open} P_k is exact and
n ρ_j = √G_j. Waits −e_j / √G_j are balls; who arrives first is settled when the balls are apart,
or when their equality is proven (`radicals.py`). What the balls cannot settle raises `Unsettled`:
try again with more bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from ..limit.active_sets import ActiveSets
from ..limit.ties import split_tie
from .exact import as_integers, exact_pulls
from .radicals import RootField, TooManyTermsError

_MOST_JUMPS_IN_ROOTS = 12  # the number of terms may triple with each


class UnsettledError(ArithmeticError):
    """The balls are too wide to say who arrives."""

    def __init__(self, steps: list[Step], margin: float) -> None:
        super().__init__()
        self.steps, self.margin = steps, margin


@dataclass(frozen=True, eq=False)
class Step:
    """One jump, with balls."""

    neurons: tuple[int, ...]
    """Who activates."""
    samples: NDArray[np.int64]
    """What they fit."""
    is_equal: bool
    """Whether the arrivals of all of them are proven equal; true for a lone neuron."""
    spread: Any
    """Ball of the largest difference of their arrivals on the clock."""
    time: Any
    """Ball of the clock."""
    margin: Any
    """Ball of the distance to the runner-up; None if none is left."""
    fastest: Any
    """Ball of the escape rate before the jump."""
    exponents: list[Any]
    """Balls of the exponents after the jump."""
    added_sq_norm: Any
    """Ball of the squared norm it adds; a wide one if it depends on the orbit."""


class BallProcess:
    """The process at one precision, which the caller has set in `flint.ctx`."""

    def __init__(
        self, y: Array, norms: Array, active: NDArray[np.bool_], sets: ActiveSets, tie_tol: float
    ) -> None:
        from flint import arb, fmpz

        self._arb, self._fmpz = arb, fmpz
        self._sets, self._active = sets, active
        self._tie_tol = arb(tie_tol)
        pulls, shift = exact_pulls(y, norms)
        self._strength = [p * p for p in pulls]
        self.clock_unit = arb(y.size) * arb(2) ** shift
        self._targets = [arb(float(b)) / arb(float(q)) for b, q in zip(y, norms, strict=True)]
        width = sets.width
        self._open = y != 0
        self._rates = [sum(self._strength[k] for k in np.flatnonzero(row)) for row in active]
        self._exponents = [arb(-1)] * width
        self._dormant = [True] * width
        self._history: list[list[int]] = []
        self._winners: list[int | None] = []
        self._clock = arb(0)

    def run(self) -> list[Step]:
        """Run to the end."""
        steps: list[Step] = []
        while any(d and g for d, g in zip(self._dormant, self._rates, strict=True)):
            steps.append(self._step(steps))
        return steps

    @property
    def rates_at_rest(self) -> Any:
        """Ball of the largest growth rate of a dormant neuron."""
        top = max([g for g, d in zip(self._rates, self._dormant, strict=True) if d], default=0)
        return self._root(top) / self.clock_unit

    def _root(self, number: int) -> Any:
        return self._arb(self._fmpz(number)).sqrt()

    def _step(self, steps: list[Step]) -> Step:
        moving = [j for j, d in enumerate(self._dormant) if d and self._rates[j]]
        fastest = self.rates_at_rest
        self._history.append(list(self._rates))
        roots = {j: self._root(self._rates[j]) for j in moving}
        waits = {j: -self._exponents[j] / roots[j] for j in moving}
        first = min(moving, key=lambda j: float(waits[j].mid()) if waits[j].is_finite() else 0.0)
        first = self._smallest(moving, waits, first)
        group, least = self._arrivals(first, waits, steps)
        is_equal = all(self._equal(first, j, waits) for j in group)
        if not is_equal:
            for j in group:
                least = least.min(waits[j])
        others = [waits[j] for j in moving if j not in group]
        margin = self._arb(0) if len(group) > 1 else self._least(others, least)
        spread = self._arb(0)
        for j in group:
            spread = spread if is_equal else spread.max(waits[j] - least)
        self._winners.append(first if is_equal else None)
        self._clock += least
        for j in moving:
            self._exponents[j] += roots[j] * least
        samples, added = self._fit(group)
        return Step(
            tuple(group),
            samples,
            is_equal,
            spread * self.clock_unit,
            self._clock * self.clock_unit,
            None if margin is None else margin * self.clock_unit,
            fastest,
            list(self._exponents),
            added,
        )

    def _smallest(self, moving: list[int], waits: dict[int, Any], first: int) -> int:
        for j in moving:
            if waits[j].mid() < waits[first].mid():
                first = j
        return first

    def _arrivals(
        self, first: int, waits: dict[int, Any], steps: list[Step]
    ) -> tuple[list[int], Any]:
        """Return who arrives within the tolerance of the first, and the wait for it."""
        least = waits[first]
        slack = self._tie_tol * (self._clock + least)
        group = []
        for j in waits:
            late = waits[j] - least
            if j == first or late <= slack:
                group.append(j)
            elif not late > slack:
                if not self._equal(first, j, waits):
                    raise UnsettledError(steps, abs(float((late * self.clock_unit).mid())))
                group.append(j)
        return group, least

    def _least(self, balls: list[Any], start: Any) -> Any:
        if not balls:
            return None
        least = balls[0]
        for ball in balls[1:]:
            least = least.min(ball)
        return least - start

    def _fit(self, group: list[int]) -> tuple[NDArray[np.int64], Any]:
        """Close the samples of the group; returns them and the squared norm they add."""
        covered = self._active[group].any(axis=0) & self._open
        samples = np.flatnonzero(covered)
        self._open &= ~covered
        for j in range(len(self._rates)):
            self._rates[j] -= sum(self._strength[k] for k in samples[self._active[j, samples]])
        for j in group:
            self._dormant[j] = False
            self._exponents[j] = self._arb(0)
        added = self._arb(0)
        for part in split_tie(self._sets, tuple(group), samples):
            least = self._size(part.samples)
            if part.same_open_set:
                added += 2 * least
            else:
                added += 2 * least.union(self._most(part.neurons, part.samples))
        return samples, added

    def _size(self, samples: NDArray[np.int64]) -> Any:
        """‖β‖ over some samples."""
        return sum((self._targets[k] ** 2 for k in samples), self._arb(0)).sqrt()

    def _most(self, neurons: tuple[int, ...], samples: NDArray[np.int64]) -> Any:
        """Σ_j ‖β on S_j‖, at least Σ a_j²: a_j² = ‖a_j u_j‖ and 0 ≤ a_j u_jk ≤ β_k where all fit."""
        sizes = (self._size(samples[self._active[j, samples]]) for j in neurons)
        return sum(sizes, self._arb(0))

    def _equal(self, first: int, other: int, waits: dict[int, Any]) -> bool:
        """Whether two waits are proven equal."""
        if not waits[first].overlaps(waits[other]):
            return False
        if all(rates[first] == rates[other] for rates in self._history):
            return True
        if None in self._winners:
            return False
        try:
            return self._equal_in_roots(first, other)
        except TooManyTermsError:
            return False

    def _equal_in_roots(self, first: int, other: int) -> bool:
        winners = [w for w in self._winners if w is not None]
        who = {first, other, *winners}
        if len(winners) > _MOST_JUMPS_IN_ROOTS:
            raise TooManyTermsError
        field = RootField({rates[j] for rates in self._history for j in who if rates[j]})
        waits: list[dict[int, Any]] = []
        for jump, winner in enumerate(winners):
            waits.append(self._wait_in_roots(field, winner, jump, waits))
        last = len(winners)
        difference = field.plus(
            self._wait_in_roots(field, first, last, waits),
            self._wait_in_roots(field, other, last, waits),
            -1,
        )
        return not difference

    def _wait_in_roots(
        self, field: RootField, neuron: int, jump: int, waits: list[dict[int, Any]]
    ) -> dict[int, Any]:
        """−e / √G of a neuron before a jump, from the waits before all earlier ones."""
        left: dict[int, Any] = {0: field.one}
        for rates, wait in zip(self._history[:jump], waits, strict=True):
            if rates[neuron]:
                left = field.plus(left, field.times(field.root(rates[neuron]), wait), -1)
        return field.over_root(left, self._history[jump][neuron])


def loss_numerators(y: Array, samples: list[NDArray[np.int64]]) -> tuple[list[int], int]:
    """Σ y_k² left before and after each jump, as whole numbers times 2^−shift."""
    labels, shift = as_integers(y)
    left = [sum(v * v for v in labels)]
    for fitted in samples:
        left.append(left[-1] - sum(labels[k] ** 2 for k in fitted))
    return left, 2 * shift
