"""
A linear part and XOR, learned apart
====================================

Inputs (±1, ±1, g) with labels −x₁x₂ + g. At variance 2 and 3 of g the linear part comes first; at variance 1
both grow together. The publication has 8192 samples and learns XOR in the end. On 200 samples the limit at
variance 2 and 3 often stops with less: all neurons have joined a few bundles by then, and bundles do not
split. Gradient descent from the published start ends near the same place on the same samples.

Y. Zhang, P. Latham and A. Saxe, *When are bias-free ReLU networks effectively linear networks?*, arXiv
2312.00935: weights of standard deviation 1e-9, m = 100, learning rate 0.04, loss (1/n) Σ r².
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from published import beside, show

import saddlehop as sh
from saddlehop import plot

SAMPLES, WIDTH = 200, 20
SEEDS = {1: 1, 2: 3, 3: 3}  # how many draws of the samples at each variance


def draw(variance, seed):
    """A problem, and what reads the parts of a function: XOR and linear."""
    rng = np.random.default_rng(seed)
    X = rng.choice([-1.0, 1.0], (SAMPLES, 3))
    X[:, 2] = np.sqrt(variance) * rng.standard_normal(SAMPLES)
    parts = np.column_stack([-X[:, 0] * X[:, 1], X[:, 2]])
    return sh.GeneralProblem(X, parts.sum(axis=1)), np.linalg.pinv(parts)


def descend(problem, read, width=100, rate=0.04, steps=2000):
    """Gradient descent from the published start: loss, and the parts, at each step."""
    rng, X, y = np.random.default_rng(1), problem.X, problem.y
    a, w = 1e-9 * rng.standard_normal(width), 1e-9 * rng.standard_normal((width, 3))
    course = []
    for _ in range(steps):
        z = X @ w.T
        r = y - np.maximum(z, 0) @ a
        course.append([r @ r / (2 * y.size), *(read @ (y - r))])
        pull = 2 * ((z > 0) * r[:, None]).T @ X / y.size
        a, w = a + rate * np.einsum("jr,jr->j", w, pull), w + rate * a[:, None] * pull
    return np.array(course)


limits, courses, ends = {}, {}, []
for variance, seeds in SEEDS.items():
    for seed in range(seeds):
        problem, read = draw(variance, seed)
        limit = sh.solve_jumps(problem, sh.Initialization.draw(problem, WIDTH, rng=seed))
        course = descend(problem, read)
        if seed == 0:
            limits[variance], courses[variance] = limit, course
        first = read @ limit.saddle(min(2, limit.n_jumps)).outputs(problem)
        last = read @ limit.final.outputs(problem)
        ends.append((variance, *first, *last, *course[-1, 1:]))
names = ["variance", "xor_2", "linear_2", "xor", "linear", "xor_descent", "linear_descent"]
means = pd.DataFrame(ends, columns=names).groupby("variance").mean()

rows = []
for variance, mean in means.iterrows():
    why = f"{SAMPLES} samples, 8192 published; mean of {SEEDS[variance]} draws"
    rows += [
        (f"variance {variance}: linear part after two jumps", np.nan, mean["linear_2"], ""),
        (f"variance {variance}: XOR part after two jumps", np.nan, mean["xor_2"], ""),
        (f"variance {variance}: linear part in the end", 1.0, mean["linear"], why),
        (f"variance {variance}: XOR part in the end", 1.0, mean["xor"], why),
        (f"variance {variance}: the same, gradient descent here", 1.0, mean["xor_descent"], why),
    ]
table = beside(*rows)
show(table)

fig, axes = plt.subplots(1, 3, figsize=(15, 4), layout="constrained")
for ax, variance in zip(axes[:2], (1, 3), strict=True):
    t = 0.08 * np.arange(len(courses[variance]))
    ax.plot(t, courses[variance][:, 1], "--", color="#D55E00", label="XOR part")
    ax.plot(t, courses[variance][:, 2], "-", color="#0072B2", label="linear part")
    for time in limits[variance].predict_times(1e-9):
        ax.axvline(time, color="#999999", lw=0.7, ls=":", zorder=0)
    ax.set(title=f"variance {variance}; dotted: jumps of the limit", xlabel="time  t", xlim=(0, 80))
    ax.legend(frameon=False, fontsize="small")
    ax.spines[["top", "right"]].set_visible(False)
plot.utility(limits[3].problem, limits[3], clock=0, ax=axes[2])
plt.show()
