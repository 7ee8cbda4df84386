"""Small array helpers."""

import numpy as np
import pytest

from saddlehop._support.arrays import thin_svd


def test_singular_values_where_the_fast_method_does_not_converge(monkeypatch):
    matrix = np.random.default_rng(0).standard_normal((7, 4))
    wanted = np.linalg.svd(matrix, full_matrices=False)

    def gives_up(*_, **__):
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(np.linalg, "svd", gives_up)
    left, values, right = thin_svd(matrix)
    np.testing.assert_allclose(values, wanted[1], rtol=1e-14)
    np.testing.assert_allclose((left * values) @ right, matrix, atol=1e-14)
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.svd(matrix)
