"""What the pictures of claims share: colours, bars of intervals, axes and legends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..yardsticks.intervals import wilson
from .tables import Frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
else:
    Axes = Any  # importing matplotlib takes long

RED, BLUE, GREEN, BLACK, GREY = "#D55E00", "#0072B2", "#009E73", "#222222", "#888888"
COLORS = (BLUE, RED, GREEN, "#CC79A7", "#E69F00", "#56B4E9")
THEORY: dict[str, Any] = {"ls": "--", "color": BLACK, "lw": 0.9}
SAMPLES, LOG_SCALE = "samples $n$", r"$L = \log(1/\lambda)$"
NORMAL = 1.96  # errors to either side of a mean make an interval of 95%


def coloured(table: Frame, key: str = "n") -> Iterator[tuple[str, Any, Frame]]:
    """Yield a colour, the value of `key` and the rows that hold it."""
    for color, (value, part) in zip(COLORS, table.groupby(key), strict=False):
        yield color, value, part


def draw_means(ax: Axes, means: Frame, x: str = "n", **look: Any) -> None:
    """Draw means, as `by_size` returns them, with their 95% intervals."""
    ax.errorbar(means[x], means["mean"], NORMAL * means["error"], **look)


def draw_spread(ax: Axes, means: Frame, x: str = "n", **look: Any) -> None:
    """Draw means, as `by_size` returns them, with the standard deviation of the draws."""
    ax.errorbar(means[x], means["mean"], means["spread"], **look)


def draw_shares(ax: Axes, x: Any, successes: Any, trials: Any, **look: Any) -> None:
    """Draw proportions with their Wilson intervals."""
    share = successes / trials
    low, high = wilson(successes, trials)
    ax.errorbar(x, share, [np.maximum(share - low, 0), np.maximum(high - share, 0)], **look)


def dress(ax: Axes, x: str, y: str, legend: Any, log: str = "", **options: Any) -> None:
    """Label both axes, make those named in `log` logarithmic, and put the legend where it says."""
    for axis in log:
        getattr(ax, f"set_{axis}scale")("log")
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.legend(loc=legend, frameon=False, **options)


def tick_only_at(ax: Axes, places: Any) -> None:
    """Put ticks along x at these places, written out."""
    ax.set_xticks(places, [str(place) for place in places])
    ax.minorticks_off()
