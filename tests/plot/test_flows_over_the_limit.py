"""What pictures show of flows that are not yet near the limit, and of flows that lie on it."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import saddlehop as sh
from saddlehop import plot
from saddlehop._support.brief import scale_name
from saddlehop.pages.report import report_html
from saddlehop.plot._shared import label
from saddlehop.plot.animation import eased_clock
from saddlehop.plot.curves import clock_end, rest_of, view_end

SCALES = (1e-100, 1e-2, 1e-6)


@pytest.fixture(scope="module")
def sliding():
    setting = sh.load_setting("five-slide")
    problem = setting.problem
    init = sh.Initialization.draw(problem, 6, rng=3)
    jumps = sh.solve_jumps(problem, init)
    return jumps, [sh.simulate_flow(problem, init, init_scale=scale) for scale in SCALES]


def falls_after(flow, clock):
    return flow.loss_at(-clock * flow.log_init_scale) - flow.losses[-1] > 0.01 * flow.losses[0]


def test_pictures_go_on_while_a_flow_still_falls(sliding):
    jumps, (_, _, slow) = sliding
    rest = rest_of(slow, float(slow.clock[-1]))
    assert falls_after(slow, clock_end(jumps))  # the limit's last jump is no end of this flow
    assert falls_after(slow, 0.95 * rest)
    assert not falls_after(slow, rest)
    for draw in (plot.loss_staircase, plot.neuron_fan, plot.norm_path):
        ax = draw(jumps, slow)
        assert rest < ax.get_xlim()[1] < 1.1 * rest
    _, edges, _ = plot.loss_staircase(jumps, slow).patches[0].get_data()
    assert edges[-1] == view_end(jumps, slow)
    in_t = plot.loss_staircase(jumps, slow, against="t").get_xlim()[1]
    assert in_t == pytest.approx(-slow.log_init_scale * view_end(jumps, slow))
    assert eased_clock(slow, jumps, 20)[-1] > rest


def test_they_end_at_thrice_the_limit_and_say_what_comes_later(sliding):
    jumps, (_, late, _) = sliding
    ax = plot.loss_staircase(jumps, late)
    assert ax.get_xlim()[1] < 3.2 * clock_end(jumps)
    (text,) = (text.get_text() for text in ax.texts)
    until = float(text.removeprefix("loss falls on to ").removesuffix(" →"))
    assert falls_after(late, ax.get_xlim()[1])
    assert not falls_after(late, 1.001 * until)


def test_nothing_comes_later_where_a_flow_rests_in_the_picture():
    # labels far from mean 0: after the jump the loss creeps down by little more than what is seen
    rows = [
        [120, 4, 10],
        [85, 3, 35],
        [60, 2, 50],
        [150, 5, 5],
        [70, 2, 15],
        [200, 6, 2],
        [45, 1, 60],
    ]
    problem = sh.GeneralProblem(rows, [310, 190, 120, 420, 175, 600, 80], bias=True)
    init = sh.Initialization.draw(problem, 12, rng=0)
    jumps = sh.solve_jumps(problem, init)
    for scale in (1e-2, 1e-4, 1e-60):
        flow = sh.simulate_flow(problem, init, init_scale=scale)
        ax = plot.loss_staircase(jumps, flow)
        end = ax.get_xlim()[1]
        assert falls_after(flow, end) == bool(ax.texts)
        assert falls_after(flow, end) == (rest_of(flow, flow.clock[-1]) > 3 * clock_end(jumps))


def test_they_end_with_the_limit_where_no_flow_goes_on(sliding):
    jumps, (fast, _, _) = sliding
    fast = sh.simulate_flow(fast.problem, fast.init, init_scale="1e-1000")
    assert rest_of(fast, float(fast.clock[-1])) > jumps.times[-1]
    assert view_end(jumps, fast) == clock_end(jumps)
    assert not plot.loss_staircase(jumps, fast).texts


def test_the_limit_shows_under_a_flow_that_lies_on_it(sliding):
    jumps, (fast, _, _) = sliding
    ax = plot.loss_staircase(jumps, fast)
    limit, line = ax.patches[0], ax.get_lines()[0]
    assert limit.get_zorder() < line.get_zorder()
    assert limit.get_linewidth() > 3 * line.get_linewidth()
    assert grey(limit.get_edgecolor()) > grey(line.get_color()) + 0.3


def grey(colour):
    return np.dot(to_rgb(colour), (0.299, 0.587, 0.114))


def test_a_report_orders_flows_and_gives_them_no_colour_of_neurons(sliding, monkeypatch):
    jumps, flows = sliding
    figures = {}
    monkeypatch.setattr(
        "saddlehop.pages.report._json", lambda value: figures.setdefault(len(figures), value) and ""
    )
    report_html(jumps, flows)
    staircase, layout, _, fan, *_ = figures.values()
    assert [trace["name"] for trace in staircase[1:]] == ["λ = 1e-2", "λ = 1e-6", "λ = 1e-100"]
    colours = [trace["line"]["color"] for trace in staircase[1:]]
    assert np.all(np.diff([grey(colour) for colour in colours]) < -0.1)
    for red, green, blue in map(to_rgb, colours):
        assert green > max(red, blue)
    assert [trace["line"]["color"] for trace in fan[-3:]] == colours
    assert layout["xaxis"]["range"] == [0, view_end(jumps, *flows)]
    assert layout["xaxis"]["range"][1] > clock_end(jumps)


def test_the_pl_constant_is_drawn_until_it_has_come_to_the_rate():
    problem = sh.Problem.from_data(*sh.load_digits())
    init = sh.Initialization.draw(problem, 24, rng=0)
    jumps = sh.solve_jumps(problem, init)
    flow = sh.simulate_flow(problem, init, init_scale=1e-60, rtol=1e-6)
    ax = plot.pl_constant(flow, jumps=jumps, points=60)
    clock, values = ax.get_lines()[0].get_data()
    rate = sh.asymptotic_rate(problem, flow.final)
    end = ax.get_xlim()[1]
    assert clock_end(jumps) < end < 2.9 * clock_end(jumps)
    np.testing.assert_allclose(values[clock > end], rate, rtol=0.11)


def test_runs_at_one_scale_are_told_apart(sliding):
    jumps, (flow, _, _) = sliding
    one = sh.Recording(
        flow.problem,
        flow.log_init_scale,
        np.arange(flow.t.size),
        flow.t,
        np.array([flow(t).output for t in flow.t]),
        np.array([flow(t).hidden for t in flow.t]),
        1e-8,
    )
    lines = plot.loss_staircase(jumps, flow, one).get_lines()
    assert [line.get_linestyle() for line in lines] == ["-", "-."]
    assert lines[0].get_color() == lines[1].get_color()
    colours = [line.get_color() for line in plot.loss_staircase(jumps, flow, one, one).get_lines()]
    assert np.all(np.diff([grey(colour) for colour in colours]) < -0.1)


@pytest.mark.parametrize(
    ("log10", "name", "drawn"),
    [
        (-8, "1e-8", r"$\lambda = 10^{-8}$"),
        (np.log10(0.3), "3e-1", r"$\lambda = 0.3$"),
        (-1000000, "1e-1000000", r"$\lambda = 10^{-1000000}$"),
        (np.log10(1.29e-7), "1.29e-7", r"$\lambda = 1.29 \times 10^{-7}$"),
        (np.log10(9.9996e-5), "1e-4", r"$\lambda = 10^{-4}$"),
    ],
)
def test_scales_are_named_as_they_are_typed(log10, name, drawn):
    assert scale_name(log10 * np.log(10)) == name
    assert label(SimpleNamespace(log_init_scale=log10 * np.log(10))) == drawn
