"""
Five points and a local minimum
===============================

Fifty neurons on five points end at the least-squares line, which is a local minimum: no neuron that still
lives can leave it. On the way they wait at a saddle whose neurons are held on the wall of the last
point, where gradient descent zig-zags.

Z. Wu, B. Simsek and F. Ged, *Loss landscape of shallow ReLU-like neural networks*, ICLR 2025, arXiv
2402.05626, figures 3 and 10: both layers normal of standard deviation 8e-6, learning rate 1e-3, float32.
Published losses are mean squared errors, twice ours.
"""

import matplotlib.pyplot as plt
import numpy as np
from published import beside, show

import saddlehop as sh
from saddlehop import plot

problem = sh.load_setting("five-points").problem
theirs = sh.conventions.Convention("mean", "lambda", "iid")
start = theirs.draw(problem, 50, rng=12)
limit = sh.solve_jumps(problem, start)
flow = sh.simulate_flow(
    problem, start, log_init_scale=theirs.log_init_scale(8e-6, 50, problem), rtol=1e-6
)

group = list(limit.neurons[0])
angle = np.arctan2(*limit.hidden[1, group[0]][::-1])
dead = [
    np.sum(sh.solve_jumps(problem, theirs.draw(problem, 50, rng=seed)).states[-1] == "dead")
    for seed in range(10)
]


def steps_until(fallen):
    """Thousands of steps of rate 1e-3 until the loss has fallen to so much."""
    first = int(np.argmax(flow.losses < fallen))
    t = np.linspace(flow.t[first - 1], flow.t[first], 100)
    return float(theirs.steps(t[np.argmax(flow.loss_at(t) < fallen)], 1e-3, problem)) / 1e3


fall_begins = limit.losses[:-1] + 0.01 * np.diff(limit.losses)
other_start = "another start; where a published curve begins to fall is read by eye"
table = beside(
    ("mean squared error at 0", 0.03812, 2 * limit.losses[0], ""),
    ("mean squared error, middle saddle", 0.0301852788, 2 * limit.losses[1], ""),
    ("mean squared error, end of the limit", 0.0278859623, 2 * limit.losses[-1], ""),
    ("mean squared error, end of the flow", 0.0278859623, 2 * flow.losses[-1], ""),
    ("angle of the group with a > 0", 2.53, angle, ""),
    ("walls it is held on (of the last point)", 1, int(np.sum(limit.active[1, group[0]] == 0)), ""),
    ("squared norm in the end", 0.3959, limit.sq_norms[-1], ""),
    (
        "dead neurons, mean of 10 starts",
        13,
        np.mean(dead),
        f"one start; here {min(dead)} to {max(dead)}",
    ),
    ("thousands of steps to the first fall", 42, steps_until(fall_begins[0]), other_start),
    ("thousands of steps to the second fall", 152, steps_until(fall_begins[1]), other_start),
)
show(table)

fig, axes = plt.subplot_mosaic("ll;fu", figsize=(11, 7), layout="constrained")
plot.loss_staircase(limit, flow, ax=axes["l"])
plot.function(problem, limit, ax=axes["f"])
plot.utility(problem, limit, clock=1.1 * limit.times[0], ax=axes["u"])
axes["u"].set_title("the middle saddle", fontsize="medium")
plt.show()
