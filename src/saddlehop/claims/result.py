"""What a claim is, and what measuring it gives.

A claim is measured (sizes → table) and then judged (table → numbers with intervals → verdict); each
number that bears on the statement carries the range of values that the statement allows. A number
agrees if its interval of 99.9% confidence meets that range; intervals shown are of 95%, of which one
in twenty misses by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..errors import MissingExtraError
from ..yardsticks.intervals import Z, wilson
from .drawing import Axes
from .statistics import Estimate
from .tables import Frame, as_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Range = tuple[float, float] | None
Panel = Callable[[Axes, Frame], None]
Report = Callable[[float], object]
T = TypeVar("T")

HOLDS, PARTLY, FAILS = "holds", "holds in part", "fails"
MEASURED, SKIPPED = "measured", "not measured"
STRETCH = 3.2905267 / Z  # from intervals of 95% to those of 99.9%
POSITIVE = (float(np.nextafter(0, 1)), np.inf)
WIDTH_IN, HEIGHT_IN = 3.4, 2.7


@dataclass(frozen=True)
class Number:
    """One measured number."""

    label: str
    """What it is, with its unit or clock."""
    value: float
    """The estimate."""
    low: float
    """Lower end of its 95% confidence interval."""
    high: float
    """Upper end."""
    allowed: Range = None
    """Values that the statement allows; None if the statement says nothing about it."""
    theory: str = ""
    """What theory says it is, in words."""

    @property
    def agrees(self) -> bool | None:
        """Whether the interval of 99.9% meets the allowed range; None without one."""
        if self.allowed is None:
            return None
        low = self.value - STRETCH * (self.value - self.low)
        high = self.value + STRETCH * (self.high - self.value)
        return bool(low <= self.allowed[1] and high >= self.allowed[0])


@dataclass(frozen=True, eq=False)
class ClaimResult:
    """A claim beside what was measured."""

    name: str
    """Short name, as in `--only`."""
    statement: str
    """The claim in one sentence."""
    table: Frame
    """What was measured."""
    numbers: tuple[Number, ...]
    """Numbers drawn from the table."""
    verdict: str
    """"holds", "holds in part", "fails"; "measured" where nothing is claimed; "not measured"."""
    remark: str
    """What the verdict rests on, and where it ends."""
    sizes: str
    """"quick", "full", or "given" for a table that was measured otherwise."""
    panels: tuple[Panel, ...]
    """Each draws one view of the table on an Axes; none if nothing was measured."""
    chapter: str = ""
    """Heading that it stands under on the page; empty: the claims of the paper."""

    def plot(self, ax: Axes | None = None, panel: int = 0) -> Axes:
        """Draw one panel on `ax`, a new figure of column width if None; return the Axes."""
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")[1]
        if self.panels:
            self.panels[panel](ax, self.table)
        ax.spines[["top", "right"]].set_visible(False)
        return ax

    def figure(self) -> Figure:
        """Return a figure of column width with all panels, one under the other."""
        from matplotlib import rc_context
        from matplotlib.figure import Figure

        with rc_context({"font.size": 8, "legend.fontsize": 6.5, "lines.markersize": 4}):
            count = max(len(self.panels), 1)
            figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN * count), layout="constrained")
            for panel, ax in enumerate(figure.subplots(count, squeeze=False).ravel()):
                self.plot(ax, panel)
            return figure


@dataclass(frozen=True, eq=False)
class Claim:
    """A claim that can be measured: call it."""

    name: str
    """Short name, as in `--only`."""
    statement: str
    """The claim in one sentence."""
    measure: Callable[..., Frame]
    """Sizes → table."""
    judge: Callable[[Frame], tuple[Sequence[Number], str]]
    """Table → numbers and a remark."""
    panels: tuple[Panel, ...]
    """Each draws one view of the table."""
    quick: dict[str, Any]
    """Sizes that take seconds."""
    full: dict[str, Any]
    """Sizes that take minutes."""
    chapter: str = ""
    """Heading that it stands under on the page; empty: the claims of the paper."""

    def __call__(self, *, quick: bool = False, report: Report = lambda share: None) -> ClaimResult:
        """Measure and judge.

        Parameters
        ----------
        quick : bool
            Smaller sizes and fewer draws.
        report : callable
            Called with the share of the work that is done, from 0 to 1.

        Returns
        -------
        ClaimResult
            The same for every call: all draws are seeded.
        """
        try:
            table = self.measure(**(self.quick if quick else self.full), report=report)
        except MissingExtraError as missing:
            return self._skipped(str(missing))
        return self.of(table, "quick" if quick else "full")

    def of(self, table: Frame, sizes: str = "given") -> ClaimResult:
        """Judge a table that was measured before."""
        numbers, remark = self.judge(table)
        return ClaimResult(
            self.name,
            self.statement,
            table,
            tuple(numbers),
            verdict_of(numbers),
            remark,
            sizes,
            self.panels,
            self.chapter,
        )

    def _skipped(self, reason: str) -> ClaimResult:
        empty = as_table([])
        return ClaimResult(
            self.name, self.statement, empty, (), SKIPPED, reason, "none", (), self.chapter
        )


def verdict_of(numbers: Iterable[Number]) -> str:
    """Return the verdict: all, some or none of the judged numbers agree."""
    agree = [number.agrees for number in numbers if number.agrees is not None]
    if not agree:
        return MEASURED
    return HOLDS if all(agree) else PARTLY if any(agree) else FAILS


def within(share: float, value: float) -> tuple[float, float]:
    """Return the range of values that differ from `value` by no more than this share of it."""
    return value * (1 - share), value * (1 + share)


def number_of(label: str, estimate: Estimate, allowed: Range = None, theory: str = "") -> Number:
    """Return an estimate as a `Number`."""
    return Number(label, estimate.value, *estimate.interval, allowed, theory)


def share_of(
    label: str, successes: int, trials: int, allowed: Range = None, theory: str = ""
) -> Number:
    """Return a proportion with its Wilson interval as a `Number`."""
    low, high = wilson(successes, trials)
    return Number(label, successes / trials, float(low), float(high), allowed, theory)


def exact(label: str, value: float, allowed: Range = None, theory: str = "") -> Number:
    """Return a number without error, such as a maximum over what was drawn, as a `Number`."""
    return Number(label, float(value), float(value), float(value), allowed, theory)


def tracked(
    items: Sequence[T], report: Report, costs: Sequence[float] | None = None
) -> Iterator[T]:
    """Yield `items`, reporting the share of the work done; `costs` says how dear each is."""
    weights = np.cumsum(np.ones(len(items)) if costs is None else np.asarray(costs, dtype=float))
    for item, done in zip(items, weights, strict=True):
        yield item
        report(float(done / weights[-1]))
