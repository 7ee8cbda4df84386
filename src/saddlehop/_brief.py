"""Printing of results: the names of what they hold, with shapes in place of numbers."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

_LONGEST = 60  # characters of a value that is shown as it is


class Brief:
    """Base of dataclasses that hold arrays: `repr` tells what is in them in a few lines at most."""

    def __repr__(self) -> str:
        names = [field.name for field in fields(self) if field.repr]  # type: ignore[arg-type]
        values = ", ".join(f"{name}={_brief(getattr(self, name))}" for name in names)
        return f"{type(self).__name__}({values})"


def _brief(value: Any) -> str:
    if isinstance(value, Brief):
        return f"<{type(value).__name__}>"
    if hasattr(value, "shape") and np.ndim(value):
        return f"<{value.dtype} {value.shape}>"
    if isinstance(value, (tuple, list, dict)) and len(repr(value)) > _LONGEST:
        return f"<{type(value).__name__} of {len(value)}>"
    text = repr(value)
    return text if len(text) <= _LONGEST else f"<{type(value).__name__}>"
