"""Exact training dynamics of two-layer ReLU networks from vanishing initialization.

Put data in a `Problem`, draw an `Initialization`; `solve_jumps` gives the limit λ → 0.
"""

from ._version import __version__
from .curvature import asymptotic_rate, local_pl_constant
from .errors import FlowError, SaddlehopError
from .flow import FlowPath, simulate_flow
from .initialization import Initialization
from .network import Network
from .problem import Problem

__all__ = [
    "FlowError",
    "FlowPath",
    "Initialization",
    "Network",
    "Problem",
    "SaddlehopError",
    "__version__",
    "asymptotic_rate",
    "local_pl_constant",
    "simulate_flow",
]
