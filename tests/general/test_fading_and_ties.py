"""Active neurons that fade on an orbit, and directions that tie at later jumps, against the flow.

The data are mirror images of each other, with equal labels, and one sample on the mirror: what one
direction does, its image does at the same clock.
"""

import numpy as np
import pytest

import saddlehop as sh


def mirrored(seed):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 3))
    along, across = rng.normal(size=k), np.abs(rng.normal(size=k)) + 0.2
    labels = rng.choice([-1.0, 1.0, 0.5, -0.5, 2.0], k)
    middle = rng.choice([-1.0, 1.0], 1) * rng.uniform(0.5, 1.5, 1)
    halves = [np.c_[along, across], np.c_[along, -across], np.c_[middle, [0.0]]]
    problem = sh.GeneralProblem(np.vstack(halves), np.r_[labels, labels, rng.normal(size=1)])
    return problem, sh.Initialization.draw(problem, 5, rng=rng)


def assert_agrees(problem, init, jumps, scale):
    """The flow shows every jump at this λ, and all that is compared agrees."""
    opinion = sh.second_opinion(problem, init, jumps, scales=[scale])
    rows = opinion.to_frame()
    assert opinion.agrees, rows
    assert not rows.difference.isna().any()
    assert not (rows.note != "").any()
    assert (rows.method == f"flow at λ = {scale}").sum() == 4


def test_an_active_neuron_fades_and_comes_back():
    problem, init = mirrored(19)
    jumps = sh.solve_jumps(problem, init)
    assert jumps.neurons == ((2,), (4,), (0, 3), (2,))
    assert jumps.states[:, 2].tolist() == ["growing", "active", "decaying", "growing", "active"]
    assert jumps.outputs[2, 2] == 0
    np.testing.assert_array_equal(jumps.exponents[[1, 2, 4], 2], 0)
    span = jumps.times[2] - jumps.times[1]
    assert jumps.exponents[3, 2] == pytest.approx(jumps.growth_rates[2, 2] * span)
    assert_agrees(problem, init, jumps, "1e-60")


def test_sizes_of_a_faded_neuron_follow_its_exponent():
    """Its log|a| in the flow is a line whose slope on the clock is its negative rate."""
    problem, init = mirrored(19)
    jumps = sh.solve_jumps(problem, init)
    log_scale = -300 * np.log(10)
    times = (jumps.times[1] + np.array([0.4, 0.8]) * np.diff(jumps.times)[1]) * -log_scale
    flow = sh.simulate_flow(problem, init, log_init_scale=log_scale, t_end=times[-1])
    slope = np.diff(flow.log_output_at(times)[:, 2])[0] / np.diff(times)[0]
    assert slope == pytest.approx(jumps.growth_rates[2, 2], rel=1e-6)


@pytest.mark.parametrize("seed", [22, 32, 40, 56])
def test_directions_that_tie_at_a_later_jump(seed):
    problem, init = mirrored(seed)
    jumps = sh.solve_jumps(problem, init)
    tied = np.flatnonzero(jumps.margins == 0)
    assert tied.size > 0
    assert (tied > 0).all()
    assert "different directions arrive together" in jumps.message
    for i in tied:
        group = list(jumps.neurons[i])
        assert len({jumps.active[i, j].tobytes() for j in group}) > 1
    assert_agrees(problem, init, jumps, "1e-300")
