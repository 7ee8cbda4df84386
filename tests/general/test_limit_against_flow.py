"""The limit is what the flow tends to, on random problems; SADDLEHOP_PROBLEMS=200 tries more."""

import os

import pytest

import limit_against_flow

PROBLEMS = int(os.environ.get("SADDLEHOP_PROBLEMS", "6"))
EARLY = "the flow takes a small neuron that grows at a small rate for the end of learning"
KNOWN = {7: "the time of a jump that starts from a rest on walls is off", 32: EARLY, 36: EARLY}


@pytest.mark.parametrize("seed", range(PROBLEMS))
def test_the_flow_tends_to_the_limit(seed):
    if seed in KNOWN:
        pytest.xfail(KNOWN[seed])
    found = limit_against_flow.compare(seed)
    assert found.outcome.startswith(("agrees", "no neuron", "the flow is too slow")), found
    assert found.n_late == 0, found
