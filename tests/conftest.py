import json
from pathlib import Path

import matplotlib as mpl
import pytest
from hypothesis import HealthCheck, settings

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


@pytest.fixture(params=CASES, ids=lambda case: case["name"])
def case(request):
    """A problem solved by an independent reference."""
    return request.param
