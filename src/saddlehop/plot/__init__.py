"""Figures in matplotlib.

In: jump paths, flows, frames of sweeps, and `ax` (a new figure if None). Out: the Axes. Read first:
`limit.py`; `curves.py` samples the paths.

Nothing here changes matplotlib's settings; colours are told apart in grey and by the colour-blind.
"""

from .animation import animate
from .assignment import assignment_map
from .curves import clock_end
from .function import function
from .geometry import neuron_map
from .limit import jump_figure, loss_staircase, neuron_fan, norm_path
from .rates import pl_constant
from .sweeps import norm_law, phase_diagram
from .utility import utility

__all__ = [
    "animate",
    "assignment_map",
    "clock_end",
    "function",
    "jump_figure",
    "loss_staircase",
    "neuron_fan",
    "neuron_map",
    "norm_law",
    "norm_path",
    "phase_diagram",
    "pl_constant",
    "utility",
]
