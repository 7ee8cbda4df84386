import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import saddlehop as sh
from helpers import orthonormal_rows, problems
from saddlehop import plot

torch = pytest.importorskip("torch")
from saddlehop.bridges.torch import Recorder, from_module, to_module, to_tensors  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Threads only wait for each other on matrices this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def setting():
    """Ten samples in fourteen dimensions, norms apart, and six neurons that fit them all."""
    rng = np.random.default_rng(0)
    directions = orthonormal_rows(10, 14, 0)
    problem = sh.Problem(rng.standard_normal(10), rng.uniform(1, 2, 10), directions)
    return problem, sh.Initialization.draw(problem, 6, rng=2)


def half_mean(module, X, y):
    return ((module(X) - y) ** 2).mean() / 2


def train(module, X, y, optimizer, steps, record=None, loss=half_mean):
    for _ in range(steps):
        optimizer.zero_grad()
        loss(module, X, y).backward()
        optimizer.step()
        if record is not None:
            record(optimizer)


@given(st.data(), problems(), st.integers(1, 5), st.integers(0, 3), st.sampled_from([1.0, 1e-3]))
@settings(max_examples=60)
def test_module_to_network_and_back(data, plain, width, extra, scale):
    """Outputs survive module → Network → module to 1e-12, and weights Network → module → Network."""
    n = plain.n_samples
    directions = orthonormal_rows(n, n + extra, data.draw(st.integers(0, 1000)))
    problem = sh.Problem(plain.y, plain.norms, directions)
    X, _ = to_tensors(problem)
    torch.manual_seed(data.draw(st.integers(0, 1000)))
    module = torch.nn.Sequential(
        torch.nn.Linear(n + extra, width, bias=False, dtype=torch.float64),
        torch.nn.ReLU(),
        torch.nn.Linear(width, 1, bias=False, dtype=torch.float64),
    )
    network = from_module(module, X).network
    outputs = module(X).detach().numpy().ravel()
    np.testing.assert_allclose(network.outputs(problem), outputs, rtol=1e-12, atol=1e-12)
    again = to_module(network, 1.0, problem)
    np.testing.assert_allclose(again(X).detach().numpy().ravel(), outputs, rtol=1e-12, atol=1e-12)

    init = from_module(to_module(from_module(module, X), scale, problem), X, scale)
    np.testing.assert_allclose(init.output, network.output, rtol=1e-14)
    np.testing.assert_allclose(init.hidden, network.hidden, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(init.off_span, from_module(module, X).off_span, atol=1e-13)


def test_a_problem_without_directions_lives_in_sample_coordinates():
    problem = sh.make_orthogonal(5, norms="uniform", rng=0)
    init = sh.Initialization.draw(problem, 3, rng=0)
    X, y = to_tensors(problem, dtype=torch.float32)
    module = to_module(init, 0.5, problem, dtype=torch.float32)
    assert module[0].weight.dtype == X.dtype == y.dtype == torch.float32
    np.testing.assert_allclose(module[0].weight.detach(), 0.5 * init.hidden, rtol=1e-6)
    np.testing.assert_allclose(X, np.diag(problem.norms), rtol=1e-6)
    np.testing.assert_array_equal(from_module(module, X, 0.5).output, np.float32(init.output))


def test_parts_outside_the_span_keep_their_norms(setting):
    problem, init = setting
    W = to_module(init, 1.0, problem)[0].weight.detach().numpy()
    np.testing.assert_allclose(W @ problem.directions.T, init.hidden, atol=1e-14)
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), init.hidden_norms)


def test_gradient_descent_tends_to_the_flow_at_first_order_in_the_learning_rate(setting):
    """Largest errors of losses and weights over rates from 0.2 to 0.2/32: slope 1."""
    problem, init = setting
    t_end, rates = 20.0, 0.2 / 2.0 ** np.arange(6)
    flow = sh.simulate_flow(problem, init, init_scale=0.05, t_end=t_end, rtol=1e-12)
    at = np.linspace(0, t_end, 11)[1:]
    X, y = to_tensors(problem)
    loss_errors, weight_errors = [], []
    for lr in rates:
        module = to_module(init, 0.05, problem)
        optimizer = torch.optim.SGD(module.parameters(), lr=lr)
        networks, losses = [], []
        for _ in at:
            train(module, X, y, optimizer, round(at[0] / lr))
            networks.append(from_module(module, X))
            losses.append(half_mean(module, X, y).item())
        loss_errors.append(np.abs(losses - flow.loss_at(at)).max())
        weight_errors.append(
            max(
                max(np.abs(a.output - b.output).max(), np.abs(a.hidden - b.hidden).max())
                for a, b in zip(networks, map(flow, at), strict=True)
            )
        )
    for errors in (loss_errors, weight_errors):
        slopes = np.diff(np.log(errors)) / np.diff(np.log(rates))
        np.testing.assert_allclose(slopes[-3:], 1, atol=0.03)
    assert flow.losses[0] - flow.losses[-1] > 0.5 * flow.losses[0]


