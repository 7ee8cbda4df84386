"""The limit is what the flow tends to, on random problems; SADDLEHOP_PROBLEMS=200 tries more."""

import os

import pytest

import limit_against_flow
import saddlehop as sh
from saddlehop.claims.beyond import draw_trial

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


def test_a_small_neuron_that_shrinks_to_a_rest_is_at_rest():
    """A body of size 4e-6 is held on its wall, where D is 0 but for rounding, of either sign."""
    found = limit_against_flow.compare(185)
    assert found.n_jumps == 5
    assert found.outcome.startswith("agrees"), found
    assert found.n_late == 0, found


def test_bodies_that_are_not_felt_do_not_keep_others_from_long_steps():
    """One fades to 1e-42 and turns to grow with another, while that one creeps at a rate of 4e-5."""
    problem, init = draw_trial(14, "line", 10, 15, 11)
    jumps = sh.solve_jumps(problem, init)
    assert jumps.success
    assert jumps.n_steps[-1] < 3000
    error, time_error = limit_against_flow.errors(problem, init, jumps, 60.0)
    assert error < 1e-9
    assert time_error < 1e-6
