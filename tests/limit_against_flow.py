"""The limit against the flow at small λ on random problems: `python tests/limit_against_flow.py 0 200`.

Loss and squared norm of the flow midway between jumps are compared with the saddle there, and the time at
which the first neuron of a jump passes half of its size with `predict_times`. λ is 1e-60; where that is too
large for a saddle to be seen 1e-300, then what `settling_scale` asks for. An outcome in capitals is a
failure.
"""

import sys
from collections import Counter
from typing import NamedTuple

import numpy as np

import saddlehop as sh

TOL = 1e-6
SCALES = (60.0, 300.0)
ROOM = 2.2  # a saddle is looked at midway, and with a little room
LARGEST = 4e6
MAX_STEPS = 20_000  # of an orbit
FLOW_STEPS = 5_000


class Comparison(NamedTuple):
    """One problem."""

    outcome: str
    digits: float
    """−log10 λ at which they agree, or the last tried."""
    n_jumps: int
    n_late: int
    """Jumps whose time is off although they are seen with room to spare."""
    error: float
    time_error: float


def draw(seed):
    """Return a random problem and start."""
    rng = np.random.default_rng(seed)
    n, d, m = int(rng.integers(4, 13)), int(rng.integers(1, 9)), int(rng.integers(4, 17))
    y = rng.choice([-1.0, 1.0], n) if rng.random() < 0.5 else rng.standard_normal(n)
    problem = sh.GeneralProblem(rng.standard_normal((n, d)), y, bias=bool(rng.random() < 0.5))
    return problem, sh.Initialization.draw(problem, m, rng=rng)


def compare(seed):
    """Solve a problem both ways."""
    problem, init = draw(seed)
    jumps = sh.solve_jumps(problem, init, max_steps=MAX_STEPS)
    if not jumps.success:
        return Comparison("LIMIT " + jumps.status, 0, jumps.n_jumps, 0, np.inf, np.inf)
    if jumps.n_jumps == 0:
        return Comparison("no neuron grows", 0, 0, 0, 0.0, 0.0)
    needed = min(max(ROOM * -jumps.settling_scale.min(), SCALES[0]), LARGEST)
    for digits in sorted({*SCALES, needed}):
        try:
            error, time_error = errors(problem, init, jumps, digits)
        except sh.FlowError:
            return Comparison("the flow is too slow", digits, jumps.n_jumps, 0, np.inf, np.inf)
        if error <= TOL and (digits >= needed or time_error <= TOL):
            break
    return Comparison(
        outcome(jumps, digits, error),
        digits,
        jumps.n_jumps,
        int(time_error > TOL),
        error,
        time_error,
    )


def outcome(jumps, digits, error):
    """Say in words how a comparison went."""
    if error <= TOL:
        seen = [f"1e-{scale:.0f}" for scale in SCALES if digits == scale]
        return "agrees at λ = " + (seen[0] if seen else "what `settling_scale` asks for")
    return "not unique: a side decided (`chosen`)" if jumps.chosen.any() else "DISAGREES"


def errors(problem, init, jumps, digits):
    """Return the largest errors of losses and norms at saddles, and of log|a| at the times predicted."""
    log_scale = -digits * np.log(10)
    middle = (jumps.times[1:] + jumps.times[:-1]) / 2
    last = jumps.times[-1] + max(1.0, slowest(jumps) / -log_scale)
    times = np.append(middle, last) * -log_scale
    flow = sh.simulate_flow(
        problem, init, log_init_scale=log_scale, t_end=times[-1], max_steps=FLOW_STEPS
    )
    losses = np.abs(flow.loss_at(times) - jumps.losses[1:]) / jumps.losses[0]
    sq_norms = np.array([flow(t).sq_norm for t in times])
    norms = np.abs(sq_norms - jumps.sq_norms[1:]) / max(1.0, jumps.sq_norms[-1])
    return max(losses.max(), norms.max()), max(
        (
            late(flow, jumps, i, t)
            for i, t in enumerate(jumps.predict_times(log_init_scale=log_scale))
        ),
        default=0.0,
    )


def slowest(jumps):
    """Return a time after which the last orbit has come to rest."""
    return 5000.0 * jumps.problem.n_samples / jumps.escape_rates[0]


def late(flow, jumps, i, t):
    """Return by how much the first neuron of a jump misses half of its a² at the time predicted."""
    group = list(jumps.neurons[i])
    if not 0 < t < flow.t[-1]:
        return np.inf
    with np.errstate(divide="ignore"):
        goals = np.log(np.abs(jumps.outputs[i + 1, group])) - 0.5 * np.log(2.0)
    return abs(float(np.max(flow.log_output_at(t)[group] - goals)))


def table(seeds):
    """Compare problems; print those that do not agree, then what came of all of them."""
    outcomes, n_late, n_jumps = Counter(), 0, 0
    for seed in seeds:
        found = compare(seed)
        outcomes[found.outcome] += 1
        n_jumps += found.n_jumps
        n_late += found.n_late
        if not found.outcome.startswith("agrees") or found.n_late:
            print(f"{seed}: {found}", flush=True)
    print(f"\n| {outcomes.total()} problems, {n_jumps} jumps | count |\n|---|---:|")
    for name, number in sorted(outcomes.items()):
        print(f"| {name} | {number} |")
    print(f"| of them with a time off by more than {TOL:g} | {n_late} |", flush=True)


if __name__ == "__main__":
    table(range(*map(int, sys.argv[1:])))
