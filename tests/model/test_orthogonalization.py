import numpy as np
import pytest
import scipy.sparse as sparse
from scipy.linalg import polar

import saddlehop as sh
from helpers import orthonormal_rows


@pytest.fixture
def rows():
    return np.random.default_rng(0).standard_normal((5, 9))


def test_rows_are_orthogonal_with_the_same_norms(rows):
    result = sh.orthogonalize(rows)
    norms = np.linalg.norm(rows, axis=1)
    np.testing.assert_allclose(result @ result.T, np.diag(norms**2), atol=1e-12)


def test_it_is_the_polar_factor_of_the_normalised_rows(rows):
    norms = np.linalg.norm(rows, axis=1)[:, None]
    np.testing.assert_allclose(sh.orthogonalize(rows), norms * polar(rows / norms)[0], atol=1e-12)


def test_no_orthogonal_rows_are_nearer(rows):
    norms = np.linalg.norm(rows, axis=1)[:, None]
    distance = np.linalg.norm((sh.orthogonalize(rows) - rows) / norms)
    for seed in range(200):
        other = np.linalg.qr(rows.T + 0.3 * np.random.default_rng(seed).standard_normal((9, 5)))[
            0
        ].T
        other *= np.sign(np.sum(other * rows, axis=1))[:, None]
        assert np.linalg.norm(other - rows / norms) >= distance


def test_orthogonal_rows_stay(rows):
    orthogonal = orthonormal_rows(4, 6, seed=2) * np.array([[1.0], [2], [3], [4]])
    np.testing.assert_allclose(sh.orthogonalize(orthogonal), orthogonal, atol=1e-14)


def test_the_map_takes_the_rows_to_the_orthogonal_rows(rows):
    np.testing.assert_allclose(
        rows @ sh.orthogonalizing_map(rows), sh.orthogonalize(rows), atol=1e-12
    )


def test_sparse_rows(rows):
    np.testing.assert_allclose(sh.orthogonalize(sparse.csr_array(rows)), sh.orthogonalize(rows))


@pytest.mark.parametrize(
    ("X", "sentence"),
    [
        ([[1.0, 0], [2.0, 0]], "2 rows but rank 1; take them as they are"),
        (np.ones((3, 2)) + np.eye(3, 2), "3 rows but rank 2"),
        ([[1.0, 0], [0, 0]], "Row 1 of `X` is zero"),
        ([[1.0, np.nan]], "holds nan"),
    ],
)
def test_bad_input_gets_one_sentence(X, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        sh.orthogonalize(X)