def test_a_recording_is_the_run(setting):
    problem, init = setting
    X, y = to_tensors(problem)
    module = to_module(init, 1e-3, problem)
    record = Recorder(module, X, y, init_scale=1e-3)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.05)
    kept, losses = [copy.deepcopy(module)], [half_mean(module, X, y).item()]
    for _ in range(600):
        train(module, X, y, optimizer, 1, record)
        kept.append(copy.deepcopy(module))
        losses.append(half_mean(module, X, y).item())
    recording = record.recording
    assert record.steps == 600
    assert record.t == pytest.approx(30)
    assert recording.steps[0] == 0
    assert recording.steps[-1] == 600
    np.testing.assert_array_equal(recording.steps[:101], np.arange(101))
    assert (np.diff(np.log(recording.steps[100:])) < 0.02).all()
    np.testing.assert_allclose(recording.t, 0.05 * recording.steps, rtol=1e-12)
    np.testing.assert_allclose(recording.losses, np.array(losses)[recording.steps], rtol=1e-10)
    for i in (0, 50, len(recording.steps) - 1):
        there = from_module(kept[recording.steps[i]], X)
        np.testing.assert_allclose(recording.hidden[i], there.hidden, atol=1e-14)
        np.testing.assert_allclose(recording.output[i], there.output, rtol=1e-14)
        network = recording(recording.t[i])
        np.testing.assert_allclose(network.hidden, there.hidden, atol=1e-13)
        assert recording.sq_norms[i] == pytest.approx(there.network.sq_norm)
    np.testing.assert_allclose(recording.loss_at(recording.t), recording.losses)
    np.testing.assert_allclose(recording.log_output_at(recording.t), recording.log_output)
    assert recording.log_output_at([[1.0, 2.0]]).shape == (1, 2, 6)
    a = np.array([net[2].weight.detach().numpy()[0] for net in kept])
    first = np.argmax(a**2 >= a[-1] ** 2 / 2, axis=0) * 0.05
    np.testing.assert_allclose(recording.activation_times, first, atol=0.2)


def test_a_recording_beside_its_limit_and_its_flow(setting):
    """A fine run agrees with the flow at the same λ in every number of the comparison."""
    problem, init = setting
    X, y = to_tensors(problem)
    jumps = sh.solve_jumps(problem, init)
    module = to_module(init, 1e-4, problem)
    record = Recorder(module, X, y)
    train(module, X, y, torch.optim.SGD(module.parameters(), lr=0.01), 8000, record)
    recording = record.recording
    assert recording.log_init_scale == pytest.approx(np.log(1e-4), abs=0.3)
    theirs = recording.compare(jumps)
    assert theirs.flow.log_init_scale == pytest.approx(np.log(1e-4), rel=1e-12)
    flow = sh.simulate_flow(problem, init, init_scale=1e-4, t_end=record.t)
    ours = sh.compare(flow, jumps)
    # gradient descent grows at log(1 + ρ η) / η, slower by about ρ η / 2 ≤ 0.001
    np.testing.assert_allclose(theirs.flow_clock, ours.flow_clock, rtol=2e-3)
    np.testing.assert_allclose(theirs.norm_gap, ours.norm_gap, atol=5e-3)
    np.testing.assert_allclose(theirs.distance, ours.distance, atol=0.02)
    np.testing.assert_array_equal(theirs.limit_clock, ours.limit_clock)
    assert record.compare(jumps).norm_gap == theirs.norm_gap
    sets = sh.solve_jumps(problem, jumps.sets)
    assert sets.alignment is None

    ax = plot.loss_staircase(jumps, recording)
    line = ax.get_lines()[0]
    assert "trained" in line.get_label()
    assert line.get_linestyle() == "-."
    clock, losses = line.get_data()
    np.testing.assert_allclose(losses, recording.loss_at(clock * -recording.log_init_scale))
    assert len(plot.neuron_fan(jumps, recording).get_lines()) > jumps.width


