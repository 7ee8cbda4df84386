"""Where does gradient descent leave the flow?

Gradient descent at several learning rates against the exact flow from the same start. Small rates
follow it, with losses that differ by O(η): growth of rate ρ is slowed to log(1 + ρη)/η, so jumps come
late. Large ones overshoot the first jump.

    python examples/gradient_descent.py --out gradient_descent.png
"""

import argparse
import math

import numpy as np
import torch

import saddlehop as sh
from saddlehop import plot
from saddlehop.bridges.torch import Recorder, to_module, to_tensors


def train(problem, start, scale, lr, t_end):
    """Gradient descent up to time t_end, or until it blows up."""
    module = to_module(start, scale, problem)
    inputs, labels = to_tensors(problem)
    optimizer = torch.optim.SGD(module.parameters(), lr=lr)
    record = Recorder(module, inputs, labels, init_scale=scale)
    for _ in range(math.ceil(t_end / lr)):
        optimizer.zero_grad()
        loss = ((module(inputs) - labels) ** 2).mean() / 2
        if not loss.item() < 1e6:
            break
        loss.backward()
        optimizer.step()
        record(optimizer)
    return record.recording


def departure(flow, recording, part=0.05):
    """Return the largest loss difference, and the first t where it exceeds `part` of the first loss."""
    seen = recording.t <= flow.t[-1]
    gap = np.abs(recording.losses[seen] - flow.loss_at(recording.t[seen])) / flow.losses[0]
    left = np.flatnonzero(~(gap <= part))
    return float(gap.max()), float(recording.t[left[0]]) if left.size else math.inf


def main(argv=None):
    """Print how far each learning rate gets; return the largest gaps by rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--width", type=int, default=20)
    parser.add_argument("--scale", type=float, default=1e-4)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.1, 0.4, 1.6, 6.4, 25.6])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="picture to write")
    options = parser.parse_args(argv)

    problem = sh.make_orthogonal(options.samples, norms="uniform", rng=options.seed)
    start = sh.Initialization.draw(problem, options.width, rng=options.seed)
    jumps = sh.solve_jumps(problem, start)
    flow = sh.simulate_flow(problem, start, init_scale=options.scale)
    t_end = 1.3 * float(np.nanmax(flow.activation_times[list(sum(jumps.neurons, ()))]))
    t_end = min(t_end, float(flow.t[-1]))
    print(f"{'rate':>8}  {'largest gap':>11}  {'leaves at t':>11}   (flow to t = {t_end:.4g})")
    gaps, runs = {}, []
    for lr in options.rates:
        recording = train(problem, start, options.scale, lr, t_end)
        gaps[lr], left = departure(flow, recording)
        runs.append(recording)
        print(f"{lr:8.3g}  {gaps[lr]:11.2e}  {'never' if left == math.inf else f'{left:.4g}':>11}")
    if options.out:
        ax = plot.loss_staircase(jumps, flow, *runs)
        ax.set_ylim(top=1.2 * jumps.losses[0])
        labels = ["flow", *(f"η = {lr:g}" for lr in options.rates), "limit λ → 0"]
        ax.legend(labels, fontsize="small", frameon=False)
        ax.figure.savefig(options.out)
    return gaps


if __name__ == "__main__":
    torch.set_num_threads(1)  # threads only wait for each other on matrices this small
    main()
