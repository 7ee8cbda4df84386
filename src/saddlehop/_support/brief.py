"""Values in one short line, for printed results and messages."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from .arrays import Travelling

_LONGEST = 60  # characters of a value that is shown as it is


def between(bounds: Any, digits: int) -> str:
    """Return a number that is known, or between what it lies."""
    low, high = (f"{bound:.{digits}g}" for bound in bounds)
    return low if low == high else f"{low}…{high}"


def scale_name(log_scale: float) -> str:
    """Return λ in scientific notation, such as 1e-8 or 2.5e-1000, from log λ."""
    exponent = np.floor(log_scale / np.log(10) + 1e-9)
    digits = f"{np.exp(log_scale - exponent * np.log(10)):.3g}"
    if digits == "10":
        digits, exponent = "1", exponent + 1
    return f"{digits}e{exponent:.0f}"


class Brief(Travelling):
    """Base of dataclasses that hold arrays: `repr` tells what is in them in a few lines at most."""

    def __repr__(self) -> str:
        names = [field.name for field in fields(self) if field.repr]  # type: ignore[arg-type]
        values = ", ".join(f"{name}={brief(getattr(self, name))}" for name in names)
        return f"{type(self).__name__}({values})"


def brief(value: Any) -> str:
    """Return a value in one short line: as it is written, or its type, shape or length."""
    if isinstance(value, Brief):
        return f"<{type(value).__name__}>"
    if hasattr(value, "shape") and np.ndim(value):
        return f"<{value.dtype} {value.shape}>"
    kind = type(value).__name__
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return f"<{kind}>"
    if len(text) <= _LONGEST and "\n" not in text:
        return text
    return f"<{kind} of {len(value)}>" if isinstance(value, (tuple, list, dict)) else f"<{kind}>"
