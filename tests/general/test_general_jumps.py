"""The limit on data as they are: references, closed forms, invariances, the flow at small λ."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import saddlehop as sh

CASES = json.loads((Path(__file__).parents[1] / "reference" / "general.json").read_text())


def start_of(case):
    problem = sh.GeneralProblem(case["X"], case["y"])
    return problem, sh.Initialization.from_weights(case["output"], case["hidden"], problem)


def assert_near(value, wanted, tol):
    np.testing.assert_allclose(value, wanted, rtol=0, atol=tol)


def draw(seed, law="balanced"):
    rng = np.random.default_rng(seed)
    n, d, m = rng.integers(3, 8), rng.integers(1, 5), rng.integers(3, 9)
    problem = sh.GeneralProblem(rng.normal(size=(n, d)), rng.normal(size=n), bias=bool(d == 1))
    return problem, sh.Initialization.draw(problem, int(m), law=law, rng=rng)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_agrees_with_the_reference(case):
    # in n6-d1-… a neuron rests on a wall where the flow is not unique; the reference lets it grow
    jumps = sh.solve_jumps(*start_of(case), resting="wake")
    limit = case["limit"]
    assert jumps.success
    assert jumps.neurons == tuple(map(tuple, limit["neurons"]))
    assert_near(jumps.times, limit["times"], 1e-8)
    assert_near(jumps.losses, limit["losses"], 1e-9)
    assert_near(jumps.sq_norms, limit["sq_norms"], 1e-8)
    assert_near(jumps.residuals, limit["residuals"], 1e-8)
    assert_near(jumps.exponents[1:], limit["exponents"], 1e-8)
    assert_near(jumps.growth_rates[:-1], limit["rates_before"], 1e-9)
    assert np.max(jumps.stationarity) < 1e-14
    assert np.max(jumps.distances) < 1e-6


NOT_UNIQUE = "n6-d1-bias-m8-seed4-normal"


@pytest.mark.parametrize(
    "case", [c for c in CASES if c["name"] != NOT_UNIQUE], ids=lambda case: case["name"]
)
def test_resting_neurons_decide_nothing_elsewhere(case):
    assert sh.solve_jumps(*start_of(case)).neurons == tuple(map(tuple, case["limit"]["neurons"]))


def test_a_neuron_that_rests_on_a_wall_stays_as_in_the_flow():
    problem, init = start_of(next(c for c in CASES if c["name"] == NOT_UNIQUE))
    jumps = sh.solve_jumps(problem, init)
    flow = sh.simulate_flow(problem, init, log_init_scale=-700.0, t_end=700.0 * 14.0)
    assert jumps.neurons == ((0,), (1, 2))
    assert "not unique" in sh.solve_jumps(problem, init, resting="wake").message
    assert_near(jumps.final.sq_norm, flow.final.sq_norm, 1e-8)
    active = np.flatnonzero(np.abs(flow.final.output) > 1e-3)
    assert_near(active, np.flatnonzero(jumps.final.output), 0)


def least_squares_line(problem):
    line = np.linalg.lstsq(problem.X, problem.y, rcond=None)[0]
    return line, float(np.mean((problem.y - problem.X @ line) ** 2) / 2)


def test_three_points_end_in_the_least_squares_line():
    problem, init = start_of(CASES[0])
    jumps = sh.solve_jumps(problem, init)
    line, loss = least_squares_line(problem)
    assert_near(jumps.times, 1 / 0.714969, 2e-6)
    assert_near(jumps.losses, [0.31, loss], 1e-14)
    assert_near(loss, 0.0875213675, 1e-10)
    assert_near(jumps.final.sq_norm, 2 * np.linalg.norm(line), 1e-12)
    assert jumps.escape_rates[-1] == 0
    assert set(jumps.states[-1]) <= {"active", "dead"}
    assert not jumps.interpolates


def test_five_points_pass_a_saddle_on_a_wall():
    problem, init = start_of(CASES[1])
    jumps = sh.solve_jumps(problem, init)
    _, loss = least_squares_line(problem)
    assert_near(jumps.times[0], 13.210, 5e-4)
    assert_near(jumps.losses[1:], [0.0150926394, loss], 1e-10)
    first = list(jumps.neurons[0])
    assert (jumps.active[1:, first, 4] == 0).all()
    assert_near(jumps.sq_norms[1:], [0.209644, 0.3959], 5e-5)


def test_xor_is_four_groups_on_double_walls():
    X = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1.0]])
    problem = sh.GeneralProblem(X, X[:, 0] * X[:, 1])
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 20, rng=3))
    assert_near(jumps.times, 2 * np.sqrt(2), 1e-12)
    assert_near(jumps.losses, [0.5, 0], 1e-14)
    assert_near(jumps.final.sq_norm, 4 * np.sqrt(2), 1e-9)
    assert jumps.n_directions.tolist() == [0, 4]
    assert jumps.interpolates
    assert jumps.margins[0] == 0
    assert "different directions arrive together" in jumps.message


@pytest.mark.parametrize("n", [2, 4])
def test_narrow_data_of_one_teacher_need_one_jump(n):
    rng = np.random.default_rng(n)
    teacher = np.ones(n) / np.sqrt(n)
    X = teacher + 0.45 * np.eye(n)[:, rng.permutation(n)]
    problem = sh.GeneralProblem(X, np.maximum(X @ teacher, 0))
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 25, rng=rng))
    assert jumps.n_jumps == 1
    assert_near(jumps.losses[-1], 0, 1e-20)
    assert_near(jumps.final.sq_norm, 2, 1e-9)
    group = list(jumps.neurons[0])
    heading = jumps.final.hidden[group] / np.linalg.norm(jumps.final.hidden[group], axis=1)[:, None]
    assert_near(heading, np.tile(heading[0], (len(group), 1)), 1e-12)
    assert_near(heading[0] @ problem.basis, teacher, 1e-8)


def slow_plateau():
    e = np.eye(3)
    side = np.sqrt(11) * e[1]
    X = np.array([11 * e[0], 11 * e[0] - side + e[2], 11 * e[0] + side + e[2]])
    problem = sh.GeneralProblem(X, X @ np.array([0.8, 0, 0.6]))
    return problem, sh.Initialization.draw(problem, 6, rng=1)


def test_a_slow_plateau_is_no_saddle():
    jumps = sh.solve_jumps(*slow_plateau())
    assert jumps.success
    assert jumps.n_jumps == 1
    assert_near(jumps.losses[-1], 0, 1e-20)
    assert_near(jumps.final.sq_norm, 2, 1e-8)


def test_where_rest_is_not_reached_it_says_so():
    jumps = sh.solve_jumps(*slow_plateau(), max_steps=60)
    assert jumps.status == "not_at_rest"
    assert not jumps.success
    assert "raise `max_steps`" in jumps.message
    assert jumps.stationarity[-1] > 1e-6
    assert np.isinf(jumps.distances[-1])


@pytest.mark.parametrize("seed", range(40))
def test_orthogonal_rows_give_the_orthogonal_limit(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 11)), int(rng.integers(2, 13))
    labels = ("gaussian", "sign", "uniform")[rng.integers(3)]
    plain = sh.make_orthogonal(
        n, labels=labels, norms=("unit", "lognormal")[rng.integers(2)], rng=rng
    )
    law = ("balanced", "dominated", "gaussian")[rng.integers(3)]
    init = sh.Initialization.draw(plain, m, law=law, rng=rng)
    wanted = sh.solve_jumps(plain, init)
    jumps = sh.solve_jumps(sh.GeneralProblem(np.diag(plain.norms), plain.y), init)
    assert jumps.neurons == wanted.neurons
    for name in ("times", "losses", "sq_norms", "escape_rates"):
        value = getattr(wanted, name)
        assert_near(getattr(jumps, name), value, 1e-9 * np.max(np.abs(value), initial=1))
    np.testing.assert_allclose(jumps.corrections, wanted.corrections, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", [31, 161, 319, 527])
def test_rows_that_are_orthogonal_to_rounding_give_the_orthogonal_limit(seed):
    """D·x_k is 0 to rounding on repelling walls: its sign decides nothing."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 9)), int(rng.integers(2, 10))
    plain = sh.make_orthogonal(n, norms=("unit", "uniform", "lognormal")[seed % 3], rng=rng)
    init = sh.Initialization.draw(plain, m, rng=rng)
    turn = np.linalg.qr(rng.standard_normal((n, n)))[0]
    problem = sh.GeneralProblem(np.diag(plain.norms) @ turn, plain.y)
    turned = sh.Initialization.from_weights(init.output, init.hidden @ turn, problem)
    wanted, jumps = sh.solve_jumps(plain, init), sh.solve_jumps(problem, turned)
    assert jumps.neurons == wanted.neurons
    for name in ("times", "losses", "sq_norms"):
        value = getattr(wanted, name)
        assert_near(getattr(jumps, name), value, 1e-9 * np.max(np.abs(value)))


