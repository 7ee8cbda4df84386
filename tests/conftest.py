import json
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from helpers import orthonormal_rows
from saddlehop import cli

mpl.use("Agg")
settings.register_profile(
    "deterministic",
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("deterministic")


CASES = json.loads((Path(__file__).parent / "reference" / "cases.json").read_text())


@pytest.fixture(autouse=True)
def _no_figures_left():
    """Tests in any order and on any number of workers begin without figures, and leave none."""
    yield
    plt.close("all")


@pytest.fixture(params=CASES, ids=lambda case: case["name"])
def case(request):
    """A problem solved by an independent reference."""
    return request.param


@pytest.fixture
def data(tmp_path):
    """A CSV of 12 orthogonal samples in 16 dimensions."""
    X = 2 * orthonormal_rows(12, 16, seed=0)
    y = np.random.default_rng(0).standard_normal(12)
    path = tmp_path / "data.csv"
    header = ",".join([f"x{i}" for i in range(16)] + ["y"])
    np.savetxt(
        path, np.column_stack([X, y]), delimiter=",", header=header, comments="", fmt="%.17g"
    )
    return path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: (exit code, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["saddlehop", *map(str, arguments)])
        monkeypatch.setenv("COLUMNS", "120")
        with pytest.raises(SystemExit) as stop:
            cli.main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return run