def test_a_module_of_ones_own_beside_the_limit_from_its_first_weights(setting):
    """Weights that say nothing of λ are taken at the λ of the recording, as if divided by it."""
    problem, init = setting
    X, y = to_tensors(problem, dtype=torch.float32)
    module = to_module(init, 1e-3, problem, dtype=torch.float32)
    plain = sh.solve_jumps(problem, from_module(module, X))
    record = Recorder(module, X, y, orth_tol=1e-6)
    scale = np.exp(record.recording.log_init_scale)
    told = sh.solve_jumps(problem, from_module(module, X, scale))
    train(module, X, y, torch.optim.SGD(module.parameters(), lr=0.02), 3000, record)
    ours, theirs = record.compare(plain), record.compare(told)
    assert scale == pytest.approx(1e-3, rel=0.3)
    np.testing.assert_allclose(ours.flow_clock, theirs.flow_clock, rtol=1e-6)
    np.testing.assert_allclose(ours.distance, theirs.distance, rtol=1e-6)
    np.testing.assert_array_equal(ours.resolved, theirs.resolved)


@pytest.mark.parametrize(
    ("make", "dtype", "batch"),
    [
        (lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9), torch.float64, None),
        (lambda p: torch.optim.Adam(p, lr=0.003), torch.float32, None),
        (lambda p: torch.optim.SGD(p, lr=0.05), torch.float32, 4),
    ],
    ids=["momentum", "adam single", "minibatches single"],
)
def test_any_optimizer_batch_and_precision(setting, make, dtype, batch):
    problem, init = setting
    X, y = to_tensors(problem, dtype=dtype)
    jumps = sh.solve_jumps(problem, init)
    module = to_module(init, 1e-2, problem, dtype=dtype)
    record = Recorder(module, X, y)
    optimizer = make(module.parameters())
    lr = optimizer.param_groups[0]["lr"]
    generator = torch.Generator().manual_seed(0)
    for _ in range(1500):
        rows = slice(None) if batch is None else torch.randperm(10, generator=generator)[:batch]
        train(module, X[rows], y[rows], optimizer, 1, record)
    comparison = record.recording.compare(jumps)
    assert record.t == pytest.approx(1500 * lr)
    assert comparison.flow.losses[-1] == pytest.approx(half_mean(module, X, y).item(), rel=1e-3)
    assert comparison.flow.losses[-1] < 0.2 * comparison.flow.losses[0]


