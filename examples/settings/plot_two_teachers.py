"""
Two opposite teachers
=====================

Inputs around μ and around −μ, labels of one teacher neuron along each: μ with output +1 and −3μ with output
−1. While the inputs of a class stay within about π/4 of each other there are two bundles and two falls of
the loss, the class of the larger teacher first. Where they spread further, the published bundles, at λ = 4⁻⁷,
widen and split; in the limit they stay two, and from some spread on no longer fit all labels.

D. Chistikov, M. Englert and R. Lazić, arXiv 2306.06479, appendix I: d = 16, 16 inputs of either
class, m = 25.
"""

import matplotlib.pyplot as plt
import numpy as np
from published import beside, n_directions, show

import saddlehop as sh
from saddlehop import plot

D = 16


def draw(spread, seed):
    """Inputs of variance spread / d around ±μ, labels of the two teachers."""
    rng = np.random.default_rng(seed)
    mu = rng.standard_normal(D)
    mu /= np.linalg.norm(mu)
    around = np.sqrt(spread / D) * rng.standard_normal((2 * D, D))
    X = np.repeat([mu, -mu], D, axis=0) + around
    problem = sh.GeneralProblem(X, np.maximum(X @ mu, 0) - np.maximum(-3 * X @ mu, 0))
    return problem, sh.Initialization.draw(problem, 25, rng=rng)


near, far = draw(np.sqrt(2) - 1, seed=0), draw(16.0, seed=1)
limit, wide = sh.solve_jumps(*near), sh.solve_jumps(*far)
first = limit.residuals[1]

table = beside(
    ("falls of the loss", 2, limit.n_jumps, ""),
    ("bundles in the end", 2, n_directions(limit.final), ""),
    ("the larger teacher's class is left by then", 0.0, np.abs(first[D:]).max(), ""),
    ("squared norm after the first: 2 · 3", 6.0, limit.sq_norms[1], ""),
    ("squared norm in the end: 2 · (3 + 1)", 8.0, limit.sq_norms[2], ""),
    ("loss in the end", 0.0, limit.losses[-1], ""),
    (
        "bundles, inputs spread 16",
        np.nan,
        n_directions(wide.final),
        "published: they split at λ = 4⁻⁷",
    ),
    ("loss in the end, inputs spread 16", np.nan, wide.losses[-1], "no number published"),
)
show(table)

fig, axes = plt.subplots(1, 3, figsize=(16, 4.2), layout="constrained")
plot.loss_staircase(limit, ax=axes[0])
plot.utility(near[0], limit, clock=0, ax=axes[1])
plot.utility(near[0], limit, clock=limit.times[0] * 1.1, ax=axes[2])
axes[1].set_title("at the start", fontsize="medium", pad=16)
axes[2].set_title("between the jumps", fontsize="medium", pad=16)
plt.show()
