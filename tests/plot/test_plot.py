import io
import os
import shutil
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

import saddlehop as sh
from saddlehop import plot
from saddlehop.flow import reading
from saddlehop.plot.animation import eased_clock
from saddlehop.plot.assignment import assignment
from saddlehop.plot.curves import sample


@pytest.fixture
def jumps():
    problem = sh.make_orthogonal(30, rng=0)
    return sh.solve_jumps(problem, sh.Initialization.draw(problem, 8, rng=0))


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


def test_the_legend_of_the_fan_names_only_what_is_drawn():
    problem = sh.Problem([1.0, 2.0])
    jumps = sh.solve_jumps(problem, sh.Initialization([1.0, -2.0], [[1.0, 0.5], [-1.0, 0.5]]))
    names = [text.get_text() for text in plot.neuron_fan(jumps).get_legend().get_texts()]
    assert names == ["positive neuron", "never activates"]


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


@pytest.fixture(scope="module")
def setting():
    problem = sh.make_orthogonal(30, rng=0)
    init = sh.Initialization.draw(problem, 8, rng=0)
    jumps = sh.solve_jumps(problem, init)
    flows = [
        sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-6) for scale in ("1e-4", "1e-30")
    ]
    return problem, jumps, flows


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    rows = [
        {"n_samples": n, "width": m, "labels": "sign", "norms": "unit", "law": "balanced",
         "interpolates": rng.random() < 1 - n / 4**m, "sq_norm": 6 * np.sqrt(n) * (1 + 0.1 * rng.random()),
         "least_sq_norm": 2.8 * np.sqrt(n), "log10_init_scale": np.nan, "error": ""}
        for n in (10, 100, 1000) for m in (3, 5, 8) for _ in range(20)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_flows_lie_over_the_staircase_on_either_clock(setting):
    _, jumps, flows = setting
    for against in ("clock", "t"):
        ax = plot.loss_staircase(jumps, *flows, against=against)
        for line, flow in zip(ax.get_lines(), flows, strict=True):
            unit = 1.0 if against == "t" else -flow.log_init_scale
            x, y = line.get_data()
            inside = x * unit < flow.t[-1]
            np.testing.assert_allclose(y[inside], flow.loss_at((x * unit)[inside]), rtol=1e-9)
    with pytest.raises(sh.SaddlehopError, match="pass a flow"):
        plot.loss_staircase(jumps, against="t")


def test_a_flow_is_drawn_through_what_it_is_in_one_reading(monkeypatch, setting):
    flow = setting[2][0]
    readings, states_at = [], reading.states_at

    def counted(*args):
        readings.append(args)
        return states_at(*args)

    monkeypatch.setattr(reading, "states_at", counted)
    curve = sample(flow, end := 0.9 * flow.clock[-1])
    assert len(readings) == 1
    monkeypatch.undo()
    scale = -flow.log_init_scale
    t = np.minimum(curve.clock * scale, flow.t[-1])
    assert curve.clock.size > np.count_nonzero(flow.clock <= end) > 0
    np.testing.assert_allclose(curve.losses, flow.loss_at(t), rtol=1e-9)
    np.testing.assert_allclose(curve.exponents * scale, flow.log_output_at(t), atol=1e-9)


def test_the_assignment_map_colours_each_sample_by_its_jump(setting):
    _, jumps, _ = setting
    table = assignment(jumps)
    image = plot.assignment_map(jumps).images[0].get_array()
    np.testing.assert_array_equal(image, table.cells)
    for jump, (group, fitted) in enumerate(zip(jumps.neurons, jumps.samples, strict=True)):
        rows, columns = np.nonzero(image == jump)
        assert set(table.neurons[rows]) == set(group)
        assert sorted(table.samples[columns]) == fitted.tolist()
    early = plot.assignment_map(jumps, up_to=1).images[0].get_array()
    assert early.max() == 0


def test_the_norm_path_steps_to_the_norms_and_marks_the_least(setting):
    problem, jumps, flows = setting
    ax = plot.norm_path(jumps, *flows)
    values, edges, _ = ax.patches[0].get_data()
    np.testing.assert_array_equal(values, jumps.sq_norms)
    np.testing.assert_array_equal(edges[1:-1], jumps.times)
    assert ax.get_lines()[-1].get_ydata()[0] == sh.min_norm_interpolator(problem).sq_norm


def test_the_neuron_map_of_two_samples_has_their_coordinates(setting):
    problem, jumps, _ = setting
    first, second = jumps.samples[0][:2]
    ax = plot.neuron_map(problem, jumps.final, plane=(int(first), int(second)))
    ends = np.array([line.get_xydata()[-1] for line in ax.get_lines() if len(line.get_xdata())])
    network = jumps.final
    j = jumps.neurons[0][0]
    place = np.abs(network.output[j]) * network.hidden[j, [first, second]]
    assert np.abs(ends - place).sum(axis=1).min() < 1e-12


def test_the_kinks_of_a_function_of_one_variable():
    problem = sh.Problem.from_data([[1.0, 1.0], [-1.0, 1.0]], [1.0, -0.5])
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 6, rng=0))
    ax = plot.neuron_map(problem, jumps.final, plane="kinks")
    x, y = ax.get_lines()[0].get_data()
    points = np.column_stack([x, np.ones_like(x)])
    np.testing.assert_allclose(y, jumps.final.predict(points, problem), atol=1e-12)


