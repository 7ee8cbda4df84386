"""Figures of data as they are: the learned function, the circle of directions, the film of both."""

import numpy as np
import pytest

import saddlehop as sh
from saddlehop import plot
from saddlehop.plot.scenes import scene_of
from saddlehop.plot.stages import stage_of
from saddlehop.plot.utility import plane_of


@pytest.fixture(scope="module")
def five_points():
    problem = sh.load_setting("five-points").problem
    init = sh.Initialization.draw(problem, 12, rng=2)
    jumps = sh.solve_jumps(problem, init)
    return problem, init, jumps, sh.simulate_flow(problem, init, init_scale=1e-6, rtol=1e-6)


def markers(ax, marker):
    """Where single marks of one kind were drawn, with their artists."""
    lines = [line for line in ax.get_lines() if line.get_marker() == marker]
    return [line for line in lines if len(line.get_xdata()) == 1]


def places(lines):
    return np.array([line.get_xydata()[0] for line in lines]).reshape(-1, 2)


def test_the_function_is_what_the_network_predicts_and_bends_at_its_kinks():
    problem = sh.GeneralProblem([[-1.0], [0.0], [1.0]], [0.0, 1.0, 0.5], bias=True)
    network = sh.Network(
        [1.0, 1.0, -2.0, 1e-9], [[1.0, -0.5], [2.0, -1.0], [-1.0, -0.5], [1.0, 0.3]]
    )
    ax = plot.function(problem, network)
    x, y = ax.get_lines()[0].get_data()
    by_hand = 3 * np.maximum(x - 0.5, 0) - 2 * np.maximum(-x - 0.5, 0)  # 1 (x − ½)₊ + (2x − 1)₊ − …
    np.testing.assert_allclose(y, by_hand, atol=1e-8)
    np.testing.assert_allclose(
        places(markers(ax, "o")), [[0.5, 0]], atol=1e-6
    )  # two copies, one mark
    np.testing.assert_allclose(places(markers(ax, "s")), [[-0.5, 0]], atol=1e-6)
    positive, negative = markers(ax, "o")[0], markers(ax, "s")[0]
    sizes = [(line.get_markersize() - 3.5) / 7 for line in (positive, negative)]
    assert sizes[0] == pytest.approx(1)
    assert sizes[1] == pytest.approx(np.sqrt(2 / 3))  # 2 · 1.118 to 1.118 + 2.236


def test_the_function_of_a_limit_is_drawn_at_each_saddle_and_of_a_flow_when_asked(five_points):
    problem, _, jumps, flow = five_points
    lines = plot.function(problem, jumps, kinks=False).get_lines()
    assert len(lines) == jumps.n_jumps + 1  # and the data
    for i in range(jumps.n_jumps):
        x, y = lines[i].get_data()
        network = jumps.saddle(i + 1)
        np.testing.assert_allclose(y, network.predict(x[:, None], problem), atol=1e-12)
    clocks = [jumps.times[0] * 1.2, jumps.times[-1] * 1.2]
    ax = plot.function(problem, flow, jumps, clock=clocks, kinks=False)
    for line, clock in zip(ax.get_lines(), clocks, strict=False):
        x, y = line.get_data()
        t = min(clock * -flow.log_init_scale, flow.t[-1])
        np.testing.assert_allclose(y, flow(t).predict(x[:, None], problem), atol=1e-12)
    assert [line.get_linestyle() for line in ax.get_lines()[:4]] == ["-", "-", "--", "--"]
    x, y = plot.function(problem, flow, t=3.0).get_lines()[0].get_data()
    np.testing.assert_allclose(y, flow(3.0).predict(x[:, None], problem), atol=1e-15)


def test_kinks_far_from_the_data_are_counted_not_drawn():
    problem = sh.GeneralProblem([[-1.0], [1.0]], [0.0, 1.0], bias=True)
    network = sh.Network([1.0, 1.0, -1.0], [[1.0, 50.0], [1.0, 0.0], [1.0, -50.0]])
    ax = plot.function(problem, network)
    assert [text.get_text() for text in ax.texts] == ["← kinks: 1", "kinks: 1 →"]
    assert -2 < ax.get_xlim()[0] < ax.get_xlim()[1] < 2


