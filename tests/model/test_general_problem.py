import dataclasses
import pickle

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given

import saddlehop as sh
from general_helpers import general_problems
from helpers import orthonormal_rows

RNG = np.random.default_rng(0)
SHAPES = {
    "tall": RNG.standard_normal((7, 3)),
    "wide": RNG.standard_normal((3, 7)),
    "rank 1": np.outer(RNG.standard_normal(4), [1.0, 2.0, 3.0]),
    "rows of 0 and repeated": np.array([[0.0, 0, 0], [1, 2, 0], [1, 2, 0], [2, 4, 0], [0, 0, 3]]),
    "one sample": np.array([[3.0, 4.0]]),
    "one number": np.array([[-2.0]]),
    "far scales": np.diag([1e-100, 1.0, 1e100]),
}


def assert_basis_spans(problem, X):
    r = np.linalg.matrix_rank(X / np.where(X.any(axis=1), abs(X).max(axis=1), 1)[:, None])
    assert problem.rank == r
    size = np.abs(X).max(axis=1, keepdims=True)
    assert (np.abs(problem.coordinates @ problem.basis - X) <= 1e-14 * size).all()
    np.testing.assert_allclose(problem.basis @ problem.basis.T, np.eye(r), atol=1e-14)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
def test_coordinates_in_an_orthonormal_basis_give_the_inputs(name, kind):
    X = SHAPES[name]
    problem = sh.GeneralProblem(kind(X), np.ones(len(X)))
    assert_basis_spans(problem, X)
    again = sh.GeneralProblem(kind(X), np.ones(len(X)))
    np.testing.assert_array_equal(problem.coordinates, again.coordinates)


@given(general_problems())
def test_coordinates_of_degenerate_inputs(problem):
    assert_basis_spans(problem, problem.X)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
def test_a_bias_is_a_feature_1(kind):
    X = RNG.standard_normal((5, 2))
    problem = sh.GeneralProblem(kind(X), np.ones(5), bias=True)
    rows = problem.X.toarray() if sparse.issparse(problem.X) else problem.X
    np.testing.assert_array_equal(rows, np.column_stack([X, np.ones(5)]))
    np.testing.assert_array_equal(problem.project(kind(X)), problem.coordinates)


@pytest.mark.parametrize("kind", [np.array, sparse.csr_array])
def test_a_replaced_label_appends_no_second_feature(kind):
    X = RNG.standard_normal((5, 2))
    problem = sh.GeneralProblem(kind(X), np.ones(5), bias=True)
    for whole in (problem, pickle.loads(pickle.dumps(problem))):
        again = dataclasses.replace(dataclasses.replace(whole, y=np.zeros(5)), y=2 * np.ones(5))
        assert (again.bias, again.n_features) == (True, 3)
        np.testing.assert_array_equal(again.coordinates, problem.coordinates)
        np.testing.assert_array_equal(again.project(kind(X)), problem.coordinates)
        given = dataclasses.replace(again, bias=False)
        assert (given.bias, given.n_features) == (False, 3)
        other = dataclasses.replace(whole, X=kind(2 * X))
        np.testing.assert_allclose(other.project(kind(2 * X)), other.coordinates)
        assert other.n_features == 3


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("bias", [False, True])
def test_networks_compute_what_their_weights_in_input_space_do(name, bias):
    X = SHAPES[name]
    if name == "far scales":
        X = np.diag([0.5, 1.0, 2.0])
    y = RNG.standard_normal(len(X))
    problem = sh.GeneralProblem(X, y, bias=bias)
    output, W = RNG.standard_normal(4), RNG.standard_normal((4, problem.n_features))
    init = sh.Initialization.from_weights(output, W, problem)
    expected = np.maximum(problem.X @ W.T, 0) @ output
    np.testing.assert_allclose(init.network.outputs(problem), expected, atol=1e-13)
    np.testing.assert_allclose(init.network.predict(X, problem), expected, atol=1e-13)
    np.testing.assert_allclose(init.network.loss(problem), np.mean((y - expected) ** 2) / 2)
    np.testing.assert_allclose(init.hidden_norms, np.linalg.norm(W, axis=1))
    W_inside = init.hidden @ problem.basis
    np.testing.assert_allclose(init.off_span, np.linalg.norm(W - W_inside, axis=1), atol=1e-14)


@pytest.mark.parametrize("law", ["balanced", "dominated", "gaussian"])
def test_drawn_starts_have_norm_1_on_average_inside_and_outside_the_span(law):
    problem = sh.GeneralProblem(RNG.standard_normal((3, 12)), np.ones(3))
    init = sh.Initialization.draw(problem, 20000, law, rng=0)
    assert init.hidden.shape == (20000, 3)
    assert np.mean(init.hidden**2) == pytest.approx(1 / 12, rel=0.03)
    assert np.mean(init.off_span**2) == pytest.approx(9 / 12, rel=0.03)
    if law == "balanced":
        np.testing.assert_allclose(np.abs(init.output), init.hidden_norms)