def test_the_pl_constant_is_that_of_the_network_on_the_way(setting):
    problem, jumps, flows = setting
    ax = plot.pl_constant(flows[0], jumps=jumps, points=40)
    clock, values = ax.get_lines()[0].get_data()
    for i in (5, 20, 30):
        network = flows[0](clock[i] * -flows[0].log_init_scale)
        assert values[i] == pytest.approx(sh.local_pl_constant(problem, network), rel=1e-6)


def test_the_phase_diagram_shows_the_fractions_between_wilson_bounds(frame):
    ax = plot.phase_diagram(frame)
    for container, (_, group) in zip(ax.containers, frame.groupby("n_samples"), strict=True):
        x, y = container.lines[0].get_data()
        fraction = group.groupby("width")["interpolates"].mean()
        np.testing.assert_array_equal(x, fraction.index)
        np.testing.assert_allclose(y.astype(float), fraction)
    with pytest.raises(sh.SaddlehopError, match="no column 'width'"):
        plot.phase_diagram(frame.drop(columns="width"))


def test_the_norm_law_fits_the_slope_it_is_given(frame):
    ax = plot.norm_law(
        frame[frame["interpolates"]].assign(sq_norm=lambda f: 3 * f["n_samples"] ** 0.7)
    )
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert all("slope 0.700" in name for name in names if "slope" in name)
    assert any("slope" in name for name in names)


@pytest.mark.parametrize("suffix", [".mp4", ".gif"])
def test_a_film_is_written_whole_and_passes_all_jumps(setting, tmp_path, suffix):
    _, jumps, flows = setting
    if suffix == ".mp4" and shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not here")
    path = plot.animate(flows[0], jumps, tmp_path / f"film{suffix}", frames=4, dpi=40)
    assert path.stat().st_size > 1000
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    clock = eased_clock(flows[1], jumps, 100)
    assert (np.diff(clock) >= 0).all()
    assert clock[0] == 0
    first = np.abs(clock - jumps.times[0]) < 0.01 * clock[-1]
    assert first.sum() >= 5  # where an even film has two
    with pytest.raises(sh.SaddlehopError, match=r"ends in .mp4 or .gif"):
        plot.animate(flows[0], jumps, tmp_path / "film.avi")


FIGURES = {
    "staircase": lambda p, jumps, flows: plot.loss_staircase(jumps, *flows, jumps.predict(1e-30)),
    "fan": lambda p, jumps, flows: plot.neuron_fan(jumps, *flows),
    "assignment": lambda p, jumps, flows: plot.assignment_map(jumps),
    "norm": lambda p, jumps, flows: plot.norm_path(jumps, *flows),
    "neurons": lambda p, jumps, flows: plot.neuron_map(p, flows[1](30.0), jumps.final),
    "pl": lambda p, jumps, flows: plot.pl_constant(*flows, jumps=jumps),
    "function": lambda *_: plot.function(*five_points()),
    "utility": lambda *_: plot.utility(*five_points(), clock=20),
}


def five_points():
    problem = sh.load_setting("five-points").problem
    return problem, sh.solve_jumps(problem, sh.Initialization.draw(problem, 12, rng=2))


