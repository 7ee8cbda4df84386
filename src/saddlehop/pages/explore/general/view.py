"""What a picture of points on a line shows, [x from, to, y from, to].

The view stays while points move, and afterwards as long as what is to be seen lies well inside it and
fills some of it: the points, and the function between them, unless it goes far beyond the labels.
"""

from __future__ import annotations

import numpy as np

from ...._support.arrays import Array
from ....general.jumps_path import GeneralJumpPath
from .moment import is_on_line, on_line
from .state import Data

_EDGE, _LEAST, _PAD = (
    0.05,
    0.2,
    0.3,
)  # shares of a view: its edge, what must be filled; beyond points


def view_of(data: Data, jumps: GeneralJumpPath) -> list[float]:
    """Return the view of data and the network that the limit ends in."""
    if not is_on_line(jumps.problem):
        return []
    view = data["view"]
    if view is not None and data["moving"]:
        return list(view)
    x, y = np.ravel(data["rows"]), _heights(jumps)
    if view is not None and _fits(x, view[:2]) and _fits(y, view[2:]):
        return list(view)
    return [*_around(x), *_around(y)]


def _heights(jumps: GeneralJumpPath) -> Array:
    """Labels and the function between points, no further out than labels reach."""
    inputs, labels = jumps.problem.X[:, 0], jumps.problem.y
    between = on_line(jumps.final, jumps.problem, float(inputs.min()), float(inputs.max()))[:, 1]
    reach = float(np.ptp(labels))
    return np.concatenate([labels, np.clip(between, labels.min() - reach, labels.max() + reach)])


def _fits(values: Array, view: list[float]) -> bool:
    size = view[1] - view[0]
    low, high = float(values.min()), float(values.max())
    inside = view[0] + _EDGE * size <= low and high <= view[1] - _EDGE * size
    return inside and high - low >= _LEAST * size


def _around(values: Array) -> list[float]:
    low, high = float(values.min()), float(values.max())
    pad = _PAD * (high - low) or 1.0
    return [low - pad, high + pad]
