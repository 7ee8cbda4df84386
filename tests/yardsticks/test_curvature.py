"""Local PL constant and asymptotic rate against differences and against the flow."""

import math

import numpy as np
import pytest

import saddlehop as sh


@pytest.fixture
def flow():
    rng = np.random.default_rng(0)
    problem = sh.Problem(rng.standard_normal(8), rng.uniform(0.5, 2, 8))
    init = sh.Initialization.draw(problem, 10, "gaussian", rng=rng)
    return sh.simulate_flow(problem, init, init_scale=0.5, rtol=1e-11)


def test_pl_constant_is_half_the_decay_of_log_loss(flow):
    for t in (0.3, 2.0, 6.0):
        step = 1e-3
        ahead, behind = flow.loss_at(t + step), flow.loss_at(t - step)
        slope = (math.log(ahead) - math.log(behind)) / (2 * step)
        assert sh.local_pl_constant(flow.problem, flow(t)) == pytest.approx(-slope / 2, rel=1e-5)


def test_asymptotic_rate_is_the_late_decay(flow):
    late = flow.t[-1]
    rate = sh.asymptotic_rate(flow.problem, flow.final)
    a, b = flow.loss_at([0.5 * late, 0.6 * late])
    assert rate == pytest.approx(math.log(a / b) / (0.2 * late), rel=0.02)
    assert sh.local_pl_constant(flow.problem, flow(0.6 * late)) == pytest.approx(rate, rel=0.02)


def test_closed_form_of_one_neuron():
    problem = sh.Problem([3.0, 4.0])
    network = sh.Network([math.sqrt(5)], np.array([[3.0, 4.0]]) / math.sqrt(5))
    assert sh.asymptotic_rate(problem, network) == pytest.approx(5 / 2)  # a² / n
    half = sh.Network([1.0], [[0.0, 1.0]])
    # residuals 3 and 3, d = 3/2: gradient 3/2 for a, 3/2 for u_2, loss 18/4
    assert sh.local_pl_constant(problem, half) == pytest.approx(2 * 1.5**2 / 9)


def test_uncovered_sample_gives_rate_zero():
    problem = sh.Problem([1.0, 2.0])
    assert sh.asymptotic_rate(problem, sh.Network([1.0], [[1.0, -1.0]])) == 0
    assert math.isnan(sh.local_pl_constant(sh.Problem([1.0]), sh.Network([1.0], [[1.0]])))


def test_sizes_far_from_one():
    problem = sh.Problem([1e-200, 1e-200])
    network = sh.Network([1e-100], [[0.5e-100, 0.5e-100]])
    scaled = sh.local_pl_constant(sh.Problem([1.0, 1.0]), sh.Network([1.0], [[0.5, 0.5]]))
    assert sh.local_pl_constant(problem, network) == pytest.approx(1e-200 * scaled)


def test_sizes_must_fit():
    with pytest.raises(sh.SaddlehopError, match="length"):
        sh.asymptotic_rate(sh.Problem([1.0]), sh.Network([1.0], [[1.0, 1.0]]))
