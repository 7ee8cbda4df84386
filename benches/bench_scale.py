"""The jump process on many samples, on a cluster, and on many problems."""

import ctypes
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from rich.table import Table

import saddlehop as sh
from saddlehop.sweeps import Spec
from saddlehop.sweeps.trials import run_trials

ONE_SIZE = "import bench_scale; bench_scale.one_size({n}, {labels!r})"


def size_table(sizes=(10**6, 10**7, 10**8), width=64):
    """Time over that of drawing the bits, memory, growth with n: each size in a process of its own."""
    table = Table(
        "labels", "n", "jumps", "draw (ms)", "solve (ms)", "solve / draw", "bytes / sample", "peak (GiB)",
        title=f"Many samples, m = {width}, unit norms, all cores",
    )  # fmt: skip
    notes = []
    for labels in ("sign", "uniform"):
        times = []
        for n in sizes:
            done = subprocess.run(
                [sys.executable, "-c", ONE_SIZE.format(n=n, labels=labels)],
                cwd=os.path.dirname(__file__), check=True, capture_output=True, text=True,
            )  # fmt: skip
            row = json.loads(done.stdout)
            times.append(row["solve"])
            table.add_row(
                labels, f"{n:.0e}", str(row["jumps"]), f"{1e3 * row['draw']:.1f}",
                f"{1e3 * row['solve']:.1f}", f"{row['solve'] / row['draw']:.2f}",
                f"{row['bytes'] / n:.1f}", f"{row['peak'] / 2**30:.2f}",
            )  # fmt: skip
        slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
        notes.append(f"{labels}: time grows as n^{slope:.2f}")
    table.caption = "; ".join(notes)
    return table


def one_size(n, labels, width=64):
    """Print the numbers of one row as JSON."""
    small = sh.make_orthogonal(10**6, labels, rng=0)
    sh.solve_jumps(small, sh.ActiveSets.draw(small, width, rng=0))  # load the kernels
    del small
    give_back = ctypes.CDLL(None).malloc_trim  # what has been freed, so that it is counted again
    give_back(0)
    before = _memory("VmRSS")
    problem = sh.make_orthogonal(n, labels, rng=0)
    give_back(0)
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")  # forget the peak: of making the problem, and of what was imported
    draws, solves = [], []
    for run in range(1 if n >= 10**8 else 3):
        start = time.perf_counter()
        sets = sh.ActiveSets.draw(problem, width, rng=run)
        middle = time.perf_counter()
        jumps = sh.solve_jumps(problem, sets)
        solves.append(time.perf_counter() - middle)
        draws.append(middle - start)
        n_jumps = jumps.n_jumps
        del sets, jumps
    peak = _memory("VmHWM")
    print(
        json.dumps(
            {
                "jumps": n_jumps, "draw": float(np.median(draws)), "solve": float(np.median(solves)),
                "peak": peak, "bytes": peak - before,
            }
        )
    )  # fmt: skip


def _memory(name):
    """Bytes of this process that lie in memory, now (VmRSS) or at their peak (VmHWM)."""
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines[name].split()[0]) * 1024


def cluster_table(n=10**7, width=64):
    """The same process through a local Dask cluster of two processes."""
    from distributed import Client, LocalCluster

    table = Table(
        "where",
        "time (s)",
        "factor",
        title=f"Blocks drawn where they lie, n = {n:.0e}, m = {width}",
    )
    blocks = sh.SampleBlocks.draw(n, width, "uniform", rng=0, block_size=n // 8)
    sh.solve_jumps_blocks(blocks)
    start = time.perf_counter()
    here = sh.solve_jumps_blocks(blocks)
    alone = time.perf_counter() - start
    table.add_row("threads", f"{alone:.2f}", "1")
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
    with cluster, Client(cluster) as client:
        sh.solve_jumps_blocks(blocks, client)
        start = time.perf_counter()
        there = sh.solve_jumps_blocks(blocks, client)
        seconds = time.perf_counter() - start
    table.add_row("two processes", f"{seconds:.2f}", f"{seconds / alone:.2f}")
    table.caption = f"same bits: {np.array_equal(here.times, there.times)}"
    return table


def throughput_table(n=1000, width=40, n_trials=40000):
    """Trials per second of a sweep, over a loop as one writes it in NumPy."""
    table = Table(
        "how",
        "trials / s",
        "over NumPy",
        title=f"Sweeps of jumps, n = {n}, m = {width}, uniform labels",
    )
    numpy_loop(n, width, 0)
    start = time.perf_counter()
    for seed in range(100):
        numpy_loop(n, width, seed)
    plain = 100 / (time.perf_counter() - start)
    table.add_row("NumPy loop, one process", f"{plain:.0f}", "1")
    spec = Spec.parse(
        {
            "compute": "jumps",
            "n_samples": n,
            "width": width,
            "labels": "uniform",
            "repeats": n_trials,
        }
    )
    run_trials(spec, range(100))
    start = time.perf_counter()
    run_trials(spec, range(n_trials))  # the size of a batch of `sweep`: about two seconds
    alone = n_trials / (time.perf_counter() - start)
    table.add_row("one process", f"{alone:.0f}", f"{alone / plain:.1f}")
    both = _rate_of_processes(spec, n_trials)
    table.add_row("two processes", f"{both:.0f}", f"{both / plain:.1f}")
    table.caption = f"efficiency of two processes: {both / alone / 2:.2f}"
    return table


def _rate_of_processes(spec, n_trials):
    """Trials per second of two processes that have started, as the sweep runs them."""
    from saddlehop.sweeps.crews import ProcessCrew

    size = n_trials // 10
    batches = [range(i, i + size) for i in range(0, n_trials, size)]
    done = ProcessCrew(2).run(spec, iter([range(50), range(50, 100), *batches, *batches]))
    for _ in range(2 + len(batches)):
        next(done)
    start = time.perf_counter()
    for _ in batches:
        next(done)
    return n_trials / (time.perf_counter() - start)


def whole_sweep_seconds(n_trials=20000):
    """Time of a whole sweep, with the start of its processes and its files."""
    spec = {"compute": "jumps", "n_samples": 1000, "width": 40, "labels": "uniform"}
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        sh.sweep(spec | {"repeats": n_trials}, out)
        return time.perf_counter() - start


def numpy_loop(n, m, seed):
    """The jump process as a user would write it; returns the final squared norm."""
    rng = np.random.default_rng(seed)
    y = rng.choice([-1.0, 1.0], n) * rng.uniform(1, 2, n)
    signs = rng.choice([-1.0, 1.0], m)
    active = (rng.standard_normal((m, n)) > 0) & (np.sign(y) == signs[:, None])
    exponents, dormant, is_open = -np.ones(m), np.ones(m, bool), np.ones(n, bool)
    sq_norm = 0.0
    while True:
        rates = np.sqrt((active[:, is_open] * y[is_open] ** 2).sum(axis=1)) / n * dormant
        if not (rates > 0).any():
            return sq_norm
        with np.errstate(divide="ignore", invalid="ignore"):
            waits = np.where(rates > 0, -exponents / rates, np.inf)
        first = waits.argmin()
        exponents += rates * waits[first]
        dormant[first] = False
        fitted = active[first] & is_open
        sq_norm += 2 * np.sqrt((y[fitted] ** 2).sum())
        is_open &= ~fitted
