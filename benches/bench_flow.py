"""The flow against its peers, against λ, against size, and work against precision."""

import numpy as np
from rich.table import Table

import saddlehop as sh
from peers import TIMES, measure_apart, setting
from timing import median_seconds

CASES = [(50, 16, 1e-4), (200, 32, 1e-8), (1000, 64, 1e-8), (200, 32, 1e-2)]
RTOL = 1e-6
PEERS = [
    ("saddlehop", RTOL),
    ("SciPy DOP853", RTOL),
    ("SciPy LSODA", RTOL),
    ("diffrax Tsit5", RTOL),
    ("PyTorch GD", 0.5),
]


def end_time(n, m, scale):
    """A little after the last neuron that matters has activated."""
    flow = sh.simulate_flow(*setting(n, m), init_scale=scale, rtol=1e-8)
    size = np.abs(flow.final.output)
    return 1.3 * float(np.nanmax(flow.activation_times[size > 0.01 * size.max()]))


def reference(n, m, scale, t_end):
    flow = sh.simulate_flow(*setting(n, m), init_scale=scale, t_end=t_end, rtol=1e-12)
    return flow.loss_at(np.linspace(0, t_end, TIMES))


def error_of(result, losses):
    found = np.array(result["losses"], dtype=float)
    return float(np.max(np.where(np.isnan(found), np.inf, np.abs(found - losses))) / losses[0])


def ours_by_precision(case, t_end, losses, limit):
    """Median seconds and error of saddlehop at falling tolerances, the first one that of the table."""
    found = []
    for rtol in (RTOL, 1e-3, 1e-4, 1e-5):
        result = measure_apart("saddlehop", *case, t_end, rtol, limit)
        found.append((float(np.median(result["seconds"])), error_of(result, losses), result))
    return found


def peers_table(limit=30):
    table = Table(
        "n",
        "m",
        "λ",
        "method",
        "time (s)",
        "runs",
        "compile (s)",
        "over saddlehop",
        "at no larger error",
        "largest loss error / L(0)",
        "work",
        title=f"Flow to the last activation, rtol {RTOL:g} (atol rtol·λ), learning rate 0.5",
        caption="at no larger error: over saddlehop at the coarsest rtol of 1e-3 … 1e-6 that is as good",
    )
    for case in CASES:
        t_end = end_time(*case)
        losses = reference(*case, t_end)
        ours = ours_by_precision(case, t_end, losses, limit)
        for name, setting_ in PEERS:
            head = (*map(str, case[:2]), f"{case[2]:g}", name)
            mine = name == "saddlehop"
            result = ours[0][2] if mine else measure_apart(name, *case, t_end, setting_, limit)
            if "problem" in result:
                table.add_row(*head, result["problem"])
                continue
            seconds, error = float(np.median(result["seconds"])), error_of(result, losses)
            as_good = min((one[0] for one in ours if one[1] <= error), default=np.nan)
            table.add_row(
                *head,
                f"{seconds:.4g}",
                str(len(result["seconds"])),
                f"{result['compile']:.2g}",
                f"{seconds / ours[0][0]:.0f}×",
                f"{seconds / as_good:.0f}×",
                f"{error:.1e}",
                result["work"],
            )
    return table


def scale_table(n=200, m=32, runs=7):
    """Time against λ, which the work should not depend on, whatever the law of the norms."""
    columns = ("norms", "λ", "time (ms)", "over 1e-10", "steps", "pairs")
    table = Table(*columns, title=f"Flow against λ, n = {n}, m = {m}")
    for norms in ("unit", "uniform", "lognormal"):
        problem = sh.make_orthogonal(n, norms=norms, rng=0)
        init = sh.Initialization.draw(problem, m, rng=0)
        base = None
        for scale in ("1e-10", "1e-100", "1e-1000", "1e-10000", "1e-1000000"):

            def run(problem=problem, init=init, scale=scale):
                return sh.simulate_flow(problem, init, init_scale=scale, rtol=RTOL)

            seconds = median_seconds(run, runs)
            base = base or seconds
            stats = run().stats
            table.add_row(
                norms,
                scale,
                f"{1e3 * seconds:.1f}",
                f"{seconds / base:.2f}×",
                str(stats["steps"]),
                f"{stats['pairs_evaluated']:.2g}",
            )
    return table


