"""What the limit says beyond its first order, against flows at finite λ."""

import numpy as np
import pytest
from hypothesis import given, settings

import saddlehop as sh
from helpers import problems_with_starts
from saddlehop.errors import UnresolvedTieError

LOG10 = np.log(10)
ROOM = 5  # log10 λ this many times the resolving scale is well resolved


def draw(seed, labels="gaussian", norms="unit", most_samples=40, most_neurons=12):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(4, most_samples + 1)), int(rng.integers(3, most_neurons + 1))
    if labels == "integer":
        problem = sh.Problem(rng.choice([-3.0, -2, -1, 1, 2, 3, 4], n))
    else:
        problem = sh.make_orthogonal(n, labels, norms, rng=rng)
    init = sh.Initialization.draw(problem, m, rng=rng)
    return problem, init, sh.solve_jumps(problem, init)


def first_activations(flow, jumps):
    return np.array([np.nanmin(flow.activation_times[list(group)]) for group in jumps.neurons])


@pytest.mark.parametrize("labels", ["sign", "integer"])
def test_ties_agree_with_the_flow(labels):
    """200 random problems of each kind; near-ties that 1e-1000 leaves open go to a smaller λ."""
    tied = smaller = 0
    for seed in range(200):
        problem, init, jumps = draw([seed, 7], labels, most_neurons=16)
        exponent = min(-1000, 8 * jumps.resolving_scale.min(initial=0))
        smaller += exponent < -1000
        tied += bool((jumps.margins == 0).any())
        flow = sh.simulate_flow(problem, init, log_init_scale=exponent * LOG10, rtol=1e-9)
        final, limit = flow.final, jumps.final
        np.testing.assert_allclose(final.contributions, limit.contributions, atol=1e-6)
        active = np.sum(final.output**2) + np.sum(np.maximum(final.hidden, 0) ** 2)
        assert active == pytest.approx(limit.sq_norm, rel=1e-6)
        assert jumps.sq_norms[-1] == pytest.approx(limit.sq_norm, rel=1e-8)
    assert tied > 40
    assert smaller < 100


@pytest.mark.parametrize("norms", ["unit", "uniform", "lognormal"])
def test_predicted_times_tend_to_those_of_the_flow(norms):
    exponents = [-10, -30, -100, -300]
    errors, n_resolved = [], 0
    for seed in range(17):
        problem, init, jumps = draw(seed, norms=norms)
        if jumps.n_jumps == 0:
            continue
        room = ROOM * np.minimum.accumulate(jumps.resolving_scale)
        row = []
        for exponent in exponents:
            flow = sh.simulate_flow(problem, init, log_init_scale=exponent * LOG10, rtol=1e-10)
            times = jumps.predict_times(log_init_scale=exponent * LOG10)
            error = np.abs(first_activations(flow, jumps) - times)
            resolved = exponent <= room
            assert (error[resolved] <= 1e-6 * times[resolved]).all()
            n_resolved += resolved.sum()
            row.append(np.median(error))
        errors.append(row)
    assert n_resolved > 30
    medians = np.median(errors, axis=0)
    assert (medians[1:] < 0.6 * medians[:-1]).all()
    assert medians[-1] < 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_first_jump_of_a_lone_neuron_with_equal_norms(seed):
    problem = sh.make_orthogonal(6, rng=seed)
    init = sh.Initialization.draw(problem, 1, rng=seed)
    jumps = sh.solve_jumps(problem, init)
    if jumps.n_jumps == 0:
        pytest.skip("the neuron covers nothing")
    flow = sh.simulate_flow(problem, init, init_scale=1e-60, rtol=1e-12)
    target = np.linalg.norm(problem.targets[jumps.samples[0]])
    rate = jumps.escape_rates[0]
    closed = (np.log(target) / 2 - sh.align(problem, init).log_growth[0]) / rate
    assert jumps.corrections[0] == pytest.approx(closed, abs=1e-12)
    time = jumps.predict_times(init_scale=1e-60)[0]
    assert flow.activation_times[0] == pytest.approx(time, rel=1e-9)


def test_the_composite_loss_tends_to_the_flow():
    gaps = []
    for seed in range(8):
        problem, init, jumps = draw(seed, norms="uniform", most_samples=20)
        row = []
        for exponent in (-8, -30, -100):
            flow = sh.simulate_flow(problem, init, log_init_scale=exponent * LOG10)
            t = np.linspace(0, flow.t[-1], 1000)
            prediction = jumps.predict(log_init_scale=exponent * LOG10)
            row.append(np.abs(flow.loss_at(t) - prediction.loss_at(t)).max() / flow.losses[0])
        gaps.append(row)
    medians = np.median(gaps, axis=0)
    assert medians[0] < 0.1
    assert (medians[1:] < 0.5 * medians[:-1]).all()


