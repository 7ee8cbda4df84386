"""
Three points that training does not fit
=======================================

Three points on a line with a bias. Training from a small start ends at the least-squares line although
far more than enough neurons are there: those with a < 0 all die and those with a > 0 become one. From a
larger start it interpolates; in the limit λ → 0 never.

E. Boursier and N. Flammarion, *Early alignment in two-layer networks training is a two-edged sword*,
JMLR 26(183), 2025, arXiv 2401.10791, section 5: λ = 1e-3, weights of standard deviation λ/√m.
"""

import matplotlib.pyplot as plt
import numpy as np
from published import beside, show

import saddlehop as sh
from saddlehop import plot

STARTS, WIDTH = 20, 200  # published: 200 000 neurons
setting = sh.load_setting("three-points")
problem = setting.problem
theirs = sh.conventions.Convention("mean", "lambda/sqrt(m)")
starts = [theirs.draw(problem, WIDTH, rng=seed) for seed in range(STARTS)]
limits = [sh.solve_jumps(problem, start) for start in starts]


def flow_at(scale, start):
    """The flow at the published λ; its losses to a thousandth."""
    log_scale = theirs.log_init_scale(scale, WIDTH, problem)
    return sh.simulate_flow(problem, start, log_init_scale=log_scale, rtol=1e-3)


shares = {
    scale: np.mean([flow_at(scale, start).losses[-1] < 1e-4 for start in starts])
    for scale in (0.3, 0.1, 1e-2, 1e-3)
}
shares[0.0] = np.mean([limit.interpolates for limit in limits])

limit, trained = limits[0], flow_at(1e-3, starts[0])
line = np.linalg.lstsq(problem.X, problem.y)[0]
by_descent = "10 starts of gradient descent made for comparison; not published"
table = beside(
    ("loss in the limit (least-squares line)", 0.0875213675, limit.losses[-1], ""),
    ("squared norm in the limit", 1.293050, limit.sq_norms[-1], ""),
    ("loss at λ = 1e-3", 0.0875213675, trained.losses[-1], ""),
    (
        "squared norm at λ = 1e-3",
        1.293050,
        trained.sq_norms[-1],
        "finite λ: a bundle of some width",
    ),
    ("clock of the only jump", 1 / 0.714969, limit.times[0], ""),
    ("share that interpolates, λ = 0.3", 1.0, shares[0.3], by_descent),
    ("share that interpolates, λ = 0.1", 0.4, shares[0.1], by_descent),
    ("share that interpolates, λ = 1e-2", 0.0, shares[1e-2], by_descent),
    ("share that interpolates, λ = 1e-3", 0.0, shares[1e-3], ""),
    ("share that interpolates, limit", 0.0, shares[0.0], ""),
)
show(table)

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
plot.function(problem, limit, flow_at(0.3, starts[0]), ax=left)
left.set_title("solid: the limit; dashed: λ = 0.3", fontsize="medium", pad=16)
plot.utility(problem, limit, ax=right)
right.set_title("at the end, with no one left to go out", fontsize="medium")
plt.show()
