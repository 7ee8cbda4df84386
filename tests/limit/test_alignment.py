import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import saddlehop as sh
from helpers import problems, problems_with_starts
from saddlehop.limit import twins


def assert_matches_twin(problem, init):
    alignment = sh.align(problem, init)
    for j in range(init.width):
        twin = twins.align_neuron(init.output[j], init.hidden[j], problem.pulls)
        if alignment.stalled[j] or twin.stalled:
            assert alignment.stalled[j]
            assert twin.stalled
            continue
        np.testing.assert_array_equal(alignment.active[j], twin.active)
        if twin.active.any():
            assert alignment.signs[j] == twin.sign
        np.testing.assert_allclose(alignment.log_growth[j], twin.log_growth, rtol=1e-9, atol=1e-9)


def test_reference_cases(case):
    problem = sh.Problem(case["y"], case["norms"])
    alignment = sh.align(problem, sh.Initialization(case["output"], case["hidden"]))
    np.testing.assert_array_equal(alignment.active, np.array(case["active"], dtype=bool))
    np.testing.assert_array_equal(alignment.signs, case["signs"])
    expected = [-np.inf if value is None else value for value in case["log_growth"]]
    np.testing.assert_allclose(alignment.log_growth, expected, rtol=0, atol=1e-8)


@given(problems_with_starts())
def test_it_agrees_with_the_walk_in_time(problem_and_start):
    assert_matches_twin(*problem_and_start)


@pytest.mark.parametrize("law", ["balanced", "dominated", "gaussian"])
def test_it_agrees_with_the_walk_in_time_on_larger_problems(law):
    for seed in range(5):
        problem = sh.make_orthogonal(80, norms="lognormal", rng=seed)
        assert_matches_twin(problem, sh.Initialization.draw(problem, 6, law, rng=seed))


def test_it_agrees_with_a_numerical_integration_through_sign_changes():
    problem = sh.make_orthogonal(5, rng=3)
    pulls = problem.pulls
    init = sh.Initialization.draw(problem, 40, "gaussian", rng=1)
    alignment = sh.align(problem, init)
    changed = 0
    for j in range(init.width):
        alive_at_start = init.hidden[j] > 0

        def slope(_, z, alive=alive_at_start):
            a, u = z[0], z[1:]
            moving = alive & (u > 0)
            return np.concatenate([[pulls[moving] @ u[moving]], np.where(moving, a * pulls, 0)])

        start = np.concatenate([[init.output[j]], init.hidden[j]])
        end = solve_ivp(slope, (0, 60), start, method="RK45", rtol=1e-6, atol=1e-9, max_step=0.05)
        a, u = end.y[0, -1], end.y[1:, -1]
        if abs(a) < 1e-3:
            assert not alignment.active[j].any()
            continue
        assert alignment.signs[j] == np.sign(a)
        np.testing.assert_array_equal(alignment.active[j], (u > 1e-3) & (np.sign(a) * pulls > 0))
        rate = np.linalg.norm(pulls[alignment.active[j]])
        if rate > 0.3:
            assert np.log(abs(a)) - rate * 60 == pytest.approx(alignment.log_growth[j], abs=2e-3)
        changed += np.sign(a) != np.sign(init.output[j])
    assert changed >= 2


@given(problems(max_samples=12), st.integers(0, 10**6))
def test_dominated_starts_keep_their_sign_and_cover_by_sign(problem, seed):
    init = sh.Initialization.draw(problem, 5, "dominated", rng=seed)
    alignment = sh.align(problem, init)
    np.testing.assert_array_equal(alignment.signs, np.sign(init.output))
    expected = (init.hidden > 0) & (np.sign(init.output)[:, None] * problem.y > 0)
    np.testing.assert_array_equal(alignment.active, expected)


def test_growth_without_deaths_is_the_closed_form():
    problem = sh.Problem([3.0, 4.0])
    alignment = sh.align(problem, sh.Initialization([2.0], [[0.6, 0.8]]))
    rate, slope = 2.5, 1.5 * 0.6 + 2 * 0.8
    assert alignment.log_growth[0] == pytest.approx(np.log((2 + slope / rate) / 2), abs=1e-15)


def test_growth_has_no_cancellation_when_almost_nothing_is_left():
    """A balanced neuron shrinks to 1e-9 of its size before it grows again."""
    tiny = 1e-9
    problem = sh.Problem([-2.0, 1.0])
    init = sh.Initialization([np.hypot(1, tiny)], [[1.0, tiny]])
    with mpmath.workdps(50):
        eps, d0, d1 = mpmath.mpf(tiny), mpmath.mpf(-1), mpmath.mpf("0.5")
        a0 = mpmath.sqrt(1 + eps**2)
        rho = mpmath.sqrt(d0**2 + d1**2)
        b0 = d0 + d1 * eps
        area = mpmath.mpf(1)
        a1 = mpmath.sqrt((eps + d1) ** 2)
        b1 = b0 + rho**2 * area
        least = mpmath.sqrt(a0**2 - (b0 / rho) ** 2)
        time = (mpmath.asinh(b1 / rho / least) - mpmath.asinh(b0 / rho / least)) / rho
        slope = d1 * (eps + d1 * area)
        expected = mpmath.log((a1 + slope / d1) / 2) - d1 * time
    assert sh.align(problem, init).log_growth[0] == pytest.approx(float(expected), rel=1e-13)


