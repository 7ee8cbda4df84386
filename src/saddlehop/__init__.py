"""Exact training dynamics of two-layer ReLU networks from vanishing initialization.

Put data in a `Problem`, draw an `Initialization`; `solve_jumps` gives the limit λ → 0,
`simulate_flow` the flow at any λ, `compare` says how far one is from the other.
"""

from . import conventions
from ._version import __version__
from .active_sets import ActiveSets
from .alignment import Alignment, align
from .block_jumps import BlockJumpPath, solve_jumps_blocks
from .certificate import Certificate, certify
from .check import SecondOpinion, second_opinion
from .comparison import Comparison, compare
from .curvature import asymptotic_rate, local_pl_constant
from .datasets import load_digits, make_orthogonal
from .errors import FlowError, SaddlehopError
from .flow import FlowPath, simulate_flow
from .initialization import Initialization
from .interpolation import interpolation_probability, required_width
from .jump_path import JumpPath
from .jumps import solve_jumps
from .min_norm import MinNormInterpolator, min_norm_interpolator
from .network import Network
from .orthogonalization import orthogonalize, orthogonalizing_map
from .prediction import Prediction
from .problem import Problem
from .recording import Recording
from .sample_blocks import SampleBlocks
from .storage import load, save
from .sweeps import read_sweep, sweep

__all__ = [
    "ActiveSets",
    "Alignment",
    "BlockJumpPath",
    "Certificate",
    "Comparison",
    "FlowError",
    "FlowPath",
    "Initialization",
    "JumpPath",
    "MinNormInterpolator",
    "Network",
    "Prediction",
    "Problem",
    "Recording",
    "SaddlehopError",
    "SampleBlocks",
    "SecondOpinion",
    "__version__",
    "align",
    "asymptotic_rate",
    "certify",
    "compare",
    "conventions",
    "interpolation_probability",
    "load",
    "load_digits",
    "local_pl_constant",
    "make_orthogonal",
    "min_norm_interpolator",
    "orthogonalize",
    "orthogonalizing_map",
    "read_sweep",
    "required_width",
    "save",
    "second_opinion",
    "simulate_flow",
    "solve_jumps",
    "solve_jumps_blocks",
    "sweep",
]
