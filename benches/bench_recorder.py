"""What a recorder adds to a training step in PyTorch, and what reading it costs afterwards."""

import time

import torch
from rich.table import Table

import saddlehop as sh
from saddlehop.bridges.torch import Recorder, to_module, to_tensors

SETTINGS = (  # steps, dtype, samples, features
    (300, torch.float64, 1000, 1000),
    (1000, torch.float64, 1000, 1000),
    (1000, torch.float32, 1000, 1000),
    (1000, torch.float64, 200, 1000),
)


def measure(steps, dtype, n, d, m=64):
    """Seconds of all steps, of the recorder's calls among them, and of reading; bytes kept."""
    problem = sh.Problem.from_data(
        torch.eye(n, d).double().numpy(), torch.randn(n).double().numpy()
    )
    init = sh.Initialization.draw(problem, m, rng=0)
    X, y = to_tensors(problem, dtype=dtype)
    module = to_module(init, 0.1, problem, dtype=dtype)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    record = Recorder(module, X, y)

    def step():
        optimizer.zero_grad()
        (((module(X) - y) ** 2).mean() / 2).backward()
        optimizer.step()

    for _ in range(20):
        step()
    recording = 0.0
    begin = time.perf_counter()
    for _ in range(steps):
        step()
        before = time.perf_counter()
        record(optimizer)
        recording += time.perf_counter() - before
    total = time.perf_counter() - begin
    before = time.perf_counter()
    read = record.recording
    return total, recording, time.perf_counter() - before, record.nbytes, read.t.size


def table(settings=SETTINGS):
    """Overhead of the recorder over the training step alone."""
    result = Table(
        *("n", "d", "m", "precision", "steps", "step (ms)", "overhead", "snapshots", "MiB"),
        *("read (s)",),
        title="Recorder in a PyTorch training loop",
    )
    for steps, dtype, n, d in settings:
        total, recording, read, nbytes, kept = measure(steps, dtype, n, d)
        alone = total - recording
        result.add_row(
            *(str(n), str(d), "64", str(dtype)[6:], str(steps), f"{1e3 * alone / steps:.2f}"),
            *(f"{recording / alone:.2%}", str(kept), f"{nbytes / 2**20:.0f}", f"{read:.2f}"),
        )
    return result
