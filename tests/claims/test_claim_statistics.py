import numpy as np
import pytest
from scipy import stats

from saddlehop.claims.statistics import fit_line, fit_power, mean, threshold


def test_line_is_that_of_scipy():
    rng = np.random.default_rng(0)
    x, y = np.arange(9.0), 3 * np.arange(9.0) + rng.standard_normal(9)
    expected, line = stats.linregress(x, y), fit_line(x, y)
    assert line.slope.value == pytest.approx(expected.slope)
    assert line.slope.error == pytest.approx(expected.stderr)
    assert line.intercept.value == pytest.approx(expected.intercept)
    assert line.intercept.error == pytest.approx(expected.intercept_stderr)


def test_intervals_of_weighted_slopes_cover():
    """Slopes within 1.96 errors in 95 of 100 runs, for points that scatter as they say."""
    rng = np.random.default_rng(1)
    x, sigma = np.linspace(0, 1, 6), np.array([0.1, 0.1, 0.2, 0.3, 0.1, 0.2])
    lines = [fit_line(x, 2 * x + sigma * rng.standard_normal(6), sigma) for _ in range(1000)]
    inside = [low <= 2 <= high for low, high in (line.slope.interval for line in lines)]
    assert 0.93 < np.mean(inside) < 0.995


def test_points_that_scatter_more_than_they_say_widen_the_error():
    x, y = np.arange(4.0), np.array([0.0, 1.0, 0.0, 1.0])
    assert fit_line(x, y, np.full(4, 1e-6)).slope.error == pytest.approx(fit_line(x, y).slope.error)


def test_power_law_is_exact_without_noise():
    n = np.array([10.0, 100.0, 1000.0])
    line = fit_power(n, 3 * n**0.7)
    assert line.slope.value == pytest.approx(0.7)
    assert np.exp(line.intercept.value) == pytest.approx(3)


def test_mean_and_its_error():
    found = mean([1.0, 2.0, 3.0])
    assert (found.value, found.error) == pytest.approx((2.0, 1 / np.sqrt(3)))
    assert np.isnan(mean([1.0]).error)


def test_threshold_is_unbiased_and_its_interval_covers():
    rng = np.random.default_rng(2)
    levels, trials = np.array([10, 12, 14, 16, 18]), np.full(5, 200)
    chance = np.exp(-np.exp(3 - 0.3 * levels))
    truth = (3 - np.log(-np.log(0.95))) / 0.3
    found = [threshold(levels, rng.binomial(trials, chance), trials, 0.95) for _ in range(300)]
    inside = [low <= truth <= high for low, high in (one.interval for one in found)]
    assert 0.9 < np.mean(inside) <= 0.99
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.15)
