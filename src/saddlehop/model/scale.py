"""The scale λ of the start, kept as log λ so that it may be far below the smallest float."""

from __future__ import annotations

import decimal
import math
from typing import Any

from ..errors import InputError

LOG_SCALE_LIMIT = 1e7  # |log λ| beyond this leaves too few digits for the times


def parse_scale(init_scale: Any = None, log_init_scale: Any = None) -> float:
    """Return log λ from exactly one of λ and log λ.

    Parameters
    ----------
    init_scale : float or str, optional
        The scale λ > 0. A decimal string such as "1e-1000" never passes through a float.
    log_init_scale : float, optional
        The natural logarithm of λ.

    Returns
    -------
    float
        log λ, between −1e7 and 1e7.
    """
    if (init_scale is None) == (log_init_scale is None):
        given = "neither" if init_scale is None else "both"
        raise InputError(
            f"`init_scale` and `log_init_scale`: {given} given; pass exactly one of them, "
            "such as `init_scale=1e-8` or `log_init_scale=-2302.6`."
        )
    log_scale = _as_log(log_init_scale) if init_scale is None else _log_of_decimal(init_scale)
    if abs(log_scale) > LOG_SCALE_LIMIT * (1 + 1e-12):
        raise InputError(
            f"The scale has log λ = {log_scale:.6g}; it must lie between −1e7 and 1e7, "
            "and smaller scales follow the limit λ → 0 to all digits."
        )
    return log_scale


def _as_log(value: Any) -> float:
    try:
        log_scale = float(value)
    except (TypeError, ValueError):
        log_scale = math.nan
    if not math.isfinite(log_scale):
        raise InputError(
            f"`log_init_scale` is {value!r}; pass a finite number, the natural logarithm of λ."
        )
    return log_scale


def _log_of_decimal(value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        scale = decimal.Decimal(value if isinstance(value, (str, int)) else float(value))
    except (TypeError, ValueError, ArithmeticError):
        scale = decimal.Decimal("nan")
    if not (scale.is_finite() and scale > 0):
        raise InputError(
            f"`init_scale` is {value!r}; pass a positive finite number, or a decimal string such "
            'as "1e-1000".'
        )
    return float(scale.ln(decimal.Context(prec=25, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)))


def parse_small_scale(init_scale: float | str | None, log_init_scale: float | None = None) -> float:
    """Return log λ of a scale λ below 1, given one way or the other."""
    log_scale = parse_scale(init_scale, log_init_scale)
    if log_scale >= 0:
        raise InputError(f"The scale has log λ = {log_scale:.6g}; pass a scale below 1.")
    return log_scale
