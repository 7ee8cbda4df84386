import numpy as np
import pytest

import saddlehop as sh


def test_digits_are_orthogonal_images_with_centred_labels():
    X, y = sh.load_digits()
    assert X.shape == (48, 64)
    assert abs(y.sum()) < 1e-12
    assert sh.Problem.from_data(X, y).n_samples == 48


def test_digits_as_pixels():
    pixels, y = sh.load_digits(50, orthogonal=False)
    assert pixels.min() == 0
    assert pixels.max() == 16
    assert set(np.round(y - y.min())) == set(range(10))
    np.testing.assert_allclose(sh.load_digits(50)[0], sh.orthogonalize(pixels))


@pytest.mark.parametrize("labels", ["gaussian", "sign", "uniform"])
@pytest.mark.parametrize("norms", ["unit", "lognormal", "uniform"])
def test_make_orthogonal_draws_the_laws_it_names(labels, norms):
    problem = sh.make_orthogonal(4000, labels, norms, rng=0)
    again = sh.make_orthogonal(4000, labels, norms, rng=0)
    np.testing.assert_array_equal(problem.y, again.y)
    second_moment = {"gaussian": 1, "sign": 1, "uniform": 7 / 3}[labels]
    mean_norm = {"unit": 1, "lognormal": np.exp(1 / 8), "uniform": 1.5}[norms]
    assert np.mean(problem.y**2) == pytest.approx(second_moment, rel=0.1)
    assert np.mean(problem.norms) == pytest.approx(mean_norm, rel=0.05)
    assert abs(np.mean(np.sign(problem.y))) < 0.06


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: sh.make_orthogonal(0), "`n_samples` is 0"),
        (lambda: sh.make_orthogonal(2.5), "whole number"),
        (lambda: sh.make_orthogonal(2, labels="cauchy"), "'gaussian', 'sign', 'uniform'"),
        (lambda: sh.make_orthogonal(2, norms="big"), "'unit', 'lognormal', 'uniform'"),
        (lambda: sh.make_orthogonal(2, rng="seed"), "`rng` is 'seed'"),
        (lambda: sh.make_orthogonal(2, rng=-1), "`rng` is -1"),
        (lambda: sh.load_digits(51), "pass at most 50"),
    ],
)
def test_bad_input_gets_one_sentence(build, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        build()
