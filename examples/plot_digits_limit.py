"""
What is learned first from handwritten digits
=============================================

A hundred digits as they are, pixels as inputs, the digit less its mean as the label, and no training: the
limit λ → 0 says which directions are learned, in what order, and when on the clock t / log(1/λ). On
correlated inputs few directions grow at all, and the neurons of one group move as one.
"""

import matplotlib.pyplot as plt
import numpy as np

import saddlehop as sh
from saddlehop import plot

X, y = sh.load_digits(100, orthogonal=False)
problem = sh.GeneralProblem(X, y)
jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, width=32, rng=0))

fig = plt.figure(figsize=(8, 3.4), layout="constrained")
staircase, pictures = fig.subfigures(1, 2, width_ratios=[1.2, 1])
ax = plot.loss_staircase(jumps, ax=staircase.subplots())
axes = pictures.subplots(1, jumps.n_jumps, squeeze=False)[0]
for ax, group in zip(axes, jumps.neurons, strict=True):
    j = group[0]
    pixels = np.reshape(jumps.final.hidden[j] @ problem.basis, (8, 8))
    size = np.abs(pixels).max()
    ax.imshow(pixels, cmap="PuOr", vmin=-size, vmax=size)
    ax.set(xticks=[], yticks=[])
    ax.set_title(
        f"{len(group)} neurons, a {'>' if jumps.final.output[j] > 0 else '<'} 0", fontsize="small"
    )
pictures.suptitle("directions in the order in which they are learned", fontsize="small")
plt.show()
