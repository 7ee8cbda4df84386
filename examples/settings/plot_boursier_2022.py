"""
Two orthogonal points, and five that are not
============================================

The two examples of the first paper on the flow from saddle to saddle. On two orthogonal points training
ends at the least norm of any interpolator, as its theorem says; the second example has five points on a line,
rows (x, 1) that are not orthogonal, outside of the theorem.

E. Boursier, L. Pillaud-Vivien and N. Flammarion, *Gradient flow dynamics of shallow ReLU networks for
square loss and orthogonal inputs*, NeurIPS 2022, arXiv 2206.00939; data of the five points from the code
that goes with it.
"""

import matplotlib.pyplot as plt
import numpy as np
from published import beside, show

import saddlehop as sh
from saddlehop import plot

pair = sh.Problem.from_data([[-0.5, 1.0], [2.0, 1.0]], [-1.0, 1.0])
same = sh.GeneralProblem([[-0.5], [2.0]], [-1.0, 1.0], bias=True)
theirs = sh.conventions.Convention("mean", "lambda/sqrt(md)")
start = theirs.draw(pair, 60, rng=0)
orthogonal = sh.solve_jumps(pair, start)
flow = sh.simulate_flow(pair, start, log_init_scale=theirs.log_init_scale(1e-6, 60, pair))
weights = start.hidden @ pair.directions
as_is = sh.solve_jumps(same, sh.Initialization.from_weights(start.output, weights, same))

five = sh.load_setting("five-slide").problem
limit = sh.solve_jumps(five, sh.Initialization.draw(five, 60, rng=0))

least = 2 * (1 / np.sqrt(5) + 1 / np.sqrt(1.25))
table = beside(
    ("two points: squared norm in the limit", least, orthogonal.sq_norms[-1], ""),
    ("the same as data as they are", least, as_is.sq_norms[-1], ""),
    ("two points: squared norm at λ = 1e-6", least, flow.sq_norms[-1], ""),
    ("two points: jumps", 2, orthogonal.n_jumps, ""),
    ("five points: loss in the limit", 0.0, limit.losses[-1], ""),
)
show(table)

fig, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
plot.function(same, as_is, ax=axes[0, 0])
plot.utility(same, as_is, clock=0, ax=axes[0, 1])
plot.function(five, limit, ax=axes[1, 0])
plot.utility(five, limit, clock=0, ax=axes[1, 1])
plt.show()
