"""The flow on data as they are, against references, closed forms and other integrators."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import saddlehop as sh
from saddlehop.general import flow_trajectory
from saddlehop.general.rays import Rays
from saddlehop.trust.between_events import LostError, swarm_of

CASES = json.loads((Path(__file__).parents[1] / "reference" / "general.json").read_text())
LAWS = ["balanced", "dominated", "gaussian"]
XOR = np.array([(1.0, 1.0), (1, -1), (-1, 1), (-1, -1)])


def opened(case):
    problem = sh.GeneralProblem(case["X"], case["y"])
    return problem, sh.Initialization.from_weights(case["output"], case["hidden"], problem)


def drawn(seed, n=6, d=3, m=5, law="balanced", bias=False):
    rng = np.random.default_rng(seed)
    problem = sh.GeneralProblem(rng.standard_normal((n, d)), rng.standard_normal(n), bias=bias)
    return problem, sh.Initialization.draw(problem, m, law, rng=rng)


def slope_of_loss(flow, t):
    """−‖θ̇‖² from the network and who is active, without the code under test."""
    problem, network, modes = flow.problem, flow(t), flow.active_at(t)
    Z, a, u = problem.coordinates, network.output, network.hidden
    r = problem.y - np.where(modes > 0, u @ Z.T, 0).T @ a
    D = np.where(modes > 0, r, 0) @ Z / problem.n_samples
    for j in range(a.size):
        walls = Z[modes[j] == 0]
        D[j] -= walls.T @ np.linalg.lstsq(walls.T, D[j], rcond=None)[0] if len(walls) else 0
    return -np.sum(np.sum(u * D, axis=1) ** 2) - np.sum((a[:, None] * D) ** 2)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
@pytest.mark.parametrize("flow_index", [0, 1, 2])
def test_reference_flows(case, flow_index):
    problem, init = opened(case)
    want = case["flows"][flow_index]
    log_scale = want["log10_init_scale"] * np.log(10)
    flow = sh.simulate_flow(problem, init, log_init_scale=log_scale, t_end=want["t_end"])
    assert flow.success
    assert flow.t[-1] == want["t_end"]
    losses = flow.loss_at(want["times"])
    assert np.max(np.abs(losses - want["losses"])) < 1e-7 * flow.losses[0]
    W = np.array(case["hidden"])
    off_span = W - problem.split_weights(W)[0] @ problem.basis
    hidden = flow.final.hidden @ problem.basis + np.exp(log_scale) * off_span
    found = flow.final.output[:, None] * hidden
    assert np.max(np.abs(found - want["contributions"])) < 1e-6
    np.testing.assert_array_equal(flow.active_at(want["t_end"]), want["modes"])


def losses_between_events(problem, output, hidden, times):
    rays = Rays.of(problem.coordinates)
    swarm = swarm_of(rays, problem.y, problem.n_samples, output, hidden)
    losses = []
    for t in times:
        swarm.run(t)
        size = np.exp(swarm.log_sizes)
        network = sh.Network(size * swarm.ratios, size[:, None] * swarm.headings)
        losses.append(network.loss(problem))
    return np.array(losses)


def test_against_scipy_between_events():
    """30 problems, or as many as SADDLEHOP_PROBLEMS says.

    Where the plain integrator gets stuck on a wall there is nothing to compare.
    """
    count = int(os.environ.get("SADDLEHOP_PROBLEMS", "30"))
    times, compared, slides = np.linspace(3, 15, 5), 0, 0
    for seed in range(count):
        rng = np.random.default_rng(seed)
        d = int(rng.integers(1, 4))
        problem, init = drawn(
            seed, d + rng.integers(1, 4), d, rng.integers(1, 5), bias=bool(seed % 2)
        )
        scale = 10 ** rng.uniform(-2, 0)
        try:
            want = losses_between_events(problem, scale * init.output, scale * init.hidden, times)
        except LostError:
            continue
        compared += 1
        for rtol in (1e-5, 1e-8):
            flow = sh.simulate_flow(problem, init, init_scale=scale, t_end=15.0, rtol=rtol)
            error = np.max(np.abs(flow.loss_at(times) - want)) / flow.losses[0]
            assert error < 10 * rtol, f"seed {seed}"
        slides += flow.stats["slides"]
    assert compared >= 0.95 * count
    assert slides > count


def test_error_follows_rtol():
    problem, init = drawn(3, 12, 3, 8, bias=True)
    times = np.linspace(1, 60, 20)

    def losses(rtol):
        return sh.simulate_flow(problem, init, init_scale=1e-3, t_end=60.0, rtol=rtol).loss_at(
            times
        )

    want = losses(1e-12)
    errors = [
        np.max(np.abs(losses(rtol) - want)) / want.max() for rtol in (1e-4, 1e-6, 1e-8, 1e-10)
    ]
    for rtol, error in zip((1e-4, 1e-6, 1e-8, 1e-10), errors, strict=True):
        assert error < 10 * rtol
    assert errors[-1] < 1e-3 * errors[0]


@pytest.mark.parametrize("seed", range(4))
def test_orthogonal_rows_agree_with_the_orthogonal_flow(seed):
    problem = sh.make_orthogonal(7, norms="uniform", rng=seed)
    X = problem.norms[:, None] * np.eye(7)
    general = sh.GeneralProblem(X, problem.y)
    init = sh.Initialization.draw(problem, 6, LAWS[seed % 3], rng=seed)
    same = sh.Initialization(init.output, init.hidden, init.off_span)
    for scale in (1e-2, 1e-60):
        want = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-9)
        flow = sh.simulate_flow(general, same, init_scale=scale, rtol=1e-9, t_end=want.t[-1])
        times = np.linspace(0, want.t[-1], 12)
        assert np.max(np.abs(flow.loss_at(times) - want.loss_at(times))) < 3e-8 * want.losses[0]
        np.testing.assert_allclose(flow.final.output, want.final.output, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", range(5))
def test_laws_along_the_path(law, seed):
    problem, init = drawn(seed, 7, 3, 6, law, bias=bool(seed % 2))
    flow = sh.simulate_flow(problem, init, init_scale=0.05, t_end=30.0, rtol=1e-9)
    assert np.max(np.diff(flow.losses)) <= 1e-12 * flow.losses[0]
    conserved = 0.05**2 * (init.output**2 - np.sum(init.hidden**2, axis=1))
    for t in np.linspace(0.5, 29.5, 15):
        network = flow(t)
        drift = network.output**2 - np.sum(network.hidden**2, axis=1) - conserved
        assert np.max(np.abs(drift)) < 1e-14 * network.sq_norm
        step = 1e-4
        slope = np.diff(flow.loss_at([t - step, t + step]))[0] / (2 * step)
        assert slope == pytest.approx(slope_of_loss(flow, t), rel=2e-3, abs=1e-9)
        np.testing.assert_allclose(network.loss(problem), flow.loss_at(t), rtol=1e-12, atol=1e-15)


def test_xor_slides_on_double_walls_to_the_least_norm():
    problem = sh.GeneralProblem(XOR, XOR[:, 0] * XOR[:, 1])
    init = sh.Initialization.draw(problem, 12, rng=0)
    flow = sh.simulate_flow(problem, init, init_scale="1e-300")
    assert flow.losses[-1] < 1e-14
    assert flow.sq_norms[-1] == pytest.approx(4 * np.sqrt(2), rel=1e-7)
    grown = flow.activation_times[np.abs(flow.final.output) > 1e-3] / -flow.log_init_scale
    np.testing.assert_allclose(grown, 2 * np.sqrt(2), rtol=5e-3)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_small_scales_tend_to_the_limit_at_no_more_cost(case):
    problem, init = opened(case)
    small, tiny = (
        sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-6)
        for scale in ("1e-10", "1e-1000000")
    )
    assert tiny.status == "learned"
    assert tiny.losses[-1] == pytest.approx(case["limit"]["losses"][-1], abs=1e-7 * tiny.losses[0])
    assert tiny.stats["evaluations"] < 2.5 * small.stats["evaluations"]
    # the second jump of this case wakes a neuron that rests exactly on a wall: the flow is not unique
    n_unique = 1 if case["name"] == "n6-d1-bias-m8-seed4-normal" else None
    for clock in case["limit"]["times"][:n_unique]:
        before, after = np.interp([0.999 * clock, 1.001 * clock], tiny.clock, tiny.losses)
        assert after < before - 1e-4 * tiny.losses[0]


def test_five_points_where_gradient_descent_ends_elsewhere():
    problem = sh.GeneralProblem(
        np.array([[-1.5], [-1], [0], [0.25], [2]]), [0.7, -0.3, -0.3, 0.4, 0.2], bias=True
    )
    init = sh.Initialization.draw(problem, 20, rng=0)
    flow = sh.simulate_flow(problem, init, init_scale=1e-6, rtol=1e-6)
    np.testing.assert_array_equal(np.sign(flow.final.output), np.sign(init.output))
    assert flow.losses[-1] < 1e-10


def test_slow_plateau_is_no_rest():
    e = np.eye(3)
    X = np.array(
        [11 * e[0], 11 * e[0] - np.sqrt(11) * e[1] + e[2], 11 * e[0] + np.sqrt(11) * e[1] + e[2]]
    )
    problem = sh.GeneralProblem(X, X @ [0.8, 0, 0.6])
    drawn = sh.Initialization.draw(problem, 3, rng=1)
    init = sh.Initialization(np.abs(drawn.output), np.abs(drawn.hidden))
    flow = sh.simulate_flow(problem, init, init_scale=1e-6, rtol=1e-6)
    assert flow.status == "learned"
    assert flow.losses[-1] < 1e-9
    assert flow.sq_norms[-1] == pytest.approx(2, rel=1e-4)


def stiff_problems():
    """Rests that are approached along curvatures ten and four hundred million times apart."""
    setting = sh.load_setting("slow-plateau")
    yield setting.problem, sh.Initialization.draw(setting.problem, 20, rng=0), 1e-6, 200
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3)) * [10.0, 1.0, 0.1]
    problem = sh.GeneralProblem(X, rng.standard_normal(30))
    yield problem, sh.Initialization.draw(problem, 10, rng=1), 1e-4, 12_000


def test_stiff_stretches_take_few_steps_and_follow_rtol():
    for problem, init, scale, most in stiff_problems():
        flow = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-6)
        assert flow.status == "learned"
        assert 10 < flow.stats["implicit"] < flow.stats["steps"] < most
    problem, init, scale, _ = next(stiff_problems())
    times = np.linspace(0, 80, 400)
    exact = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-11, t_end=80).loss_at(times)
    for rtol in (1e-4, 1e-6, 1e-8):
        flow = sh.simulate_flow(problem, init, init_scale=scale, rtol=rtol, t_end=80)
        np.testing.assert_allclose(flow.loss_at(times), exact, atol=rtol * exact[0], rtol=0)


def test_a_flow_ends_where_nothing_moves():
    problem = sh.GeneralProblem([[1.0]], [1.0])
    flow = sh.simulate_flow(problem, sh.Initialization([-1.2], [[1.0]]), init_scale=0.5)
    assert (flow.status, flow.losses[-1]) == ("learned", 0.5)
    assert np.isfinite(flow.t).all()


def test_a_neuron_without_output_weight_turns_the_way_it_is_drawn():
    problem = sh.GeneralProblem([[1.0], [2.0]], [1.0, 1.0])
    init = sh.Initialization([0.0], [[1.0]])
    flow = sh.simulate_flow(problem, init, init_scale=1e-30)
    assert flow.losses[-1] == pytest.approx(sh.solve_jumps(problem, init).losses[-1], abs=1e-12)
    assert flow.losses[-1] == pytest.approx(0.05)


def test_cost_hardly_depends_on_the_scale():
    problem, init = teacher(60, 10, 24)
    work = {}
    for scale in ("1e-10", "1e-1000000"):
        t_end = 6 * np.log(10) * float(scale[3:])
        flow = sh.simulate_flow(problem, init, init_scale=scale, t_end=t_end, rtol=1e-6)
        work[scale] = flow.stats["evaluations"]
        assert flow.stats["implicit"] < 15  # each drives neurons over and over
    assert work["1e-1000000"] < 2.5 * work["1e-10"]


def teacher(n, d, m):
    """Gaussian rows, labels of a teacher with noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    rows = np.hstack([X, np.ones((n, 1))])
    weights = rng.standard_normal((5, d + 1)) / np.sqrt(d + 1)
    y = np.maximum(rows @ weights.T, 0) @ rng.standard_normal(5) + 0.3 * rng.standard_normal(n)
    problem = sh.GeneralProblem(X, y, bias=True)
    return problem, sh.Initialization.draw(problem, m, rng=rng)


