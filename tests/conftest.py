import json
import os
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

mpl.use("Agg")
IS_INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"  # a hundred times slower
settings.register_profile(
    "deterministic",
    derandomize=True,
    deadline=None,
    max_examples=10 if IS_INTERPRETED else 150,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("deterministic")

CASES = json.loads((Path(__file__).parent / "reference" / "cases.json").read_text())


@pytest.fixture(params=CASES, ids=lambda case: case["name"])
def case(request):
    """A problem solved by an independent reference."""
    return request.param
