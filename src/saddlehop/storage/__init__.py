"""Results in files: NPZ, netCDF, Zarr.

In: any result, with its problem and start. Out: the same result, to the last bit. Read first:
`files.py`; `codec.py` turns results into arrays and a document.
"""

from .files import load, save

__all__ = ["load", "save"]
