import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import saddlehop as sh
from general_helpers import general_problems


def angles(problem, found):
    w = found.directions @ problem.basis
    return np.arctan2(w[:, 1], w[:, 0]) % (2 * np.pi)


def test_three_points_have_one():
    problem = sh.load_setting("three-points").problem
    found = sh.extremal_vectors(problem, rng=0)
    assert found.is_complete
    np.testing.assert_allclose(found.rates, [0.714969], atol=1e-6)
    np.testing.assert_allclose(angles(problem, found), [1.940481], atol=1e-6)
    np.testing.assert_array_equal(found.signs, [1])
    spread = np.arctan(0.75) + np.arctan(0.125)  # of the inputs: the rest of a half-turn is dead
    assert found.shares[0] == pytest.approx((np.pi + spread) / (4 * np.pi), abs=0.05)


def test_three_points_at_the_line_of_least_squares():
    problem = sh.load_setting("three-points").problem
    line = np.linalg.lstsq(problem.X, problem.y, rcond=None)[0]
    found = sh.extremal_vectors(problem, problem.y - problem.X @ line, rng=0)
    np.testing.assert_array_equal(found.signs, [1, 1])
    np.testing.assert_allclose(found.rates, 0.030579, atol=1e-6)
    np.testing.assert_allclose(np.sort(angles(problem, found)), [0.46365, 3.60524], atol=1e-5)
    np.testing.assert_array_equal(found.active[:, 1], 0)


def test_five_points():
    problem = sh.load_setting("five-points").problem
    found = sh.extremal_vectors(problem, rng=0)
    np.testing.assert_array_equal(found.signs, [1, -1, -1, 1])
    np.testing.assert_allclose(found.rates[:3], [0.0757, 0.017117, 0.012445], atol=1e-6)
    assert found.rates[3] < 0
    expected = [2.521343, 6.166077, np.pi / 4, 0.540420]
    np.testing.assert_allclose(angles(problem, found), expected, atol=1e-6)
    np.testing.assert_array_equal(found.active[0], 1)
    np.testing.assert_array_equal(found.active[1], [-1, -1, -1, 1, 1])
    np.testing.assert_array_equal(found.active[2], [0, 1, 1, 1, 1])


def test_xor_has_four():
    problem = sh.load_setting("xor").problem
    found = sh.extremal_vectors(problem, rng=0)
    np.testing.assert_allclose(found.rates, [np.sqrt(2) / 4] * 4)
    np.testing.assert_allclose(found.shares, 0.25, atol=0.1)
    assert found.shares.sum() == 1
    np.testing.assert_array_equal(found.signs, np.sign(np.prod(found.directions, axis=1)))


@given(general_problems(max_features=2), st.integers(0, 100))
def test_in_the_plane_no_start_ends_where_none_is_listed(problem, seed):
    listed = sh.extremal_vectors(problem, starts=1, rng=seed + 10**9)
    reached = sh.extremal_vectors(problem, starts=40, rng=seed + 10**9)
    if listed.is_complete:
        assert listed.rates.size == reached.rates.size


def value(problem, w):
    return problem.y @ np.maximum(problem.coordinates @ w, 0) / problem.n_samples


@pytest.mark.parametrize(("n", "d"), [(8, 2), (9, 3), (12, 4)])
def test_they_are_extrema_of_the_utility(n, d):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        problem = sh.GeneralProblem(rng.standard_normal((n, d)), rng.standard_normal(n))
        found = sh.extremal_vectors(problem, starts=60, rng=seed + 10**6)
        assert found.rates.size
        assert (np.diff(found.rates) <= 0).all()
        for w, sign, rate in zip(found.directions, found.signs, found.rates, strict=True):
            assert sign * value(problem, w) == pytest.approx(rate, rel=1e-10)
            for step in 1e-4 * rng.standard_normal((50, d)):
                near = (w + step) / np.linalg.norm(w + step)
                assert sign * value(problem, near) < rate + 1e-14


def test_given_starts_are_followed():
    problem = sh.load_setting("xor").problem
    starts = sh.Initialization([1.0, 1.0], [[1.0, 0.1], [1.0, 0.2]])
    found = sh.extremal_vectors(problem, starts=starts)
    np.testing.assert_array_equal(np.sort(found.shares), [0, 0, 0, 1])
    assert found.n_starts == 2
