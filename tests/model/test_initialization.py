import numpy as np
import pytest
import scipy.sparse as sparse

import saddlehop as sh
from helpers import orthonormal_rows


@pytest.fixture
def problem():
    return sh.Problem.from_data(2 * orthonormal_rows(5, 12, seed=0), np.arange(1.0, 6))


def test_laws_relate_output_to_hidden_weights(problem):
    balanced = sh.Initialization.draw(problem, 300, "balanced", rng=0)
    np.testing.assert_allclose(np.abs(balanced.output), balanced.hidden_norms, rtol=1e-14)
    dominated = sh.Initialization.draw(problem, 300, "dominated", rng=0)
    assert (np.abs(dominated.output) > dominated.hidden_norms).all()
    gaussian = sh.Initialization.draw(problem, 300, "gaussian", rng=0)
    assert (np.abs(gaussian.output) < gaussian.hidden_norms).any()


def test_weights_are_isotropic_in_the_input_space(problem):
    init = sh.Initialization.draw(problem, 20000, rng=0)
    assert np.var(init.hidden) == pytest.approx(1 / 12, rel=0.02)
    assert np.mean(init.off_span**2) == pytest.approx(7 / 12, rel=0.02)
    assert abs(np.mean(np.sign(init.output))) < 0.03


def test_the_same_seed_gives_the_same_start(problem):
    first, second = (sh.Initialization.draw(problem, 4, rng=3) for _ in range(2))
    np.testing.assert_array_equal(first.hidden, second.hidden)
    np.testing.assert_array_equal(first.output, second.output)


@pytest.mark.parametrize("as_sparse", [False, True])
def test_from_weights_projects_on_the_samples(problem, as_sparse):
    W = np.random.default_rng(1).standard_normal((3, 12))
    directions = problem.directions
    if as_sparse:
        problem = sh.Problem(problem.y, problem.norms, sparse.csr_array(directions))
    init = sh.Initialization.from_weights([1, -1, 2], W, problem)
    np.testing.assert_allclose(init.hidden, W @ directions.T, atol=1e-14)
    np.testing.assert_allclose(init.hidden_norms, np.linalg.norm(W, axis=1), rtol=1e-13)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda p: sh.Initialization.draw(p, 0), "`width` is 0"),
        (lambda p: sh.Initialization.draw(p, True), "`width` is True"),
        (lambda p: sh.Initialization.draw(p, 10**21), "`width` is above 9223372036854775807"),
        (lambda p: sh.Initialization.draw(p, 10**18), "weights would take"),
        (lambda p: sh.Initialization.draw(p, 3, "xavier"), "`law` is 'xavier'; pass one of"),
        (lambda p: sh.Initialization([], np.empty((0, 5))), "`output` is empty"),
        (lambda p: sh.Initialization([1.0], np.ones((2, 5))), "`hidden` has length 2"),
        (lambda p: sh.Initialization([1.0], [[np.nan]]), "`hidden` holds nan"),
        (lambda p: sh.Initialization([1.0], [[1.0]], [-1.0]), "negative entry"),
        (lambda p: sh.Initialization([1.0], [[1.0]], [1.0, 1.0]), "`off_span` has length 2"),
        (lambda p: sh.Initialization.from_weights([1.0], np.ones((1, 5)), p), "5 columns"),
    ],
)
def test_bad_input_gets_one_sentence(problem, build, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        build(problem)


def test_the_same_weights_as_a_network():
    init = sh.Initialization([1.0, -2.0], [[1.0, -1.0], [0.5, 2.0]], [0.3, 0.0])
    np.testing.assert_array_equal(init.network.output, init.output)
    np.testing.assert_array_equal(init.network.hidden, init.hidden)
