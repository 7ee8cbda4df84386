"""Trials of the certificate, counted by kind and outcome; tests run few, `make reliability` many."""

from collections import Counter
from dataclasses import replace

import numpy as np

import fuzz
import hostile
import public_calls
import saddlehop as sh

LABELS = ("gaussian", "uniform")
NORMS = ("unit", "lognormal", "uniform")
LAWS = ("balanced", "dominated", "gaussian")


def generic(seed):
    """A random generic problem with n ≤ 200, certified."""
    rng = np.random.default_rng([1, seed])
    n = int(rng.integers(1, 201))
    problem = sh.make_orthogonal(n, labels=rng.choice(LABELS), norms=rng.choice(NORMS), rng=rng)
    init = sh.Initialization.draw(problem, int(rng.integers(1, 41)), str(rng.choice(LAWS)), rng=rng)
    certificate = sh.certify(problem, init, sh.solve_jumps(problem, init))
    yield from (f"jump {verdict}" for verdict in certificate.verdicts)
    if certificate.rounded:
        yield "problem with a start balanced only to within rounding"
    yield "contradicted" if certificate.contradictions else "problem without contradiction"
    if not certificate.is_decided:
        yield "problem undecided"


def _four_squares(rng, total):
    """Integers whose squares add up to `total`, at random."""
    for _ in range(10000):
        rest, parts = total, []
        for _ in range(3):
            parts.append(int(rng.integers(0, int(rest**0.5) + 1)))
            rest -= parts[-1] ** 2
        last = int(rest**0.5 + 0.5)
        if last * last == rest:
            return [p for p in (*parts, last) if p]
    raise AssertionError(f"{total} found no squares")


def _paths():
    """(r, a, b, x) with 1/r + (1 − a/r)/b = 1/x: growth a then b reaches 0 when x does, after r."""
    found = []
    for r in range(3, 40):
        for a in range(2, r):
            for b in range(1, a):
                x, left = divmod(r * b, r - a + b)
                if left == 0 and x < r and (x, x) != (a, b):
                    found.append((r, a, b, x))
    return found


PATHS = _paths()


def planted_tie(rng, kind):
    """Labels, norms, sets and signs with exact ties of a kind, and a tied pair of neurons."""
    power = 2.0 ** rng.integers(-40, 41)
    if kind == "copies":
        n = int(rng.integers(1, 50))
        y = np.abs(rng.standard_normal(n)) + 0.1
        mask = rng.random(n) < 0.7
        mask[0] = True
        return y, np.array([mask, mask]), [1, 1], {0, 1}
    if kind == "same labels apart":
        n = int(rng.integers(1, 50))
        y = rng.standard_normal(n)
        sets = np.zeros((2, 2 * n), dtype=bool)
        sets[0, :n] = sets[1, n:] = True
        y = np.abs(np.concatenate([y, rng.permutation(y)])) * power
        return y, sets, [1, 1], {0, 1}
    r, a, b, x = PATHS[int(rng.integers(len(PATHS)))]
    copies = 2 if kind == "roots of two" else 1
    lost, kept = _four_squares(rng, a * a - b * b), _four_squares(rng, r * r - a * a + b * b)
    parts = [lost, kept, [b], [x]]
    owners = [(0, 1), (0,), (1,), (2,)]
    y, columns = [], []
    for values, neurons in zip(parts, owners, strict=True):
        for value in values * copies:
            y.append(value * power)
            columns.append([j in neurons for j in range(3)])
    return np.array(y), np.array(columns).T, [1, 1, 1], {1, 2}


TIE_KINDS = ("copies", "same labels apart", "another history", "roots of two")


def tie(seed):
    """A problem with a planted exact tie, which has to be proven."""
    rng = np.random.default_rng([2, seed])
    kind = TIE_KINDS[seed % len(TIE_KINDS)]
    y, active, signs, pair = planted_tie(rng, kind)
    order = rng.permutation(y.size)
    problem = sh.Problem(y[order])
    sets = sh.ActiveSets.from_bool(active[:, order], signs)
    certificate = sh.certify(problem, sets, sh.solve_jumps(problem, sets))
    proven = [
        verdict == "tie" and pair <= set(group)
        for verdict, group in zip(certificate.verdicts, certificate.neurons, strict=True)
    ]
    yield f"{kind}: {'proven' if any(proven) else 'MISSED'}"
    if certificate.contradictions or not certificate.is_decided:
        yield f"{kind}: CONTRADICTED OR UNDECIDED"


def _relabelled(jumps):
    neurons = list(jumps.neurons)
    neurons[0], neurons[1] = neurons[1], neurons[0]
    return replace(jumps, neurons=tuple(neurons))


FAULTS = {
    "a wrong rate": lambda jumps: replace(
        jumps, escape_rates=jumps.escape_rates * np.append(1 + 1e-8, np.ones(jumps.n_jumps))
    ),
    "a wrong time": lambda jumps: replace(jumps, times=jumps.times * (1 + 1e-8)),
    "a swapped neuron": _relabelled,
    "a wrong loss": lambda jumps: replace(jumps, losses=jumps.losses + 1e-8 * jumps.losses[0]),
    "a wrong exponent": lambda jumps: replace(jumps, exponents=jumps.exponents + 1e-8),
    "a sample moved to another jump": lambda jumps: replace(
        jumps,
        samples=(
            jumps.samples[0][1:],
            np.sort(np.append(jumps.samples[1], jumps.samples[0][:1])),
            *jumps.samples[2:],
        ),
    ),
    "a jump left out": lambda jumps: replace(
        jumps,
        times=jumps.times[:-1],
        neurons=jumps.neurons[:-1],
        samples=jumps.samples[:-1],
        losses=jumps.losses[:-1],
        margins=jumps.margins[:-1],
        exponents=jumps.exponents[:-1],
        escape_rates=jumps.escape_rates[:-1],
    ),
    "an active set with one sample less": lambda jumps: _smaller_set(jumps),
}


def _smaller_set(jumps):
    active = jumps.sets.to_bool()
    neuron = jumps.neurons[0][0]
    active[neuron, np.flatnonzero(active[neuron])[0]] = False
    sets = sh.ActiveSets.from_bool(active, jumps.sets.signs)
    return replace(sh.solve_jumps(jumps.problem, sets), alignment=jumps.alignment)


def fault(seed):
    """Jumps with one planted error, which has to be found."""
    name = list(FAULTS)[seed % len(FAULTS)]
    rng = np.random.default_rng([3, seed])
    while True:
        problem = sh.make_orthogonal(int(rng.integers(5, 60)), rng=rng)
        init = sh.Initialization.draw(problem, 16, rng=rng)
        jumps = sh.solve_jumps(problem, init)
        if jumps.n_jumps > 1:
            break
    certificate = sh.certify(problem, init, FAULTS[name](jumps))
    yield f"{name}: {'MISSED' if certificate.is_consistent else 'found'}"


KINDS = {
    "generic problems": generic,
    "planted ties": tie,
    "planted faults": fault,
    "hostile problems": hostile.trial,
    "public functions": public_calls.trial,
    "damaged files": fuzz.trial,
}


def run(kind, count):
    """Count the outcomes of trials 0 … count − 1 of a kind."""
    return Counter(outcome for seed in range(count) for outcome in KINDS[kind](seed))
