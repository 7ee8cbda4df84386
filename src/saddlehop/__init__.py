"""Exact training dynamics of two-layer ReLU networks from vanishing initialization.

Put data in a `Problem`, draw an `Initialization`; `solve_jumps` gives the limit λ → 0.
"""

from ._version import __version__
from .errors import SaddlehopError
from .initialization import Initialization
from .network import Network
from .problem import Problem

__all__ = [
    "Initialization",
    "Network",
    "Problem",
    "SaddlehopError",
    "__version__",
]
