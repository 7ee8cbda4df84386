import numpy as np
import pytest

import saddlehop as sh
from helpers import orthonormal_rows


@pytest.fixture
def problem():
    return sh.Problem.from_data(
        np.array([[1.0], [2.0], [0.5]]) * orthonormal_rows(3, 6, seed=0), [1.0, -2.0, 3.0]
    )


@pytest.fixture
def network():
    return sh.Network([1.0, -2.0], [[1.0, -1.0, 0.5], [0.5, 2.0, -1.0]])


def test_outputs_follow_from_the_definition_in_input_space(problem, network):
    W = network.hidden @ problem.directions
    X = problem.norms[:, None] * problem.directions
    expected = np.maximum(X @ W.T, 0) @ network.output
    np.testing.assert_allclose(network.outputs(problem), expected, atol=1e-14)
    np.testing.assert_allclose(network.predict(X, problem), expected, atol=1e-14)
    assert network.loss(problem) == pytest.approx(np.sum((problem.y - expected) ** 2) / 6)


def test_predict_ignores_what_is_outside_the_span(problem, network):
    x = np.random.default_rng(0).standard_normal((4, 6))
    inside = x @ problem.directions.T @ problem.directions
    np.testing.assert_allclose(network.predict(x, problem), network.predict(inside, problem))


def test_without_directions_points_are_in_sample_coordinates(network):
    problem = sh.Problem([1.0, 2.0, 3.0])
    np.testing.assert_allclose(network.predict(np.eye(3), problem), network.outputs(problem))


def test_sq_norm_and_contributions(network):
    assert network.sq_norm == 5 + 2.25 + 5.25
    np.testing.assert_array_equal(network.contributions, [[1, 0, 0.5], [-1, -4, 0]])


def test_sizes_must_agree(network):
    with pytest.raises(sh.SaddlehopError, match="`hidden` has length 1 but `output` has 2"):
        sh.Network([1.0, 2.0], [[1.0]])
    with pytest.raises(sh.SaddlehopError, match="sample axis has 3"):
        network.outputs(sh.Problem([1.0]))
