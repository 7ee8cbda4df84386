"""Problems, starts and comparisons that several test files use."""

from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import strategies as st

import saddlehop as sh

LEVELS = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0]


def orthonormal_rows(n_samples, n_features, seed):
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.standard_normal((n_features, n_samples)))[0].T


@st.composite
def problems(draw, max_samples=8, degenerate=True):
    """Random problems; a degenerate one has labels on a coarse grid, zeros included."""
    n = draw(st.integers(1, max_samples))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if degenerate and draw(st.booleans()):
        y = rng.choice(LEVELS, n)
        norms = rng.choice([0.5, 1.0, 2.0], n)
    else:
        y = rng.standard_normal(n)
        norms = rng.uniform(0.5, 2, n)
    return sh.Problem(y, norms)


@st.composite
def starts(draw, problem, max_width=7):
    """Random starts of any law; a degenerate one has weights on a coarse grid and copies."""
    m = draw(st.integers(1, max_width))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    law = draw(st.sampled_from(["balanced", "dominated", "gaussian", "grid", "copies"]))
    if law == "grid":
        return sh.Initialization(rng.choice(LEVELS, m), rng.choice(LEVELS, (m, problem.n_samples)))
    if law == "copies":
        base = sh.Initialization.draw(problem, m, rng=rng)
        rows = rng.integers(0, m, m)
        return sh.Initialization(base.output[rows], base.hidden[rows])
    return sh.Initialization.draw(problem, m, law, rng=rng)


@st.composite
def problems_with_starts(draw, **options):
    problem = draw(problems(**options))
    return problem, draw(starts(problem))


def assert_same_jumps(jumps, other):
    """Assert that two jump paths agree: order exactly, numbers to rounding."""
    assert jumps.neurons == other.neurons
    assert [s.tolist() for s in jumps.samples] == [s.tolist() for s in other.samples]
    for name in ("times", "losses", "sq_norms", "exponents", "escape_rates"):
        np.testing.assert_allclose(
            getattr(jumps, name), getattr(other, name), rtol=1e-10, atol=1e-12, err_msg=name
        )


@contextmanager
def local_cluster(n_workers, processes=True):
    """Yield a client of a Dask cluster on this machine, which takes no fixed port."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            processes=processes,
            dashboard_address=":0",
            scheduler_kwargs={"dashboard": False},
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
