"""Second opinions on data as they are, and errors they must find."""

import json
from dataclasses import replace

import numpy as np
import pytest

import saddlehop as sh
from general_helpers import CASES
from saddlehop.general import jumps_aboard
from saddlehop.general.jumps_dormant import Dormant
from saddlehop.trust.differences import Point
from saddlehop.trust.slow_jumps import slow_jumps

PROCESS = "SciPy between events"
NORMS = "squared norms between jumps, of the largest"


def start_of(case):
    problem = sh.GeneralProblem(case["X"], case["y"])
    return problem, sh.Initialization.from_weights(case["output"], case["hidden"], problem)


def draw(seed, law="balanced"):
    rng = np.random.default_rng(seed)
    n, d, m = rng.integers(4, 9), rng.integers(1, 5), rng.integers(3, 10)
    problem = sh.GeneralProblem(rng.normal(size=(n, d)), rng.normal(size=n), bias=bool(seed % 2))
    return problem, sh.Initialization.draw(problem, int(m), law=law, rng=rng)


def opinion_on(problem, init, jumps=None, scale="1e-300"):
    return sh.second_opinion(problem, init, jumps, scales=[scale])


def wrong(opinion):
    frame = opinion.to_frame()
    return set(zip(frame.quantity[~frame.agrees], frame.method[~frame.agrees], strict=True))


@pytest.fixture(scope="module")
def solved():
    problem, init = start_of(CASES[4])  # three jumps, neurons of either sign, one that decays
    return problem, init, sh.solve_jumps(problem, init)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_everything_agrees_on_references(case):
    opinion = opinion_on(*start_of(case))
    frame = opinion.to_frame()
    assert opinion.agrees, frame
    assert set(frame.method) >= {"first differences", "second differences", PROCESS}
    assert not frame.difference.isna().any()


@pytest.mark.parametrize("law", ["balanced", "dominated", "gaussian"])
@pytest.mark.parametrize("seed", [2, 3, 6])
def test_everything_agrees_on_random_problems(seed, law):
    opinion = sh.second_opinion(*draw(seed, law), scales=[])
    assert opinion.agrees, opinion.to_frame()


@pytest.mark.parametrize("seed", [2, 5])
def test_the_slow_process_finds_the_corrections(seed):
    problem, init = draw(seed)
    jumps = sh.solve_jumps(problem, init)
    slow = slow_jumps(problem, init, jumps.n_jumps + 1)
    assert slow.note == ""
    np.testing.assert_allclose(slow.corrections, jumps.corrections, atol=1e-3)
    np.testing.assert_allclose(slow.exponents, jumps.exponents, atol=1e-6)
    np.testing.assert_array_equal(slow.signs, jumps.signs)


def with_a_wrong_wall(jumps):
    """The fastest neurons of a saddle on the other side of one of their walls."""
    active = jumps.active.copy()
    j = jumps.neurons[1][0]
    k = np.flatnonzero(np.abs(jumps.residuals[1]) > 0.1)[0]
    active[1, j, k] = -1 if active[1, j, k] > 0 else 1
    return replace(jumps, active=active)


def with_a_split_group(jumps, saddle=-1):
    """Two neurons of one group apart at a saddle, so that a w and the loss stay what they are."""
    outputs, hidden = jumps.outputs.copy(), jumps.hidden.copy()
    one, other = next(group for group in jumps.neurons if len(group) > 1)[:2]
    total = outputs[saddle, [one, other]] @ hidden[saddle, [one, other]]
    apart = 0.2 * np.array([-total[1], total[0]])
    for j, part in ((one, total / 2 + apart), (other, total / 2 - apart)):
        size = np.sqrt(np.linalg.norm(part))
        outputs[saddle, j] = np.sign(outputs[saddle, j]) * size
        hidden[saddle, j] = part / outputs[saddle, j]
    sq_norms = np.sum(outputs**2, axis=1) + np.sum(hidden**2, axis=(1, 2))
    return replace(jumps, outputs=outputs, hidden=hidden, sq_norms=sq_norms)