@pytest.mark.parametrize("seed", [3, 6, 9, 11])
def test_the_flow_at_small_scales_tends_to_the_limit(seed):
    problem, init = draw(seed)
    jumps = sh.solve_jumps(problem, init)
    log_scale = -400.0 / min(np.min(np.diff(jumps.times), initial=1.0), 1.0)
    halfway = np.append((jumps.times[1:] + jumps.times[:-1]) / 2, jumps.times[-1] + 1) * -log_scale
    flow = sh.simulate_flow(problem, init, log_init_scale=log_scale, t_end=halfway[-1])
    assert_near(flow.loss_at(halfway), jumps.losses[1:], 1e-9 * jumps.losses[0])
    assert_near([flow(t).sq_norm for t in halfway], jumps.sq_norms[1:], 1e-8)
    for i, time in enumerate(jumps.predict_times(log_init_scale=log_scale)):
        group = list(jumps.neurons[i])
        goals = np.log(np.abs(jumps.outputs[i + 1, group])) - 0.5 * np.log(2)
        assert_near(np.max(flow.log_output_at(time)[group] - goals), 0, 1e-6)


@settings(max_examples=8)
@given(st.integers(0, 1000), st.integers(0, 2**31))
def test_invariances(seed, other):
    problem, init = draw(seed)
    rng = np.random.default_rng(other)
    n, m, d = problem.n_samples, init.width, problem.n_features
    samples, neurons = rng.permutation(n), rng.permutation(m)
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    flip, scale = rng.choice([-1.0, 1.0]), 2.0 ** rng.integers(-3, 4)
    moved = sh.GeneralProblem(problem.X[samples] @ turn, scale * flip * problem.y[samples])
    W = init.hidden[neurons] @ problem.basis @ turn
    start = sh.Initialization.from_weights(flip * init.output[neurons], W, moved)
    before, after = (
        sh.solve_jumps(p, i, max_steps=1500) for p, i in ((problem, init), (moved, start))
    )
    assert after.status == before.status
    if before.chosen.any() or not before.success:
        return
    assert [sorted(neurons[list(group)]) for group in after.neurons] == [
        list(g) for g in before.neurons
    ]
    np.testing.assert_allclose(after.times * scale, before.times, rtol=1e-7)
    assert_near(after.losses / scale**2, before.losses, 1e-8)
    assert_near(after.sq_norms / scale, before.sq_norms, 1e-7)
    assert_near(after.residuals / (scale * flip), before.residuals[:, samples], 1e-7)


