import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import minimize

import saddlehop as sh
from helpers import problems


@given(problems(max_samples=30))
def test_it_interpolates_without_a_duality_gap(problem):
    best = sh.min_norm_interpolator(problem)
    np.testing.assert_allclose(best.network.outputs(problem), problem.y, atol=1e-13)
    assert best.sq_norm == pytest.approx(best.network.sq_norm, rel=1e-13)
    assert abs(best.duality_gap) <= 1e-12 * max(1, best.sq_norm)


@given(problems(max_samples=10))
def test_the_dual_variables_are_feasible(problem):
    alpha = sh.min_norm_interpolator(problem).dual
    w = np.random.default_rng(0).standard_normal((500, problem.n_samples))
    w /= np.linalg.norm(w, axis=1)[:, None]
    assert np.abs(np.maximum(w * problem.norms, 0) @ alpha).max() <= 1 + 1e-12


def test_no_local_search_finds_a_smaller_interpolator():
    problem = sh.make_orthogonal(3, norms="uniform", rng=5)
    best = sh.min_norm_interpolator(problem).sq_norm
    rng = np.random.default_rng(0)

    def penalised(theta):
        """Squared norm and a penalty for labels that are not fitted, with the gradient of both."""
        a, u = theta[:4], theta[4:].reshape(4, 3)
        excess = problem.norms * (a @ np.maximum(u, 0)) - problem.y
        slope = 2e4 * excess * problem.norms
        gradient = np.concatenate(
            [np.maximum(u, 0) @ slope, (a[:, None] * (u > 0) * slope).ravel()]
        )
        return theta @ theta + 1e4 * excess @ excess, 2 * theta + gradient

    starts = rng.standard_normal((10, 16))
    found = [minimize(penalised, start, jac=True, method="BFGS").fun for start in starts]
    assert min(found) == pytest.approx(best, rel=1e-2)
    assert min(found) > best * (1 - 1e-3)


def test_theory_example_of_two_samples():
    problem = sh.Problem.from_data([[-0.5, 1], [2, 1]], [-1, 1])
    assert sh.min_norm_interpolator(problem).sq_norm == pytest.approx(2.683282, abs=1e-6)