def test_a_wrong_wall_is_found(solved):
    problem, init, jumps = solved
    found = wrong(sh.second_opinion(problem, init, with_a_wrong_wall(jumps), scales=[]))
    assert ("growth rates, of the largest", "second differences") in found


def test_a_start_beyond_a_wall_is_found(solved):
    """The jumps of a start on the other side of a wall, taken for those of the start."""
    problem, init, _ = solved
    hidden = init.hidden.copy()
    heights = hidden @ problem.coordinates.T
    _, k = np.unravel_index(np.argmin(np.abs(heights)), heights.shape)
    row = problem.coordinates[k]
    moved = sh.Initialization(init.output, hidden - 2 * np.outer(heights[:, k], row) / (row @ row))
    found = wrong(opinion_on(problem, init, sh.solve_jumps(problem, moved)))
    assert ("neurons of the jumps", PROCESS) in found
    assert any(method.startswith("flow") for _, method in found)


def test_a_split_group_is_found():
    problem, init = start_of(CASES[0])  # its group is active on all samples
    jumps = sh.solve_jumps(problem, init)
    found = wrong(opinion_on(problem, init, with_a_split_group(jumps)))
    assert found == {
        ("squared norms, of the largest", PROCESS),
        (NORMS, "flow at λ = 1e-300"),
        ("final squared norm, relative", "flow at λ = 1e-300"),
    }


def test_only_the_flow_finds_a_wrong_norm_in_between():
    """A group split at a saddle on the way, where SciPy has no direction to start a neuron in."""
    problem, init = draw(58)
    output, hidden = np.append(init.output, 1.0), np.vstack([init.hidden, np.zeros(problem.rank)])
    init = sh.Initialization(output, hidden)
    jumps = sh.solve_jumps(problem, init)
    assert opinion_on(problem, init, jumps).agrees
    found = wrong(opinion_on(problem, init, with_a_split_group(jumps, saddle=1)))
    assert found == {(NORMS, "flow at λ = 1e-300")}


def test_a_saddle_before_rest_is_found():
    e = np.eye(3)
    side = np.sqrt(11) * e[1]
    X = np.array([11 * e[0], 11 * e[0] - side + e[2], 11 * e[0] + side + e[2]])
    problem = sh.GeneralProblem(X, X @ np.array([0.8, 0, 0.6]))
    init = sh.Initialization.draw(problem, 6, rng=1)
    early = replace(sh.solve_jumps(problem, init, max_steps=60), status="done")
    found = wrong(opinion_on(problem, init, early))
    assert ("ways down through active neurons", "first differences") in found
    assert ("losses, of the first", PROCESS) in found
    assert any(method.startswith("flow") for _, method in found)


def test_a_forgotten_turn_of_passengers_is_found(monkeypatch):
    problem, init = draw(6)
    jumps = sh.solve_jumps(problem, init)
    assert opinion_on(problem, init, jumps).agrees
    put_off = jumps_aboard._put_off

    def forgetful(dormant, orbit, i, members, kappa):
        names = ("hidden", "walls", "sides", "signs")
        kept = {name: getattr(dormant.neurons, name)[members].copy() for name in names}
        put_off(dormant, orbit, i, members, kappa)
        for name, values in kept.items():
            getattr(dormant.neurons, name)[members] = values

    monkeypatch.setattr(jumps_aboard, "_put_off", forgetful)
    found = wrong(opinion_on(problem, init, sh.solve_jumps(problem, init), "1e-1000"))
    assert ("neurons of the jumps", PROCESS) in found
    assert any(method.startswith("flow") for _, method in found)