def test_other_losses_take_their_time(setting):
    """With MSELoss time runs twice as fast; h/m with the loss m/2n Σ r² is ours with θ/√m."""
    problem, init = setting
    X, y = to_tensors(problem)
    plain, doubled = (to_module(init, 0.1, problem) for _ in range(2))
    record, record2 = Recorder(plain, X, y), Recorder(doubled, X, y, loss="mean")
    train(plain, X, y, torch.optim.SGD(plain.parameters(), lr=0.02), 200, record)
    sgd = torch.optim.SGD(doubled.parameters(), lr=0.01)
    train(doubled, X, y, sgd, 200, record2, lambda m, X, y: torch.nn.functional.mse_loss(m(X), y))
    np.testing.assert_allclose(record.recording.t, record2.recording.t)
    np.testing.assert_allclose(record.recording.losses, record2.recording.losses, rtol=1e-10)

    class OverWidth(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.inside = to_module(init, 0.1 * 6**0.5, problem)

        def forward(self, x):
            return self.inside(x) / 6

    divided = OverWidth()
    record3 = Recorder(divided, X, y, loss="mean-field")
    sgd = torch.optim.SGD(divided.parameters(), lr=0.02)
    train(divided, X, y, sgd, 200, record3, lambda m, X, y: 6 * half_mean(m, X, y))
    np.testing.assert_allclose(record.recording.losses, record3.recording.losses, rtol=1e-10)
    np.testing.assert_allclose(record.recording.output, record3.recording.output, rtol=1e-10)
    with pytest.raises(sh.SaddlehopError, match=r"does not compute \(1/m\)"):
        Recorder(plain, X, y, loss="mean-field")
    with pytest.raises(sh.SaddlehopError, match="does not compute Σ"):
        from_module(divided, X)


@pytest.mark.parametrize("n_features", [3, 40])
def test_memory_stays_within_its_bound_over_a_million_steps(n_features):
    """Wide inputs are projected first; then every second snapshot goes."""
    problem = sh.Problem([1.0, -1.0, 2.0], directions=orthonormal_rows(3, n_features, 0))
    X, y = to_tensors(problem)
    module = to_module(sh.Initialization.draw(problem, 4, rng=0), 0.1, problem)
    bound = 40_000
    record = Recorder(module, X, y, max_bytes=bound)
    weights = [p.detach() for p in module.parameters()]
    largest = 0
    for step in range(1_000_000):
        if step < 1000:
            weights[1] *= 1.001  # something to see
        record(1e-3)
        largest = max(largest, record.nbytes)
    assert bound / 4 < largest <= bound
    recording = record.recording
    assert record.steps == 1_000_000
    assert recording.steps[[0, -1]].tolist() == [0, 1_000_000]
    assert 100 < recording.steps.size < bound / (8 * 4 * 4)
    gaps = np.diff(np.log(recording.steps[1:]))
    assert gaps[recording.steps[1:-1] > 1000].max() < 0.1
    assert recording.t[-1] == pytest.approx(1000, rel=1e-9)


def test_scheduled_rates_add_up(setting):
    problem, init = setting
    X, y = to_tensors(problem)
    module = to_module(init, 0.1, problem)
    record = Recorder(module, X, y)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    rates = []
    for _ in range(5):
        train(module, X, y, optimizer, 1, record)
        rates.append(optimizer.param_groups[0]["lr"])
        scheduler.step()
    record(0)
    np.testing.assert_allclose(record.recording.t, np.cumsum([0, *rates]))


def sequential(*layers):
    return torch.nn.Sequential(*layers).double()


def linear(i, o, bias=False):
    return torch.nn.Linear(i, o, bias=bias)


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([linear(14, 3, True), torch.nn.ReLU(), linear(3, 1)], "first Linear layer has a bias"),
        ([linear(14, 3), torch.nn.ReLU(), linear(3, 1, True)], "second Linear layer has a bias"),
        ([linear(14, 3), torch.nn.Tanh(), linear(3, 1)], "has a layer Tanh"),
        ([linear(14, 3), torch.nn.LeakyReLU(), linear(3, 1)], "has a layer LeakyReLU"),
        ([linear(14, 3), torch.nn.ReLU(), torch.nn.Dropout(), linear(3, 1)], "layer Dropout"),
        ([linear(14, 1)], "has 1 Linear layers"),
        ([linear(14, 3), torch.nn.ReLU(), linear(3, 3), torch.nn.ReLU(), linear(3, 1)], "has 3"),
        ([linear(14, 3), torch.nn.ReLU(), linear(3, 2)], "14 → 3 and 3 → 2"),
        ([linear(14, 3), linear(3, 1)], "does not compute Σ"),
        ([linear(14, 3), torch.nn.ReLU(), linear(3, 1), torch.nn.ReLU()], "has 2 ReLU layers"),
        ([linear(13, 3), torch.nn.ReLU(), linear(3, 1)], "13 features but `X` has 14"),
    ],
)
def test_what_cannot_be_handled_is_named(setting, layers, message):
    torch.manual_seed(0)
    X, _ = to_tensors(setting[0])
    with pytest.raises(sh.SaddlehopError, match=message):
        from_module(sequential(*layers), X)