@pytest.mark.parametrize(
    ("output", "hidden", "y"),
    [
        ([1.0], [[-1.0, -1.0]], [1.0, -1.0]),  # nothing alive
        ([1.0], [[1.0, 1.0]], [0.0, 0.0]),  # nothing to learn
        ([5.0], [[3.0, 4.0]], [-1.0, -2.0]),  # balanced, decays for ever
        ([6.0], [[3.0, 4.0]], [-1.0, -2.0]),  # dominated, loses all its samples
        ([0.0], [[-1.0, -1.0]], [1.0, 1.0]),  # at rest
    ],
)
def test_dead_neurons(output, hidden, y):
    alignment = sh.align(sh.Problem(y), sh.Initialization(output, hidden))
    assert not alignment.active.any()
    assert alignment.log_growth[0] == -np.inf


def test_a_balanced_neuron_without_samples_of_its_sign_is_dead_whatever_the_rounding():
    problem = sh.Problem(-np.random.default_rng(0).uniform(1, 2, 3))
    hidden = np.abs(np.random.default_rng(1).standard_normal((200, 3)))
    init = sh.Initialization(np.linalg.norm(hidden, axis=1), hidden)
    assert not sh.align(problem, init).active.any()


def test_zero_output_weight_goes_the_way_it_is_pulled():
    alignment = sh.align(sh.Problem([1.0, -3.0]), sh.Initialization([0.0, 0.0], [[1, 1], [1, -1]]))
    np.testing.assert_array_equal(alignment.signs, [-1, 1])
    np.testing.assert_array_equal(alignment.active, [[False, True], [True, False]])


def test_a_double_root_is_reported():
    """A = ∫a dt reaches a minimum of a² that is zero: a(0)² R² = ȧ(0)² with R² = Σ d_k²."""
    problem = sh.Problem([-2.0, -2.0])
    alignment = sh.align(problem, sh.Initialization([np.sqrt(2.0)], [[1.0, 1.0]]))
    assert not alignment.active.any()
    stalled = sh.align(sh.Problem([-2.0, 2.0]), sh.Initialization([1.0], [[2.0, 2 - np.sqrt(2)]]))
    assert stalled.stalled[0]
    assert stalled.signs[0] == 0
    assert stalled.log_growth[0] == -np.inf


def test_log_growth_does_not_depend_on_the_units_of_the_start():
    problem = sh.make_orthogonal(10, rng=0)
    init = sh.Initialization.draw(problem, 6, "gaussian", rng=0)
    scaled = sh.Initialization(1e200 * init.output, 1e200 * init.hidden)
    np.testing.assert_allclose(
        sh.align(problem, scaled).log_growth,
        sh.align(problem, init).log_growth + 200 * np.log(10),
        rtol=1e-12,
    )


def test_the_start_must_have_as_many_samples_as_the_problem():
    with pytest.raises(sh.SaddlehopError, match="3 samples but the problem has 2"):
        sh.align(sh.Problem([1.0, 2.0]), sh.Initialization([1.0], [[1.0, 1.0, 1.0]]))


@pytest.mark.parametrize("pull", [6e-87, 1e-30])
def test_a_turn_that_meets_a_death_to_within_rounding_counts_as_meeting_it(pull):
    problem = sh.Problem([-pull, -1.0])
    init = sh.Initialization([1.0], [[1.0, 1.0]])  # the second dies when a is 0 to within `pull`
    alignment = sh.align(problem, init)
    assert not alignment.stalled[0]
    assert alignment.signs[0] == -1
    np.testing.assert_array_equal(alignment.active, [[True, False]])
    assert np.isfinite(alignment.log_growth).all()
    pytest.importorskip("flint")
    certificate = sh.certify(problem, init, sh.solve_jumps(problem, init))
    assert certificate.rounded == (0,)
    assert not certificate.contradictions


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_coordinates_that_die_together_where_the_sign_changes_are_all_dead(copies):
    """φ(1) = a² − q − u² + (u − 1)² = 0 for q coordinates that die at A = 1 and one that does not."""
    last = (5**2 - copies + 1) / 2
    problem = sh.Problem(-np.ones(copies + 1))
    hidden = np.append(np.ones(copies), last)[None, :]
    aligned = sh.align(problem, sh.Initialization([5.0], hidden))
    assert aligned.active.tolist() == [[False] * copies + [True]]
    assert aligned.signs.tolist() == [-1]
