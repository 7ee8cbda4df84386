"""Neurons that grow along a wall: on whole numbers D·x_k may be 0, and what little is learned decides."""

import mpmath as mp
import numpy as np
import pytest

import saddlehop as sh

ROWS, LABELS = [[2, 1], [1, -1], [0, -1]], [1, 1, 1]
CLOCK = 2 / 3 + 1 / np.sqrt(10)  # from −1 to −1/3 at rate 1, then at rate √10 / 3


def one_neuron():
    """D = (1, 0), along the wall of (0, −1), which the neuron has not reached."""
    problem = sh.GeneralProblem(ROWS, LABELS)
    return problem, sh.Initialization.from_weights([np.hypot(1, 0.2)], [[1, 0.2]], problem)


def whole_numbers(seed):
    rng = np.random.default_rng(seed)
    n, d, m = (int(rng.integers(*ends)) for ends in ((2, 6), (2, 4), (1, 6)))
    X = rng.integers(-2, 3, (n, d)).astype(float)
    problem = sh.GeneralProblem(X, rng.integers(-2, 3, n).astype(float))
    return problem, sh.Initialization.draw(problem, m, rng=rng)


def time_in_many_digits(log10, goal, step=1 / 16):
    """When a² is `goal` along the neuron's own equations, by Runge and Kutta from wall to wall."""
    with mp.workdps(2 * log10 + 20):
        lam, t = mp.mpf(10) ** -log10, mp.mpf(0)
        z = mp.matrix([lam * mp.sqrt(1 + mp.mpf("0.04")), lam, lam * mp.mpf("0.2")])
        active = [True, True, False]

        def slope(z):
            pull = mp.zeros(2, 1)
            for row, label in [(ROWS[k], LABELS[k]) for k in range(3) if active[k]]:
                pull += (label - z[0] * (z[1] * row[0] + z[2] * row[1])) / 3 * mp.matrix(row)
            return mp.matrix([z[1] * pull[0] + z[2] * pull[1], z[0] * pull[0], z[0] * pull[1]])

        def after(h):
            first = slope(z)
            second = slope(z + h / 2 * first)
            third = slope(z + h / 2 * second)
            return z + h / 6 * (first + 2 * second + 2 * third + slope(z + h * third))

        def until(is_over):
            low, high = mp.mpf(0), mp.mpf(step)
            for _ in range(40):
                middle = (low + high) / 2
                low, high = (low, middle) if is_over(after(middle)) else (middle, high)
            return high

        while True:
            then, h = after(mp.mpf(step)), mp.mpf(step)
            if then[0] ** 2 > goal:
                return float(t + until(lambda z: z[0] ** 2 > goal))
            if then[2] < 0 and not active[2]:
                h = until(lambda z: z[2] < 0)
                then, active[2] = after(h), True
            z, t = then, t + h


def test_a_neuron_slips_across_the_wall_it_grows_along():
    jumps = sh.solve_jumps(*one_neuron())
    assert jumps.times == pytest.approx([CLOCK], rel=1e-12)
    assert jumps.growth_rates[0, 0] == pytest.approx(1.0)
    assert not jumps.chosen.any()
    assert "crossed walls that they grew along" in jumps.message


@pytest.mark.parametrize("log10", [12, 30])
def test_the_flow_in_many_digits_slips_as_predicted(log10):
    jumps = sh.solve_jumps(*one_neuron())
    found = time_in_many_digits(log10, jumps.outputs[1, 0] ** 2 / 2)
    assert jumps.predict_times(f"1e-{log10}")[0] == pytest.approx(found, abs=5e-5)


@pytest.mark.parametrize("log10", [14, 16, 20, 40, 300, 1_000_000])
@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_the_flow_slips_at_any_scale(log10, turn):
    """Where what pushes is below its tolerance, and where the neuron is on the wall to within rounding."""
    problem, init = one_neuron()
    jumps = sh.solve_jumps(problem, init)
    if turn:
        way = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        problem = sh.GeneralProblem(np.array(ROWS) @ way.T, LABELS)
        init = sh.Initialization.from_weights([np.hypot(1, 0.2)], [way @ [1, 0.2]], problem)
    flow = sh.simulate_flow(problem, init, init_scale=f"1e-{log10}")
    late = 2.76e-5 * 10 ** ((12 - log10) / 3)  # what steps alone show at 1e-12, and falls like λ^⅓
    found = jumps.predict_times(f"1e-{log10}")[0] + late
    assert flow.activation_times[0] == pytest.approx(found, abs=2e-7, rel=1e-13)
    assert not flow.chosen.any()


@pytest.mark.parametrize("log10", [16, 20, 40])
def test_the_flow_slips_as_many_digits_say(log10):
    flow = sh.simulate_flow(*one_neuron(), init_scale=f"1e-{log10}")
    found = time_in_many_digits(log10, flow.final.output[0] ** 2 / 2)
    assert flow.activation_times[0] == pytest.approx(found, abs=2e-5)


def test_a_path_with_a_slip_is_read_as_it_went():
    path = sh.simulate_flow(*one_neuron(), init_scale=1e-40)
    end = path.activation_times[0]
    short = sh.simulate_flow(*one_neuron(), init_scale=1e-40, t_end=end)
    assert short.log_output[-1] == pytest.approx(path.log_output_at(end), abs=1e-9)
    slip = 2 / 3 * end / CLOCK
    assert path.active_at(0.95 * slip).tolist() == [[1, 1, -1]]
    assert path.active_at(1.05 * slip).tolist() == [[1, 1, 1]]


