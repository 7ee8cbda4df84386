"""Checks made once, at the public door: arrays come out float64, finite, frozen and our own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from .arrays import Array
from .brief import brief


def frozen_array(value: Any, name: str, ndim: int) -> Array:
    """Return `value` as a read-only float64 array of `ndim` dimensions with finite entries.

    The array is a copy unless `value` is already frozen and owns its data, so that later
    changes to the caller's array cannot reach it and large drawn starts are not copied.
    """
    array = as_floats(value, name)
    if array.ndim != ndim:
        raise InputError(
            f"`{name}` has shape {array.shape}; pass an array with "
            f"{ndim} dimension{'s' if ndim > 1 else ''}{_hint(name, array.shape, ndim)}."
        )
    _require_finite(array, name)
    if array.flags.writeable or array.base is not None or not array.flags.c_contiguous:
        array = np.array(array, order="C")
        array.flags.writeable = False
    return array


def _hint(name: str, shape: tuple[int, ...], ndim: int) -> str:
    """How one column of a table becomes what is wanted."""
    if len(shape) == 1 and ndim == 2:
        return f", such as `numpy.reshape({name}, (-1, 1))` of one column"
    if len(shape) == 2 and shape[1] == 1 and ndim == 1:
        return f", such as `numpy.ravel({name})`"
    return ""


def finite_floats(value: Any, name: str) -> Array:
    """Return finite numbers of any shape as float64."""
    array = as_floats(value, name)
    _require_finite(array, name)
    return array


def _require_finite(array: Array, name: str) -> None:
    if np.isfinite(array).all():
        return
    index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    where = ", ".join(map(str, index)) if array.ndim < 2 else str(index)
    raise InputError(
        f"`{name}` holds {array[index]}{' at index ' * (array.ndim > 0)}{where}; every entry must be "
        "a finite number, so remove or replace that sample."
    )


def as_floats(value: Any, name: str) -> Array:
    """Return numbers of any shape as float64."""
    if np.ma.is_masked(value):
        raise InputError(f"`{name}` has masked entries; fill or remove them.")
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(f"`{name}` has rows of different length; pass a full array.") from None
    except (TypeError, RuntimeError) as err:  # such as tensors that require a gradient
        raise InputError(
            f"`{name}` cannot be read as an array ({str(err).rstrip('.')}); pass a NumPy array."
        ) from None
    if array.dtype.kind == "c":
        raise InputError(f"`{name}` is complex; pass real numbers.")
    if array.dtype.kind in "biuf":
        with np.errstate(over="ignore"):  # of longer floats
            return array.astype(np.float64, copy=False)
    try:
        if array.dtype.kind != "O":
            raise TypeError
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            f"`{name}` has entries of type {array.dtype} that are not numbers; pass an array of "
            "real numbers."
        ) from None


def require_length(array: Any, name: str, length: int, other: str) -> None:
    """Raise unless the first axis of `array` has the `length` that `other` has."""
    if array.shape[0] != length:
        raise InputError(
            f"`{name}` has length {array.shape[0]} but {other} has {length}; pass one entry for each."
        )


MOST = 2**63 - 1  # that arrays and files can count


def require_one_time(times: Array) -> Array:
    """Return `times` if it is a single one."""
    if times.ndim > 0:
        raise InputError(
            f"`t` has shape {times.shape}; pass one time, or use `loss_at` and `log_output_at` for many."
        )
    return times


def positive_int(value: Any, name: str) -> int:
    """Return `value` as an int of at least 1."""
    return int_at_least(value, name, 1)


def int_at_least(value: Any, name: str, least: int, most: int = MOST) -> int:
    """Return `value` as an int of at least `least`."""
    if _is_number(value, int, np.integer) and value >= least:
        if value > most:
            raise InputError(
                f"`{name}` is above {most}, the most that can be counted; pass a smaller number."
            )
        return int(value)
    raise InputError(f"`{name}` is {brief(value)}; pass a whole number of at least {least}.")


def _is_number(value: Any, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, (bool, np.timedelta64))


def flag(value: Any, name: str) -> bool:
    """Return a yes or no."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    raise InputError(f"`{name}` is {brief(value)}; pass True or False.")


def as_path(value: Any, name: str) -> Path:
    """Return a path; an empty one would be the current folder."""
    if isinstance(value, (str, os.PathLike)) and isinstance(os.fspath(value), str) and value != "":
        return Path(value)
    raise InputError(f"`{name}` is {brief(value)}; pass a path.")


def one_of(value: Any, name: str, choices: tuple[str, ...]) -> str:
    """Return `value` if it is one of the named `choices`."""
    if isinstance(value, str) and value in choices:
        return value
    known = ", ".join(repr(choice) for choice in choices)
    raise InputError(f"`{name}` is {brief(value)}; pass one of {known}.")


def as_generator(rng: Any) -> np.random.Generator:
    """Return the numpy Generator that `rng` (None, int or Generator) stands for."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise InputError(
            f"`rng` is {brief(rng)}; pass None, a non-negative int or a numpy Generator."
        ) from None


def instance_of(value: Any, name: str, *kinds: type) -> Any:
    """Return `value` if it is an instance of one of `kinds`."""
    if isinstance(value, kinds):
        return value
    known = " or ".join(kind.__name__ for kind in kinds)
    raise InputError(f"`{name}` is of type {type(value).__name__}; pass one of type {known}.")


def real_number(value: Any, name: str) -> float:
    """Return `value` as a float; nan is let through to the check of its range."""
    try:
        if _is_number(value, int, float, np.integer, np.floating):
            return float(value)
    except OverflowError:
        pass
    raise InputError(f"`{name}` is {brief(value)}; pass a number that a float can hold.")
