"""What people would use instead of `simulate_flow`, each in a process of its own.

`python benches/peers.py NAME N M SCALE T RTOL` integrates the flow from 0 to T and prints a JSON
line: seconds of each run, compile seconds, and the losses at 60 even times. Raw weights in sample
coordinates; absolute tolerance rtol · λ.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

import saddlehop as sh

TIMES = 60
SHORT = 5.0  # seconds; shorter runs are repeated
JACOBIAN_LIMIT = 10_000  # weights; LSODA's dense Jacobian would not fit in memory above


def setting(n, m):
    problem = sh.make_orthogonal(n, rng=0)
    return problem, sh.Initialization.draw(problem, m, rng=0)


def raw_slope(problem, m):
    """θ̇ for θ = (a, u) flattened, as a user would write it in NumPy."""
    n = problem.n_samples

    def slope(_, theta):
        a, u = theta[:m], theta[m:].reshape(m, n)
        positive = np.maximum(u, 0)
        pull = problem.curvatures * (problem.targets - a @ positive) / n
        return np.concatenate([positive @ pull, (np.outer(a, pull) * (u > 0)).ravel()])

    return slope


def loss_of(problem, m, theta):
    a, u = theta[:m], theta[m:].reshape(m, -1)
    return float(np.mean((problem.y - problem.norms * (a @ np.maximum(u, 0))) ** 2) / 2)


def run_scipy(method, problem, init, scale, t_end, rtol):
    from scipy.integrate import solve_ivp

    m = init.width
    start = scale * np.concatenate([init.output, init.hidden.ravel()])
    times = np.linspace(0, t_end, TIMES)

    def run():
        solution = solve_ivp(
            raw_slope(problem, m), (0, t_end), start, method, times, rtol=rtol, atol=rtol * scale
        )
        losses = [loss_of(problem, m, theta) for theta in solution.y.T]
        return losses + [np.nan] * (TIMES - len(losses)), f"{solution.nfev} evaluations"

    return run


def run_diffrax(problem, init, scale, t_end, rtol):
    import jax

    jax.config.update("jax_enable_x64", True)
    import diffrax
    import jax.numpy as jnp

    n = problem.n_samples
    curvatures, targets = jnp.array(problem.curvatures), jnp.array(problem.targets)

    def slope(_, theta, __):
        a, u = theta
        positive = jnp.maximum(u, 0)
        pull = curvatures * (targets - a @ positive) / n
        return positive @ pull, jnp.outer(a, pull) * (u > 0)

    @jax.jit
    def solve(start):
        return diffrax.diffeqsolve(
            diffrax.ODETerm(slope),
            diffrax.Tsit5(),
            0.0,
            t_end,
            None,
            start,
            saveat=diffrax.SaveAt(ts=jnp.linspace(0, t_end, TIMES)),
            stepsize_controller=diffrax.PIDController(rtol=rtol, atol=rtol * scale),
            max_steps=10_000_000,
        )

    def run():
        solution = solve((jnp.array(scale * init.output), jnp.array(scale * init.hidden)))
        a, u = map(np.asarray, solution.ys)
        outputs = problem.norms * np.einsum("tj,tjk->tk", a, np.maximum(u, 0))
        losses = ((problem.y - outputs) ** 2).mean(axis=1) / 2
        return losses.tolist(), f"{int(solution.stats['num_steps'])} steps"

    return run


def run_torch(problem, init, scale, t_end, lr):
    import torch

    torch.set_default_dtype(torch.float64)
    n = problem.n_samples
    X, y = torch.diag(torch.tensor(problem.norms)), torch.tensor(problem.y)
    steps = round(t_end / lr)
    keep = set(np.unique(np.round(np.linspace(0, steps, TIMES)).astype(int)).tolist())

    def run():
        first = torch.nn.Linear(n, init.width, bias=False)
        second = torch.nn.Linear(init.width, 1, bias=False)
        with torch.no_grad():
            first.weight.copy_(torch.tensor(scale * init.hidden))
            second.weight.copy_(torch.tensor(scale * init.output)[None])
        model = torch.nn.Sequential(first, torch.nn.ReLU(), second)
        optimizer = torch.optim.SGD(model.parameters(), lr=lr)
        losses = []
        for step in range(steps + 1):
            loss = ((model(X)[:, 0] - y) ** 2).mean() / 2
            if step in keep:
                losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return losses + [losses[-1]] * (TIMES - len(losses)), f"{steps} steps"

    return run


def run_saddlehop(problem, init, scale, t_end, rtol):
    def run():
        flow = sh.simulate_flow(problem, init, init_scale=scale, t_end=t_end, rtol=rtol)
        return flow, f"{flow.stats['steps']} steps"

    return run


def build(name, problem, init, scale, t_end, rtol):
    if name == "saddlehop":
        return run_saddlehop(problem, init, scale, t_end, rtol)
    if name == "diffrax Tsit5":
        return run_diffrax(problem, init, scale, t_end, rtol)
    if name == "PyTorch GD":
        return run_torch(problem, init, scale, t_end, rtol)
    return run_scipy(name.split()[1], problem, init, scale, t_end, rtol)


def measure(name, n, m, scale, t_end, rtol):
    problem, init = setting(n, m)
    run = build(name, problem, init, scale, t_end, rtol)
    begin = time.perf_counter()
    losses, work = run()
    first = time.perf_counter() - begin
    seconds, compile_seconds = [first], 0.0
    if name in ("saddlehop", "diffrax Tsit5") or first < SHORT:
        seconds = []
        for _ in range(7 if first < SHORT or name == "saddlehop" else 1):
            begin = time.perf_counter()
            losses, work = run()
            seconds.append(time.perf_counter() - begin)
        compile_seconds = max(first - float(np.median(seconds)), 0.0)
    if name == "saddlehop":
        losses = losses.loss_at(np.linspace(0, losses.t[-1], TIMES)).tolist()
    return {"seconds": seconds, "compile": compile_seconds, "losses": losses, "work": work}


def measure_apart(name, n, m, scale, t_end, rtol, limit):
    """Run `measure` in a process of its own; a dict with `problem` if nothing came of it."""
    if "LSODA" in name and n * m > JACOBIAN_LIMIT:
        return {"problem": f"not tried: a dense Jacobian of {8e-9 * (n * m) ** 2:.1f} GB per copy"}
    command = [sys.executable, __file__, name, *map(repr, (n, m, scale, t_end, rtol))]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {"problem": f"not done in {limit:.0f} s"}
    if done.returncode:
        return {"problem": done.stderr.strip().splitlines()[-1][:60]}
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    print(json.dumps(measure(sys.argv[1], *map(int, sys.argv[2:4]), *map(float, sys.argv[4:7]))))
