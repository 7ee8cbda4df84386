"""Networks to draw: given as they are, or read off paths on the clock or at times t."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._support.arrays import Array
from .._support.validate import as_floats
from ..errors import InputError
from ..limit.saddle_path import SaddlePath
from ..model.network import Network
from ._shared import label
from .curves import require_clock


class Moment(NamedTuple):
    """A network and what to call it."""

    network: Network
    name: str


def moments_of(shown: Any, clock: Any = None, t: Any = None) -> list[Moment]:
    """Return the networks of `shown`: itself, or a path at the times asked for.

    Without times: every saddle that a limit jumps to, the end of any other path.
    """
    if clock is not None and t is not None:
        raise InputError("Both `clock` and `t` are given; pass one of them.")
    if isinstance(shown, Network):
        return [Moment(shown, "")]
    if isinstance(shown, SaddlePath):
        return _saddles(shown, clock, t)
    if not callable(shown) or not hasattr(shown, "log_init_scale"):
        raise InputError(
            f"A {type(shown).__name__} holds no network; pass a Network, a flow or the limit of "
            "`solve_jumps`."
        )
    if t is not None:
        return [Moment(shown(moment), f"$t$ = {moment:.4g}") for moment in _times(t, "t")]
    if clock is None:
        return [Moment(shown.final, f"end, {label(shown)}")]
    return [
        Moment(at_clock(shown, moment), f"clock {moment:.4g}, {label(shown)}")
        for moment in _times(clock, "clock")
    ]


def at_clock(path: Any, clock: float) -> Network:
    """Return the network of a flow or a limit at a clock time, at the end of a flow if that is later."""
    if isinstance(path, SaddlePath):
        return path(clock)
    network: Network = path(min(clock * require_clock(path), float(path.t[-1])))
    return network


def _saddles(jumps: SaddlePath, clock: Any, t: Any) -> list[Moment]:
    if t is not None:
        raise InputError("The limit has no times t of its own; pass `clock`.")
    if clock is not None:
        return [Moment(jumps(moment), f"clock {moment:.4g}") for moment in _times(clock, "clock")]
    if jumps.times.size == 0:
        return [Moment(jumps.final, "no jump")]
    return [
        Moment(jumps.saddle(i + 1), f"jump {i + 1}, clock {moment:.4g}")
        for i, moment in enumerate(jumps.times)
    ]


def _times(times: Sequence[float] | float, name: str) -> Array:
    return np.atleast_1d(as_floats(times, name)).ravel()
