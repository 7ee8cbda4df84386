"""A published setting of two samples, typed in as it stands, reached in three ways.

Inputs (−0.5, 1) and (2, 1), labels −1 and 1, 60 neurons, λ = 1e-6, weights of standard deviation
λ/√(md). All end at the least norm of any interpolator, 2 (1/√5 + 1/√1.25) = 2.683282.

    python examples/two_samples.py --out two_samples.png
"""

import argparse

import numpy as np
import torch

import saddlehop as sh
from saddlehop import plot
from saddlehop.bridges.torch import Recorder, to_module, to_tensors

X = [[-0.5, 1.0], [2.0, 1.0]]
Y = [-1.0, 1.0]


def train(problem, start, log_scale, lr, t_end):
    """Plain gradient descent in PyTorch, recorded."""
    module = to_module(start, np.exp(log_scale), problem)
    inputs, labels = to_tensors(problem)
    optimizer = torch.optim.SGD(module.parameters(), lr=lr)
    record = Recorder(module, inputs, labels, init_scale=np.exp(log_scale))
    while record.t < t_end:
        optimizer.zero_grad()
        (((module(inputs) - labels) ** 2).mean() / 2).backward()
        optimizer.step()
        record(optimizer)
    return record.recording


def main(argv=None):
    """Print the norm that torch, the flow and the limit end at; return them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=60)
    parser.add_argument("--lr", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="picture to write")
    options = parser.parse_args(argv)

    problem = sh.Problem.from_data(X, Y)
    theirs = sh.conventions.Convention(loss="half-mean", std="lambda/sqrt(md)")
    start = theirs.draw(problem, options.width, rng=options.seed)
    log_scale = theirs.log_init_scale(1e-6, options.width, problem)

    jumps = sh.solve_jumps(problem, start)
    flow = sh.simulate_flow(problem, start, log_init_scale=log_scale)
    recording = train(problem, start, log_scale, options.lr, float(flow.t[-1]))
    norms = {
        "torch": recording.final.sq_norm,
        "flow": flow.final.sq_norm,
        "limit": jumps.final.sq_norm,
        "least": sh.min_norm_interpolator(problem).sq_norm,
    }
    for name, norm in norms.items():
        print(f"{name:>6}  ‖θ‖² = {norm:.6f}")
    if options.out:
        plot.loss_staircase(jumps, flow, recording).figure.savefig(options.out)
    return norms


if __name__ == "__main__":
    torch.set_num_threads(1)  # threads only wait for each other on matrices this small
    main()