def test_the_loss_falls_and_saddles_are_balanced():
    for seed in range(6):
        jumps = sh.solve_jumps(*draw(seed))
        assert (np.diff(jumps.losses) < 0).all()
        hidden_norms = np.linalg.norm(jumps.hidden, axis=2)
        assert_near(np.abs(jumps.outputs), hidden_norms, 1e-12)
        for i in range(jumps.n_jumps + 1):
            assert_near(jumps.saddle(i).loss(jumps.problem), jumps.losses[i], 1e-14)


def test_clones_and_repeated_samples():
    problem, init = draw(5)
    jumps = sh.solve_jumps(problem, init)
    twice = sh.GeneralProblem(np.vstack([problem.X, problem.X]), np.tile(problem.y, 2))
    doubled = sh.Initialization(
        np.tile(init.output, 2), np.tile(init.hidden, (2, 1)), np.tile(init.off_span, 2)
    )
    other = sh.solve_jumps(twice, doubled)
    assert_near(other.times, jumps.times, 1e-9)
    assert_near(other.losses, jumps.losses, 1e-10)
    assert_near(other.sq_norms, jumps.sq_norms, 1e-8)
    m = init.width
    assert_near(other.outputs[:, :m], other.outputs[:, m:], 1e-14)
    assert_near(other.outputs[:, :m], jumps.outputs / np.sqrt(2), 1e-8)