def test_predicted_sizes_of_neurons_tend_to_the_flow():
    problem, init, jumps = draw(2, norms="uniform", most_samples=12)
    log_scale = 8 * jumps.resolving_scale.min() * LOG10
    flow = sh.simulate_flow(problem, init, log_init_scale=log_scale)
    prediction = jumps.predict(log_init_scale=log_scale)
    origins = np.concatenate([prediction.times, [flow.t[-1]]])
    middles = (origins[1:] + origins[:-1]) / 2
    moving = np.isfinite(jumps.alignment.log_growth)
    np.testing.assert_allclose(
        prediction.log_output_at(middles)[:, moving],
        flow.log_output_at(middles)[:, moving],
        atol=1e-5,
    )
    active = np.isfinite(prediction.activation_times)
    np.testing.assert_allclose(
        prediction.activation_times[active], flow.activation_times[active], rtol=1e-8
    )


@settings(max_examples=60)
@given(problems_with_starts())
def test_every_tie_is_solved(problem_and_start):
    problem, init = problem_and_start
    jumps = sh.solve_jumps(problem, init)
    for i in range(jumps.n_jumps + 1):
        network = jumps.saddle(i)
        assert network.loss(problem) == pytest.approx(jumps.losses[i], abs=1e-8)
        assert network.sq_norm == pytest.approx(jumps.sq_norms[i], rel=1e-7)
        assert (network.hidden >= 0).all()
    assert np.isfinite(jumps.corrections).all()
    assert (jumps.resolving_scale <= 0).all()
    assert jumps.predict(init_scale=1e-50).loss_at(0.0) == pytest.approx(jumps.losses[0], rel=1e-3)


@settings(max_examples=60)
@given(problems_with_starts())
def test_saddle_facts_agree_with_finite_differences(problem_and_start):
    problem, init = problem_and_start
    jumps = sh.solve_jumps(problem, init)
    for i in range(jumps.n_jumps + 1):
        facts, check = jumps.saddle_facts(i), jumps.check_saddle(i)
        assert facts.rates.max(initial=0) == pytest.approx(jumps.escape_rates[i], rel=1e-12)
        assert facts.n_escaping == np.count_nonzero(facts.rates)
        assert facts.gradient_norm <= 1e-8 * max(1, np.abs(problem.y).max())
        assert check.gradient < 1e-6
        assert check.curvature < 1e-5
    assert jumps.saddle_facts(jumps.n_jumps).n_escaping == 0


def test_the_check_of_a_saddle_sees_what_is_not_one():
    problem, _, jumps = draw(5, norms="uniform")
    other = sh.Problem(problem.y * np.linspace(1, 1.001, problem.n_samples), problem.norms)
    wrong = sh.JumpPath(**{**vars_of(jumps), "problem": other})
    wrong.__dict__["saddle"] = jumps.saddle
    assert jumps.check_saddle(jumps.n_jumps).gradient < 1e-8
    assert wrong.check_saddle(jumps.n_jumps).gradient > 1e-5


def vars_of(jumps):
    return {name: getattr(jumps, name) for name in jumps.__dataclass_fields__}


