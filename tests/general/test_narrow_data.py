"""Correlated inputs around one teacher make one group (Chistikov, Englert, Lazić 2306.06479, §8)."""

import numpy as np
import pytest

import saddlehop as sh


def draw(d, width, rng):
    """As many points as dimensions around a unit teacher, weights as in the paper."""
    teacher = rng.standard_normal(d)
    teacher /= np.linalg.norm(teacher)
    y = np.zeros(d)
    while not y.all():
        X = teacher + rng.standard_normal((d, d)) / np.sqrt(d)
        y = np.maximum(X @ teacher, 0)
    problem = sh.GeneralProblem(X, y)
    W = rng.standard_normal((width, d)) / np.sqrt(d * width)
    output = np.linalg.norm(W, axis=1) * rng.choice([-1.0, 1.0], width)
    return problem, sh.Initialization.from_weights(output, W, problem)


@pytest.mark.parametrize("d", [4, 16, 64])
def test_one_group_learns_the_teacher(d):
    jumps = sh.solve_jumps(*draw(d, 25, np.random.default_rng(d)))
    assert jumps.n_jumps == 1
    assert jumps.losses[-1] < 1e-24
    np.testing.assert_allclose(jumps.final.sq_norm, 2, rtol=1e-9)
    hidden = jumps.final.hidden[list(jumps.neurons[0])]
    assert np.linalg.matrix_rank(hidden, tol=1e-9) == 1


def test_the_angle_inside_the_group_falls_with_the_scale():
    problem, init = draw(16, 200, np.random.default_rng(0))
    angles = []
    for power in (6, 7, 8, 9):
        final = sh.simulate_flow(problem, init, init_scale=4.0**-power).final
        group = final.hidden[final.output > 1e-3 * final.output.max()]
        unit = group / np.linalg.norm(group, axis=1)[:, None]
        angles.append(np.max(np.linalg.norm(unit[:, None] - unit, axis=2)))
    np.testing.assert_allclose(np.divide(angles[:-1], angles[1:]), 4, rtol=0.02)
    assert 1e-3 < np.degrees(angles[0]) < 20