def test_what_has_no_function_of_one_input_gets_a_sentence(five_points):
    problem, init, jumps, flow = five_points
    xor = sh.load_setting("xor").problem
    with pytest.raises(sh.SaddlehopError, match="no one-dimensional inputs with bias"):
        plot.function(xor, jumps)
    with pytest.raises(sh.SaddlehopError, match="There is no network to draw"):
        plot.function(problem)
    with pytest.raises(sh.SaddlehopError, match="Both `clock` and `t` are given"):
        plot.function(problem, flow, clock=1, t=1)
    with pytest.raises(sh.SaddlehopError, match="no times t of its own; pass `clock`"):
        plot.function(problem, jumps, t=1)
    with pytest.raises(sh.SaddlehopError, match="A Initialization holds no network"):
        plot.function(problem, init)
    with pytest.raises(sh.SaddlehopError, match=r"pass it to `plot.utility`"):
        plot.neuron_map(problem, jumps.final)


def test_the_curve_is_the_utility_and_the_stars_its_extremal_vectors(five_points):
    problem, *_ = five_points
    ax = plot.utility(problem)
    angle = np.linspace(0, 2 * np.pi, 1441)
    rows = np.column_stack([problem.X[:, 0], np.ones(5)])
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    height = (
        sum(y * np.maximum(circle @ row, 0) for y, row in zip(problem.y, rows, strict=True)) / 5
    )
    curve = next(
        line for line in ax.get_lines() if len(line.get_xdata()) == 1441 and line.get_lw() > 1
    )
    radius = np.linalg.norm(curve.get_xydata(), axis=1)
    np.testing.assert_allclose((radius - 1) / 0.3, height / np.abs(height).max(), atol=1e-12)
    stars = markers(ax, "*")
    found = sh.extremal_vectors(problem, rng=0)
    assert len(stars) == found.rates.size == 4
    for line, vector in zip(stars, found.directions, strict=True):
        place = line.get_xydata()[0]
        np.testing.assert_allclose(place / np.linalg.norm(place), vector, atol=1e-12)
    # angles published for this setting: 2.521343 draws a > 0; 6.166077 and 0.785398 draw a < 0
    angles = [np.arctan2(*line.get_xydata()[0][::-1]) % (2 * np.pi) for line in stars[:3]]
    np.testing.assert_allclose(angles, [2.521343, 6.166077, 0.785398], atol=1e-6)
    walls = [line for line in ax.get_lines() if line.get_lw() == 0.6]
    assert len(walls) == 5
    for line, row in zip(walls, rows, strict=True):
        assert abs(line.get_xydata()[0] @ row) < 1e-9


def test_dormant_neurons_stand_where_alignment_takes_them(five_points):
    problem, init, jumps, _ = five_points
    alignment = sh.align(problem, init)
    scene = scene_of(problem, jumps, 0.0, None)
    moving = np.isin(alignment.states, ("growing", "decaying"))
    assert moving.sum() >= 5
    assert {"growing", "decaying"} <= set(alignment.states)
    np.testing.assert_allclose(scene.headings, alignment.directions[moving], atol=1e-9)
    np.testing.assert_array_equal(scene.signs, alignment.signs[moving])
    assert scene.note == f"{np.sum(alignment.states == 'dead')} dead"
    aligned = scene_of(problem, alignment, None, None)
    np.testing.assert_array_equal(aligned.headings, alignment.directions)


def test_active_neurons_are_arrows_of_their_size(five_points):
    problem, _, jumps, flow = five_points
    ax = plot.utility(problem, jumps)
    final = jumps.final
    wanted = [
        (np.abs(final.output[group, None]) * final.hidden[group]).sum(axis=0)
        for group in (final.output > 0, final.output < 0)
    ]
    longest = max(np.linalg.norm(arrow) for arrow in wanted)
    for marker, arrow in zip("os", wanted, strict=True):
        ends = [line.get_xydata()[0] for line in markers(ax, marker) if line.get_markersize() == 6]
        drawn = [end for end in ends if np.linalg.norm(end) > 0]
        np.testing.assert_allclose(drawn, [arrow * 0.62 / longest], atol=1e-9)
    scene = scene_of(problem, flow, None, float(flow.t[-1]))
    end = flow.final
    sizes = np.abs(end.output) * np.linalg.norm(end.hidden, axis=1)
    np.testing.assert_allclose(scene.sizes, np.where(sizes > 0.01, sizes, 0), rtol=1e-9)
    np.testing.assert_allclose(
        scene.headings, end.hidden / np.linalg.norm(end.hidden, axis=1)[:, None]
    )
    start = scene_of(problem, flow, None, 0.0)
    assert not start.sizes.any()