def test_what_depends_on_the_start_says_so_when_only_sets_are_known():
    sets = sh.ActiveSets.from_bool([[1, 1], [0, 1]], [1, 1])
    jumps = sh.solve_jumps(sh.Problem([1.0, 2.0]), sets)
    for call in (lambda: jumps.corrections, lambda: jumps.predict_times(1e-8)):
        with pytest.raises(UnresolvedTieError, match="only active sets are known"):
            call()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "neither given"),
        ({"init_scale": 1e-3, "log_init_scale": -3.0}, "both given"),
        ({"init_scale": 2.0}, "pass a scale below 1"),
        ({"init_scale": 0.0}, "pass a positive finite number"),
    ],
)
def test_bad_scales_get_one_sentence(options, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        draw(0)[2].predict(**options)


def test_the_order_of_neurons_does_not_matter_in_ties():
    rng = np.random.default_rng(0)
    for seed in range(30):
        problem, init, jumps = draw([seed, 1], "sign", most_samples=8)
        order = rng.permutation(init.width)
        permuted = sh.solve_jumps(
            problem, sh.Initialization(init.output[order], init.hidden[order])
        )
        np.testing.assert_allclose(permuted.corrections, jumps.corrections, rtol=1e-7, atol=1e-7)
        np.testing.assert_allclose(permuted.resolving_scale, jumps.resolving_scale, rtol=1e-6)


def test_curvatures_far_apart_are_followed():
    """Input norms over four decades: explicit steps would crawl."""
    rng = np.random.default_rng(3)
    problem = sh.Problem(rng.standard_normal(10), 10 ** rng.uniform(-2, 2, 10))
    init = sh.Initialization.draw(problem, 6, rng=1)
    jumps = sh.solve_jumps(problem, init)
    exponent = 8 * jumps.resolving_scale.min()
    flow = sh.simulate_flow(problem, init, log_init_scale=exponent * LOG10)
    times = jumps.predict_times(log_init_scale=exponent * LOG10)
    np.testing.assert_allclose(first_activations(flow, jumps), times, rtol=1e-6)


def test_norms_far_apart_are_followed_by_a_lone_neuron():
    rng = np.random.default_rng(1)
    problem = sh.Problem(rng.standard_normal(12), 10 ** rng.uniform(-5, 5, 12))
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 6, rng=1))
    assert jumps.final.loss(problem) == pytest.approx(jumps.losses[-1], rel=1e-10)
    assert np.isfinite(jumps.corrections).all()
    assert np.isfinite(jumps.resolving_scale).all()


def test_norms_too_far_apart_in_a_tie_get_one_sentence_and_keep_the_limit():
    rng = np.random.default_rng(2)
    problem = sh.Problem(rng.standard_normal(12), 10 ** rng.uniform(-5, 5, 12))
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 6, rng=1))
    assert (np.diff(jumps.losses) < 0).all()
    with pytest.raises(sh.SaddlehopError, match="input norms differ too much"):
        jumps.corrections  # noqa: B018


def test_copies_of_a_neuron_share_what_one_would_learn():
    problem = sh.make_orthogonal(12, "sign", rng=2)
    base = sh.Initialization.draw(problem, 5, rng=2)
    copies = sh.Initialization(np.tile(base.output, 9), np.tile(base.hidden, (9, 1)))
    one, many = sh.solve_jumps(problem, base), sh.solve_jumps(problem, copies)
    np.testing.assert_allclose(many.times, one.times, rtol=1e-12)
    np.testing.assert_allclose(many.sq_norms, one.sq_norms, rtol=1e-8)
    contributions = many.final.contributions.reshape(9, 5, -1)
    np.testing.assert_allclose(contributions - contributions[0], 0, atol=1e-12)


@pytest.mark.parametrize("factor", [1e-6, 1e-3, 1e3])
def test_resolving_scales_move_with_the_size_of_the_weights(factor):
    """Labels c y make weights √c as large; a rival almost as fast shows that growth counts too."""
    init = sh.Initialization([2**0.5, 0.5], [[1, 1], [-1, 0.5]])
    y = np.array([1.0, 1000.0])
    plain = sh.solve_jumps(sh.Problem(y), init).resolving_scale
    moved = sh.solve_jumps(sh.Problem(factor * y), init).resolving_scale
    np.testing.assert_allclose(moved - plain, np.log10(factor) / 2, atol=1e-6)


def test_a_rival_that_has_grown_by_the_jump_is_seen():
    problem = sh.Problem([1.0, 1000.0])
    init = sh.Initialization([2**0.5, 0.5], [[1, 1], [-1, 0.5]])
    jumps = sh.solve_jumps(problem, init)
    found = sh.compare(sh.simulate_flow(problem, init, init_scale="1e-3000"), jumps)
    assert found.distance.max() > 0.3
    assert found.distance[found.resolved].max(initial=0) < 1e-3


def test_times_before_the_start_are_not_predicted():
    problem, init, _ = draw(3)
    jumps = sh.solve_jumps(problem, sh.Initialization(9 * init.output, 9 * init.hidden))
    expanded = -np.log(0.9) * jumps.times + jumps.corrections
    assert (expanded < 0).any()
    times = jumps.predict_times(0.9)
    np.testing.assert_array_equal(np.isnan(times), expanded <= 0)
    np.testing.assert_array_equal(times[expanded > 0], expanded[expanded > 0])
    assert not (jumps.predict(0.9).activation_times <= 0).any()
    assert (jumps.predict_times("1e-1000") > 0).all()
