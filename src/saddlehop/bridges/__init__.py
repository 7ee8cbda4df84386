"""Bridges to other libraries, each imported when it is used, and recorded training runs.

In: a PyTorch module and its optimizer, or any path. Out: a start, a `Recording` that is read like a
flow, an xarray Dataset. Read first: `torch.py`, then `recording.py`.
"""

from . import xarray  # says how results become Datasets

__all__ = ["xarray"]
