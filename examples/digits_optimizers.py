"""SGD and Adam against the staircase, on handwritten digits.

Minibatch SGD with small steps walks down the same stairs as the flow, with momentum as well if time
runs as fast as its effective rate. Adam does not: it moves every weight by about the rate per step
however small the gradient is, so there are no plateaus to wait on.

With `--single` the rows are orthogonal to 1e-7 only, which is more than λ: neurons that are dead on a
sample come back to life on it, and the training ends at a smaller norm than the flow.

    python examples/digits_optimizers.py --out digits_optimizers.png
"""

import argparse
import math

import torch

import saddlehop as sh
from saddlehop import plot
from saddlehop.bridges.torch import Recorder, to_module, to_tensors

MOMENTUM = 0.9


def runs(t_end, n_samples, steps):
    """Optimizers by name, with the time one of `steps` steps to `t_end` counts for."""
    lr = t_end / steps
    heavy = sh.conventions.time_of_steps(1, lr / 10, n_samples=n_samples, momentum=MOMENTUM)
    return {
        "SGD": (lambda p: torch.optim.SGD(p, lr=lr), lr),
        "SGD, momentum": (
            lambda p: torch.optim.SGD(p, lr=lr / 10, momentum=MOMENTUM),
            float(heavy),
        ),
        "Adam": (lambda p: torch.optim.Adam(p, lr=lr), lr),
    }


def train(module, inputs, labels, optimizer, steps, rate, batch, generator):
    """Minibatch training, recorded on all samples."""
    record = Recorder(module, inputs, labels)
    for _ in range(steps):
        rows = torch.randperm(len(labels), generator=generator)[:batch]
        optimizer.zero_grad()
        (((module(inputs[rows]) - labels[rows]) ** 2).mean() / 2).backward()
        optimizer.step()
        record(rate)
    return record.recording


def main(argv=None):
    """Print how far each optimizer is from the limit; return the comparisons by name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=48)
    parser.add_argument("--width", type=int, default=24)
    parser.add_argument("--scale", type=float, default=1e-8)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument("--length", type=float, default=1.6, help="in times of the last jump")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--single", action="store_true", help="train in single precision")
    parser.add_argument("--out", help="picture to write")
    options = parser.parse_args(argv)

    X, y = sh.load_digits(options.samples)
    problem = sh.Problem.from_data(X, y)
    start = sh.Initialization.draw(problem, options.width, rng=options.seed)
    jumps = sh.solve_jumps(problem, start)
    t_end = options.length * float(jumps.times[-1]) * -math.log(options.scale)
    flow = sh.simulate_flow(problem, start, init_scale=options.scale)
    dtype = torch.float32 if options.single else torch.float64
    inputs, labels = to_tensors(problem, dtype=dtype)
    paths, comparisons = [flow], {"flow": sh.compare(flow, jumps)}
    for name, (make, rate) in runs(t_end, problem.n_samples, options.steps).items():
        module = to_module(start, options.scale, problem, dtype=dtype)
        generator = torch.Generator().manual_seed(options.seed)
        recording = train(
            module,
            inputs,
            labels,
            make(module.parameters()),
            options.steps,
            rate,
            options.batch,
            generator,
        )
        paths.append(recording)
        comparisons[name] = recording.compare(jumps)
    print(
        f"{'':14} {'loss':>9} {'‖θ‖²':>8}   (limit: {jumps.losses[-1]:.3g}, {jumps.sq_norms[-1]:.4f})"
    )
    for name, one in comparisons.items():
        print(f"{name:14} {one.flow.losses[-1]:9.2e} {one.flow.sq_norms[-1]:8.4f}")
    if options.out:
        ax = plot.loss_staircase(jumps, *paths)
        ax.legend([*comparisons, "limit λ → 0"], fontsize="small", frameon=False)
        ax.figure.savefig(options.out)
    return comparisons


if __name__ == "__main__":
    torch.set_num_threads(1)  # threads only wait for each other on matrices this small
    main()
