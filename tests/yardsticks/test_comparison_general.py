"""Flows beside their limit on data as they are."""

import dataclasses

import numpy as np
import pytest

import saddlehop as sh

LOG10 = np.log(10)


@pytest.fixture(scope="module")
def solved():
    """Four skew rows in three dimensions: two jumps, neurons slide."""
    rng = np.random.default_rng(205)
    X = rng.standard_normal((4, 3))
    X /= np.linalg.norm(X, axis=1)[:, None]
    problem = sh.GeneralProblem(X, [1.0, -0.8, 0.6, -1.2])
    init = sh.Initialization.draw(problem, 6, rng=205)
    return problem, init, sh.solve_jumps(problem, init)


def flow_at(solved, exponent, **options):
    return sh.simulate_flow(*solved[:2], log_init_scale=exponent * LOG10, rtol=1e-7, **options)


def test_the_flow_tends_to_the_limit(solved):
    jumps = solved[2]
    assert jumps.n_jumps == 2
    found = [sh.compare(flow_at(solved, e), jumps) for e in (-30, -300, -3000)]
    errors = [np.nanmax(np.abs(one.activation_errors)) for one in found]
    assert (np.array(errors[1:]) < 0.11 * np.array(errors[:-1])).all()
    assert [one.resolved.all() for one in found[1:]] == [True, True]
    assert not sh.compare(flow_at(solved, -2), jumps).resolved.all()
    last = found[-1]
    assert last.flow.stats["slides"] > 0
    assert abs(last.norm_gap) < 1e-6
    assert abs(last.loss_gap) < 1e-10
    in_the_middle = [last.distance[saddle * 5 + 2] for saddle in range(jumps.n_jumps)]
    assert max(in_the_middle) < 1e-6
    assert last.distance[-1] < 1e-4


def test_numbers_are_those_of_the_paths(solved):
    jumps, flow = solved[2], flow_at(solved, -20)
    found, scale = sh.compare(flow, jumps), 20 * LOG10
    np.testing.assert_allclose(found.flow_clock, flow.activation_times / scale)
    k = found.clock.size - 1
    ours, limit = flow(found.clock[k] * scale), jumps(found.clock[k])
    moved = np.sum((ours.output - limit.output) ** 2) + np.sum((ours.hidden - limit.hidden) ** 2)
    assert found.distance[k] == pytest.approx(np.sqrt(moved / jumps.final.sq_norm))
    frame = found.to_frame()
    assert (np.diff(frame["limit_clock"]) >= 0).all()
    np.testing.assert_array_equal(frame["limit_output"], np.abs(jumps.final.output[frame.index]))


def test_the_limit_activates_where_half_of_the_end_is_reached(solved):
    jumps, flow = solved[2], flow_at(solved, -20)
    grown = np.zeros((3, 6))
    grown[1, :3] = [1.0, 1.0, 1.0]
    grown[2, :4] = [1.3, 1.5, 0.0, 1.0]  # as it was, twice as large, faded, new
    made = dataclasses.replace(jumps, outputs=grown)
    s, t = jumps.times
    expected = [s, t, np.nan, t, np.nan, np.nan]
    np.testing.assert_array_equal(sh.compare(flow, made).limit_clock, expected)


def test_the_limit_agrees_with_the_groups_on_orthogonal_rows():
    X = np.diag([1.0, 2.0, 1.5, 0.7, 1.0, 3.0])
    y = [0.5, -1.0, 1.5, -2.0, 1.0, -0.3]
    general, problem = sh.GeneralProblem(X, y), sh.Problem.from_data(X, y)
    init = sh.Initialization.draw(problem, 9, rng=0)
    found = [
        sh.compare(sh.simulate_flow(one, init, init_scale="1e-300"), sh.solve_jumps(one, init))
        for one in (general, problem)
    ]
    np.testing.assert_allclose(found[0].limit_clock, found[1].limit_clock, rtol=1e-9)
    np.testing.assert_allclose(found[0].flow_clock, found[1].flow_clock, rtol=1e-6)
    early = found[1].clock < found[1].jumps.times[-1]
    np.testing.assert_allclose(found[0].distance[early], found[1].distance[early], atol=1e-6)


def test_jumps_stand_apart_below_their_resolving_scale(solved):
    jumps = dataclasses.replace(solved[2], resolving_scale=np.array([-6.0, -4.0]))
    for exponent, expected in ((-5, [False, False, True]), (-7, [True, True, True])):
        found = sh.compare(flow_at(solved, exponent), jumps)
        saddle = np.searchsorted(jumps.times, found.clock, side="right")
        assert found.resolved.tolist() == [expected[i] for i in saddle]


def test_a_recorded_run_compares_like_the_flow(solved):
    problem, init, jumps = solved
    flow = flow_at(solved, -5)
    learning = np.linspace(0, 1.5 * np.nanmax(flow.activation_times), 400)
    t = np.append(learning, flow.t[-1])
    networks = [flow(time) for time in t]
    recording = sh.Recording(
        problem,
        flow.log_init_scale,
        np.arange(t.size),
        t,
        np.array([one.output for one in networks]),
        np.array([one.hidden for one in networks]),
        1e-9,
    )
    ours, theirs = recording.compare(jumps), sh.compare(flow, jumps)
    active = np.isfinite(theirs.limit_clock)
    np.testing.assert_allclose(ours.flow_clock[active], theirs.flow_clock[active], atol=1e-2)
    assert ours.norm_gap == pytest.approx(theirs.norm_gap, abs=1e-6)
    np.testing.assert_array_equal(ours.resolved, theirs.resolved)
    scaled = sh.solve_jumps(
        problem, sh.Initialization(1e-5 * init.output, 1e-5 * init.hidden, init.off_span)
    )
    again = recording.compare(scaled)
    np.testing.assert_allclose(again.jumps.initialization.hidden, init.hidden, rtol=1e-12)
    other = sh.GeneralProblem(problem.X, 2 * problem.y)
    with pytest.raises(sh.SaddlehopError, match="recording and `jumps` are of different problems"):
        recording.compare(sh.solve_jumps(other, init))
    with pytest.raises(sh.SaddlehopError, match="does not begin at a multiple of the start"):
        recording.compare(sh.solve_jumps(problem, sh.Initialization.draw(problem, 6, rng=9)))


def test_bad_input_gets_one_sentence(solved):
    problem, init, jumps = solved
    flow = flow_at(solved, -5)
    with pytest.raises(sh.SaddlehopError, match="scale below 1"):
        sh.compare(flow_at(solved, 0.1, t_end=1.0), jumps)
    orthogonal = sh.Problem([1.0, 2.0, -1.0])
    theirs = sh.solve_jumps(orthogonal, init)
    for other in (
        theirs,
        sh.solve_jumps(sh.GeneralProblem(problem.X, 2 * problem.y), init),
        sh.solve_jumps(sh.GeneralProblem(2 * problem.X, problem.y), init),
    ):
        with pytest.raises(sh.SaddlehopError, match="are of different problems"):
            sh.compare(flow, other)
    with pytest.raises(sh.SaddlehopError, match="have different starts"):
        sh.compare(flow, sh.solve_jumps(problem, sh.Initialization.draw(problem, 6, rng=9)))
    narrow = sh.Initialization(init.output[:3], init.hidden[:3])
    with pytest.raises(sh.SaddlehopError, match="6 neurons and `jumps` has 3"):
        sh.compare(flow, sh.solve_jumps(problem, narrow))
    with pytest.raises(sh.SaddlehopError, match=r"`jumps` is .*JumpPath"):
        sh.compare(flow, init)
