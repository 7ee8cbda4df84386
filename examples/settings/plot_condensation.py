"""
Condensation: directions one after another
==========================================

A teacher of four kinks on 41 points of a line. Neurons condense in few directions whose number grows in time,
one at each jump. At λ = 1e-4 more of them have grown by the end, and gradient descent and the flow fit a
little more.

The line of T. Luo, Z.-Q. J. Xu, Z. Ma and Y. Zhang on condensation at small initialization: weights of
standard deviation 1e-4, m = 100, learning rate 0.1. The number of points is not given; the losses of
gradient descent are of 41 points and were computed for comparison (mean squared errors, twice ours).
"""

import matplotlib.pyplot as plt
from published import beside, n_directions, show

import saddlehop as sh
from saddlehop import plot

problem = sh.load_setting("condensation").problem
limit = sh.solve_jumps(problem, sh.Initialization.draw(problem, 40, rng=0))
flow = sh.simulate_flow(
    problem, sh.Initialization.draw(problem, 20, rng=0), init_scale=1e-4, rtol=1e-3
)

plateau = flow.loss_at(150 * -flow.log_init_scale)
directions = [n_directions(limit.saddle(i)) for i in range(limit.n_jumps + 1)]
finite = "λ = 1e-4 and another start, whose later saddles differ"
table = beside(
    ("mean squared error at the start", 0.37433, 2 * limit.losses[0], ""),
    (
        "mean squared error, first plateau",
        0.02732,
        2 * limit.losses[1],
        "a plateau is not yet flat",
    ),
    ("mean squared error, second plateau", 0.00539, 2 * limit.losses[2], finite),
    (
        "the same of the flow, λ = 1e-4, clock 150",
        0.00539,
        2 * plateau,
        "20 neurons, another start",
    ),
    ("mean squared error in the end", 0.00087, 2 * limit.losses[-1], finite),
    (
        "mean squared error of the flow, λ = 1e-4",
        0.00087,
        2 * flow.losses[-1],
        "20 neurons, another start",
    ),
    ("directions in the end", 5, directions[-1], finite),
    ("squared norm in the end", 10.15, limit.sq_norms[-1], finite),
)
show(table)
print("directions at the saddles:", *directions)

fig, axes = plt.subplot_mosaic("lu;ff", figsize=(11, 8), layout="constrained")
plot.loss_staircase(limit, flow, ax=axes["l"])
plot.utility(problem, limit, clock=0, ax=axes["u"])
plot.function(problem, limit, ax=axes["f"])
plt.show()