def test_bad_input_gets_one_sentence(setting):
    problem, init = setting
    X, y = to_tensors(problem)
    module = to_module(init, 0.1, problem)
    jumps = sh.solve_jumps(problem, init)
    with pytest.raises(sh.SaddlehopError, match=r"range of float32"):
        to_module(init, 1e-30, problem, dtype=torch.float32)
    with pytest.raises(sh.SaddlehopError, match=r"range of float64.*simulate_flow"):
        to_module(init, "1e-400", problem)
    with pytest.raises(sh.SaddlehopError, match="of type int"):
        to_module(3, 1.0, problem)
    with pytest.raises(sh.SaddlehopError, match="10 samples but the problem has 2"):
        to_module(init, 1.0, sh.Problem([1.0, 2.0]))
    with pytest.raises(sh.SaddlehopError, match="outside the span"):
        to_module(init, 1.0, sh.Problem(problem.y))
    with pytest.raises(sh.SaddlehopError, match="not orthogonal"):
        Recorder(module, X + 1, y)
    with pytest.raises(sh.SaddlehopError, match="`loss` is 'mse'"):
        Recorder(module, X, y, loss="mse")
    with pytest.raises(sh.SaddlehopError, match="`spacing` is 1"):
        Recorder(module, X, y, spacing=1)
    with pytest.raises(sh.SaddlehopError, match="room for at least 4"):
        Recorder(module, X, y, max_bytes=1000)
    record = Recorder(module, X, y)
    with pytest.raises(sh.SaddlehopError, match="no step yet"):
        record.recording.loss_at(0.0)
    for bad in ("fast", -1.0, float("nan"), None):
        with pytest.raises(sh.SaddlehopError, match="pass the learning rate"):
            record(bad)
    groups = [{"params": [p], "lr": lr} for p, lr in zip(module.parameters(), (1, 2), strict=True)]
    with pytest.raises(sh.SaddlehopError, match="2 learning rates"):
        record(torch.optim.SGD(groups))
    record(0.1)
    record(0.1)
    recording = record.recording
    with pytest.raises(sh.SaddlehopError, match=r"runs from 0 to 0\.2"):
        recording.loss_at(0.3)
    with pytest.raises(sh.SaddlehopError, match="pass one time"):
        recording([0.1, 0.2])
    with pytest.raises(sh.SaddlehopError, match="different problems"):
        recording.compare(sh.solve_jumps(sh.Problem(2 * problem.y, problem.norms), init))
    narrow = sh.Initialization.draw(problem, 3, rng=0)
    with pytest.raises(sh.SaddlehopError, match="6 neurons and `jumps` has 3"):
        recording.compare(sh.solve_jumps(problem, narrow))
    other = sh.Initialization.draw(problem, 6, rng=9)
    with pytest.raises(sh.SaddlehopError, match="does not begin at a multiple"):
        recording.compare(sh.solve_jumps(problem, other))
    assert recording.compare(jumps).jumps is jumps
    with torch.no_grad():
        module[0].weight[0, 0] = float("nan")
    with pytest.raises(sh.SaddlehopError, match="not finite at step 3"):
        record(0.1)


def test_half_precision_and_problems_are_read(setting):
    problem, init = setting
    X, y = to_tensors(problem)
    short = to_module(init, 0.1, problem, dtype=torch.bfloat16)
    recording = Recorder(short, X, y).recording
    np.testing.assert_allclose(recording.output[0], 0.1 * init.output, rtol=1e-2)
    read = from_module(short, X.to(torch.bfloat16), 0.1, orth_tol=0.02)
    np.testing.assert_allclose(read.output, init.output, rtol=1e-2)
    module = to_module(init, 0.1, problem)
    hidden = from_module(module, problem).hidden
    np.testing.assert_allclose(hidden, from_module(module, X).hidden, atol=1e-15)


@pytest.mark.parametrize("scale", ["1e310", "1e-400", "1e200"])
def test_scales_beyond_floats_are_refused(setting, scale):
    problem, init = setting
    module = to_module(init, 1, problem)
    if scale != "1e200":
        with pytest.raises(sh.SaddlehopError, match="beyond any float a module can hold"):
            from_module(module, to_tensors(problem)[0], scale)
    with pytest.raises(sh.SaddlehopError, match="products of two weights leave the range"):
        to_module(init, scale, problem)


@pytest.mark.parametrize(
    "dtype", [torch.int64, torch.bool, torch.complex128, np.float64, "float64"]
)
def test_types_that_are_no_reals_get_one_sentence(setting, dtype):
    problem, init = setting
    for make in (
        lambda: to_module(init, 1e-3, problem, dtype=dtype),
        lambda: to_tensors(problem, dtype=dtype),
    ):
        with pytest.raises(
            sh.SaddlehopError, match=r"`dtype` is .*; pass a floating type, such as"
        ):
            make()
