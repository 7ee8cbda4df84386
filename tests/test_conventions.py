"""Each conversion against plain gradient descent written in the other convention."""

import doctest

import numpy as np
import pytest

import saddlehop as sh
from saddlehop import conventions
from saddlehop.conventions import Convention

LR, STEPS = 1e-3, 400


def descend(output, hidden, problem, lr, steps, slope_of, divisor=1.0):
    """Gradient descent on a loss with dL/dh_k = slope_of(r), network h / divisor."""
    a, u = output.copy(), hidden.copy()
    for _ in range(steps):
        positive = np.maximum(u, 0)
        residual = problem.y - problem.norms * (a @ positive) / divisor
        pull = problem.norms * slope_of(residual)
        a, u = a + lr * positive @ pull, u + lr * np.outer(a, pull) * (u > 0)
    residual = problem.y - problem.norms * (a @ np.maximum(u, 0)) / divisor
    return a, u, residual


@pytest.fixture(scope="module")
def setting():
    problem = sh.make_orthogonal(12, norms="uniform", rng=0)
    return problem, sh.Initialization.draw(problem, 6, rng=1)


@pytest.mark.parametrize("loss", conventions.LOSSES)
def test_losses_run_at_their_speed(setting, loss):
    """lr in their convention does to the bit scale what lr · speed does in ours."""
    problem, init = setting
    n, m = problem.n_samples, init.width
    theirs = Convention(loss)
    gradients = {  # −dL/dh of each loss, written out
        "half-mean": lambda r: r / n,
        "mean": lambda r: 2 * r / n,
        "half-sum": lambda r: r,
        "sum": lambda r: 2 * r,
        "mean-field": lambda r: r / n,  # m/(2n) Σ r² of h/m: the two m cancel
    }
    values = {
        "half-mean": lambda r: np.mean(r**2) / 2,
        "mean": lambda r: np.mean(r**2),
        "half-sum": lambda r: np.sum(r**2) / 2,
        "sum": lambda r: np.sum(r**2),
        "mean-field": lambda r: m * np.mean(r**2) / 2,
    }
    unit = theirs.weight_unit(m)
    divisor = m if loss == "mean-field" else 1.0
    a, u, r = descend(
        unit * init.output, unit * init.hidden, problem, LR, STEPS, gradients[loss], divisor
    )
    ours = float(theirs.time(1, LR, problem))
    a0, u0, r0 = descend(init.output, init.hidden, problem, ours, STEPS, gradients["half-mean"])
    np.testing.assert_allclose(a / unit, a0, rtol=1e-10)
    np.testing.assert_allclose(u / unit, u0, rtol=1e-10, atol=1e-12)
    half_mean = np.mean(r0**2) / 2
    np.testing.assert_allclose(theirs.our_loss(values[loss](r), problem, m), half_mean)
    np.testing.assert_allclose(theirs.their_loss(half_mean, problem, m), values[loss](r))


def test_steps_and_time_are_inverse():
    steps = np.array([0.0, 1.0, 1e6])
    for loss in conventions.LOSSES:
        t = conventions.time_of_steps(steps, 0.1, loss, n_samples=7, momentum=0.9)
        back = conventions.steps_of_time(t, 0.1, loss, n_samples=7, momentum=0.9)
        np.testing.assert_allclose(back, steps)
    assert conventions.time_of_steps(10, 0.1, n_samples=3, momentum=0.9) == pytest.approx(10)


@pytest.mark.parametrize("loss", ["half-mean", "mean-field"])
@pytest.mark.parametrize("std", conventions.STDS)
def test_starts_have_the_published_spread(std, loss):
    problem = sh.Problem(np.ones(200), directions=np.eye(200, 300))
    m, d = 500, 300
    theirs = Convention(loss, std, output="iid")
    init = theirs.draw(problem, m, rng=0)
    scale = np.exp(theirs.log_init_scale(1e-3, m, problem)) * theirs.weight_unit(m)
    expected = (
        1e-3 * {"lambda/sqrt(md)": (m * d) ** -0.5, "lambda/sqrt(m)": m**-0.5, "lambda": 1}[std]
    )
    assert scale * init.hidden.std() == pytest.approx(expected, rel=0.01)
    assert scale * init.output.std() == pytest.approx(expected, rel=0.1)
    off_span = scale * init.off_span
    assert np.sqrt(np.mean(off_span**2) / (d - 200)) == pytest.approx(expected, rel=0.02)


def test_laws_of_the_output_are_those_of_draw(setting):
    problem, _ = setting
    for law in ("balanced", "dominated", "gaussian"):
        ours = sh.Initialization.draw(problem, 5, law, rng=3)
        theirs = Convention(output=law).draw(problem, 5, rng=3)
        np.testing.assert_array_equal(ours.output, theirs.output)
        np.testing.assert_array_equal(ours.hidden, theirs.hidden)


def test_scales_below_the_smallest_float_pass(setting):
    log_scale = Convention(std="lambda").log_init_scale("1e-1000", 6, setting[0])
    assert log_scale == pytest.approx(-1000 * np.log(10) + np.log(12) / 2)


def test_bad_input_gets_one_sentence(setting):
    with pytest.raises(sh.SaddlehopError, match="pass one of 'half-mean', 'mean'"):
        Convention("mse")
    with pytest.raises(sh.SaddlehopError, match="`std` is 'xavier'"):
        Convention(std="xavier")
    with pytest.raises(sh.SaddlehopError, match="`output` is 'zero'"):
        Convention(output="zero")
    with pytest.raises(sh.SaddlehopError, match="positive finite learning rate"):
        Convention().time(1, 0.0, setting[0])
    with pytest.raises(sh.SaddlehopError, match="`momentum` is 1"):
        Convention().time(1, 0.1, setting[0], momentum=1)
    with pytest.raises(sh.SaddlehopError, match="`steps`"):
        Convention().time("ten", 0.1, setting[0])
    with pytest.raises(sh.SaddlehopError, match="`loss`"):
        Convention().our_loss("low", setting[0], 6)
    with pytest.raises(sh.SaddlehopError, match="`lr` is 'fast'; pass a number"):
        Convention().time(1, "fast", setting[0])
    with pytest.raises(sh.SaddlehopError, match="`momentum` is None; pass a number"):
        Convention().time(1, 0.1, setting[0], momentum=None)


def test_the_example_is_right():
    assert doctest.testmod(conventions).failed == 0
