"""The flow at any scale: reference cases, closed forms, invariants, accuracy and work."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.integrate
from hypothesis import given, settings
from hypothesis import strategies as st

import saddlehop as sh
from helpers import problems_with_starts
from saddlehop.claims.flows import flow_of, problem_with_limit

LOG10 = math.log(10)


def random_case(n=12, m=8, law="balanced", seed=0, norms=None):
    rng = np.random.default_rng(seed)
    problem = sh.Problem(rng.standard_normal(n), norms)
    return problem, sh.Initialization.draw(problem, m, law, rng=rng)


def active_sq_norm(network):
    return np.sum(network.output**2) + np.sum(np.maximum(network.hidden, 0) ** 2)


def conserved(network):
    return network.output**2 - np.sum(np.maximum(network.hidden, 0) ** 2, axis=1)


def integrate_with_events(problem, init, scale, times, rtol=1e-12):
    """Raw weights, DOP853, one restart at every death: slow, independent of the package."""
    m, n = init.hidden.shape
    alive = init.hidden > 0
    frozen = scale * np.minimum(init.hidden, 0)

    def velocity(t, z):
        a, u = z[:m], z[m:].reshape(m, n)
        d = problem.curvatures * (problem.targets - a @ np.where(alive, u, 0)) / n
        return np.concatenate(
            [np.where(alive, u, 0) @ d, (np.where(alive, a[:, None] * d, 0)).ravel()]
        )

    def lowest(t, z):
        return np.min(np.where(alive, z[m:].reshape(m, n), np.inf))

    lowest.terminal, lowest.direction = True, -1
    z = np.concatenate([scale * init.output, (scale * np.maximum(init.hidden, 0)).ravel()])
    t, networks = 0.0, []
    for stop in times:
        while t < stop:
            run = scipy.integrate.solve_ivp(
                velocity, (t, stop), z, "DOP853", rtol=rtol, atol=1e-14 * scale, events=lowest
            )
            t, z = run.t[-1], run.y[:, -1].copy()
            if run.status == 1:
                u = np.where(alive, z[m:].reshape(m, n), np.inf)
                alive[np.unravel_index(np.argmin(u), u.shape)] = False
                z[m:] = np.where(alive, z[m:].reshape(m, n), 0).ravel()
        networks.append(sh.Network(z[:m], frozen + z[m:].reshape(m, n)))
    return networks


# --- against solved cases and closed forms -------------------------------------------------------


def test_reference_flows(case):
    problem = sh.Problem(case["y"], case["norms"])
    init = sh.Initialization(case["output"], case["hidden"])
    for solved in case["flows"]:
        flow = sh.simulate_flow(
            problem,
            init,
            log_init_scale=solved["log10_init_scale"] * LOG10,
            t_end=solved["t_end"],
        )
        losses = flow.loss_at(solved["times"])
        np.testing.assert_allclose(losses, solved["losses"], rtol=0, atol=1e-7 * flow.losses[0])
        if solved["half_times"] is not None:
            expected = np.array(solved["half_times"], float)
            np.testing.assert_allclose(flow.activation_times, expected, rtol=1e-7)
        assert active_sq_norm(flow.final) == pytest.approx(solved["active_sq_norm"], rel=1e-7)
        np.testing.assert_allclose(
            flow.final.contributions, solved["contributions"], rtol=0, atol=1e-7
        )


@pytest.mark.parametrize("log10_scale", [-2, -10, -300, -100_000])
@pytest.mark.parametrize("n", [1, 5])
def test_lone_neuron_is_logistic(n, log10_scale):
    problem = sh.Problem(np.ones(n), np.full(n, 2.0))
    init = sh.Initialization([1.0], np.full((1, n), 1 / math.sqrt(n)))
    flow = sh.simulate_flow(problem, init, log_init_scale=log10_scale * LOG10, rtol=1e-10)
    top = np.linalg.norm(problem.targets)  # a² tends to ‖β‖
    rate = np.linalg.norm(problem.pulls)
    log_odds = math.log(top) - 2 * log10_scale * LOG10  # log(top/λ² − 1), but for λ near 1
    log_odds = log_odds + math.log1p(-math.exp(-log_odds))
    half = log_odds / (2 * rate)
    assert flow.activation_times[0] == pytest.approx(half, rel=1e-9)
    for t in half + np.array([-2.0, -0.3, 0.0, 0.4, 2.0]) / rate:
        if t > 0:
            expected = top / (1 + math.exp(-2 * rate * (t - half)))
            tol = 1e-9 + 4 * rate * np.spacing(half)
            assert flow(t).output[0] ** 2 == pytest.approx(expected, rel=tol)


def test_error_follows_rtol():
    problem, init = random_case(8, 6, "gaussian", seed=3, norms=np.linspace(0.5, 2, 8))
    times = np.array([3.0, 8.0, 20.0, 45.0])
    reference = integrate_with_events(problem, init, 0.1, times)
    losses = np.array([network.loss(problem) for network in reference])
    errors = []
    for rtol in (1e-4, 1e-6, 1e-8, 1e-10):
        flow = sh.simulate_flow(problem, init, init_scale=0.1, t_end=50.0, rtol=rtol)
        loss_error = np.max(np.abs(flow.loss_at(times) - losses)) / flow.losses[0]
        weight_error = max(
            np.max(np.abs(flow(t).hidden - network.hidden)) / np.max(np.abs(network.hidden))
            for t, network in zip(times, reference, strict=True)
        )
        errors.append(max(loss_error, weight_error))
        assert errors[-1] <= rtol
    assert errors[2] < 1e-2 * errors[0]
    assert errors[3] < 1e-2 * errors[1]


@pytest.mark.parametrize(
    ("seed", "spread", "scale"),
    [
        *((seed, 0.5, "1e-40") for seed in range(4)),
        *((seed, 1.5, scale) for seed in (3, 6) for scale in ("1e-40", "1e-300")),
    ],
)
def test_tolerances_agree_at_small_scale(seed, spread, scale):
    """Also where neurons grow by hundreds of e-folds, and pairs die, while others relax stiffly."""
    norms = np.exp(np.linspace(-spread, spread, 30))
    problem, init = random_case(30, 10, "balanced", seed, norms)
    tight = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-12)
    for rtol in (1e-4, 1e-6, 1e-8):
        flow = sh.simulate_flow(problem, init, init_scale=scale, rtol=rtol)
        np.testing.assert_allclose(flow.activation_times, tight.activation_times, rtol=rtol)
        times = np.linspace(0, min(flow.t[-1], tight.t[-1]), 200)
        np.testing.assert_allclose(
            flow.loss_at(times), tight.loss_at(times), rtol=0, atol=rtol * tight.losses[0]
        )
        np.testing.assert_allclose(
            flow.final.contributions, tight.final.contributions, rtol=0, atol=10 * rtol
        )


def test_stiff_relaxation_is_exact_and_cheap():
    rng = np.random.default_rng(2)
    problem = sh.Problem(rng.standard_normal(10), np.exp(2 * rng.standard_normal(10)))
    init = sh.Initialization.draw(problem, 8, rng=rng)
    flow = sh.simulate_flow(problem, init, init_scale=1e-3)
    assert flow.stats["stiff_steps"] > 0
    assert flow.stats["steps"] < 1000
    tight = sh.simulate_flow(problem, init, init_scale=1e-3, rtol=1e-12)
    times = np.linspace(0, min(flow.t[-1], tight.t[-1]), 300)
    np.testing.assert_allclose(
        flow.loss_at(times), tight.loss_at(times), rtol=0, atol=1e-8 * flow.losses[0]
    )


# --- what holds along every path -----------------------------------------------------------------


@settings(max_examples=40)
@given(problems_with_starts(), st.sampled_from(["1e-1000", "1e-8", "0.1", "0.7", "2"]))
def test_invariants(case, scale):
    problem, init = case
    if not (init.output.any() or init.hidden.any()):
        return
    flow = sh.simulate_flow(problem, init, init_scale=scale, t_end=200.0)
    assert np.max(np.diff(flow.losses)) <= 1e-8 * flow.losses[0] + 1e-300
    for t in np.linspace(0, 200, 7):
        network = flow(t)
        weights = np.max(network.output**2) + np.max(network.hidden**2)
        np.testing.assert_allclose(
            conserved(network), conserved(flow(0.0)), rtol=0, atol=2e-8 * weights
        )
        assert network.loss(problem) == pytest.approx(
            float(flow.loss_at(t)), rel=1e-9, abs=1e-14 * flow.losses[0]
        )
    first, last = flow(0.0), flow.final
    np.testing.assert_allclose(first.hidden, float(scale) * init.hidden, rtol=1e-12)
    frozen = init.hidden <= 0
    np.testing.assert_array_equal(last.hidden[frozen], first.hidden[frozen])
    assert np.all(last.hidden[~frozen] >= 0)
    assert last.sq_norm == pytest.approx(flow.sq_norms[-1], rel=1e-9)


@pytest.mark.parametrize("scale", ["1e-300", "1e-8", "0.3"])
def test_permuting_and_flipping(scale):
    problem, init = random_case(12, 8, "gaussian", seed=5)
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(8), rng.permutation(12)
    flow = sh.simulate_flow(problem, init, init_scale=scale)
    permuted = sh.simulate_flow(
        sh.Problem(problem.y[columns]),
        sh.Initialization(init.output[rows], init.hidden[rows][:, columns]),
        init_scale=scale,
    )
    np.testing.assert_allclose(
        permuted.activation_times, flow.activation_times[rows], rtol=1e-8, atol=1e-8
    )
    flipped = sh.simulate_flow(
        sh.Problem(-problem.y), sh.Initialization(-init.output, init.hidden), init_scale=scale
    )
    np.testing.assert_array_equal(flipped.losses, flow.losses)
    np.testing.assert_array_equal(flipped.final.output, -flow.final.output)


@pytest.mark.parametrize("factor", [1e-150, 1e-3, 1e3, 1e140])
def test_scaling_labels(factor):
    problem, init = random_case(10, 6, seed=1)
    flow = sh.simulate_flow(problem, init, init_scale=1e-6, t_end=100.0)
    scaled = sh.simulate_flow(
        sh.Problem(factor * problem.y),
        init,
        log_init_scale=math.log(1e-6) + math.log(factor) / 2,
        t_end=100.0 / factor,
    )
    np.testing.assert_allclose(factor * scaled.activation_times, flow.activation_times, rtol=1e-8)
    assert scaled.sq_norms[-1] == pytest.approx(factor * flow.sq_norms[-1], rel=1e-7)
    np.testing.assert_allclose(
        scaled.final.output, math.sqrt(factor) * flow.final.output, rtol=1e-7
    )


def test_small_scales_follow_the_expansion():
    """Activation times are affine in log(1/λ) up to powers of λ."""
    problem, init = random_case(20, 10, seed=4)
    a, b, c = (
        sh.simulate_flow(problem, init, log_init_scale=-x, rtol=1e-10).activation_times
        for x in (1e5, 2e5, 3e5)
    )
    np.testing.assert_allclose(b - a, c - b, rtol=1e-8)


# --- the path object -----------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["1e-500", "0.2"])
def test_reading_between_steps(scale):
    problem, init = random_case(15, 8, "gaussian", seed=7)
    flow = sh.simulate_flow(problem, init, init_scale=scale)
    times = np.random.default_rng(1).uniform(0, flow.t[-1], 40)
    losses, logs = flow.loss_at(times), flow.log_output_at(times)
    for t, loss, log_output in zip(times, losses, logs, strict=True):
        stopped = sh.simulate_flow(problem, init, init_scale=scale, t_end=t)
        assert stopped.t[-1] == t
        assert stopped.losses[-1] == pytest.approx(loss, abs=1e-8 * flow.losses[0])
        np.testing.assert_allclose(stopped.log_output[-1], log_output, atol=1e-7, rtol=1e-9)
        with np.errstate(divide="ignore"):
            seen = np.log(np.abs(flow(t).output))
        visible = log_output > -600
        np.testing.assert_allclose(seen[visible], log_output[visible], rtol=1e-9, atol=1e-12)
    assert flow.loss_at([[0.0, flow.t[-1]]]).shape == (1, 2)
    assert flow.log_output_at(0.0).shape == (8,)
    np.testing.assert_allclose(flow.loss_at(flow.t), flow.losses, rtol=1e-9, atol=1e-15)


def test_activation_times_are_half_heights():
    problem, init = random_case(15, 8, "gaussian", seed=8)
    flow = sh.simulate_flow(problem, init, init_scale=1e-12)
    final = flow.log_output[-1]
    for j, t in enumerate(flow.activation_times):
        if t == 0:
            assert flow.log_output[0, j] >= final[j] - math.log(2) / 2
        else:
            assert flow.log_output_at(t)[j] == pytest.approx(final[j] - math.log(2) / 2, abs=1e-9)


def test_path_fields():
    problem, init = random_case()
    flow = sh.simulate_flow(problem, init, init_scale="1e-1000")
    assert flow.success
    assert flow.status == "learned"
    assert "Nothing is left to learn" in flow.message
    assert flow.log_init_scale == pytest.approx(-1000 * LOG10, rel=1e-15)
    np.testing.assert_allclose(flow.clock, flow.t / (1000 * LOG10))
    steps = flow.stats["steps"]
    assert flow.t.shape == flow.losses.shape == flow.sq_norms.shape == (steps + 1,)
    assert flow.log_output.shape == (steps + 1, 8)
    assert np.all(np.diff(flow.t) >= 0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        flow.t = None
    with pytest.raises(ValueError, match="read-only"):
        flow.losses[0] = 1
    large = sh.simulate_flow(problem, init, init_scale=2.0)
    np.testing.assert_array_equal(large.clock, large.t)
    stopped = sh.simulate_flow(problem, init, init_scale=1e-8, t_end=3.25)
    assert stopped.status == "t_end"
    assert stopped.t[-1] == 3.25


def test_few_checkpoints_give_the_same_path(monkeypatch):
    problem, init = random_case(30, 12, seed=3)
    flow = sh.simulate_flow(problem, init, init_scale=0.1)
    monkeypatch.setattr("saddlehop.flow.trajectory.CHECKPOINT_BYTES", 1)
    frugal = sh.simulate_flow(problem, init, init_scale=0.1)
    assert len(frugal._trajectory.checkpoints) < len(flow._trajectory.checkpoints)
    times = np.linspace(0, flow.t[-1], 50)
    np.testing.assert_array_equal(frugal.loss_at(times), flow.loss_at(times))
    np.testing.assert_array_equal(frugal.final.hidden, flow.final.hidden)


# --- work ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_work_does_not_grow_with_log_scale(seed):
    problem, init = random_case(200, 32, seed=seed)
    stats = [
        sh.simulate_flow(problem, init, log_init_scale=-x * LOG10, rtol=1e-6).stats
        for x in (10, 1000, 10_000, 1_000_000)
    ]
    pairs = [entry["pairs_evaluated"] for entry in stats]
    assert pairs[1] <= 2 * pairs[0]
    assert pairs[3] <= 3 * pairs[0]
    assert stats[3]["steps"] <= 1.1 * stats[2]["steps"]


@pytest.mark.parametrize("seed", range(2))
def test_work_hardly_grows_with_log_scale_on_unequal_norms(seed):
    """Neurons that grow, or lose pairs, unseen must not hold up those that relax."""
    problem = sh.make_orthogonal(200, norms="lognormal", rng=seed)
    init = sh.Initialization.draw(problem, 32, rng=seed)
    stats = [
        sh.simulate_flow(problem, init, log_init_scale=-x * LOG10, rtol=1e-6).stats
        for x in (10, 1000, 1_000_000)
    ]
    pairs = [entry["pairs_evaluated"] for entry in stats]
    assert pairs[1] <= 1.5 * pairs[0]
    assert pairs[2] <= 1.5 * pairs[0]
    assert max(entry["steps"] for entry in stats[1:]) < 400


def test_wide_layers_on_unequal_norms_take_few_steps():
    """Only a few neurons are heavy in a stiff step, so its cost is linear in the width."""
    problem = sh.make_orthogonal(200, norms="lognormal", rng=1)
    init = sh.Initialization.draw(problem, 256, rng=1)
    flow = sh.simulate_flow(problem, init, init_scale=1e-8, rtol=1e-6)
    tight = sh.simulate_flow(problem, init, init_scale=1e-8, rtol=1e-10, t_end=flow.t[-1])
    assert flow.stats["stiff_steps"] > 3
    assert flow.stats["steps"] < 120
    times = np.linspace(0, flow.t[-1], 50)
    np.testing.assert_allclose(
        flow.loss_at(times), tight.loss_at(times), rtol=0, atol=1e-6 * flow.losses[0]
    )


def test_faint_neurons_lose_pairs_within_steps():
    """And log |a_j| of such a neuron can be read, and its way of passing a level found, in between."""
    problem = sh.make_orthogonal(100, norms="lognormal", rng=3)
    init = sh.Initialization.draw(problem, 16, rng=3)
    flow = sh.simulate_flow(problem, init, init_scale="1e-300", rtol=1e-6)
    chunks = flow._trajectory.chunks
    marked = [np.isnan(chunk.series[chunk.order > 0]).any(axis=(1, 2)) for chunk in chunks]
    assert sum(int(one.sum()) for one in marked) > 3
    tight = sh.simulate_flow(problem, init, init_scale="1e-300", rtol=1e-10)
    times = np.linspace(0, min(flow.t[-1], tight.t[-1]), 200)
    grown, exact = flow.log_output_at(times), tight.log_output_at(times)
    assert np.max(np.abs(grown - exact)) <= 1e-4
    np.testing.assert_allclose(flow.activation_times, tight.activation_times, rtol=1e-6)


def test_deaths_of_the_alignment_cost_no_steps():
    problem, init = random_case(200, 32, seed=0)
    flow = sh.simulate_flow(problem, init, init_scale=1e-8, rtol=1e-6)
    assert flow.stats["deaths"] > 1500
    assert flow.stats["steps"] < 150


@pytest.mark.parametrize("scale", [1e-1, 1e-2, 1e-4])
def test_steps_pass_many_deaths(scale):
    problem, init = random_case(100, 24, "gaussian", seed=1)
    tight = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-11)
    flow = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-6, t_end=tight.t[-1])
    assert flow.stats["deaths"] > 300
    assert flow.stats["steps"] < flow.stats["deaths"] / 2
    times = np.linspace(0, tight.t[-1], 100)
    np.testing.assert_allclose(
        flow.loss_at(times), tight.loss_at(times), rtol=0, atol=1e-6 * tight.losses[0]
    )
    np.testing.assert_allclose(flow.final.output, tight.final.output, rtol=1e-6)


# --- degenerate starts ---------------------------------------------------------------------------


def test_balanced_neuron_of_the_wrong_sign_decays():
    problem, init = sh.Problem([1.0]), sh.Initialization([-1.0], [[1.0]])
    flow = sh.simulate_flow(problem, init, init_scale=1e-8, t_end=30.0)
    np.testing.assert_allclose(flow.final.output, [-1e-8 * math.exp(-30)], rtol=1e-8)
    np.testing.assert_allclose(flow.final.hidden, [[1e-8 * math.exp(-30)]], rtol=1e-8)
    ended = sh.simulate_flow(problem, init, init_scale=1e-8)
    assert (ended.status, ended.t.tolist()) == ("learned", [0.0])


def test_sign_change_in_closed_form():
    problem = sh.Problem([1.0])
    init = sh.Initialization([-0.2], [[1.0]])
    flow = sh.simulate_flow(problem, init, log_init_scale=-500.0, t_end=200.0)
    rate = 1.0
    for t in (0.05, 0.2, 0.5, 30.0):
        expected = -0.2 * math.cosh(rate * t) + math.sinh(rate * t)
        assert flow.log_output_at(t)[0] + 500 == pytest.approx(math.log(abs(expected)), abs=1e-9)
        assert math.copysign(1, flow(t).output[0]) == math.copysign(1, expected)


ROWS = np.random.default_rng(1).standard_normal((4, 3))


@pytest.mark.parametrize("kind", [sh.Problem, lambda y: sh.GeneralProblem(ROWS, y)])
def test_labels_of_zero_are_learned_like_others(kind):
    """What a start puts out is unlearned; below what a float can square there is nothing."""
    problem = kind(np.zeros(4))
    init = sh.Initialization.draw(problem, 3, rng=0)
    for scale in ("10", "0.5", "1e-3", "1e-100"):
        flow = sh.simulate_flow(problem, init, init_scale=scale)
        assert (flow.status, flow.t[-1] > 0) == ("learned", True)
        begin, end = (np.abs(flow(t).output).max() for t in (0, flow.t[-1]))
        assert 0.1 * begin < end < begin
        assert flow.losses[-1] <= 1e-13 * flow.losses[0]
    told = sh.simulate_flow(problem, init, init_scale=1e-100, t_end=flow.t[-1] / 3)
    np.testing.assert_allclose(told.final.output, flow(told.t[-1]).output, rtol=1e-6)
    for scale in ("1e-200", "1e-1000"):
        flow = sh.simulate_flow(problem, init, init_scale=scale)
        assert (flow.status, flow.t.tolist(), flow.losses.tolist()) == ("learned", [0.0], [0.0])


def test_zero_labels_and_uncovered_samples():
    problem = sh.Problem([1.0, 0.0, 2.0])
    init = sh.Initialization([1.0], [[0.5, 0.5, -0.5]])
    flow = sh.simulate_flow(problem, init, init_scale=1e-20)
    assert flow.losses[-1] == pytest.approx(4 / 6, rel=1e-9)
    np.testing.assert_allclose(flow.final.contributions, [[1.0, 0.0, 0.0]], atol=1e-8)


@pytest.mark.parametrize("log10_scale", [-8, -30, -100, -1000])
def test_neurons_left_on_zero_labels_only_come_to_rest(log10_scale):
    rest = sh.simulate_flow(
        sh.Problem([-1.0, -2.0, 0.0]),
        sh.Initialization([1.0], [[0.1, 0.1, 0.1]]),
        log_init_scale=log10_scale * math.log(10),
    )
    assert (rest.final.hidden[0] >= 0).all()
    assert rest.log_output[-1, 0] == pytest.approx(rest.log_init_scale, abs=0.1)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        y = np.concatenate([np.zeros(4), rng.standard_normal(6)])
        problem = sh.Problem(y)
        law = ("balanced", "gaussian", "dominated")[seed % 3]
        init = sh.Initialization.draw(problem, 8, law, rng=rng)
        flow = sh.simulate_flow(problem, init, log_init_scale=log10_scale * math.log(10), rtol=1e-6)
        assert np.isfinite(flow.final.hidden).all()
        assert (np.diff(flow.losses) <= 1e-9 * flow.losses[0]).all()
        if log10_scale <= -100:
            assert flow.losses[-1] == pytest.approx(
                sh.solve_jumps(problem, init).losses[-1], abs=1e-6
            )


def test_dead_neurons_stay():
    problem = sh.Problem([1.0, -1.0])
    init = sh.Initialization([0.0, 0.5], [[-1.0, -2.0], [-1.0, 0.0]])
    flow = sh.simulate_flow(problem, init, init_scale=0.5)
    assert flow.t.tolist() == [0.0]
    np.testing.assert_array_equal(flow.final.hidden, 0.5 * init.hidden)
    np.testing.assert_array_equal(flow.activation_times, [np.nan, 0.0])
    assert flow.log_output[0, 0] == -np.inf


def test_tiny_labels_do_not_stall():
    problem, init = random_case(10, 8, seed=0)
    y = problem.y.copy()
    y[:2] = 1e-12, 1e-6
    flow = sh.simulate_flow(sh.Problem(y), init, init_scale=1e-8)
    assert flow.stats["steps"] < 500


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "neither given; pass exactly one"),
        ({"init_scale": 1e-8, "log_init_scale": -10.0}, "both given; pass exactly one"),
        ({"init_scale": 0.0}, "`init_scale` is 0.0; pass a positive"),
        ({"init_scale": -1}, "`init_scale` is -1; pass a positive"),
        ({"init_scale": math.nan}, "`init_scale` is nan; pass a positive"),
        ({"init_scale": "tiny"}, "`init_scale` is 'tiny'; pass a positive"),
        ({"init_scale": True}, "`init_scale` is True; pass a positive"),
        ({"init_scale": "1e-10000000"}, "must lie between −1e7 and 1e7"),
        ({"log_init_scale": math.inf}, "`log_init_scale` is inf; pass a finite"),
        ({"init_scale": "1e400"}, "pass a smaller scale"),
        ({"init_scale": 1e-8, "t_end": 0}, "`t_end` is 0; pass a positive time"),
        ({"init_scale": 1e-8, "t_end": math.nan}, "`t_end` is nan; pass a positive time"),
        ({"init_scale": 1e-8, "rtol": 1e-14}, "between 1e-13 and 1e-1"),
        ({"init_scale": 1e-8, "rtol": 0.2}, "between 1e-13 and 1e-1"),
        ({"init_scale": 1e-8, "max_steps": 0}, "`max_steps` is 0"),
    ],
)
def test_bad_options(options, match):
    problem, init = random_case(4, 3)
    with pytest.raises(sh.SaddlehopError, match=match):
        sh.simulate_flow(problem, init, **options)


def test_bad_starts():
    problem, _ = random_case(4, 3)
    with pytest.raises(sh.SaddlehopError, match="all zeros"):
        sh.simulate_flow(problem, sh.Initialization([0.0], np.zeros((1, 4))), init_scale=0.1)
    with pytest.raises(sh.SaddlehopError, match="3 samples but the problem has 4"):
        sh.simulate_flow(problem, sh.Initialization([1.0], np.ones((1, 3))), init_scale=0.1)


def test_times_outside_the_path():
    flow = sh.simulate_flow(*random_case(4, 3), init_scale=0.1, t_end=2.0)
    for t in (-1e-9, 2.1, math.nan):
        with pytest.raises(sh.SaddlehopError, match="outside the path, which runs from 0 to 2"):
            flow(t)
    with pytest.raises(sh.SaddlehopError, match=r"has shape \(2,\); pass one time"):
        flow([0.0, 1.0])


def test_step_limit_carries_the_path():
    problem, init = random_case()
    with pytest.raises(sh.FlowError, match="raise `max_steps`") as caught:
        sh.simulate_flow(problem, init, init_scale=0.1, max_steps=7)
    path = caught.value.path
    assert path.stats["steps"] == 7
    assert not path.success
    assert "Raise `max_steps`" in path.message
    assert path(path.t[-1]).loss(problem) == pytest.approx(path.losses[-1])


def test_steps_tried_far_beyond_what_they_can_pass_are_refused():
    """At step 103 an exponential step is tried that would grow weights beyond floats."""
    jumps = problem_with_limit(1, 20, 0)
    flow = flow_of(jumps, 30)
    assert flow.success
    assert flow.sq_norms[-1] == pytest.approx(jumps.sq_norms[-1], rel=0.05)


def test_balanced_neurons_that_are_dead_stay_dead():
    """|a| = ‖w‖ to within rounding: what rounding leaves of the difference must not come to grow."""
    problem = sh.Problem([1.0, 2.0])
    for seed in range(150):
        init = sh.Initialization.draw(problem, 1, rng=seed)
        if sh.solve_jumps(problem, init).n_jumps == 0:
            for rtol in (1e-4, 1e-8):
                flow = sh.simulate_flow(problem, init, init_scale="1e-8", rtol=rtol)
                assert flow.losses[-1] == pytest.approx(1.25, rel=1e-6)


@pytest.mark.parametrize(
    ("n", "m", "seed", "scale"),
    [(2, 1, 49, "1e-4"), (3, 1, 1, "1e-8"), (3, 2, 5, "1e-4"), (3, 2, 57, "1e-4")],
)
def test_neurons_that_decay_through_several_steps_stay_dead(n, m, seed, scale):
    rng = np.random.default_rng([n, m, seed])
    problem = sh.Problem(rng.standard_normal(n), rng.uniform(0.5, 2, n))
    init = sh.Initialization.draw(problem, m, rng=seed)
    jumps = sh.solve_jumps(problem, init)
    flow = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-8)
    assert flow.losses[-1] >= jumps.losses[-1] - 1e-3 * jumps.losses[0]


@pytest.mark.parametrize("part", [0.03, 0.5])
@pytest.mark.parametrize("seed", range(3))
def test_activation_times_of_a_flow_cut_short_on_a_plateau(part, seed):
    """Half of the last value is passed among deaths early on, later while neurons just grow."""
    problem = sh.make_orthogonal(12, rng=seed)
    init = sh.Initialization.draw(problem, 9, rng=seed)
    first = float(sh.solve_jumps(problem, init).times[0] * np.log(1e30))
    flow = sh.simulate_flow(problem, init, init_scale=1e-30, t_end=part * first)
    passed = np.flatnonzero(flow.activation_times > 0)
    assert passed.size > 2
    times, half = flow.activation_times[passed], flow.log_output[-1, passed] - np.log(2) / 2
    reached = flow.log_output_at(times)[np.arange(passed.size), passed]
    np.testing.assert_allclose(reached, half, rtol=0, atol=1e-12)
    if part == 0.5:
        pulls = problem.y * problem.norms / problem.n_samples
        rates = np.sqrt(sh.align(problem, init).active[passed] @ pulls**2)
        np.testing.assert_allclose(times, flow.t[-1] - np.log(2) / 2 / rates, rtol=1e-6)
