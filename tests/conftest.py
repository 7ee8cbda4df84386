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


def pytest_collection_modifyitems(items):
    """Leave out what would take minutes where kernels are interpreted: `make coverage`."""
    if IS_INTERPRETED:
        for item in items:
            if item.get_closest_marker("compiled"):
                item.add_marker(pytest.mark.skip(reason="too slow without compiled kernels"))


CASES = json.loads((Path(__file__).parent / "reference" / "cases.json").read_text())


@pytest.fixture(params=CASES, ids=lambda case: case["name"])
def case(request):
    """A problem solved by an independent reference."""
    return request.param