def test_a_way_out_through_an_active_neuron_is_found(solved):
    """On a kink the gradient of one side may vanish while the loss falls on the other."""
    problem, init, jumps = solved
    hidden = jumps.hidden.copy()
    j = jumps.neurons[0][0]
    walls = jumps.active[1, j] == 0
    row = problem.coordinates[walls][0] / np.linalg.norm(problem.coordinates[walls][0])
    hidden[1, j] += 1e-3 * np.linalg.norm(hidden[1, j]) * row  # off the wall it slides on
    found = wrong(sh.second_opinion(problem, init, replace(jumps, hidden=hidden), scales=[]))
    assert ("ways down through active neurons", "first differences") in found
    assert ("active sets", "weights at the saddles") in found


def test_a_wall_that_a_neuron_does_not_slip_across_is_found(monkeypatch):
    problem = sh.GeneralProblem([[2, 1], [1, -1], [0, -1]], [1, 1, 1])
    init = sh.Initialization.from_weights([np.hypot(1, 0.2)], [[1, 0.2]], problem)
    opinion = opinion_on(problem, init, scale="1e-12")
    assert opinion.agrees, opinion.to_frame()
    assert any("grows along a wall" in one.note for one in opinion.agreements)
    early = opinion_on(problem, init, scale="1e-100")
    assert early.agrees, early.to_frame()
    assert early.agreements[-1].note == ""
    monkeypatch.setattr(Dormant, "next_slips", lambda *_: [])
    found = wrong(opinion_on(problem, init, sh.solve_jumps(problem, init), "1e-12"))
    assert ("growth across directions", "second differences") in found
    assert ("jump clocks, of the last", "flow at λ = 1e-12") in found
    found = wrong(opinion_on(problem, init, sh.solve_jumps(problem, init), "1e-100"))
    assert ("jump clocks, of the last", "flow at λ = 1e-100") in found


@pytest.mark.parametrize("seed", range(4))
def test_orthogonal_rows_raise_no_alarm(seed):
    """Dormant and active neurons stand at walls that would repel them, and never cross."""
    flat = sh.make_orthogonal(6, norms="uniform", rng=seed)
    problem = sh.GeneralProblem(np.diag(flat.norms), flat.y)
    opinion = opinion_on(problem, sh.Initialization.draw(problem, 8, rng=seed), scale="1e-100")
    assert opinion.agrees, opinion.to_frame()


def end_of(index):
    problem, init = start_of(CASES[index])
    return problem, sh.second_opinion(problem, init, scales=[]).end


def test_three_points_end_in_a_minimum_only_given_the_dead_neurons():
    _, end = end_of(0)
    assert end.is_local_minimum
    assert end.dead.any()
    assert end.fresh_rate == pytest.approx(0.030579, abs=1e-6)
    assert end.fresh_sign == 1
    angle = np.arctan2(end.fresh_direction[1], end.fresh_direction[0]) % (2 * np.pi)
    assert min(abs(angle - 0.46365), abs(angle - 3.60524)) < 1e-5


def test_five_points_end_in_the_minimum_of_wu_simsek_and_ged():
    _, end = end_of(1)
    assert end.is_local_minimum
    assert end.fresh_rate == pytest.approx(0.010595, abs=1e-6)
    assert end.fresh_sign == -1


def test_no_minimum_while_a_living_neuron_could_leave():
    """With one label that pulls up, a < 0 decays for ever; it is at 0, from where the loss can fall."""
    problem = sh.GeneralProblem([[1.0]], [1.0])
    ends = {
        w: sh.second_opinion(problem, sh.Initialization([-1.0], [[w]]), scales=[]).end
        for w in (1.0, -1.0)
    }
    for end in ends.values():
        assert (end.fresh_rate, end.fresh_sign) == (1.0, 1)
        np.testing.assert_allclose(end.fresh_direction, [1.0])
    assert not ends[1.0].is_local_minimum
    assert not ends[1.0].dead.any()
    assert ends[-1.0].is_local_minimum
    assert ends[-1.0].dead.all()


def test_where_all_is_fitted_nothing_leaves():
    _, end = end_of(2)
    assert end.is_local_minimum
    assert (end.fresh_rate, end.fresh_sign) == (0.0, 0)
    assert not end.fresh_direction.any()