def test_orthogonal_rows_are_their_own_basis():
    norms = np.array([2.0, 0.5, 1.0])
    directions = orthonormal_rows(3, 6, 0) * [[1], [-1], [1]]
    problem = sh.GeneralProblem(norms[:, None] * directions, np.ones(3))
    np.testing.assert_allclose(problem.coordinates, np.diag(norms), atol=1e-14)
    np.testing.assert_allclose(problem.basis, directions, atol=1e-14)


def test_independent_rows_have_triangular_coordinates_that_do_not_change_with_a_rotation():
    X = RNG.standard_normal((5, 8))
    turned = np.linalg.qr(RNG.standard_normal((8, 8)))[0]
    coordinates = sh.GeneralProblem(X, np.ones(5)).coordinates
    np.testing.assert_allclose(np.triu(coordinates, 1), 0, atol=1e-14)
    assert (np.diagonal(coordinates) > 0).all()
    again = sh.GeneralProblem(X @ turned, np.ones(5)).coordinates
    np.testing.assert_allclose(again, coordinates, atol=1e-13)


def test_from_data_names_both_ways_out():
    X = np.array([[1.0, 0.0], [1.0, 1.0]])
    for rows in (X, np.ones((3, 2))):
        with pytest.raises(sh.SaddlehopError, match=r"`sh.GeneralProblem\(X, y\)`"):
            sh.Problem.from_data(rows, np.ones(len(rows)))
    with pytest.raises(sh.SaddlehopError, match=r"`sh.orthogonalize\(X\)`"):
        sh.Problem.from_data(X, [1.0, 2.0])


SKEW = sh.GeneralProblem([[1.0, 0.0], [1.0, 1.0]], [1.0, -1.0])
START = sh.Initialization.draw(SKEW, 3, rng=0)
FLAT = sh.Problem([1.0, 2.0])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: sh.GeneralProblem([[1.0], [np.nan]], [1, 2]), r"`X` holds nan at index \(1, 0\)"),
        (lambda: sh.GeneralProblem([[1.0], [2.0]], [1, np.inf]), "`y` holds inf at index 1"),
        (lambda: sh.GeneralProblem(np.zeros((0, 2)), []), "`X` is empty"),
        (lambda: sh.GeneralProblem([[1.0], [2.0]], [1]), "`y` has length 1 but `X` has 2"),
        (lambda: sh.GeneralProblem(np.zeros((2, 2)), [1, 2]), "All rows of `X` are 0"),
        (lambda: sh.GeneralProblem(sparse.csr_array((2, 2)), [1, 2]), "All rows of `X` are 0"),
        (lambda: sh.GeneralProblem([[1e200]], [1]), "norm of size 1e\\+200"),
        (lambda: sh.GeneralProblem([[1.0]], [1e-200]), "label of size 1e-200"),
        (lambda: sh.GeneralProblem([[1.0]], [1], bias=1), "`bias` is 1; pass True or False"),
        (lambda: SKEW.project(np.ones((1, 3))), "3 columns but the problem was given 2"),
        (lambda: sh.Initialization.from_weights([1], [[1]], SKEW), "`W` has 1 columns"),
        (lambda: sh.align(SKEW, sh.Initialization([1], [[1]])), "1 coordinates but .* rank 2"),
        (lambda: sh.align(SKEW, sh.Initialization([0], [[0, 0]])), "`init` is 0 throughout"),
        (lambda: sh.align(SKEW, None), "`init` is of type NoneType"),
        (lambda: sh.align(None, START), "`problem` is of type NoneType"),
        (lambda: sh.Network([1.0], [[1.0]]).outputs(SKEW), "rank 2 but .* 1 coordinates"),
        (lambda: sh.min_norm_interpolator(SKEW), "smallest interpolator .* `sh.simulate_flow"),
        (lambda: sh.certify(SKEW, START, None), "certificates .* `sh.simulate_flow"),
        (lambda: sh.local_pl_constant(SKEW, START.network), "`sh.simulate_flow"),
        (lambda: sh.asymptotic_rate(SKEW, START.network), "`sh.simulate_flow"),
        (lambda: sh.ActiveSets.draw(SKEW, 3), "`sh.Initialization.draw"),
        (lambda: sh.SampleBlocks.from_sets(SKEW, None), "blocks .* `sh.align"),
        (lambda: sh.interpolation_probability(SKEW, 1, 2), "pass two counts"),
        (lambda: sh.extremal_vectors(FLAT), r"`sh.GeneralProblem\(X, y\)`"),
        (lambda: sh.extremal_vectors(SKEW, [1.0]), "`residuals` has length 1"),
        (lambda: sh.extremal_vectors(SKEW, starts=0), "`starts` is 0"),
        (lambda: sh.extremal_vectors(SKEW, starts=sh.Initialization([1], [[1]])), "rank 2"),
    ],
)
def test_bad_input_gets_one_sentence(call, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        call()
