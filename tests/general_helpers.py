"""Data as they are, and starts on them, for several test files."""

import json
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

import saddlehop as sh

CASES = json.loads((Path(__file__).parent / "reference" / "general.json").read_text())
GRID = [-2.0, -1.0, 0.0, 1.0, 2.0]


@st.composite
def general_problems(draw, max_samples=7, max_features=4):
    """Random problems: normal, or on a coarse grid with rows of 0, repeated and dependent rows."""
    n, d = draw(st.integers(1, max_samples)), draw(st.integers(1, max_features))
    kind = draw(st.sampled_from(["normal", "grid", "low rank"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    X = rng.choice(GRID, (n, d)) if kind == "grid" else rng.standard_normal((n, d))
    if kind == "low rank":
        X = X @ np.diag([1.0] + [0.0] * (d - 1)) + rng.choice(GRID, (n, 1))
    if not X.any():
        X[0, 0] = 1.0
    y = rng.choice(GRID, n) if draw(st.booleans()) else rng.standard_normal(n)
    return sh.GeneralProblem(X, y, bias=draw(st.booleans()))


@st.composite
def general_starts(draw, problem, max_width=5):
    """Random starts of any law."""
    m = draw(st.integers(1, max_width))
    law = draw(st.sampled_from(["balanced", "dominated", "gaussian"]))
    return sh.Initialization.draw(problem, m, law, rng=draw(st.integers(0, 2**32 - 1)))


@st.composite
def general_problems_with_starts(draw):
    problem = draw(general_problems())
    return problem, draw(general_starts(problem))
