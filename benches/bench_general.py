"""The flow on data as they are against its peers and against λ.

Gaussian rows with a bias, labels of a teacher with noise, balanced start, to clock 6. Peers integrate raw
weights in input coordinates with relu'(0) = 0, absolute tolerance rtol · λ, each in a process of its own:
`python benches/bench_general.py NAME N D M SCALE RTOL` prints a JSON line.
"""

import json
import subprocess
import sys
import time

import numpy as np
from rich.table import Table

import saddlehop as sh
from timing import median_seconds

CASES = [(60, 10, 24, 1e-4), (200, 50, 32, 1e-8), (1000, 64, 64, 1e-8)]
PEERS = ["saddlehop", "SciPy DOP853", "diffrax Tsit5"]
CLOCK = 6.0
TIMES = 60
RTOL = 1e-6


def setting(n, d, m):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    rows = np.hstack([X, np.ones((n, 1))])
    teacher = rng.standard_normal((5, d + 1)) / np.sqrt(d + 1)
    y = np.maximum(rows @ teacher.T, 0) @ rng.standard_normal(5) + 0.3 * rng.standard_normal(n)
    problem = sh.GeneralProblem(X, y, bias=True)
    return problem, sh.Initialization.draw(problem, m, rng=rng)


def times_of(scale):
    return np.linspace(0, CLOCK * -np.log(scale), TIMES)


def run_saddlehop(problem, init, scale, rtol):
    t_end = times_of(scale)[-1]
    flow = sh.simulate_flow(problem, init, init_scale=scale, t_end=t_end, rtol=rtol)
    return flow, f"{flow.stats['steps']} steps, {flow.stats['slides']} slides"


def run_scipy(problem, init, scale, rtol):
    from scipy.integrate import solve_ivp

    Z, y, m, n = problem.coordinates, problem.y, init.width, problem.n_samples

    def slope(_, theta):
        a, w = theta[:m], theta[m:].reshape(m, -1)
        z = w @ Z.T
        D = ((z > 0) * (y - a @ np.maximum(z, 0))) @ Z / n
        return np.concatenate([np.sum(w * D, axis=1), (a[:, None] * D).ravel()])

    start = scale * np.concatenate([init.output, init.hidden.ravel()])
    times = times_of(scale)
    run = solve_ivp(slope, (0, times[-1]), start, "DOP853", times, rtol=rtol, atol=rtol * scale)
    weights = [(theta[:m], theta[m:].reshape(m, -1)) for theta in run.y.T]
    losses = [np.mean((y - problem.outputs_of(a, w)) ** 2) / 2 for a, w in weights]
    return losses + [np.nan] * (TIMES - len(losses)), f"{run.nfev} evaluations"


def run_diffrax(problem, init, scale, rtol):
    import jax

    jax.config.update("jax_enable_x64", True)
    import diffrax
    import jax.numpy as jnp

    Z, y, n = jnp.array(problem.coordinates), jnp.array(problem.y), problem.n_samples
    times = jnp.array(times_of(scale))

    def slope(_, theta, __):
        a, w = theta
        z = w @ Z.T
        D = ((z > 0) * (y - a @ jnp.maximum(z, 0))) @ Z / n
        return jnp.sum(w * D, axis=1), a[:, None] * D

    @jax.jit
    def solve(start):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(slope),
            diffrax.Tsit5(),
            0.0,
            times[-1],
            None,
            start,
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=rtol * scale),
            max_steps=10_000_000,
        )

    run = solve((jnp.array(scale * init.output), jnp.array(scale * init.hidden)))
    losses = [
        np.mean((problem.y - problem.outputs_of(np.array(a), np.array(w))) ** 2) / 2
        for a, w in zip(*run.ys, strict=True)
    ]
    return losses, f"{int(run.stats['num_steps'])} steps"


RUNS = {"saddlehop": run_saddlehop, "SciPy DOP853": run_scipy, "diffrax Tsit5": run_diffrax}


def measure(name, n, d, m, scale, rtol):
    problem, init = setting(n, d, m)
    begin = time.perf_counter()
    losses, work = RUNS[name](problem, init, scale, rtol)
    seconds, first = time.perf_counter() - begin, 0.0
    if name == "diffrax Tsit5":  # the first run compiles
        begin = time.perf_counter()
        RUNS[name](problem, init, scale, rtol)
        first, seconds = seconds, time.perf_counter() - begin
    if name == "saddlehop":
        losses = losses.loss_at(times_of(scale)).tolist()
    return {"seconds": seconds, "first": first, "losses": list(map(float, losses)), "work": work}


def measure_apart(*arguments, limit=100):
    """Run `measure` in a process of its own; a dict with `problem` if nothing came of it."""
    try:
        done = subprocess.run(
            [sys.executable, __file__, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"problem": f"not done in {limit:.0f} s"}
    if done.returncode:
        return {"problem": (done.stderr.strip().splitlines() or ["killed"])[-1][:60]}
    return json.loads(done.stdout.splitlines()[-1])


def peers_table(cases=CASES, limit=100):
    """Time and error of the losses, the error against saddlehop at rtol 1e-10."""
    table = Table(
        "n",
        "d",
        "m",
        "λ",
        "method",
        "time (s)",
        "first run (s)",
        "largest loss error / L(0)",
        "work",
        title=f"Flow on Gaussian rows to clock {CLOCK:g}, rtol {RTOL:g}",
    )
    for case in cases:
        want = measure_apart("saddlehop", *case, 1e-10, limit=600)
        for name in PEERS:
            head = (*map(str, case[:3]), f"{case[3]:g}", name)
            result = measure_apart(name, *case, RTOL, limit=limit)
            if "problem" in result or "problem" in want:
                table.add_row(*head, result.get("problem", f"{result.get('seconds', 0):.3g}"))
                continue
            error = (
                np.max(np.abs(np.subtract(result["losses"], want["losses"]))) / want["losses"][0]
            )
            table.add_row(
                *head,
                f"{result['seconds']:.3g}",
                f"{result['first']:.2g}",
                f"{error:.1e}",
                result["work"],
            )
    return table


def scale_table(n=60, d=10, m=24):
    """Time against λ, which the work should hardly depend on, to a clock and to the end of learning."""
    problem, init = setting(n, d, m)
    columns = ("to", "λ", "time (s)", "over 1e-10", "steps")
    table = Table(*columns, title=f"Flow against λ, n = {n}, d = {d}, m = {m}")
    for until in (CLOCK, None):
        base = None
        for scale in ("1e-10", "1e-100", "1e-1000", "1e-1000000"):
            t_end = until and until * np.log(10) * float(scale[3:])

            def run(scale=scale, t_end=t_end):
                return sh.simulate_flow(problem, init, init_scale=scale, t_end=t_end, rtol=RTOL)

            seconds, steps = median_seconds(run, 3), run().stats["steps"]
            base = base or seconds
            goal = f"clock {until:g}" if until else "the end"
            table.add_row(goal, scale, f"{seconds:.3f}", f"{seconds / base:.2f}×", str(steps))
    return table


if __name__ == "__main__":
    name, *sizes, scale, rtol = sys.argv[1:]
    print(json.dumps(measure(name, *map(int, sizes), float(scale), float(rtol))))
