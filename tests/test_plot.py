import matplotlib.pyplot as plt
import numpy as np
import pytest

import saddlehop as sh
from saddlehop import plot


@pytest.fixture
def jumps():
    problem = sh.make_orthogonal(30, rng=0)
    return sh.solve_jumps(problem, sh.Initialization.draw(problem, 8, rng=0))


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_the_staircase_steps_at_the_jumps(jumps):
    ax = plot.loss_staircase(jumps)
    values, edges, _ = ax.patches[0].get_data()
    np.testing.assert_array_equal(edges[1:-1], jumps.times)
    np.testing.assert_array_equal(values, jumps.losses)


def test_the_fan_draws_each_neuron_through_its_exponents(jumps):
    ax = plot.neuron_fan(jumps)
    lines = ax.get_lines()
    for neuron in range(jumps.width):
        np.testing.assert_array_equal(lines[neuron].get_ydata()[:-1], jumps.exponents[:, neuron])
        np.testing.assert_array_equal(lines[neuron].get_xdata()[1:-1], jumps.times)
        dashed = lines[neuron].get_linestyle() == "--"
        assert dashed == (jumps.sets.signs[neuron] < 0)
    np.testing.assert_array_equal(lines[-1].get_xdata(), jumps.times)


def test_they_draw_on_the_axes_they_are_given_and_leave_the_style_alone(jumps):
    before = dict(plt.rcParams)
    _, ax = plt.subplots()
    assert plot.loss_staircase(jumps, ax=ax) is ax
    assert plot.neuron_fan(jumps, ax=ax) is ax
    assert dict(plt.rcParams) == before


def test_a_path_without_jumps_can_be_drawn():
    problem = sh.Problem([1.0])
    jumps = sh.solve_jumps(problem, sh.Initialization([1.0], [[-1.0]]))
    figure = plot.jump_figure(jumps, title="nothing happens")
    assert figure.axes[0].get_xlim() == (0, 1)
