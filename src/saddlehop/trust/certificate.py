"""Certificates: the jump process again, with proofs.

Inputs are read as the exact rationals that floats are. Signs and active sets are decided in whole
numbers (`exact.py`), the process is run in ball arithmetic (`ball_process.py`), and the precision
doubles until every winner is apart from its runner-up or their equality is proven
(`radicals.py`). No compiled kernel is used. The result encloses the true numbers and says, jump by
jump, whether the given ones agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np

from .._support.arrays import Array, frozen
from .._support.brief import Brief
from .._support.optional import require
from .._support.validate import instance_of, int_at_least, real_number
from ..errors import InputError
from ..general.jumps_path import orthogonal_jumps
from ..limit.active_sets import ActiveSets
from ..limit.alignment import Alignment
from ..limit.jump_course import TIE_TOL
from ..limit.jump_path import JumpPath
from ..model.general_problem import orthogonal_problem
from ..model.initialization import Initialization
from ..model.problem import Problem
from .ball_process import BallProcess, Step, UnsettledError, loss_numerators
from .exact import ExactAlignment, align_exactly, exact_pulls

if TYPE_CHECKING:
    import pandas as pd

_FIRST_BITS = 128
_AGREE = 1e-10  # a float result farther than this from its enclosure is wrong, not rounded


@dataclass(frozen=True, eq=False, repr=False)
class Certificate(Brief):
    """Enclosures of the true jump process, and what they say about a given one."""

    jumps: JumpPath
    """The jumps that were examined."""
    verdicts: tuple[str, ...]
    """Per jump of the true process: "certified" (the winner is apart from every runner-up and all
    given numbers agree), "tie" (arrivals proven equal), "undecided" (arrivals apart by less than
    the tolerance of ties but not proven equal, or not told apart at the most bits), or
    "contradicted" (the given jump is wrong)."""
    reasons: tuple[str, ...]
    """What is undecided or wrong, per jump; empty if nothing."""
    contradictions: tuple[str, ...]
    """Everything in which the given jumps differ from the true ones."""
    neurons: tuple[tuple[int, ...], ...]
    """The neurons that truly activate at each jump."""
    times: Array
    """Lower and upper bound of each jump time, on the clock t / log(1/λ), shape (J, 2)."""
    margins: Array
    """Bounds of the clock distance to the runner-up, shape (J, 2); inf if none is left."""
    escape_rates: Array
    """Bounds of the fastest growth rate at each saddle, per unit of t, shape (J+1, 2)."""
    losses: Array
    """Bounds of the loss at each saddle, shape (J+1, 2)."""
    sq_norms: Array
    """Bounds of the squared norm at each saddle, shape (J+1, 2); wide from the first tie on that leaves
    the shares to the orbit: then between 2 ‖β_B‖ and 2 Σ_j ‖β on S_j ∩ B‖."""
    rounded: tuple[int, ...]
    """Neurons whose alignment holds only because `align` counts what is equal to within rounding
    as equal; that of all others is proven for the exact inputs."""
    bits: int
    """Bits of precision it took."""

    @property
    def is_consistent(self) -> bool:
        """Whether nothing in the given jumps is wrong."""
        return not self.contradictions

    @property
    def is_decided(self) -> bool:
        """Whether every jump is certified or a proven tie."""
        return all(verdict in ("certified", "tie") for verdict in self.verdicts)

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame with one row per jump: verdict, bounds, reason."""
        import pandas as pd

        n_jumps = len(self.neurons)
        columns: dict[str, Any] = {
            "verdict": self.verdicts[:n_jumps],
            "neurons": [" ".join(map(str, group)) for group in self.neurons],
        }
        for name, bounds in (
            ("clock", self.times),
            ("margin", self.margins),
            ("loss", self.losses[1:]),
            ("sq_norm", self.sq_norms[1:]),
        ):
            columns[f"{name}_low"], columns[f"{name}_high"] = bounds[:n_jumps].T
        columns["reason"] = self.reasons[:n_jumps]
        return pd.DataFrame(columns, index=pd.RangeIndex(1, n_jumps + 1, name="jump"))


