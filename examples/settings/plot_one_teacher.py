"""
One teacher neuron, correlated inputs
=====================================

Inputs around a direction, all angles below about π/4, labels of one ReLU neuron. All neurons with a > 0
become one bundle, and training recovers the teacher: in the limit in one jump, to ‖θ‖² = 2 ‖v‖. At a finite
λ the bundle keeps an angle, which falls in proportion to λ.

D. Chistikov, M. Englert and R. Lazić, *Learning a neuron by a shallow ReLU network: dynamics and implicit
bias for correlated inputs*, NeurIPS 2023, arXiv 2306.06479, section 8 and table 1: n = d inputs, centred,
m = 200. The angle is that of the widest pair of active neurons, the median of several problems.
"""

import matplotlib.pyplot as plt
import numpy as np
from published import beside, show

import saddlehop as sh
from saddlehop import plot

TRIALS, WIDTH, D = 3, 200, 4
SCALES = (4.0**-6, 4.0**-8, 4.0**-10)
theirs = sh.conventions.Convention("half-mean", "lambda/sqrt(md)")


def draw(seed):
    """Inputs around a unit vector μ, the teacher, until it is active on all."""
    rng = np.random.default_rng(seed)
    while True:
        mu = rng.standard_normal(D)
        mu /= np.linalg.norm(mu)
        X = mu + rng.standard_normal((D, D)) / np.sqrt(D)
        if (X @ mu > 0).all():
            problem = sh.GeneralProblem(X, X @ mu)
            return problem, theirs.draw(problem, WIDTH, rng)


def widest_angle(problem, network):
    """The angle in degrees between the two neurons active on all inputs that are farthest apart."""
    active = (network.hidden @ problem.coordinates.T > 0).all(axis=1)
    w = network.hidden[active & (network.output > 0)]
    w /= np.linalg.norm(w, axis=1)[:, None]
    return np.degrees(2 * np.arcsin(np.linalg.norm(w[:, None] - w, axis=2).max() / 2))


angles, norms, problems = [], [], [draw(seed) for seed in range(TRIALS)]
limits = [sh.solve_jumps(problem, start) for problem, start in problems]
for scale in SCALES:
    flows = [
        sh.simulate_flow(
            problem,
            start,
            log_init_scale=theirs.log_init_scale(scale, WIDTH, problem),
            rtol=1e-4,
        )
        for problem, start in problems
    ]
    angles.append(
        np.median(
            [widest_angle(p, flow.final) for (p, _), flow in zip(problems, flows, strict=True)]
        )
    )
    norms.append(np.median([flow.sq_norms[-1] for flow in flows]))

draws = "other problems and starts"
table = beside(
    ("jumps in the limit", 1, max(limit.n_jumps for limit in limits), ""),
    ("loss in the limit", 0.0, max(limit.losses[-1] for limit in limits), ""),
    ("squared norm in the limit", 2.0, max(limit.sq_norms[-1] for limit in limits), ""),
    ("squared norm at λ = 4⁻¹⁰", 2.0, norms[-1], ""),
    ("widest angle at λ = 4⁻⁶, degrees", 2.180, angles[0], draws),
    ("widest angle at λ = 4⁻⁸, degrees", 0.1371, angles[1], draws),
    ("widest angle at λ = 4⁻¹⁰, degrees", 0.008570, angles[2], draws),
    ("angle at 4⁻⁸ over that at 4⁻¹⁰", 16.0, angles[1] / angles[2], ""),
)
show(table)

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
left.loglog(SCALES, angles, "o-", color="#0072B2", label="here")
left.loglog(SCALES, table["published"][4:7], "s--", color="#D55E00", mfc="white", label="published")
left.set(xlabel="scale  λ", ylabel="widest angle in the bundle, degrees")
left.spines[["top", "right"]].set_visible(False)
left.legend(frameon=False, fontsize="small")
plot.utility(problems[0][0], limits[0], clock=0, ax=right)
plt.show()
