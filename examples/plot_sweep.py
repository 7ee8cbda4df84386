"""
When the limit interpolates
===========================

A small sweep over n and m, with the exact chance beside it.
"""

import tempfile

import saddlehop as sh
from saddlehop import plot

spec = {
    "compute": "jumps",
    "n_samples": [10, 100, 1000],
    "width": [6, 12, 18, 24, 30],
    "labels": "uniform",
    "repeats": 30,
}
frame = sh.sweep(spec, tempfile.mkdtemp(), workers=1)

plot.phase_diagram(frame)

# %%
# The norm of what is learned, against the least.

plot.norm_law(frame[frame["width"] == 30])