def certify(
    problem: Problem,
    init: Initialization | Alignment | ActiveSets,
    jumps: JumpPath,
    *,
    tie_tol: float = TIE_TOL,
    max_bits: int = 4096,
) -> Certificate:
    """Prove or refute the jumps computed by `solve_jumps`.

    Parameters
    ----------
    problem : Problem
    init : Initialization, Alignment or ActiveSets
        The start the jumps were computed from. Of `ActiveSets` the sets are taken as given.
    jumps : JumpPath
        What is to be examined.
    tie_tol : float
        The tolerance of ties that `solve_jumps` was given.
    max_bits : int
        The most bits to try.

    Returns
    -------
    Certificate

    Raises
    ------
    MissingExtraError
        Without python-flint (extra `certify`).

    Notes
    -----
    O(m n) operations on whole numbers, O(J m) on balls at each precision; memory O(m n). A
    proof that two arrivals are equal is exact and complete up to 512 terms of the sums of roots.
    The precision of python-flint is set meanwhile, so use one thread at a time.
    """
    max_bits = int_at_least(max_bits, "max_bits", 64)
    _require_types(problem, init, jumps, tie_tol)
    flint = require("flint", "Certifying", "certify")
    exact = _exact_sets(problem, init)
    sets = ActiveSets.from_bool(exact.active, exact.signs)
    bits = min(_FIRST_BITS, max_bits)
    while True:
        with flint.ctx.workprec(bits):
            process = BallProcess(problem.y, problem.norms, exact.active, sets, tie_tol)
            try:
                steps, stuck = process.run(), None
            except UnsettledError as unsettled:
                steps, stuck = unsettled.steps, unsettled.margin
            if stuck is None or bits >= max_bits:
                return _certificate(problem, exact, sets, jumps, process, steps, stuck, bits)
        bits = min(2 * bits, max_bits)


def _require_types(problem: Any, init: Any, jumps: Any, tie_tol: Any) -> None:
    orthogonal_problem(problem, "certificates are")
    instance_of(init, "init", Initialization, Alignment, ActiveSets)
    orthogonal_jumps(jumps, "certificates are", "call `sh.second_opinion(jumps)`")
    if not 0 <= real_number(tie_tol, "tie_tol") < 1:
        raise InputError(f"`tie_tol` is {tie_tol!r}; pass a number from 0 up to 1.")
    width = init.sets.width if isinstance(init, Alignment) else init.width
    n_samples = init.sets.n_samples if isinstance(init, Alignment) else init.n_samples
    if n_samples != problem.n_samples or jumps.problem.n_samples != problem.n_samples:
        raise InputError(
            f"`problem`, `init` and `jumps` have {problem.n_samples}, {n_samples} and "
            f"{jumps.problem.n_samples} samples; pass what belongs together."
        )
    if width != jumps.width:
        raise InputError(
            f"`init` has {width} neurons but `jumps` has {jumps.width}; pass what belongs together."
        )


def _exact_sets(problem: Problem, init: Initialization | Alignment | ActiveSets) -> ExactAlignment:
    if isinstance(init, Alignment):
        init = init.initialization
    if isinstance(init, Initialization):
        pulls, _ = exact_pulls(problem.y, problem.norms)
        return align_exactly(init.output, init.hidden, pulls)
    of_sign = np.sign(problem.y) == init.signs[:, None]
    return ExactAlignment(init.signs, init.to_bool() & of_sign & (problem.y != 0), ())


def _certificate(
    problem: Problem,
    exact: ExactAlignment,
    sets: ActiveSets,
    jumps: JumpPath,
    process: BallProcess,
    steps: list[Step],
    stuck: float | None,
    bits: int,
) -> Certificate:
    bounds = _enclosures(problem, process, steps, stuck is None)
    wrong = _Differences(jumps)
    wrong.in_sets(sets)
    wrong.in_order(steps, stuck is None)
    for name, enclosures in bounds.items():
        # norms that ties leave open would take the integration of their orbits to compare
        if name != "sq_norms" or _are_narrow(enclosures) or name in vars(jumps):
            wrong.in_numbers(name, getattr(jumps, name), enclosures)
    exponents = [[-1.0] * sets.width, *([float(e.mid()) for e in s.exponents] for s in steps)]
    wrong.in_exponents(np.array(exponents))
    pairs = [_verdict(step, wrong.at(i)) for i, step in enumerate(steps)]
    if stuck is not None:
        pairs.append(("undecided", f"not told apart with {bits} bits; margin about {stuck:.3g}"))
    return Certificate(
        jumps=jumps,
        verdicts=tuple(verdict for verdict, _ in pairs),
        reasons=tuple(reason for _, reason in pairs),
        contradictions=tuple(wrong.all),
        neurons=tuple(step.neurons for step in steps),
        **bounds,
        rounded=exact.rounded,
        bits=bits,
    )


