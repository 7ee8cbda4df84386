import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import saddlehop as sh
from general_helpers import CASES, general_problems_with_starts
from general_reference import follow
from helpers import orthonormal_rows
from saddlehop.general import pieces
from saddlehop.general.alignment import outcome_of
from saddlehop.general.pieces import DECAYING, GROWING, carry, place, take
from saddlehop.general.walls import wall_rule


def start(problem, init):
    pulls = problem.y / problem.n_samples
    rows = problem.coordinates
    return rows, pulls, place(rows, pulls, init.output, init.hidden, init.off_span)


def weights(neurons):
    """a and w in the scale of the start."""
    scale = np.exp(neurons.log_scales)
    return neurons.signs * scale * neurons.output, scale[:, None] * neurons.hidden


def assert_same(one, other, order=slice(None), flip=1, tol=1e-9):
    """Two alignments of the same neurons, the samples of `other` in another order."""
    np.testing.assert_array_equal(one.states, other.states)
    np.testing.assert_array_equal(one.signs, flip * other.signs)
    np.testing.assert_allclose(one.rates, other.rates, atol=tol)
    np.testing.assert_allclose(one.log_growth, other.log_growth, atol=tol)
    np.testing.assert_array_equal(one.active[:, order], other.active)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_reference_cases(case):
    problem = sh.GeneralProblem(case["X"], case["y"])
    init = sh.Initialization.from_weights(case["output"], case["hidden"], problem)
    alignment, expected = sh.align(problem, init), case["alignment"]
    np.testing.assert_allclose(alignment.rates, expected["rates"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(alignment.log_growth, expected["log_growth"], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(alignment.active, expected["active"])
    moving = alignment.rates != 0  # parts off the span count in directions of what rests
    directions = alignment.directions @ problem.basis
    np.testing.assert_allclose(
        directions[moving], np.array(expected["directions"])[moving], atol=1e-12
    )
    signs = {-1: "decaying", 1: "growing"}
    for state, rate in zip(alignment.states, expected["rates"], strict=True):
        assert state == signs[np.sign(rate)] if rate else state in ("dead", "resting")


@pytest.mark.parametrize("law", ["balanced", "dominated", "gaussian"])
@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_orthogonal_rows_agree_with_the_orthogonal_module(law, n):
    rng = np.random.default_rng(n)
    directions, norms = orthonormal_rows(n, n + 3, n), rng.uniform(0.5, 2, n)
    y = rng.standard_normal(n)
    problem = sh.Problem(y, norms, directions)
    init = sh.Initialization.draw(problem, 60, law, rng=n)
    expected = sh.align(problem, init)
    general = sh.GeneralProblem(norms[:, None] * directions, y)
    start = sh.Initialization(
        init.output, init.hidden @ (directions @ general.basis.T), init.off_span
    )
    found = sh.align(general, start)
    alive = expected.active.any(axis=1)
    assert alive.any()
    np.testing.assert_array_equal(found.states == "growing", alive)
    np.testing.assert_array_equal((found.active == 1)[alive], expected.active[alive])
    np.testing.assert_array_equal(found.signs[alive], expected.signs[alive])
    np.testing.assert_allclose(
        found.log_growth[alive], expected.log_growth[alive], rtol=0, atol=1e-12
    )
    rates = np.linalg.norm(expected.active * problem.pulls, axis=1)
    np.testing.assert_allclose(found.rates[alive], rates[alive], rtol=1e-12)


@given(general_problems_with_starts(), st.sampled_from([0.3, 2.0, 10.0]))
def test_it_agrees_with_integration_in_time(problem_and_start, length):
    problem, init = problem_and_start
    rows, pulls, neurons = start(problem, init)
    size = np.abs(pulls) @ np.linalg.norm(rows, axis=1)
    duration = length / size if size else 1.0
    a, w = weights(carry(rows, pulls, neurons, duration).neurons)
    some = rows.any(axis=1)
    for j in range(init.width):
        expected = follow(rows[some], pulls[some], init.output[j], init.hidden[j], duration)
        scale = abs(expected[0]) + np.linalg.norm(expected[1]) + 1e-3
        np.testing.assert_allclose(a[j], expected[0], rtol=0, atol=1e-7 * scale)
        np.testing.assert_allclose(w[j], expected[1], rtol=0, atol=1e-7 * scale)


@given(general_problems_with_starts(), st.floats(0.01, 0.99), st.sampled_from([1.0, 10.0, 300.0]))
def test_two_times_in_turn_are_their_sum(problem_and_start, part, length):
    rows, pulls, neurons = start(*problem_and_start)
    size = np.abs(pulls) @ np.linalg.norm(rows, axis=1)
    assume(size > 0)
    duration = length / size
    once = carry(rows, pulls, neurons, duration)
    half = carry(rows, pulls, neurons, part * duration)
    twice = carry(rows, pulls, half.neurons, (1 - part) * duration)
    np.testing.assert_array_equal(once.neurons.signs, twice.neurons.signs)
    np.testing.assert_allclose(once.neurons.log_scales, twice.neurons.log_scales, atol=1e-8)
    np.testing.assert_allclose(once.neurons.output, twice.neurons.output, atol=1e-8)
    np.testing.assert_allclose(once.neurons.hidden, twice.neurons.hidden, atol=1e-8)


@given(general_problems_with_starts(), st.integers(1, 4))
def test_parts_of_a_time_are_carried_as_one_after_another(problem_and_start, n_parts):
    rows, pulls, neurons = start(*problem_and_start)
    size = np.abs(pulls) @ np.linalg.norm(rows, axis=1)
    assume(size > 0)
    parts = np.array([1.0, -0.5, 0.0, 2.0])[:n_parts, None] * pulls
    together, chosen, turned = carry(rows, parts, neurons, 3 / size), False, neurons
    for part in parts:
        last = carry(rows, part, turned, 3 / size)
        turned, chosen = last.neurons, chosen | last.chosen
    for one, other in zip(pieces.parts(together.neurons), pieces.parts(turned), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(together.field.modes, last.field.modes)
    np.testing.assert_array_equal(together.chosen, chosen)


@given(general_problems_with_starts())
def test_what_is_conserved_is_conserved(problem_and_start):
    problem, init = problem_and_start
    rows, pulls, neurons = start(problem, init)
    size = np.abs(pulls) @ np.linalg.norm(rows, axis=1)
    a, w = weights(carry(rows, pulls, neurons, 5 / size if size else 1.0).neurons)
    expected = init.output**2 - np.sum(init.hidden**2, axis=1)
    np.testing.assert_allclose(
        a**2 - np.sum(w**2, axis=1), expected, atol=1e-12 * (1 + np.max(a**2))
    )


@given(general_problems_with_starts())
def test_ends_are_where_a_long_time_leads(problem_and_start):
    problem, init = problem_and_start
    rows, pulls, neurons = start(problem, init)
    ever = carry(rows, pulls, neurons)
    outcome = outcome_of(ever)
    for j in np.flatnonzero((ever.ends == GROWING) | (ever.ends == DECAYING)):
        one = dataclasses.replace(
            neurons, **{f.name: getattr(neurons, f.name)[[j]] for f in dataclasses.fields(neurons)}
        )
        time = ever.elapsed[j] + 40 / abs(outcome.rates[j])
        later = carry(rows, pulls, one, time).neurons
        log_size = later.log_scales[0] + np.log(later.output[0])
        assert log_size == pytest.approx(outcome.log_growth[j] + outcome.rates[j] * time, abs=1e-8)
        heading = later.hidden[0] / np.linalg.norm(later.hidden[0])
        np.testing.assert_allclose(heading, outcome.directions[j], atol=1e-7)


@given(general_problems_with_starts(), st.integers(0, 2**32 - 1))
def test_symmetries(problem_and_start, seed):
    problem, init = problem_and_start
    rng = np.random.default_rng(seed)
    X, y = problem.X, problem.y
    base = sh.GeneralProblem(X, y)
    W = init.hidden @ problem.basis
    alignment = sh.align(base, sh.Initialization.from_weights(init.output, W, base))
    assume(not alignment.chosen.any())

    order = rng.permutation(len(y))
    turned = np.linalg.qr(rng.standard_normal((X.shape[1], X.shape[1])))[0]
    for other_X, other_y, a, other_W, samples, flip in [
        (X[order], y[order], init.output, W, order, 1),
        (X @ turned, y, init.output, W @ turned, slice(None), 1),
        (X, -y, -init.output, W, slice(None), -1),
    ]:
        other = sh.GeneralProblem(other_X, other_y)
        found = sh.align(other, sh.Initialization.from_weights(a, other_W, other))
        assert_same(alignment, found, samples, flip)

    scaled = sh.GeneralProblem(4 * X, y / 2)
    found = sh.align(scaled, sh.Initialization.from_weights(init.output, W, scaled))
    np.testing.assert_array_equal(alignment.states, found.states)
    np.testing.assert_allclose(2 * alignment.rates, found.rates, atol=1e-9)
    np.testing.assert_allclose(alignment.log_growth, found.log_growth, atol=1e-9)


@given(general_problems_with_starts(), st.integers(0, 2**32 - 1))
def test_repeated_samples_are_weights_and_clones_stay_clones(problem_and_start, seed):
    problem, init = problem_and_start
    counts = np.random.default_rng(seed).integers(1, 4, problem.n_samples)
    copies = np.repeat(np.arange(problem.n_samples), counts)
    repeated = sh.GeneralProblem(problem.X[copies], problem.y[copies])
    weighted = sh.GeneralProblem(problem.X, problem.y * counts)
    W = init.hidden @ problem.basis
    neurons = np.concatenate([np.arange(init.width)] * 2)
    one = sh.align(weighted, sh.Initialization.from_weights(init.output, W, weighted))
    two = sh.align(
        repeated, sh.Initialization.from_weights(init.output[neurons], W[neurons], repeated)
    )
    np.testing.assert_array_equal(two.states[: init.width], one.states)
    np.testing.assert_array_equal(two.active[: init.width], one.active[:, copies])
    rates = one.rates * problem.n_samples / len(copies)
    np.testing.assert_allclose(two.rates[: init.width], rates, atol=1e-9)
    np.testing.assert_allclose(two.log_growth[: init.width], one.log_growth, atol=1e-9)
    for field in ("states", "active", "rates", "log_growth", "directions"):
        values = getattr(two, field)
        np.testing.assert_array_equal(values[: init.width], values[init.width :])


def test_in_one_cone_the_artanh_of_the_cosine_grows_linearly():
    rng = np.random.default_rng(0)
    X, y = 1 + 0.2 * rng.standard_normal((6, 3)), rng.uniform(1, 2, 6)
    problem = sh.GeneralProblem(X, y)
    w = np.array([[1.0, 0.2, 0.7]])
    init = sh.Initialization.from_weights([np.linalg.norm(w)], w, problem)
    rows, pulls, neurons = start(problem, init)
    D = pulls @ rows
    times = np.linspace(0, 3, 7) / np.linalg.norm(D)
    angles = []
    for t in times:
        hidden = carry(rows, pulls, neurons, t).neurons.hidden[0]
        angles.append(np.arctanh(hidden @ D / np.linalg.norm(hidden) / np.linalg.norm(D)))
    np.testing.assert_allclose(angles, angles[0] + np.linalg.norm(D) * times, rtol=1e-12)


def test_xor_every_neuron_slides_to_one_of_four_directions():
    problem = sh.load_setting("xor").problem
    alignment = sh.align(problem, sh.Initialization.draw(problem, 200, rng=0))
    np.testing.assert_allclose(alignment.rates, np.sqrt(2) / 4, rtol=1e-14)
    np.testing.assert_allclose(np.abs(alignment.directions), np.sqrt(0.5), rtol=1e-14)
    same = np.sign(alignment.directions[:, 0] * alignment.directions[:, 1])
    np.testing.assert_array_equal(same, alignment.signs)


def test_three_points_kill_every_negative_neuron():
    problem = sh.load_setting("three-points").problem
    alignment = sh.align(problem, sh.Initialization.draw(problem, 100, rng=0))
    negative = alignment.signs < 0
    assert (alignment.states[negative] == "dead").all()
    growing = alignment.states == "growing"
    assert growing.sum() > 20
    np.testing.assert_array_equal(growing, (alignment.active == 1).all(axis=1))
    np.testing.assert_allclose(alignment.rates[growing], 0.714969, atol=1e-6)


def on_a_ray(output):
    """Two correlated samples; w rests on the wall of one, its field points at 0."""
    problem = sh.GeneralProblem([[1.0, 0.0], [1.0, 1.0]], [-1.0, 0.0])
    return problem, sh.Initialization([output], [[1.0, 0.0]])


def test_decaying_neurons_by_their_balance():
    balanced = sh.align(*on_a_ray(1.0))
    assert balanced.states[0] == "decaying"
    assert balanced.rates[0] == -0.5
    assert balanced.log_growth[0] == pytest.approx(0, abs=1e-15)
    dominated = sh.align(*on_a_ray(1.01))
    assert dominated.states[0] == "stalled"
    assert dominated.log_growth[0] == pytest.approx(np.log(np.sqrt(1.01**2 - 1)))
    flipped = sh.align(*on_a_ray(0.99))
    assert flipped.states[0] == "growing"
    assert flipped.signs[0] == -1


@pytest.mark.parametrize("imbalance", [1e-3, 1e-6, 1e-9])
def test_imbalance_flips_a_decaying_neuron_after_half_its_logarithm(imbalance):
    problem, init = on_a_ray(np.sqrt(1 - imbalance))
    rows, pulls, neurons = start(problem, init)
    flip = np.arctanh(init.output[0]) / 0.5
    assert flip == pytest.approx(np.log(4 / imbalance) / (2 * 0.5), rel=1e-2)
    for time, sign in ((flip - 1e-6, 1), (flip + 1e-6, -1)):
        assert carry(rows, pulls, neurons, time).neurons.signs[0] == sign


def test_balance_to_within_rounding_lasts_through_a_decay_of_300_decades():
    problem, init = on_a_ray(1 + 2e-16)
    rows, pulls, neurons = start(problem, init)
    later = carry(rows, pulls, neurons, 2 * 700.0).neurons
    assert later.log_scales[0] == pytest.approx(-700)
    assert later.output[0] == pytest.approx(1, abs=1e-15)
    assert later.signs[0] == 1


@pytest.mark.parametrize("left", [1e-3, 1e-6, 1e-9])
def test_a_neuron_pinned_close_to_0_decays_there(left):
    turned = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    problem = sh.GeneralProblem(turned, [-2.0, -3.0, -1e-3])
    w = [[1.0, 0.7, 1e-3 / 2 + left]] @ turned
    init = sh.Initialization.from_weights([np.linalg.norm(w)], w, problem)
    alignment = sh.align(problem, init)
    assert alignment.states[0] == "decaying"
    assert alignment.rates[0] == pytest.approx(-1e-3 / 3)
    np.testing.assert_allclose(alignment.directions, turned[[2]], atol=1e-12)


def test_neurons_held_by_opposing_samples_rest_and_those_that_touch_nothing_are_dead():
    problem = sh.GeneralProblem([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [1.0, -1.0, 0.0])
    alignment = sh.align(problem, sh.Initialization([1.0, 1.0], [[1.0, 0.0], [-1.0, -0.5]]))
    np.testing.assert_array_equal(alignment.states, ["resting", "dead"])
    np.testing.assert_array_equal(alignment.rates, [0, 0])
    np.testing.assert_allclose(alignment.log_growth, 0, atol=1e-15)


def test_output_0_takes_the_sign_of_its_pull():
    problem = sh.GeneralProblem([[1.0, 1.0], [0.0, 1.0]], [1.0, -3.0])
    alignment = sh.align(problem, sh.Initialization([0.0, 0.0, 0.0], [[1, 0.1], [-1, 1], [-1, -1]]))
    np.testing.assert_array_equal(alignment.signs, [1, -1, 0])
    np.testing.assert_array_equal(alignment.states, ["growing", "growing", "dead"])


@pytest.mark.parametrize("size", [1e-130, 1e130])
def test_data_at_the_ends_of_floats_change_rates_alone(size):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 3)), rng.standard_normal(6)
    a, W = rng.standard_normal(8), rng.standard_normal((8, 3))
    plain, far = sh.GeneralProblem(X, y), sh.GeneralProblem(size * X, size * y)
    expected = sh.align(plain, sh.Initialization.from_weights(a, W, plain))
    found = sh.align(far, sh.Initialization.from_weights(a, W, far))
    np.testing.assert_array_equal(found.states, expected.states)
    np.testing.assert_allclose(found.rates / size**2, expected.rates, atol=1e-12)
    np.testing.assert_allclose(found.log_growth, expected.log_growth, atol=1e-9)
    listed = sh.extremal_vectors(far, starts=8, rng=0).rates
    np.testing.assert_allclose(listed / size**2, sh.extremal_vectors(plain, starts=8, rng=0).rates)


def test_weights_170_decades_apart_have_unit_directions():
    problem = sh.GeneralProblem([[1.0, 0.3], [0.2, 1.0]], [1.0, -1.0])
    hidden = 1e-170 * np.array([[1.0, 0.5], [-0.3, -0.4]])
    found = sh.align(problem, sh.Initialization([1.0, 1.0], hidden))
    np.testing.assert_array_equal(found.states, ["growing", "dead"])
    np.testing.assert_allclose(np.linalg.norm(found.directions, axis=1), 1, rtol=1e-14)


def test_an_output_of_0_whose_pulls_cancel_stays_0():
    problem = sh.GeneralProblem([[0.1, 0.2], [0.3, 0.1], [0.2, 0.3]], [1.0, 1.0, -1.0])
    alignment = sh.align(problem, sh.Initialization([0.0], [[0.0, 0.7]]))
    assert alignment.states[0] == "stalled"
    assert alignment.signs[0] == 0
    assert alignment.log_growth[0] == -np.inf


def test_a_start_on_a_repelling_wall_says_that_a_convention_decided():
    problem = sh.GeneralProblem([[1.0, 0.0], [0.3, 1.0]], [1.0, 1.0])
    init = sh.Initialization([1.0, 1.0], [[0.0, -1.0], [-1.0, -1.0]])
    alignment = sh.align(problem, init)
    np.testing.assert_array_equal(alignment.chosen, [[True, False], [False, False]])
    assert alignment.states[0] == "dead"


def test_the_number_of_pieces_is_bounded():
    rng = np.random.default_rng(0)
    problem = sh.GeneralProblem(rng.standard_normal((60, 10)), rng.standard_normal(60), bias=True)
    rows, pulls, neurons = start(problem, sh.Initialization.draw(problem, 24, rng=0))
    assert carry(rows, pulls, neurons).n_pieces < 2 * 24 * 60


@pytest.mark.parametrize(("n", "r", "law"), [(300, 20, "balanced"), (60, 60, "dominated")])
def test_after_many_pieces_neurons_are_where_sums_afresh_put_them(n, r, law):
    rng = np.random.default_rng(n)
    problem = sh.GeneralProblem(rng.standard_normal((n, r)), rng.standard_normal(n))
    rows, pulls, neurons = start(problem, sh.Initialization.draw(problem, 16, law, rng=0))
    carried = carry(rows, pulls, neurons)
    assert carried.n_pieces > 16 * 10
    end, field = carried.neurons, carried.field
    moves = end.signs[:, None] * pulls
    afresh = wall_rule(rows, moves, end.walls, end.sides, np.where(field.kept, field.shares, 0))
    np.testing.assert_allclose(field.velocity, afresh.velocity, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(field.modes, afresh.modes)
    np.testing.assert_array_equal(field.kept, afresh.kept)
    assert field.kept.any()
    heights = end.hidden @ rows.T
    off = ~end.walls
    np.testing.assert_array_equal(np.sign(heights[off]), end.sides[off])
    assert np.abs(heights[field.kept]).max() < 1e-14


def test_a_neuron_alone_goes_where_it_goes_among_others():
    rng = np.random.default_rng(1)
    problem = sh.GeneralProblem(rng.standard_normal((80, 30)), -rng.uniform(1, 2, 80))
    rows, pulls, neurons = start(problem, sh.Initialization.draw(problem, 8, rng=0))
    on_walls = carry(rows, pulls, neurons).neurons
    pairs = zip(pieces.parts(neurons), pieces.parts(on_walls), strict=True)
    both = pieces.Neurons(
        *(np.stack(pair, axis=1).reshape(16, *pair[0].shape[1:]) for pair in pairs)
    )
    among = carry(rows, pulls, both)
    for j in range(16):
        alone = carry(rows, pulls, take(both, [j]))
        np.testing.assert_array_equal(alone.neurons.hidden[0], among.neurons.hidden[j])
        np.testing.assert_array_equal(alone.field.shares[0], among.field.shares[j])


def test_too_many_walls_are_refused(monkeypatch):
    monkeypatch.setattr(pieces, "PIECES", 0)
    problem, init = on_a_ray(1.0)
    with pytest.raises(sh.errors.SaddlehopError, match="more than 0 walls at constant residuals"):
        sh.align(problem, init)
