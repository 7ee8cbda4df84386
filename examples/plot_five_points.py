"""
Where gradient descent leaves the flow
======================================

Five points on a line, a bias, six balanced neurons at λ = 1e-6. One of them slides along a kink and
shrinks; the zig-zag of gradient descent breaks its balance a little at each step until its sign
flips, later for smaller learning rates, but before it can grow again. The flow itself goes on and
fits all labels.
"""

import matplotlib.pyplot as plt
import numpy as np

import saddlehop as sh

setting = sh.load_setting("five-slide")
problem = sh.GeneralProblem(setting.X, setting.y, bias=setting.bias)
init = sh.Initialization.draw(problem, width=6, rng=3)
flow = sh.simulate_flow(problem, init, init_scale=1e-6)
jumps = sh.solve_jumps(problem, init)


def descend(rate, t_end, every):
    """Gradient descent with relu'(0) = 0; the losses at every so many steps."""
    X, y = problem.coordinates, problem.y
    a, w = 1e-6 * init.output, 1e-6 * init.hidden
    times, losses = [], []
    for step in range(int(t_end / rate)):
        z = w @ X.T
        active = z > 0
        r = y - a @ (z * active)
        if step % every == 0:
            times.append(step * rate)
            losses.append(r @ r / (2 * y.size))
        pull = (active * r) @ X / y.size
        a, w = a + rate * np.einsum("jr,jr->j", w, pull), w + rate * a[:, None] * pull
    return np.array(times), np.array(losses)


t_end = 1.02 * flow.t[np.argmax(flow.losses < 1e-4)]
fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
t = np.linspace(0, t_end, 400)
for rate, color, style in ((3e-2, "#D55E00", "-"), (1e-2, "#E69F00", "--"), (3e-3, "#CC79A7", ":")):
    times, losses = descend(rate, t_end, max(int(0.2 / rate), 1))
    ax.plot(times, losses, style, color=color, lw=2, label=f"gradient descent, rate {rate:g}")
ax.plot(t, flow.loss_at(t), color="#0072B2", lw=1.6, label="gradient flow")
for time in jumps.predict_times(1e-6):
    ax.axvline(time, color="#999999", lw=0.7, ls="--", zorder=0)
ax.set(xlabel="time  t  (steps × rate)", ylabel="loss", yscale="log", ylim=(1e-4, 0.2))
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False, fontsize="small")
plt.show()