def test_the_path_reads_as_in_the_orthogonal_case():
    problem, init = start_of(CASES[1])
    jumps = sh.solve_jumps(problem, sh.align(problem, init))
    assert jumps(jumps.times[0]).sq_norm == pytest.approx(jumps.sq_norms[1])
    assert jumps(0.0).sq_norm == 0
    frame = jumps.to_frame()
    assert list(frame.columns) == [
        "clock",
        "neurons",
        "sign",
        "loss",
        "sq_norm",
        "escape_rate",
        "margin",
    ]
    assert list(frame["sign"]) == ["+", "-"]
    assert np.isinf(jumps.margins[-1])
    assert_near(
        jumps.predict_times(init_scale="1e-1000"),
        jumps.times * 1000 * np.log(10) + jumps.corrections,
        1e-9,
    )
    early = dataclasses.replace(jumps, corrections=np.array([0.0, -1e3]))
    times = early.predict_times(log_init_scale=-1.0)
    assert_near(times[0], jumps.times[0], 1e-15)
    assert np.isnan(times[1])
    assert (jumps.states[0] != "active").all()
    assert jumps.exponents[0].max() == -1


def test_no_labels_no_jumps():
    problem = sh.GeneralProblem([[1.0, 2], [0, 1]], [0.0, 0])
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 3, rng=0))
    assert jumps.n_jumps == 0
    assert jumps.interpolates
    assert jumps.final.sq_norm == 0


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            {"start": sh.ActiveSets.draw(sh.make_orthogonal(3, rng=0), 4)},
            "pass an Initialization or a General",
        ),
        ({"resting": "sleep"}, "resting"),
        ({"max_steps": 0}, "max_steps"),
        ({"tie_tol": -1}, "tie_tol"),
    ],
)
def test_bad_input(change, match):
    problem, init = start_of(CASES[2])
    arguments = {"start": init} | change
    with pytest.raises(sh.SaddlehopError, match=match):
        sh.solve_jumps(problem, arguments.pop("start"), **arguments)


def test_an_alignment_of_other_data_is_refused():
    problem, init = start_of(CASES[2])
    other = sh.GeneralProblem(problem.X, 2 * problem.y)
    with pytest.raises(sh.SaddlehopError, match="of another problem"):
        sh.solve_jumps(other, sh.align(problem, init))


def test_bad_index_clock_and_scale():
    jumps = sh.solve_jumps(*start_of(CASES[2]))
    with pytest.raises(sh.SaddlehopError, match="numbered 0 to 1"):
        jumps.saddle(2)
    with pytest.raises(sh.SaddlehopError, match="at least 0"):
        jumps(-1.0)
    with pytest.raises(sh.SaddlehopError, match="scale below 1"):
        jumps.predict_times(log_init_scale=0.5)


def test_the_flow_shows_jumps_apart_below_the_resolving_scale():
    """Halfway between jumps, at λ² and λ^¼ for the λ that both jumps need."""
    below, above = [], []
    for seed in range(14):
        problem, init = draw(seed)
        jumps = sh.solve_jumps(problem, init)
        falls = -np.diff(jumps.losses)
        for i in range(jumps.n_jumps - 1):
            need = np.log(10) * jumps.resolving_scale[i : i + 2].min()
            for power, errors in ((2.0, below), (0.25, above)):
                scale = {"log_init_scale": power * need}
                t = jumps.predict_times(**scale)[i : i + 2].mean()
                if t > 0:
                    flow = sh.simulate_flow(problem, init, t_end=t, rtol=1e-6, **scale)
                    errors.append(abs(flow.losses[-1] - jumps.losses[i + 1]) / falls[i])
    assert len(below) > 15
    assert max(below) < 0.011
    assert np.mean(np.array(above) > 0.011) > 0.7