@pytest.mark.parametrize("scale", ["1e-20", "1e-60", "1e-300"])
@pytest.mark.parametrize("seed", [245, 499, 505])
def test_flows_slip_at_small_scales(seed, scale):
    """Of 505 on walls of which a neuron is on two, of 245 at a later saddle."""
    problem, init = whole_numbers(seed)
    jumps = sh.solve_jumps(problem, init)
    flow = sh.simulate_flow(problem, init, init_scale=scale)
    assert flow.final.loss(problem) == pytest.approx(jumps.losses[-1], abs=1e-7)
    for i, time in enumerate(jumps.predict_times(scale)):
        assert flow.activation_times[list(jumps.neurons[i])].min() == pytest.approx(time, abs=2e-3)


@pytest.mark.parametrize("seed", [26, 29, 245, 499, 586])
def test_the_flow_slips_as_the_limit_says(seed):
    """With two walls on one line, several walls at once, and a slip at a later saddle among them."""
    problem, init = whole_numbers(seed)
    jumps = sh.solve_jumps(problem, init)
    assert "crossed walls that they grew along" in jumps.message
    flow = sh.simulate_flow(problem, init, init_scale=1e-12, rtol=1e-12)
    assert flow.final.loss(problem) == pytest.approx(jumps.losses[-1], abs=1e-9)
    assert flow.final.sq_norm == pytest.approx(jumps.sq_norms[-1], abs=1e-9)
    for i, time in enumerate(jumps.predict_times(1e-12)):
        group = list(jumps.neurons[i])
        goals = np.log(np.abs(jumps.outputs[i + 1, group]))
        share = np.exp(2 * np.max(flow.log_output_at(time)[group] - goals))
        assert share == pytest.approx(0.5, abs=2e-3)


def test_several_that_slip_at_once_leave_times_open_but_not_clocks():
    problem, init = whole_numbers(93)
    jumps = sh.solve_jumps(problem, init)
    assert np.isnan(jumps.corrections).all()
    assert "leaves `corrections` open" in jumps.message
    after = []
    for scale in (1e-10, 1e-14):
        flow = sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-12)
        after.append(flow.activation_times[0] + jumps.times[0] * np.log(scale))
    assert after[0] == pytest.approx(after[1], abs=2e-4)


def test_a_neuron_that_is_pushed_away_stays():
    problem, init = whole_numbers(236)
    jumps = sh.solve_jumps(problem, init)
    heights = jumps.problem.coordinates @ sh.align(problem, init).directions[4]
    assert abs(heights[3]) < 1e-14
    assert jumps.active[:, 4, 3].tolist() == [-1, -1, -1]
    assert "crossed walls" not in jumps.message


@pytest.mark.parametrize("seed", range(6))
def test_on_orthogonal_rows_nothing_slips_and_nothing_is_chosen(seed):
    flat = sh.make_orthogonal(6, norms="uniform", rng=seed)
    problem = sh.GeneralProblem(np.diag(flat.norms), flat.y)
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 8, rng=seed))
    assert not jumps.chosen.any()
    assert jumps.message == "No dormant neuron grows any more."


@pytest.mark.parametrize("seed", [0, 2])
def test_the_sign_of_a_residual_that_is_rounding_chooses_no_side(seed):
    """Orthogonal rows that floats make a little oblique: what is fitted leaves noise."""
    rng = np.random.default_rng(seed)
    rows = np.linalg.qr(rng.standard_normal((20, 20)))[0]
    problem = sh.GeneralProblem(rows, rng.standard_normal(20))
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, 10, rng=seed))
    assert not jumps.chosen.any()
    assert jumps.message == "No dormant neuron grows any more."


@pytest.mark.parametrize(
    ("rows", "labels", "end"),
    [
        ([[-1, 1], [-1, -1], [1, -1]], [0, -1, -2], 2 / 3),
        ([[-1, 1], [-1, 1], [-1, -1], [1, -1]], [-1, 1, -1, -2], 0.75),
    ],
)
def test_a_height_that_only_shrinks_pushes_nothing_across(rows, labels, end):
    """The neuron takes in proportion to its height, and x_1 is orthogonal to the normal of the wall."""
    w = np.array([-1, -0.8])
    problem = sh.GeneralProblem(rows, labels)
    init = sh.Initialization.from_weights([-np.linalg.norm(w)], [w], problem)
    jumps = sh.solve_jumps(problem, init)
    assert jumps.losses[-1] == pytest.approx(end, rel=1e-12)
    assert "crossed" not in jumps.message
    for scale in ("1e-3", "1e-30", "1e-1000"):
        flow = sh.simulate_flow(problem, init, init_scale=scale)
        assert flow.losses[-1] == pytest.approx(end, rel=1e-9)


def test_two_neurons_on_whole_numbers_end_where_their_flow_does():
    problem = sh.GeneralProblem([[-2, 2], [-2, 2], [-3, -3], [2, 3], [1, -1]], [-1, 1, -1, 0, -2])
    init = sh.Initialization.draw(problem, 2, rng=2186)
    flow = sh.simulate_flow(problem, init, init_scale=1e-3)
    assert sh.solve_jumps(problem, init).losses[-1] == pytest.approx(flow.losses[-1], rel=1e-9)
