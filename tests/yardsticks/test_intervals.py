import numpy as np
import pytest
from scipy import stats

from saddlehop.yardsticks.intervals import wilson


def test_wilson_is_that_of_scipy():
    for hits, total in ((0, 10), (3, 10), (10, 10), (77, 100)):
        expected = stats.binomtest(hits, total).proportion_ci(method="wilson")
        low, high = wilson(hits, total)
        assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_is_that_of_newcombe_1998():
    low, high = wilson([0, 10, 20], [20, 20, 20])
    assert low[0] == pytest.approx(0, abs=1e-15)
    assert high[2] == pytest.approx(1)
    np.testing.assert_allclose([low[1], high[1]], [0.2993, 0.7007], atol=1e-4)
