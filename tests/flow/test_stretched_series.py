"""Series in stretched time: how far they reach, and what is read of them."""

import numpy as np
import pytest

import saddlehop as sh


def case(n, m, seed):
    problem = sh.make_orthogonal(n, rng=seed)
    return problem, sh.Initialization.draw(problem, m, rng=seed)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_series_reach_past_singularities(seed):
    """Series in plain time take 26, 24 and 26 steps."""
    flow = sh.simulate_flow(*case(200, 32, seed), init_scale=1e-8, t_end=1000.0, rtol=1e-6)
    assert flow.stats["steps"] <= 20


@pytest.mark.parametrize("rtol", [1e-5, 1e-8, 1e-11])
def test_error_within_stretched_steps(rtol):
    start = case(60, 13, 3)
    flow = sh.simulate_flow(*start, init_scale=1e-6, rtol=rtol)
    exact = sh.simulate_flow(*start, init_scale=1e-6, rtol=1e-13)
    times = np.linspace(0.0, min(flow.t[-1], exact.t[-1]), 300)
    error = np.abs(flow.loss_at(times) - exact.loss_at(times)) / exact.losses[0]
    assert np.max(error) <= rtol
    np.testing.assert_allclose(flow.activation_times, exact.activation_times, rtol=rtol)


@pytest.mark.parametrize("m", [1, 7, 8, 9, 40])
def test_any_number_of_neurons_at_once(m):
    """Neurons go in eights: the last of them may be few, and neurons change places freely."""
    problem, init = case(30, m, 5)
    flow = sh.simulate_flow(problem, init, init_scale=1e-5, t_end=400.0, rtol=1e-9)
    order = np.random.default_rng(0).permutation(m)
    mixed = sh.Initialization(init.output[order], init.hidden[order])
    other = sh.simulate_flow(problem, mixed, init_scale=1e-5, t_end=400.0, rtol=1e-9)
    np.testing.assert_allclose(other.final.output, flow.final.output[order], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(other.losses[-1], flow.losses[-1], rtol=1e-8, atol=1e-13)
