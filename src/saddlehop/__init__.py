"""Exact training dynamics of two-layer ReLU networks from vanishing initialization.

Put data in a `Problem`, draw an `Initialization`; `solve_jumps` gives the limit λ → 0.
"""

from ._version import __version__
from .active_sets import ActiveSets
from .alignment import Alignment, align
from .datasets import load_digits, make_orthogonal
from .errors import SaddlehopError
from .initialization import Initialization
from .interpolation import interpolation_probability, required_width
from .jumps import JumpPath, solve_jumps
from .min_norm import MinNormInterpolator, min_norm_interpolator
from .network import Network
from .orthogonalization import orthogonalize, orthogonalizing_map
from .problem import Problem

__all__ = [
    "ActiveSets",
    "Alignment",
    "Initialization",
    "JumpPath",
    "MinNormInterpolator",
    "Network",
    "Problem",
    "SaddlehopError",
    "__version__",
    "align",
    "interpolation_probability",
    "load_digits",
    "make_orthogonal",
    "min_norm_interpolator",
    "orthogonalize",
    "orthogonalizing_map",
    "required_width",
    "solve_jumps",
]
