"""
Neurons of a function of one variable
=====================================

Two points on a line, with a bias: inputs (x, 1). The kinks are where neurons switch on.
"""

import saddlehop as sh
from saddlehop import plot

problem = sh.Problem.from_data([[-1.0, 1.0], [1.0, 1.0]], [1.0, -0.5])
init = sh.Initialization.draw(problem, width=8, rng=0)
flow = sh.simulate_flow(problem, init, init_scale=1e-3, rtol=1e-6)

plot.neuron_map(problem, flow(0.5 * flow.t[-1]), flow.final, plane="kinks")

# %%
# The same neurons as directions in the plane of the two samples.

plot.neuron_map(problem, *[flow(t) for t in flow.t[:: max(flow.t.size // 8, 1)]], plane=(0, 1))