def test_what_is_not_compared_is_said():
    problem, init = draw(2)
    jumps = sh.solve_jumps(problem, init)
    rows = sh.second_opinion(problem, init, jumps, scales=["1e-2"]).to_frame()
    row = rows[rows.method == "flow at λ = 1e-2"].iloc[0]
    assert np.isnan(row.difference)
    assert "stands apart" in row.note


def test_a_path_brings_its_problem_and_its_start():
    problem, init = draw(2)
    jumps = sh.solve_jumps(problem, init)
    given = sh.second_opinion(problem, init, jumps, scales=[]).to_frame()
    for short in ((jumps,), (problem, None, jumps), (jumps, init)):
        opinion = sh.second_opinion(*short, scales=[])
        assert opinion.jumps is jumps
        assert opinion.to_frame().equals(given)
    start = np.full(init.width, 0.5), init.hidden
    other = sh.second_opinion(jumps, sh.Initialization(*start), scales=[])
    assert not other.agrees  # what is passed is used


def test_arguments_are_checked():
    problem, init = start_of(CASES[2])
    other = sh.make_orthogonal(3, rng=0)
    flat = sh.solve_jumps(other, sh.Initialization.draw(other, 3, rng=0))
    with pytest.raises(sh.SaddlehopError, match="`jumps` is of type JumpPath"):
        sh.second_opinion(problem, init, flat)
    with pytest.raises(sh.SaddlehopError, match="`problem` is of type JumpPath"):
        sh.second_opinion(flat)
    with pytest.raises(sh.SaddlehopError, match="coordinates but the problem has rank 2"):
        sh.second_opinion(problem, sh.Initialization([1.0], [[1.0]]))


def test_the_command_takes_data_as_they_are(run, tmp_path):
    path = tmp_path / "skew.csv"
    rows = np.random.default_rng(1).normal(size=(5, 3))
    np.savetxt(path, rows, delimiter=",", header="a,b,y", comments="")
    code, out, err = run("check", path, "--width", 5, "--init-scale", "")
    assert (code, err) == (0, "")
    assert "Everything agrees." in out
    assert "which neurons are dead" in out
    _, out, _ = run("check", path, "--width", 5, "--init-scale", "", "--json")
    end = json.loads(out)["end"]
    assert end["is_local_minimum"] is True
    assert len(end["fresh_direction"]) == 2


def test_a_row_of_zero_hides_no_way_down():
    X, y = np.array([[1.0, 0.0], [0.5, 1.0], [-1.0, 0.3]]), np.array([1.0, -0.5, 0.3])
    weights = np.array([0.8]), np.array([[0.7, 0.4]])
    ways = [
        Point(np.vstack([X, np.zeros((zeros, 2))]), np.append(y, np.zeros(zeros)), *weights)
        for zeros in (0, 1)
    ]
    without, with_zero = (way.steepest_descent(0) for way in ways)
    assert with_zero == pytest.approx(without * 3 / 4, rel=1e-6)


def test_a_neuron_at_zero_is_left_to_the_other_ways():
    problem = sh.GeneralProblem([[1.0], [2.0]], [1.0, 1.0])
    opinion = sh.second_opinion(problem, sh.Initialization([1.0, 1.0], [[0.0], [1.0]]))
    assert any("starts at w = 0" in agreement.note for agreement in opinion.agreements)


def test_a_last_orbit_that_passes_a_saddle_slowly_raises_no_alarm():
    """It lasts as long at any λ: the last saddle is where the flow ends."""
    X, y = [[-2, 2], [3, -1], [2, 1], [2, 2]], [-1, -2, -2, -2]
    problem = sh.GeneralProblem(X, y, bias=True)
    init = sh.Initialization.draw(problem, 2, rng=129)
    found = sh.second_opinion(problem, init, scales=("1e-30",)).agreements
    flows = [one for one in found if one.method.startswith("flow")]
    assert flows
    assert all(one.agrees for one in flows)
