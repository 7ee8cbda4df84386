import dataclasses

import numpy as np
import pytest

import saddlehop as sh

LOG10 = np.log(10)


@pytest.fixture(scope="module")
def solved():
    problem = sh.make_orthogonal(20, norms="uniform", rng=3)
    init = sh.Initialization.draw(problem, 8, rng=3)
    return problem, init, sh.solve_jumps(problem, init)


def flow_at(solved, exponent, **options):
    return sh.simulate_flow(*solved[:2], log_init_scale=exponent * LOG10, **options)


def test_the_flow_tends_to_the_limit(solved):
    results = [sh.compare(flow_at(solved, e), solved[2]) for e in (-10, -100, -1000, -10000)]
    errors = [np.nanmax(np.abs(one.activation_errors)) for one in results]
    assert (np.array(errors[1:]) < 0.2 * np.array(errors[:-1])).all()
    last = results[-1]
    assert abs(last.norm_gap) < 1e-6
    assert abs(last.loss_gap) < 1e-12
    assert len(last.swapped) == 0
    assert last.resolved.all()
    before_the_last = last.clock < solved[2].times[-1]
    assert last.distance[before_the_last].max() < 1e-6
    assert last.distance[-1] < 1e-6


def test_numbers_are_those_of_the_paths(solved):
    jumps, flow = solved[2], flow_at(solved, -6)
    comparison = sh.compare(flow, jumps)
    scale = 6 * LOG10
    np.testing.assert_allclose(comparison.flow_clock, flow.activation_times / scale)
    for group, time in zip(jumps.neurons, jumps.times, strict=True):
        assert comparison.limit_clock[group[0]] == time
    assert comparison.norm_gap == pytest.approx(flow.final.sq_norm - jumps.final.sq_norm, rel=1e-6)
    k = comparison.clock.size // 2
    ours, limit = flow(comparison.clock[k] * scale), jumps(comparison.clock[k])
    moved = np.maximum(ours.hidden, 0) - np.maximum(limit.hidden, 0)
    expected = np.sqrt(np.sum((ours.output - limit.output) ** 2) + np.sum(moved**2))
    assert comparison.distance[k] * np.sqrt(jumps.final.sq_norm) == pytest.approx(expected)
    frame = comparison.to_frame()
    assert (np.diff(frame["limit_clock"]) >= 0).all()
    np.testing.assert_allclose(frame["error"], frame["flow_clock"] - frame["limit_clock"])


def test_swapped_pairs_are_those_in_another_order(solved):
    comparison = sh.compare(flow_at(solved, -1), solved[2])
    assert len(comparison.swapped) > 0
    for i, j in comparison.swapped:
        assert comparison.limit_clock[i] < comparison.limit_clock[j]
        assert comparison.flow_clock[i] > comparison.flow_clock[j]


def test_a_short_flow_is_compared_as_far_as_it_goes(solved):
    flow = flow_at(solved, -20, t_end=solved[2].times[0] * 10 * LOG10)
    comparison = sh.compare(flow, solved[2])
    assert comparison.clock.max() <= flow.clock[-1]


def test_bad_input_gets_one_sentence(solved):
    problem, init, jumps = solved
    flow = flow_at(solved, -3)
    with pytest.raises(sh.SaddlehopError, match="scale below 1"):
        sh.compare(flow_at(solved, 0.1, t_end=1.0), jumps)
    other = sh.Problem(2 * problem.y, problem.norms)
    with pytest.raises(sh.SaddlehopError, match="different problems"):
        sh.compare(flow, sh.solve_jumps(other, init))
    narrow = sh.Initialization(init.output[:3], init.hidden[:3])
    with pytest.raises(sh.SaddlehopError, match="8 neurons and `jumps` has 3"):
        sh.compare(flow, sh.solve_jumps(problem, narrow))
    assert dataclasses.is_dataclass(sh.compare(flow, jumps))


def test_activation_clocks_tend_to_the_limit_at_first_order_in_one_over_log_scale():
    """The largest clock error of each of ten problems against L = log(1/λ): slope −1."""
    exponents = np.array([-10, -30, -100, -300, -1000, -3000, -10000])
    slopes, late_slopes = [], []
    for seed, n in enumerate([20, 20, 30, 50, 50, 100, 100, 150, 200, 200]):
        problem = sh.make_orthogonal(n, rng=[seed, 1])
        init = sh.Initialization.draw(problem, 16, rng=seed)
        jumps = sh.solve_jumps(problem, init)
        errors = []
        for exponent in exponents:
            flow = sh.simulate_flow(problem, init, log_init_scale=exponent * LOG10, rtol=1e-6)
            errors.append(np.nanmax(np.abs(sh.compare(flow, jumps).activation_errors)))
        slopes.append(np.polyfit(np.log(-exponents), np.log(errors), 1)[0])
        late_slopes.append(np.polyfit(np.log(-exponents[-3:]), np.log(errors[-3:]), 1)[0])
    assert np.mean(slopes) == pytest.approx(-1, abs=0.1)
    np.testing.assert_allclose(late_slopes, -1, atol=0.03)


def test_different_starts_are_refused():
    problem = sh.make_orthogonal(6, rng=0)
    flow = sh.simulate_flow(problem, sh.Initialization.draw(problem, 8, rng=5), init_scale=1e-8)
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 8, rng=0))
    with pytest.raises(sh.SaddlehopError, match="have different starts; solve both from the same"):
        sh.compare(flow, jumps)