def test_the_legend_of_the_circle_names_only_what_is_drawn():
    problem = sh.GeneralProblem([[1.0, 0.0, 0.2], [0.0, 1.0, 0.3]], [1.0, 0.5])
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 8, rng=0))
    assert jumps.interpolates
    ax = plot.utility(problem, jumps)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["positive neuron"]
    ax = plot.utility(problem)
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["positive neurons grow", "negative neurons grow", "draws positive neurons"]


def test_of_more_coordinates_the_plane_holds_the_first_two_extremal_vectors():
    rng = np.random.default_rng(0)
    X = np.column_stack([*np.sign(rng.standard_normal((2, 40))), rng.standard_normal(40)])
    problem = sh.GeneralProblem(X, X[:, 2] - X[:, 0] * X[:, 1])
    found = sh.extremal_vectors(problem, rng=0)
    plane = plane_of(problem, found, scene_of(problem, None, None, None))
    np.testing.assert_allclose(plane @ plane.T, np.eye(2), atol=1e-12)
    for vector in found.directions[:2]:
        assert np.linalg.norm(plane @ vector) == pytest.approx(1)
    ax = plot.utility(problem, sh.Initialization.draw(problem, 6, rng=0))
    off = np.linalg.norm(found.directions @ plane.T, axis=1) < 0.99
    name = f"plane of two extremal vectors, {off.sum()} more off it, of 3 coordinates"
    assert name in [t.get_text() for t in ax.texts]
    stars = markers(ax, "*")
    assert sum(star.get_alpha() < 0.5 and star.get_markersize() < 10 for star in stars) == off.sum()
    rates = [f"{rate:.3g}" for rate in found.rates[~off]]
    assert sorted(t.get_text() for t in ax.texts if t.get_text() != name) == sorted(rates)
    with pytest.raises(sh.SaddlehopError, match="rank 1, where there are two directions"):
        plot.utility(sh.GeneralProblem([[1.0], [2.0]], [1.0, 1.0]))


def test_the_film_shows_function_circle_and_loss_at_the_same_moment(five_points, tmp_path):
    problem, _, jumps, flow = five_points
    figure, draw = stage_of(flow, jumps)
    clock = float(jumps.times[0])
    draw(clock)
    top, left, right = figure.axes
    assert top.get_lines()[-1].get_xdata()[0] == clock
    network = flow(clock * -flow.log_init_scale)
    x, y = left.get_lines()[0].get_data()
    np.testing.assert_allclose(y, network.predict(x[:, None], problem), atol=1e-12)
    assert (
        len(markers(right, "*"))
        == sh.extremal_vectors(problem, problem.y - network.outputs(problem), rng=0).rates.size
    )
    path = plot.animate(flow, jumps, tmp_path / "film.gif", frames=3, dpi=30)
    assert path.stat().st_size > 1000
    orthogonal = sh.Problem([1.0, -1.0])
    start = sh.Initialization.draw(orthogonal, 4, rng=0)
    with pytest.raises(sh.SaddlehopError, match="pass the flow and the limit of one problem"):
        plot.animate(flow, sh.solve_jumps(orthogonal, start), tmp_path / "film.gif")


def test_a_film_of_several_inputs_shows_the_fan():
    problem = sh.load_setting("slow-plateau").problem
    init = sh.Initialization.draw(problem, 4, rng=1)
    jumps = sh.solve_jumps(problem, init)
    flow = sh.simulate_flow(problem, init, init_scale=1e-4, rtol=1e-6, t_end=0.2)
    figure, draw = stage_of(flow, jumps)
    draw(0.5 * float(flow.clock[-1]))
    assert [ax.get_ylabel()[:8] for ax in figure.axes] == ["loss  $\\", "exponent", ""]


def test_a_recorded_run_is_drawn_like_a_flow(five_points):
    problem, _, _, flow = five_points
    networks = [flow(t) for t in (0.0, 50.0, 100.0)]
    run = sh.Recording(
        problem,
        flow.log_init_scale,
        steps=np.arange(3),
        t=np.array([0.0, 50.0, 100.0]),
        output=np.array([network.output for network in networks]),
        hidden=np.array([network.hidden for network in networks]),
        rtol=1e-9,
    )
    for line, t in zip(
        plot.function(problem, run, t=[0, 50]).get_lines(), (0.0, 50.0), strict=False
    ):
        x, y = line.get_data()
        np.testing.assert_allclose(y, flow(t).predict(x[:, None], problem), atol=1e-12)
    np.testing.assert_array_equal(
        scene_of(problem, run, 1e9, None).headings, scene_of(problem, flow, None, 100.0).headings
    )
