import numpy as np
import pytest

import saddlehop as sh

NAMES = ["three-points", "five-points", "xor", "five-slide", "condensation", "slow-plateau"]


@pytest.mark.parametrize("name", NAMES)
def test_settings_are_whole(name):
    setting = sh.load_setting(name)
    assert setting.name == name
    assert setting.problem.n_samples == len(setting.y) == len(setting.X)
    assert setting.problem.bias == setting.bias
    assert min(map(len, (setting.law, setting.published, setting.reference))) > 10


@pytest.mark.parametrize(
    ("name", "loss"), [("three-points", 0.0875213675), ("five-points", 0.0139429806)]
)
def test_the_published_ends_are_least_squares_lines(name, loss):
    problem = sh.load_setting(name).problem
    line = np.linalg.lstsq(problem.X, problem.y, rcond=None)[0]
    assert np.mean((problem.y - problem.X @ line) ** 2) / 2 == pytest.approx(loss, abs=1e-9)


def test_the_slow_plateau_is_fitted_by_one_neuron_of_squared_norm_2():
    problem = sh.load_setting("slow-plateau").problem
    neuron = sh.Initialization.from_weights([1.0], [[0.8, 0, 0.6]], problem).network
    assert neuron.loss(problem) < 1e-28
    assert neuron.sq_norm == pytest.approx(2)


def test_unknown_settings_are_refused():
    with pytest.raises(sh.SaddlehopError, match="pass one of 'three-points'"):
        sh.load_setting("four-points")


def test_all_digits_as_they_are():
    X, y = sh.load_digits(1797, orthogonal=False)
    assert X.shape == (1797, 64)
    assert (np.round(X) == X).all()
    assert X.min() == 0
    assert X.max() == 16
    assert len(np.unique(X, axis=0)) == 1797
    counts = np.bincount(np.round(y - y.min()).astype(int))
    np.testing.assert_array_equal(counts, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    np.testing.assert_array_equal(X[:50], sh.load_digits(50, orthogonal=False)[0])
    assert sh.GeneralProblem(X, y, bias=True).rank == 62


def test_more_digits_than_there_are():
    with pytest.raises(sh.SaddlehopError, match="up to 1797 with `orthogonal=False`"):
        sh.load_digits(51)
    with pytest.raises(sh.SaddlehopError, match=r"pass at most 1797\."):
        sh.load_digits(1798, orthogonal=False)
