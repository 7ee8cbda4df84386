import numpy as np
import pytest
import scipy.sparse as sparse

import saddlehop as sh
from helpers import orthonormal_rows
from saddlehop.model import problem as problem_module


def test_sample_coordinates_are_those_of_the_theory():
    problem = sh.Problem([2.0, -3.0], norms=[1.0, 0.5])
    np.testing.assert_array_equal(problem.targets, [2.0, -6.0])
    np.testing.assert_array_equal(problem.curvatures, [1.0, 0.25])
    np.testing.assert_array_equal(problem.pulls, [1.0, -0.75])
    assert problem.n_samples == problem.n_features == 2


def test_from_data_splits_rows_into_norms_and_directions():
    directions = orthonormal_rows(4, 7, seed=0)
    norms = np.array([0.5, 1.0, 2.0, 3.0])
    problem = sh.Problem.from_data(norms[:, None] * directions, [1, 2, 3, 4])
    np.testing.assert_allclose(problem.norms, norms, rtol=1e-14)
    np.testing.assert_allclose(problem.directions, directions, atol=1e-15)
    assert problem.n_features == 7


def test_arguments_are_copied_and_results_frozen():
    y, norms = np.array([1.0, 2.0]), np.array([1.0, 1.0])
    problem = sh.Problem(y, norms)
    y[0] = norms[0] = 5
    assert problem.y[0] == problem.norms[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        problem.y[0] = 3


def test_a_read_only_view_of_a_changing_array_is_copied():
    y = np.array([1.0, 2.0])
    view = y[:]
    view.flags.writeable = False
    problem = sh.Problem(view)
    y[0] = 5
    assert problem.y[0] == 1


def test_sparse_inputs_stay_sparse():
    X = sparse.csr_array(sparse.diags_array([1.0, 2.0, 4.0], shape=(3, 10**6)))
    problem = sh.Problem.from_data(X, [1, 2, 3])
    assert sparse.issparse(problem.directions)
    np.testing.assert_array_equal(problem.norms, [1, 2, 4])
    np.testing.assert_allclose(problem.project(X), np.diag([1.0, 2.0, 4.0]))


def test_sparse_and_dense_find_the_same_rows_not_orthogonal():
    X = np.eye(6)[:4]
    X[3, 1] = 1.0
    for rows in (X, sparse.csr_array(X)):
        with pytest.raises(sh.SaddlehopError, match=r"Rows 1 and 3 .* cosine is 0\.71"):
            sh.Problem.from_data(rows, np.ones(4))


def test_orthogonality_is_checked_across_blocks(monkeypatch):
    monkeypatch.setattr(problem_module, "_BLOCK_ENTRIES", 8)
    X = orthonormal_rows(6, 8, seed=1)
    sh.Problem.from_data(X, np.ones(6))
    X[5] += 0.1 * X[2]
    with pytest.raises(sh.SaddlehopError, match="Rows 2 and 5"):
        sh.Problem.from_data(X, np.ones(6))


def test_orthogonality_check_can_be_waived_by_name():
    X = np.array([[1.0, 0.0], [1.0, 1.0]])
    assert sh.Problem.from_data(X, [1, 2], assume_orthogonal=True).n_samples == 2


def test_tiny_and_huge_rows_have_exact_norms():
    X = np.diag([3e-150, 4e150])
    np.testing.assert_allclose(sh.Problem.from_data(X, [1, 1]).norms, [3e-150, 4e150], rtol=1e-15)
    np.testing.assert_allclose(
        sh.Problem.from_data(sparse.csr_array(X), [1, 1]).norms, [3e-150, 4e150], rtol=1e-15
    )


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: sh.Problem([]), "`y` is empty"),
        (lambda: sh.Problem([[1.0]]), r"`y` has shape \(1, 1\).*numpy.ravel\(y\)"),
        (lambda: sh.Problem([1.0, np.nan]), "`y` holds nan at index 1"),
        (lambda: sh.Problem(np.ma.masked_array([1.0, 2.0], [0, 1])), "masked entries"),
        (lambda: sh.Problem([[1.0], [1.0, 2.0]]), "rows of different length"),
        (lambda: sh.Problem(np.array(["2020-01-01"], dtype="M8[D]")), "not numbers"),
        (lambda: sh.Problem([0.0, 1.0], [1e200, 1.0]), "range of floating-point"),
        (lambda: sh.Problem.from_data([[1.7e308] * 3], [1.0]), "norm overflows"),
        (lambda: sh.Problem.from_data(sparse.csr_array([[1j]]), [1.0]), "`X` is complex"),
        (lambda: sh.Problem(["a"]), "not numbers"),
        (lambda: sh.Problem([1j]), "`y` is complex"),
        (lambda: sh.Problem([1.0], [1.0, 2.0]), "`norms` has length 2 but `y` has 1"),
        (lambda: sh.Problem([1.0], [0.0]), "must be positive"),
        (lambda: sh.Problem([1.0], [-1.0]), "must be positive"),
        (lambda: sh.Problem([1e200], [1e-200]), "range of floating-point"),
        (lambda: sh.Problem([1e-200], [1e-200]), "range of floating-point"),
        (lambda: sh.Problem([1e200]), "range of floating-point"),
        (lambda: sh.Problem([1.0], directions=[[1.0, 1.0]]), "Row 0 of `directions` has norm"),
        (lambda: sh.Problem([1.0], directions=np.eye(2)), "`directions` has length 2"),
        (lambda: sh.Problem.from_data(np.eye(2), [1.0]), "`y` has length 1 but `X` has 2"),
        (lambda: sh.Problem.from_data(np.empty((0, 3)), []), "`X` is empty"),
        (lambda: sh.Problem.from_data([[np.inf]], [1.0]), r"`X` holds inf at index \(0, 0\)"),
        (lambda: sh.Problem.from_data([1.0], [1.0]), r"`X` has shape \(1,\).*`numpy.reshape\(X, "),
        (lambda: sh.Problem.from_data(np.ones((3, 2)), np.ones(3)), "3 rows in 2 dimensions"),
        (lambda: sh.Problem.from_data([[1, 0], [0, 0]], [1, 1]), "Row 1 of `X` is zero"),
        (lambda: sh.Problem.from_data([[1, 0], [1, 1e-3]], [1, 1]), "sh.orthogonalize"),
        (lambda: sh.Problem([1.0]).project(np.ones((1, 2))), "`X` has 2 columns"),
    ],
)
def test_bad_input_gets_one_sentence(build, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        build()


class Unreadable:
    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: sh.Problem(Unreadable()),
            "`y` cannot be read as an array .*; pass a NumPy array.",
        ),
        (
            lambda: sh.Problem([1.0], [1.0], np.eye(1), orth_tol=10**400),
            "a number that a float can hold",
        ),
        (
            lambda: sh.Problem([1.0], [1.0], np.eye(1), assume_orthogonal=[1, 2]),
            "pass True or False",
        ),
        (lambda: sh.load_digits(np.timedelta64(3, "s")), "pass a whole number of at least 1"),
        (lambda: sh.make_orthogonal(10**400), "the most that can be counted"),
        (
            lambda: sh.make_orthogonal(np.zeros((3, 3, 3))),
            "`n_samples` is <float64 .3, 3, 3.>; pass",
        ),
        (lambda: sh.save(None, sh.Problem([1.0])), "`path` is None; pass a path"),
        (lambda: sh.read_sweep(3), "`folder` is 3; pass a path"),
    ],
)
def test_values_of_the_wrong_kind_get_one_short_sentence(call, message):
    with pytest.raises(sh.SaddlehopError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
