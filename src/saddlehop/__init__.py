"""Exact training dynamics of two-layer ReLU networks from vanishing initialization.

Put data in a `Problem`, draw an `Initialization`; `solve_jumps` gives the limit λ → 0,
`simulate_flow` the flow at any λ, `compare` says how far one is from the other.
"""

from . import conventions
from ._version import __version__
from .blocks.jumps import BlockJumpPath, solve_jumps_blocks
from .blocks.sample_blocks import SampleBlocks
from .bridges.recording import Recording
from .errors import FlowError, SaddlehopError
from .flow.simulate import FlowPath
from .general.alignment import GeneralAlignment
from .general.extremal import ExtremalVectors, extremal_vectors
from .general.flow import GeneralFlowPath
from .general.jumps_path import GeneralJumpPath
from .general.verbs import align, simulate_flow, solve_jumps
from .limit.active_sets import ActiveSets
from .limit.alignment import Alignment
from .limit.jump_path import JumpPath
from .limit.prediction import Prediction
from .model.datasets import load_digits, make_orthogonal
from .model.general_problem import GeneralProblem
from .model.initialization import Initialization
from .model.network import Network
from .model.orthogonalization import orthogonalize, orthogonalizing_map
from .model.problem import Problem
from .model.settings import Setting, load_setting
from .storage.files import load, save
from .sweeps import read_sweep, sweep
from .trust.certificate import Certificate, certify
from .trust.check import second_opinion
from .trust.opinion import SecondOpinion
from .yardsticks.comparison import Comparison, compare
from .yardsticks.curvature import asymptotic_rate, local_pl_constant
from .yardsticks.interpolation import interpolation_probability, required_width
from .yardsticks.min_norm import MinNormInterpolator, min_norm_interpolator

__all__ = [
    "ActiveSets",
    "Alignment",
    "BlockJumpPath",
    "Certificate",
    "Comparison",
    "ExtremalVectors",
    "FlowError",
    "FlowPath",
    "GeneralAlignment",
    "GeneralFlowPath",
    "GeneralJumpPath",
    "GeneralProblem",
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
    "Setting",
    "__version__",
    "align",
    "asymptotic_rate",
    "certify",
    "compare",
    "conventions",
    "extremal_vectors",
    "interpolation_probability",
    "load",
    "load_digits",
    "load_setting",
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
