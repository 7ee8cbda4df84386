"""
XOR: four directions, each on two walls
=======================================

The corners of a square with labels x₁x₂. Every neuron slides along kinks into one of four directions
that lie on two walls at once and grow at one rate, √2/4; they arrive together and fit everything.

A test of sliding in closed form: gradient descent with a learning rate of 1e-2 reaches ‖θ‖² = 5.656857.
"""

import matplotlib.pyplot as plt
import numpy as np
from published import beside, show

import saddlehop as sh
from saddlehop import plot

problem = sh.load_setting("xor").problem
start = sh.Initialization.draw(problem, 24, rng=0)
limit = sh.solve_jumps(problem, start)
flow = sh.simulate_flow(problem, start, init_scale=1e-8)
found = sh.extremal_vectors(problem, rng=0)

table = beside(
    ("extremal vectors", 4, found.rates.size, ""),
    ("rate of each", np.sqrt(2) / 4, found.rates.max(), ""),
    ("clock of the jump", 2 * np.sqrt(2), limit.times[0], ""),
    ("loss in the limit", 0.0, limit.losses[-1], ""),
    ("squared norm in the limit", 4 * np.sqrt(2), limit.sq_norms[-1], ""),
    ("squared norm of gradient descent, flow", 5.656857, flow.sq_norms[-1], "λ and learning rate"),
)
show(table)

fig, axes = plt.subplots(1, 3, figsize=(16, 4.2), layout="constrained")
for ax, what, title, clock in (
    (axes[0], start, "at the start", None),
    (axes[1], limit, "when they are aligned", 0),
    (axes[2], limit, "in the end", None),
):
    plot.utility(problem, what, clock=clock, ax=ax)
    ax.set_title(title, fontsize="medium")
plt.show()
