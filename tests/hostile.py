"""Problems at the edges of floats, in every form an array can have."""

import warnings

import numpy as np
import pandas as pd

import saddlehop as sh

SIZES = {
    "labels of order 1": lambda rng, n: rng.standard_normal(n),
    "labels from 1e-150 to 1e150": lambda rng, n: _spread(rng, n, 150),
    "labels from 1e-320 to 1e307": lambda rng, n: _spread(rng, n, 320),
    "equal labels": lambda rng, n: np.full(n, rng.standard_normal()),
    "labels ±1": lambda rng, n: rng.choice([-1.0, 1.0], n),
    "labels 0, 1, 2": lambda rng, n: rng.integers(0, 3, n).astype(float),
    "labels 0, 1": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "subnormal labels": lambda rng, n: rng.integers(1, 1000, n) * 5e-324,
    "labels of zero": lambda rng, n: np.zeros(n),
    "labels apart by a last digit": lambda rng, n: 1 + rng.integers(0, 4, n) * 2.0**-52,
}
LENGTHS = {
    "unit norms": lambda rng, n: None,
    "norms of order 1": lambda rng, n: rng.uniform(0.5, 2, n),
    "norms from 1e-150 to 1e150": lambda rng, n: np.abs(_spread(rng, n, 150)),
}
STARTS = ("drawn", "grid", "copies", "thousands of neurons", "huge and tiny weights", "one neuron")


def _spread(rng, n, decades):
    with np.errstate(over="ignore", under="ignore"):
        values = 10.0 ** np.minimum(rng.uniform(-decades, decades, n), 307)
    return rng.choice([-1.0, 1.0], n) * values


def layouts(values):
    """The same numbers in other forms."""
    frozen = values.copy()
    frozen.flags.writeable = False
    table = np.zeros((*values.shape, 2))
    table[..., 0] = values
    yield "array", values
    yield "list", values.tolist()
    yield "read-only", frozen
    yield "strided", table[..., 0]
    yield "Fortran order", np.asfortranarray(values)
    yield "other bytes", values.astype(">f8")
    if values.ndim == 1:
        yield "pandas", pd.Series(values, index=np.arange(values.size)[::-1])
    if np.array_equal(values, np.round(values)) and np.abs(values).max(initial=0) < 100:
        yield "int8", values.astype(np.int8)
        yield "float32", values.astype(np.float32)
    if np.isin(values, (0, 1)).all():
        yield "bool", values.astype(bool)


def start(rng, kind, n):
    m = {"thousands of neurons": 2000, "one neuron": 1}.get(kind, int(rng.integers(1, 20)))
    if kind == "grid":
        return rng.integers(-1, 2, m).astype(float), rng.integers(-1, 2, (m, n)).astype(float)
    hidden = rng.standard_normal((m, n))
    output = rng.choice([-1.0, 1.0], m) * np.linalg.norm(hidden, axis=1) * rng.choice([0.5, 1, 2])
    if kind == "copies":
        rows = rng.integers(0, m, m)
        return output[rows], hidden[rows]
    if kind == "huge and tiny weights":
        scale = 10.0 ** rng.uniform(-150, 150, m)
        return output * scale, hidden * scale[:, None]
    return output, hidden


def trial(seed):
    """A hostile problem, solved and certified: right, or one sentence."""
    rng = np.random.default_rng([4, seed])
    size, length = str(rng.choice(list(SIZES))), str(rng.choice(list(LENGTHS)))
    kind, n = str(rng.choice(STARTS)), int(rng.choice([1, 2, 3, 8, 30]))
    y, norms = SIZES[size](rng, n), LENGTHS[length](rng, n)
    forms = []
    for values in (y, *start(rng, kind, n)):
        choices = list(layouts(values))
        forms.append(choices[int(rng.integers(len(choices)))])
    before = [np.array(value, copy=True) for _, value in forms]
    yield from (f"given as {name}" for name, _ in forms)
    yield from (size, length, f"start: {kind}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield outcome([value for _, value in forms], norms)
    for (_, value), copy in zip(forms, before, strict=True):
        if not np.array_equal(np.asarray(value), copy):
            yield "outcome: ARGUMENT CHANGED"


def outcome(forms, norms):
    y, output, hidden = forms
    try:
        problem, init = sh.Problem(y, norms), sh.Initialization(output, hidden)
        jumps = sh.solve_jumps(problem, init)
        certificate = sh.certify(problem, init, jumps)
        least = sh.min_norm_interpolator(problem)
    except sh.SaddlehopError as err:
        return "outcome: one sentence" if str(err).endswith(".") else "outcome: NO SENTENCE"
    except Exception as err:
        return f"outcome: RAW {type(err).__name__} {str(err)[:60]}"
    if certificate.contradictions:
        return "outcome: CONTRADICTED " + certificate.contradictions[0][:12]
    arrays = (jumps.times, jumps.losses, jumps.exponents, jumps.escape_rates, jumps.margins)
    if any(np.isnan(a).any() for a in arrays) or not np.isfinite(least.sq_norm):
        return "outcome: NAN"
    return "outcome: right" if certificate.is_decided else "outcome: right, near-ties undecided"