def badly_scaled(columns, n=20):
    """Gaussian rows with columns of very different sizes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, len(columns))) * columns
    problem = sh.GeneralProblem(X, rng.standard_normal(n))
    return problem, sh.Initialization.draw(problem, 10, rng=0)


@pytest.mark.parametrize("columns", [(10.0, 1.0, 0.1), (100.0, 1.0, 0.01)])
def test_rows_with_columns_of_different_sizes_come_to_rest(columns):
    problem, init = badly_scaled(columns)
    flow = sh.simulate_flow(problem, init, init_scale="1e-4", rtol=1e-6, max_steps=2500)
    assert flow.status == "learned"
    assert np.max(np.diff(flow.losses)) <= 1e-9 * flow.losses[0]
    exact = sh.simulate_flow(problem, init, init_scale="1e-4", rtol=1e-8)
    times = np.geomspace(0.1, 1e4, 40)
    error = np.max(np.abs(flow.loss_at(times) - exact.loss_at(times)))
    assert error < 10 * 1e-6 * flow.losses[0]
    assert flow.losses[-1] == pytest.approx(exact.losses[-1], abs=1e-6 * flow.losses[0])


def test_a_neuron_held_beyond_a_wall_has_crossed_it():
    """Columns so different that holding a neuron on two walls takes it across a third."""
    problem, init = badly_scaled((1e3, 1.0, 1e-3))
    with pytest.raises(sh.FlowError) as error:
        sh.simulate_flow(problem, init, init_scale="1e-4", max_steps=1200)
    path = error.value.path
    assert path.stats["implicit"] > 100
    network, modes = path.final, path.active_at(path.t[-1])
    sides = network.hidden @ problem.coordinates.T
    lengths = np.linalg.norm(problem.coordinates, axis=1)
    size = np.linalg.norm(network.hidden, axis=1)[:, None] * lengths
    assert np.min(modes * sides / size) > -1e-9


def test_a_wall_that_turns_repelling_under_a_resting_neuron_is_noted():
    """The first neuron overshoots label 2; the second rests on the wall of that sample, active nowhere."""
    problem = sh.GeneralProblem([[1.0, 0.0], [1.0, 1.0]], [0.0, 1.0])
    W = np.array([[1.2, 0.0], [-0.1, 0.1]])
    init = sh.Initialization.from_weights(np.linalg.norm(W, axis=1), W, problem)
    flow = sh.simulate_flow(problem, init, init_scale=1.0, t_end=10.0)
    outputs = [problem.outputs_of(flow(t).output, flow(t).hidden)[1] for t in (0.0, 0.1, 10.0)]
    assert outputs[0] > 1 > outputs[2]
    early = sh.simulate_flow(problem, init, init_scale=1.0, t_end=0.1)
    assert outputs[1] > 1
    assert not early.chosen.any()
    np.testing.assert_array_equal(flow.chosen, [[False, False], [False, True]])
    np.testing.assert_array_equal(flow.final.hidden[1], flow(0.0).hidden[1])


def test_implicit_steps_are_as_right_as_small_ones(monkeypatch):
    setting = sh.load_setting("slow-plateau")
    init = sh.Initialization.draw(setting.problem, 8, rng=3)
    path = {}
    for points in (5, 0):
        if points == 0:
            monkeypatch.setattr(flow_trajectory, "stiff_step", lambda *_: 0.0)
        path[points] = sh.simulate_flow(setting.problem, init, init_scale=1e-3, t_end=60, rtol=1e-9)
    assert path[5].stats["implicit"] > 5 > path[0].stats["implicit"] == 0
    times = np.linspace(0, 60, 200)
    np.testing.assert_allclose(path[5].loss_at(times), path[0].loss_at(times), atol=1e-9)
    np.testing.assert_allclose(path[5](60.0).hidden, path[0](60.0).hidden, atol=1e-8)


def gradient_descent(problem, output, hidden, rate, t_end):
    a, u, Z = output.copy(), hidden.copy(), problem.coordinates
    for _ in range(round(t_end / rate)):
        z = u @ Z.T
        r = problem.y - a @ np.maximum(z, 0)
        D = ((z > 0) * r) @ Z / problem.n_samples
        a, u = a + rate * np.sum(u * D, axis=1), u + rate * a[:, None] * D
    return u


@pytest.mark.parametrize(("seed", "crossings", "tol"), [(10, 0, 0.01), (20, 2, 0.1), (31, 2, 0.1)])
def test_gradient_descent_tends_to_the_flow_at_first_order(seed, crossings, tol):
    problem, init = drawn(seed, 5, 4, 4)
    flow = sh.simulate_flow(problem, init, init_scale=0.3, t_end=4.0, rtol=1e-10)
    assert (flow.stats["slides"], flow.stats["crossings"]) == (0, crossings)
    a, u = 0.3 * init.output, 0.3 * init.hidden
    coarse, fine = (
        np.max(np.abs(gradient_descent(problem, a, u, rate, 4.0) - flow.final.hidden))
        for rate in (0.008, 0.001)
    )
    assert np.log2(coarse / fine) / 3 == pytest.approx(1, abs=tol)


def losses_of(X, y, output, W, t_end=20.0, scale=0.05, points=12):
    problem = sh.GeneralProblem(X, y)
    init = sh.Initialization.from_weights(output, W, problem)
    return sh.simulate_flow(problem, init, init_scale=scale, t_end=t_end, rtol=1e-9).loss_at(
        np.linspace(0, t_end, points)
    )


@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.integers(0, 2**31), st.sampled_from(LAWS))
def test_symmetries(seed, law):
    rng = np.random.default_rng(seed)
    problem, init = drawn(seed, 5, 3, 4, law)
    X, y, a, W = problem.X, problem.y, init.output, init.hidden @ problem.basis
    want = losses_of(X, y, a, W)
    tol = {"rtol": 1e-6, "atol": 1e-8 * want[0]}
    turn = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    np.testing.assert_allclose(losses_of(X @ turn, y, a, W @ turn), want, **tol)
    np.testing.assert_allclose(losses_of(X, -y, -a, W), want, **tol)
    rows, neurons = rng.permutation(5), rng.permutation(4)
    np.testing.assert_allclose(losses_of(X[rows], y[rows], a[neurons], W[neurons]), want, **tol)
    np.testing.assert_allclose(
        losses_of(2 * X, 2 * y, a, W, 20.0 / 4), 4 * want, rtol=1e-6, atol=4 * tol["atol"]
    )
    copies = losses_of(np.vstack([X, X[:1]]), np.append(y, y[0]), a, W, 20.0)
    weighted = X.copy(), y.copy()
    weighted[0][0] *= np.sqrt(2)
    weighted[1][0] *= np.sqrt(2)
    np.testing.assert_allclose(copies, losses_of(*weighted, a, W, 20.0 * 5 / 6) * 5 / 6, **tol)


def test_clones_stay_clones():
    problem, init = drawn(5, 6, 3, 3, bias=True)
    rows = [0, 1, 0, 2, 1, 0]
    init = sh.Initialization(init.output[rows], init.hidden[rows], init.off_span[rows])
    flow = sh.simulate_flow(problem, init, init_scale=1e-3, rtol=1e-8)
    for one, other in ((0, 2), (0, 5), (1, 4)):
        np.testing.assert_allclose(flow.final.hidden[one], flow.final.hidden[other], rtol=1e-9)
        np.testing.assert_array_equal(
            flow.active_at(flow.t[-1])[one], flow.active_at(flow.t[-1])[other]
        )


def test_decays_by_any_size_keep_sign_and_life():
    # a < 0 with one label pulling up on a line: w can only shrink, for ever, while λ e^{−ρt} ≥ 1e-300
    problem = sh.GeneralProblem([[1.0]], [1.0])
    init = sh.Initialization([-1.0, 1e-9], [[1.0], [1e-9]])
    flow = sh.simulate_flow(problem, init, init_scale=1e-250, t_end=500.0)
    want = np.log(1e-250) - 500
    assert flow.log_output[-1, 0] == pytest.approx(want, rel=1e-9)
    assert flow.final.output[0] <= 0


def test_reading_between_steps_agrees_with_the_steps():
    problem, init = opened(CASES[4])
    flow = sh.simulate_flow(problem, init, init_scale=1e-8)
    np.testing.assert_allclose(flow.loss_at(flow.t[::-1]), flow.losses[::-1], rtol=1e-12)
    np.testing.assert_allclose(flow.log_output_at(flow.t[::5]), flow.log_output[::5], rtol=1e-12)
    assert flow(flow.t[9]).loss(problem) == pytest.approx(flow.losses[9], rel=1e-12)
    assert flow.log_output_at([]).shape == (0, init.width)
    assert flow.log_output_at([[0.0]]).shape == (1, 1, init.width)
    halves = flow.activation_times
    for j in np.flatnonzero(halves > 0):
        sq_output = np.exp(2 * flow.log_output_at(halves[j])[j])
        assert sq_output == pytest.approx(0.5 * flow.final.output[j] ** 2, rel=1e-8)


def test_bad_input():
    problem, init = drawn(0)
    with pytest.raises(ValueError, match=r"`rtol` is 2; pass a number between 1e-13 and 1e-1"):
        sh.simulate_flow(problem, init, init_scale=1e-3, rtol=2)
    with pytest.raises(ValueError, match=r"`t_end` is -1; pass a positive time"):
        sh.simulate_flow(problem, init, init_scale=1e-3, t_end=-1)
    with pytest.raises(ValueError, match=r"pass exactly one of them"):
        sh.simulate_flow(problem, init)
    with pytest.raises(ValueError, match=r"`init` has 3 coordinates but the problem has rank 2"):
        sh.simulate_flow(drawn(0, d=2)[0], init, init_scale=1e-3)
    with pytest.raises(ValueError, match=r"`progress` is 3; pass a function"):
        sh.simulate_flow(problem, init, init_scale=1e-3, progress=3)
    with pytest.raises(
        sh.FlowError, match=r"After 3 steps the flow is at t = .*raise `max_steps`"
    ) as error:
        sh.simulate_flow(problem, init, init_scale=1e-3, max_steps=3)
    assert error.value.path.stats["steps"] == 3
    flow = sh.simulate_flow(problem, init, init_scale=1e-3, t_end=1.0)
    with pytest.raises(ValueError, match=r"outside the path, which runs from 0 to 1"):
        flow.loss_at(1.5)


def test_progress_and_nothing_to_learn():
    problem, init = drawn(1)
    seen = []
    sh.simulate_flow(problem, init, init_scale=1e-3, progress=seen.append)
    assert seen
    assert sorted(seen) == seen
    still = sh.simulate_flow(sh.GeneralProblem(problem.X, np.zeros(6)), init, init_scale=1e-200)
    assert still.stats["steps"] == 0
    assert still.status == "learned"


def test_as_a_dataset():
    pytest.importorskip("xarray")
    problem, init = drawn(1)
    flow = sh.simulate_flow(problem, init, init_scale=1e-3, t_end=2.0)
    dataset = flow.to_xarray()
    assert dataset.attrs["kind"] == "GeneralFlowPath"
    assert dataset["final_hidden"].dims == ("neuron", "coordinate")
    np.testing.assert_array_equal(dataset["final_hidden"], flow.final.hidden)
    np.testing.assert_allclose(dataset["norm"], np.linalg.norm(problem.X, axis=1))


def test_reading_a_flow_without_steps_leaves_it_as_it_is():
    problem, _ = drawn(0, 8, 3, 6)
    problem = sh.GeneralProblem(problem.X, np.zeros(8))
    init = sh.Initialization.draw(problem, 6, rng=0)
    flow = sh.simulate_flow(problem, init, init_scale=1e-150)
    assert flow.stats["steps"] == 0
    for _ in range(3):
        np.testing.assert_allclose(flow(0.0).output, 1e-150 * init.output, rtol=1e-12)
        np.testing.assert_allclose(flow.final.hidden, 1e-150 * init.hidden, rtol=1e-12)