SIZES = [
    *((n, 64, "unit") for n in (1000, 5000, 20000)),
    *((1000, m, "lognormal") for m in (64, 256, 512)),
]


def size_table(sizes=SIZES):
    columns = ("n", "m", "norms", "time (s)", "steps", "stiff")
    table = Table(*columns, title="Flow to the end at λ = 1e-8, rtol 1e-6")
    for n, m, norms in sizes:
        problem = sh.make_orthogonal(n, norms=norms, rng=0)
        init = sh.Initialization.draw(problem, m, rng=0)

        def run(problem=problem, init=init):
            return sh.simulate_flow(problem, init, init_scale=1e-8, rtol=RTOL)

        seconds, stats = median_seconds(run, 1), run().stats
        row = (f"{seconds:.2f}", str(stats["steps"]), str(stats["stiff_steps"]))
        table.add_row(str(n), str(m), norms, *row)
    return table


def corrections_table(n=1000, m=64, runs=7):
    """The next order of the limit against the flow it replaces."""
    table = Table(
        "norms",
        "jumps (ms)",
        "with corrections (ms)",
        "flow 1e-8 (ms)",
        "corrections / flow",
        title=f"Limit and its next order against the flow, n = {n}, m = {m}",
    )
    for norms in ("unit", "uniform", "lognormal"):
        problem = sh.make_orthogonal(n, norms=norms, rng=0)
        init = sh.Initialization.draw(problem, m, rng=0)
        plain = median_seconds(lambda p=problem, i=init: sh.solve_jumps(p, i), runs)
        full = median_seconds(lambda p=problem, i=init: sh.solve_jumps(p, i).corrections, runs)
        flow = median_seconds(lambda p=problem, i=init: sh.simulate_flow(p, i, init_scale=1e-8), 3)
        table.add_row(
            norms,
            f"{1e3 * plain:.2f}",
            f"{1e3 * full:.1f}",
            f"{1e3 * flow:.0f}",
            f"{full / flow:.3f}",
        )
    return table


def work_precision(path, case=(50, 16, 1e-4), limit=30):
    """Draw error against time for all methods over their tolerances."""
    from matplotlib.figure import Figure

    t_end = end_time(*case)
    losses = reference(*case, t_end)
    figure = Figure(figsize=(6, 4.2), layout="constrained")
    ax = figure.subplots()
    sweeps = {
        "saddlehop": ([1e-3, 1e-4, 1e-6, 1e-8, 1e-10], "o-"),
        "SciPy DOP853": ([1e-3, 1e-4, 1e-6, 1e-8], "s--"),
        "SciPy LSODA": ([1e-3, 1e-4, 1e-6], "v--"),
        "diffrax Tsit5": ([1e-3, 1e-4, 1e-6], "^:"),
        "PyTorch GD": ([2.0, 1.0, 0.5, 0.25], "D-."),
    }
    for name, (settings, style) in sweeps.items():
        results = [measure_apart(name, *case, t_end, one, limit) for one in settings]
        points = [
            (error_of(one, losses), np.median(one["seconds"])) for one in results if "losses" in one
        ]
        if points:
            ax.loglog(*zip(*points, strict=True), style, label=name)
    ax.set_xlabel("largest error of the loss, relative to the start")
    ax.set_ylabel("time (s)")
    ax.set_title(f"n = {case[0]}, m = {case[1]}, λ = {case[2]:g}", loc="left", fontsize="medium")
    ax.invert_xaxis()
    ax.grid(alpha=0.3)
    ax.legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=150)
