"""
The staircase and what neurons do
=================================

The limit λ → 0 on handwritten digits, and flows on their way to it.
"""

import saddlehop as sh
from saddlehop import plot

X, y = sh.load_digits()
problem = sh.Problem.from_data(X, y)
init = sh.Initialization.draw(problem, width=24, rng=0)
jumps = sh.solve_jumps(problem, init)
flows = [
    sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-6) for scale in ("1e-4", "1e-30")
]

plot.loss_staircase(jumps, *flows)

# %%
# Each neuron grows at its own rate until it matters. The first to do so fits its samples.

plot.neuron_fan(jumps, *flows)

# %%
# Who fits what, and who could have.

plot.assignment_map(jumps)

# %%
# The norm, against the least of any network that fits all labels.

plot.norm_path(jumps, *flows)