OLD_MATPLOTLIB = tuple(map(int, matplotlib.__version__.split(".")[:2])) < (3, 11)


@pytest.mark.skipif(
    OLD_MATPLOTLIB, reason="the images are of Matplotlib 3.11, which draws otherwise"
)
@pytest.mark.parametrize("name", [*FIGURES, "phase", "law"])
def test_figures_look_as_they_did(setting, frame, name):
    """Without text, whose shapes depend on the fonts; SADDLEHOP_BASELINES=1 draws them anew."""
    with plt.rc_context({"figure.figsize": (4, 3), "savefig.dpi": 50}):
        if name in FIGURES:
            ax = FIGURES[name](*setting)
        else:
            ax = (plot.phase_diagram if name == "phase" else plot.norm_law)(frame)
        for text in ax.figure.findobj(Text):
            text.set_visible(False)
        drawn = io.BytesIO()
        ax.figure.savefig(drawn, dpi=50)
    file = Path(__file__).parent / "baseline" / f"{name}.png"
    if os.environ.get("SADDLEHOP_BASELINES"):
        file.write_bytes(drawn.getvalue())
    new, old = plt.imread(io.BytesIO(drawn.getvalue())), plt.imread(file)
    assert new.shape == old.shape
    assert np.sqrt(np.mean((new - old) ** 2)) < 0.03


GALLERY = sorted((Path(__file__).parents[2] / "examples").glob("plot_*.py"))


@pytest.mark.parametrize("file", GALLERY, ids=lambda file: file.stem)
def test_gallery(file):
    names = {}
    exec(compile(file.read_text(), file, "exec"), names)
    assert plt.get_fignums()


def test_a_flow_with_nothing_to_add_between_its_steps_can_be_drawn(setting):
    problem, jumps, flows = setting
    early = sh.simulate_flow(problem, flows[0].init, init_scale=1e-4, t_end=1e-3)
    assert early.log_output_at([]).shape == (0, jumps.width)
    assert plot.loss_staircase(jumps, early).get_lines()[0].get_xdata()[-1] < jumps.times[0]


def test_late_jumps_that_fit_next_to_nothing_are_cut_off():
    """One label in a thousand waits for long; the picture ends where the rest is fitted."""
    problem = sh.Problem([2.0, -1.5, 1.0, 1e-3])
    sets = sh.ActiveSets.from_bool(np.eye(4, dtype=bool), [1, -1, 1, 1])
    jumps = sh.solve_jumps(problem, sets)
    assert jumps.times[-1] > 100 * jumps.times[-2]
    for draw in (plot.loss_staircase, plot.neuron_fan, plot.norm_path):
        ax = draw(jumps)
        assert jumps.times[-2] < ax.get_xlim()[1] < 2 * jumps.times[-2]
        assert f"1 more to {jumps.times[-1]:.4g} →" in [text.get_text() for text in ax.texts]
        plt.close("all")
    whole = sh.solve_jumps(sh.Problem([2.0, -1.5, 1.0, 0.5]), sets)
    assert plot.loss_staircase(whole).get_xlim()[1] > whole.times[-1]
    plt.close("all")


@pytest.mark.parametrize(
    "draw", [plot.loss_staircase, plot.neuron_fan, plot.norm_path, plot.assignment_map]
)
def test_a_flow_in_place_of_the_jumps_gets_a_sentence(draw):
    problem = sh.load_setting("xor").problem
    init = sh.Initialization.draw(problem, 6, rng=0)
    flow = sh.simulate_flow(problem, init, init_scale=1e-4)
    with pytest.raises(sh.SaddlehopError, match="`jumps` is of type GeneralFlowPath; pass one of"):
        draw(flow)


def test_jumps_of_data_as_they_are():
    problem = sh.load_setting("three-points").problem
    init = sh.Initialization.draw(problem, 10, rng=0)
    jumps = sh.solve_jumps(problem, init)
    ax = plot.loss_staircase(jumps, sh.simulate_flow(problem, init, init_scale=1e-30))
    steps = ax.patches[-1].get_data()
    assert list(steps[0]) == jumps.losses.tolist()
    ax = plot.neuron_fan(jumps)
    assert ax.get_ylim()[0] <= jumps.exponents.min()
    assert len(plot.norm_path(jumps).lines) == 0
