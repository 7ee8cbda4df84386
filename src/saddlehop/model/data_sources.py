"""Samples by the name of data that ship with the package, or from a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .._support.arrays import Array
from .._support.validate import as_path
from ..errors import DataFileError, InputError
from .datasets import load_digits
from .settings import SETTINGS, load_setting
from .tables import read_samples


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs and labels, and what to call them."""

    X: Array
    """Inputs, shape (n, d)."""
    y: Array
    """Labels, shape (n,)."""
    title: str
    """What they are called in headings."""
    images: Array | None = None
    """A grey picture of each sample, shape (n, height, width)."""
    bias: bool = False
    """Whether a feature 1 belongs to the inputs."""


def _digits() -> Samples:
    pixels, _ = load_digits(orthogonal=False)
    X, y = load_digits()
    return Samples(X, y, f"{len(y)} handwritten digits", pixels.reshape(-1, 8, 8))


def _setting(name: str) -> Samples:
    setting = load_setting(name)
    return Samples(setting.X, setting.y, name, bias=setting.bias)


SHIPPED: dict[str, Callable[[], Samples]] = {
    "digits": _digits,
    **{name: partial(_setting, name) for name in SETTINGS},
}
NAMES = ", ".join(SHIPPED)


def find_samples(data: Any, target: str = "y") -> Samples:
    """Return the samples that a name or a file stands for.

    Parameters
    ----------
    data : str or path-like
        A name in `SHIPPED`, or a file that `read_samples` reads. Such files have an ending and names
        have none, so neither can hide the other.
    target : str
        The label column of a file; shipped data have their own.

    Returns
    -------
    Samples

    Raises
    ------
    DataFileError
        If there is neither.
    """
    path = as_path(data, "DATA")
    if str(path) in SHIPPED:
        if target != "y":
            raise InputError(
                f"`--target` is {target!r} but {str(path)!r} ships with its labels; leave it out."
            )
        return SHIPPED[str(path)]()
    if not path.exists() and not path.suffix:
        raise DataFileError(
            f"There is no file {str(path)!r} and no shipped data of that name; pass a CSV, Parquet "
            f"or NPZ file, or one of the names: {NAMES}."
        )
    return Samples(*read_samples(path, target), path.name)