def _enclosures(
    problem: Problem, process: BallProcess, steps: list[Step], is_whole: bool
) -> dict[str, Array]:
    from flint import arb, fmpz

    left, shift = loss_numerators(problem.y, [step.samples for step in steps])
    unit = arb(2 * problem.n_samples) * arb(2) ** shift
    last = [process.rates_at_rest] if is_whole else []
    added = [step.added_sq_norm for step in steps]
    return {
        "times": _bounds([step.time for step in steps]),
        "margins": _bounds([step.margin for step in steps]),
        "escape_rates": _bounds([step.fastest for step in steps] + last),
        "losses": _bounds([arb(fmpz(value)) / unit for value in left]),
        "sq_norms": _bounds(list(accumulate(added, initial=arb(0)))),
    }


def _are_narrow(bounds: Array) -> bool:
    return bool((bounds[:, 1] - bounds[:, 0] <= _AGREE * bounds[:, 1]).all())


def _verdict(step: Step, wrong: list[str]) -> tuple[str, str]:
    if wrong:
        return "contradicted", "; ".join(wrong)
    if not step.is_equal:
        return (
            "undecided",
            f"arrivals {float(step.spread.mid()):.3g} apart, within the tolerance of ties",
        )
    return ("certified" if len(step.neurons) == 1 else "tie"), ""


class _Differences:
    """Collects where the given jumps differ from the true ones."""

    def __init__(self, jumps: JumpPath) -> None:
        self._jumps = jumps
        self._by_jump: list[tuple[int, str]] = []
        self.all: list[str] = []

    def at(self, jump: int) -> list[str]:
        return [message for index, message in self._by_jump if index == jump]

    def _add(self, jump: int, message: str) -> None:
        self._by_jump.append((jump, message))
        self.all.append(f"jump {jump + 1}: {message}")

    def in_sets(self, sets: ActiveSets) -> None:
        different = (self._jumps.sets.to_bool() != sets.to_bool()).any(axis=1)
        # the sign of a dead neuron matters to nothing
        different |= (self._jumps.sets.signs != sets.signs) & (sets.to_bool().any(axis=1))
        for j in np.flatnonzero(different):
            self.all.append(f"neuron {j}: its active set or sign is another")

    def in_order(self, steps: list[Step], is_complete: bool) -> None:
        jumps = self._jumps
        for i, step in enumerate(steps[: jumps.n_jumps]):
            if jumps.neurons[i] != step.neurons:
                self._add(i, f"neurons {step.neurons} activate, not {jumps.neurons[i]}")
            if not np.array_equal(jumps.samples[i], step.samples):
                self._add(i, "other samples are fitted")
        for i in range(jumps.n_jumps, len(steps)):
            self._add(i, "the jump is missing")
        if is_complete and jumps.n_jumps > len(steps):
            self.all.append(f"{jumps.n_jumps - len(steps)} jumps too many")

    def in_numbers(self, name: str, given: Array, bounds: Array) -> None:
        count = min(len(given), len(bounds))
        value, low, high = given[:count], *bounds[:count].T
        size = np.abs(low)
        if name == "margins":  # a difference of clocks is as good as the clocks
            clock = self._jumps.times[:count]
            far = (low > 1e9 * clock) & np.isinf(
                given[:count]
            )  # the float process lost sight of it
            size = np.where(far, np.inf, np.maximum(clock, size))
        with np.errstate(invalid="ignore"):
            room = np.where(np.isfinite(low), _AGREE * size, 0.0)
            wrong = ~((value >= low - room) & (value <= high + room))
        if name == "sq_norms":  # nan: not claimed
            wrong &= ~np.isnan(value)
        for i in np.flatnonzero(wrong):
            self._add(
                min(int(i), max(count - 1, 0)), f"{name} is {value[i]:.10g}, truly {low[i]:.10g}"
            )

    def in_exponents(self, true: Array) -> None:
        given = self._jumps.exponents
        count = min(len(given), len(true))
        wrong = ~(np.abs(given[:count] - true[:count]) <= _AGREE)
        for i in np.flatnonzero(wrong.any(axis=1)):
            j = int(np.argmax(wrong[i]))
            self._add(max(int(i) - 1, 0), f"the exponent of neuron {j} is {given[i, j]:.10g}")


def _bounds(balls: list[Any]) -> Array:
    """Floats below and above each ball; both inf for None."""
    bounds = np.full((len(balls), 2), np.inf)
    for i, ball in enumerate(balls):
        if ball is None:
            continue
        low, high = float(ball.lower()), float(ball.upper())
        while low > ball.lower():
            low = float(np.nextafter(low, -np.inf))
        while high < ball.upper():
            high = float(np.nextafter(high, np.inf))
        bounds[i] = low, high
    return frozen(bounds)
