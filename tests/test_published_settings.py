"""The published settings, fewer starts of each: what they print is what was published, or says why not."""

import contextlib
import io
import sys
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "examples" / "settings"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="not installed with the package")

FEWER = {
    "plot_three_points": ("STARTS, WIDTH = 20", "STARTS, WIDTH = 4"),
    "plot_one_teacher": ("TRIALS, WIDTH, D = 3, 200", "TRIALS, WIDTH, D = 1, 40"),
    "plot_xor_linear": ("SAMPLES, WIDTH = 200, 20", "SAMPLES, WIDTH = 60, 12"),
}
ROUGH = {  # what was published with few digits, or is of a scale that is not 0
    "angle of the group with a > 0": 5e-3,
    "squared norm at λ = 4⁻¹⁰": 1e-4,
    "angle at 4⁻⁸ over that at 4⁻¹⁰": 0.1,
    "mean squared error at the start": 5e-6,
    "squared norm in the end": 5e-5,
    "share that interpolates, λ = 1e-3": 0,
    "share that interpolates, limit": 0,
}
EXPLAINED = {  # how far what differs for a reason may be
    "share that interpolates, λ = 0.3": 0,
    "share that interpolates, λ = 0.1": 0.4,
    "share that interpolates, λ = 1e-2": 0,
    "squared norm at λ = 1e-3": 1e-3,
    "thousands of steps to the first fall": 8,
    "dead neurons, mean of 10 starts": 8,
    "squared norm of gradient descent, flow": 1e-5,
    "mean squared error, first plateau": 5e-5,
    "mean squared error in the end": 1e-4,
    "the same of the flow, λ = 1e-4, clock 150": 1e-4,
    "mean squared error of the flow, λ = 1e-4": 1e-4,
}


@cache
def run(name):
    """What a script defines, and what it prints."""
    source = (FOLDER / f"{name}.py").read_text()
    before, after = FEWER.get(name, ("", ""))
    assert before in source
    names, printed = {}, io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "path", [str(FOLDER), *sys.path])
        patch.setattr(plt, "show", lambda: None)
        exec(compile(source.replace(before, after), name, "exec"), names)
    names["n_figures"] = len(plt.get_fignums())
    return names, printed.getvalue()


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("plot_*.py")))
def test_settings_end_where_they_were_published_to_end(name):
    names, printed = run(name)
    table = names["table"]
    assert printed.count("\n") > len(table)
    assert names["n_figures"] == 1
    for row in table.itertuples(index=False):
        quantity, published, here, difference, why = row
        assert np.isfinite(here), quantity
        if np.isnan(published):
            continue
        tolerance = ROUGH.get(quantity, 5e-7 * max(abs(published), 0.01))
        if why:
            tolerance = EXPLAINED.get(quantity, np.inf)
        assert abs(difference) <= tolerance, row
    assert (table["why they differ"] == "").sum() >= (6 if name == "plot_xor_linear" else 1)


def test_the_limit_and_gradient_descent_are_stuck_alike_on_few_samples():
    """XOR beside a linear part: on samples on which the limit stops, so does a training run."""
    means = run("plot_xor_linear")[0]["means"]
    assert means.loc[3, "xor"] < 0.9
    assert means.loc[3, "xor_descent"] == pytest.approx(means.loc[3, "xor"], abs=0.15)
