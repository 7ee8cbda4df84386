import mpmath
import numpy as np
import pytest

import saddlehop as sh


def exact(n_positive, n_negative, width):
    with mpmath.workdps(60):
        half = mpmath.mpf(1) / 2
        return mpmath.fsum(
            mpmath.binomial(width, p)
            * half**width
            * (1 - half**p) ** n_positive
            * (1 - half ** (width - p)) ** n_negative
            for p in range(width + 1)
        )


@pytest.mark.parametrize("width", [0, 1, 2, 10, 63, 64, 200, 2000])
@pytest.mark.parametrize("n_positive", [0, 1, 10, 10**6, 10**12])
@pytest.mark.parametrize("n_negative", [0, 7, 10**12])
def test_relative_error_is_below_1e_12(n_positive, n_negative, width):
    ours = sh.interpolation_probability(n_positive, n_negative, width)
    reference = exact(n_positive, n_negative, width)
    if reference < 1e-300:
        assert ours < 1e-290
    else:
        assert abs(ours / reference - 1) < 1e-12


@pytest.mark.parametrize(
    ("n", "width", "value"),
    [(20, 10, 0.376), (100, 20, 0.778), (1000, 30, 0.878), (1000, 36, 0.973)],
)
def test_values_of_the_theory(n, width, value):
    assert sh.interpolation_probability(n // 2, n // 2, width) == pytest.approx(value, abs=5e-4)


@pytest.mark.parametrize(("n", "width"), [(20, 10), (100, 20), (1000, 36)])
def test_monte_carlo_of_the_jump_process_agrees(n, width):
    trials = 4000 if n < 1000 else 1500
    rng = np.random.default_rng(7)
    problem = sh.Problem(np.where(np.arange(n) < n // 2, 1.0, -1.0) * rng.uniform(1, 2, n))
    hits = sum(
        sh.solve_jumps(problem, sh.Initialization.draw(problem, width, rng=rng)).interpolates
        for _ in range(trials)
    )
    p = sh.interpolation_probability(n // 2, n // 2, width)
    assert abs(hits / trials - p) < 3.29 * np.sqrt(p * (1 - p) / trials)


@pytest.mark.parametrize("sizes", [(10, 10), (1, 0), (10**6, 3), (10**12, 10**12)])
@pytest.mark.parametrize("probability", [0.05, 0.5, 0.95, 0.999999])
def test_required_width_is_the_least(sizes, probability):
    width = sh.required_width(*sizes, probability)
    assert sh.interpolation_probability(*sizes, width) >= probability
    assert width == 1 or sh.interpolation_probability(*sizes, width - 1) < probability


def test_no_samples_need_one_neuron_at_most():
    assert sh.interpolation_probability(0, 0, 3) == 1
    assert sh.required_width(0, 0, 0.9) == 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: sh.interpolation_probability(-1, 2, 3), "`n_positive` is -1"),
        (lambda: sh.interpolation_probability(1, 2.5, 3), "`n_negative` is 2.5"),
        (lambda: sh.interpolation_probability(1, 2, -3), "`width` is -3"),
        (lambda: sh.required_width(1, 1, 1.0), "strictly between 0 and 1"),
        (lambda: sh.required_width(1, 1, float("nan")), "strictly between 0 and 1"),
    ],
)
def test_bad_input_gets_one_sentence(call, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        call()
