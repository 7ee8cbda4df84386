"""Results that can be read as labelled arrays; `bridges/xarray.py` says how each is labelled."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr


@singledispatch
def as_dataset(result: object) -> xr.Dataset:
    """Return a result as an xarray Dataset."""
    raise TypeError(f"Nothing says how to label {type(result).__name__}.")


class Labelled:
    """Base of results with `to_xarray`."""

    def to_xarray(self) -> xr.Dataset:
        """Return an xarray Dataset with dims such as `jump`, `saddle`, `time`, `neuron`, `sample`."""
        return as_dataset(self)
