"""Modules, tensors and recordings of general problems."""

import copy

import numpy as np
import pytest
import scipy.sparse as sparse

import saddlehop as sh

torch = pytest.importorskip("torch")
from saddlehop.bridges.torch import Recorder, from_module, to_module, to_tensors  # noqa: E402


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Threads only wait for each other on matrices this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def rows(n, d, rank=None):
    rng = np.random.default_rng([n, d])
    X = rng.standard_normal((n, d if rank is None else rank))
    return X if rank is None else X @ rng.standard_normal((rank, d))


def with_repeats_and_zeros():
    X = rows(6, 4)
    X[1], X[2] = X[0], 0
    return X


INPUTS = {
    "more samples": (rows(12, 3), False),
    "more samples, bias": (rows(12, 3), True),
    "more features": (rows(4, 9), False),
    "more features, bias": (rows(4, 9), True),
    "dependent rows": (rows(8, 9, rank=3), False),
    "dependent rows, bias": (rows(8, 9, rank=3), True),
    "repeats and zeros": (with_repeats_and_zeros(), False),
    "sparse": (sparse.random_array((6, 20), density=0.3, rng=0), False),
    "sparse, bias": (sparse.random_array((6, 20), density=0.3, rng=0), True),
    "one sample": (np.ones((1, 1)), True),
}


@pytest.fixture(params=INPUTS)
def problem(request):
    X, bias = INPUTS[request.param]
    return sh.GeneralProblem(X, np.random.default_rng(1).standard_normal(X.shape[0]), bias)


def half_mean(module, X, y):
    return ((module(X) - y) ** 2).mean() / 2


def train(module, X, y, lr, steps, record=None):
    optimizer = torch.optim.SGD(module.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        half_mean(module, X, y).backward()
        optimizer.step()
        if record is not None:
            record(optimizer)


def gradient_descent(problem, a, u, lr, steps):
    """The same in coordinates of the span, written out."""
    Z, y = problem.coordinates, problem.y
    for _ in range(steps):
        h = np.maximum(Z @ u.T, 0)
        r = (y - h @ a) / y.size
        pull = (r[:, None] * (h > 0)).T @ Z
        a, u = a + lr * (r @ h), u + lr * a[:, None] * pull
    return a, u


def assert_same_start(one, other, tol=1e-13):
    for name in ("output", "hidden", "off_span"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=tol, rtol=tol)


def test_there_and_back(problem):
    init = sh.Initialization.draw(problem, 5, rng=0)
    module = to_module(init, 1e-3, problem)
    X, y = to_tensors(problem)
    assert X.shape == (problem.n_samples, problem.n_features - problem.bias)
    assert (module[0].bias is not None) == problem.bias
    assert_same_start(from_module(module, problem, 1e-3), init)
    network = from_module(module, problem).network
    outputs = module(X).detach().numpy().ravel()
    np.testing.assert_allclose(network.outputs(problem), outputs, rtol=1e-12, atol=1e-18)
    points = np.asarray(X)
    np.testing.assert_allclose(network.predict(points, problem), outputs, rtol=1e-12, atol=1e-18)
    np.testing.assert_array_equal(y.numpy().ravel(), problem.y)
    again = to_module(network, 1, problem)
    np.testing.assert_allclose(again(X).detach().numpy().ravel(), outputs, rtol=1e-12, atol=1e-18)


def test_training_moves_the_coordinates_and_nothing_else(problem):
    init = sh.Initialization.draw(problem, 5, rng=0)
    module = to_module(init, 0.1, problem)
    record = Recorder(module, problem, init_scale=0.1)
    train(module, *to_tensors(problem), 0.05, 200, record)
    ended = from_module(module, problem)
    a, u = gradient_descent(problem, 0.1 * init.output, 0.1 * init.hidden, 0.05, 200)
    assert_same_start(ended, sh.Initialization(a, u, 0.1 * init.off_span), tol=1e-12)
    assert np.abs(a - 0.1 * init.output).max() > 1e-3
    recording = record.recording
    assert recording.hidden.shape == (recording.t.size, 5, problem.rank)
    np.testing.assert_allclose(recording.final.hidden, ended.hidden, atol=1e-14)
    np.testing.assert_allclose(recording.off_span, ended.off_span, atol=1e-14)
    assert recording.losses[-1] == pytest.approx(half_mean(module, *to_tensors(problem)).item())
    assert_same_start(recording.start, init)
    middle = recording(recording.t[100])
    a, u = gradient_descent(problem, 0.1 * init.output, 0.1 * init.hidden, 0.05, 100)
    np.testing.assert_allclose(middle.hidden, u, atol=1e-13)
    np.testing.assert_allclose(recording.loss_at(5.0), middle.loss(problem), rtol=1e-12)


def linear(i, o, bias=False):
    return torch.nn.Linear(i, o, bias=bias, dtype=torch.float64)


def test_a_module_without_a_bias_takes_inputs_with_the_ones_in_them():
    X = rows(7, 2)
    problem = sh.GeneralProblem(X, X[:, 0], bias=True)
    torch.manual_seed(0)
    biased = torch.nn.Sequential(linear(2, 4, True), torch.nn.ReLU(), linear(4, 1))
    plain = torch.nn.Sequential(linear(3, 4), torch.nn.ReLU(), linear(4, 1))
    with torch.no_grad():
        plain[0].weight.copy_(torch.cat([biased[0].weight, biased[0].bias[:, None]], dim=1))
        plain[2].weight.copy_(biased[2].weight)
    assert_same_start(from_module(biased, problem), from_module(plain, problem), 0)
    inputs = torch.from_numpy(np.array(problem.X))
    y = torch.from_numpy(X[:, :1])
    runs = []
    for module, seen in ((biased, inputs[:, :2]), (plain, inputs)):
        record = Recorder(module, problem, y, watch=1)
        train(module, seen, y, 0.1, 100, record)
        runs.append(record.recording)
    np.testing.assert_allclose(runs[0].hidden, runs[1].hidden, atol=1e-13)
    np.testing.assert_array_equal(runs[0].zigzags, runs[1].zigzags)
    assert runs[0].bursts == 4


def test_sparse_inputs_give_the_same_sides_as_dense_ones():
    """At a rate this large neurons cross walls to and fro."""
    X = rows(8, 3)
    y = np.random.default_rng(3).standard_normal(8)
    start = None
    seen = []
    for inputs in (X, sparse.csr_array(X)):
        problem = sh.GeneralProblem(inputs, y, bias=True)
        start = start or sh.Initialization.draw(problem, 6, rng=0)
        module = to_module(start, 0.5, problem)
        record = Recorder(module, problem, watch=0.5)
        train(module, *to_tensors(problem), 0.8, 500, record)
        seen.append(record.recording.zigzags)
    assert seen[0].any()
    np.testing.assert_array_equal(*seen)


def test_single_precision_and_minibatches():
    X = rows(12, 3)
    problem = sh.GeneralProblem(X, np.sin(X[:, 0]), bias=True)
    init = sh.Initialization.draw(problem, 8, rng=0)
    module = to_module(init, 0.3, problem, dtype=torch.float32)
    inputs, y = to_tensors(problem, dtype=torch.float32)
    record = Recorder(module, problem, y)
    generator = torch.Generator().manual_seed(0)
    for _ in range(600):
        batch = torch.randperm(12, generator=generator)[:4]
        train(module, inputs[batch], y[batch], 0.05, 1, record)
    recording = record.recording
    assert recording.losses[-1] == pytest.approx(half_mean(module, inputs, y).item(), rel=1e-4)
    assert recording.losses[-1] < 0.5 * recording.losses[0]
    np.testing.assert_allclose(recording.start.output, init.output, rtol=0.5)
    assert recording.rtol == 1e-5


def test_memory_stays_within_its_bound():
    problem = sh.GeneralProblem(rows(3, 60), [1.0, -1.0, 2.0], bias=True)
    module = to_module(sh.Initialization.draw(problem, 4, rng=0), 0.1, problem)
    record = Recorder(module, problem, max_bytes=40_000)
    first = copy.deepcopy(module)
    largest = 0
    for _ in range(20_000):
        record(1e-3)
        largest = max(largest, record.nbytes)
    assert 10_000 < largest <= 40_000
    recording = record.recording
    np.testing.assert_allclose(recording.hidden[-1], from_module(first, problem).hidden, atol=1e-15)


@pytest.mark.parametrize(
    ("bias", "layers", "message"),
    [
        (
            False,
            [linear(2, 3, True), linear(3, 1)],
            r"first Linear.*GeneralProblem\(X, y, bias=True\)",
        ),
        (
            True,
            [linear(2, 3, True), linear(3, 1, True)],
            "second Linear layer has a bias.*subtract",
        ),
        (
            True,
            [linear(2, 3), linear(3, 1)],
            "takes 2 features but `X` has 3, the appended.*a bias, or",
        ),
        (
            True,
            [linear(3, 3, True), linear(3, 1)],
            "takes 3 features but `X` has 2; pass the inputs",
        ),
        (False, [linear(3, 3), linear(3, 1)], "takes 3 features but `X` has 2; pass the inputs"),
    ],
)
def test_modules_that_do_not_fit_get_a_sentence(bias, layers, message):
    problem = sh.GeneralProblem(rows(5, 2), np.ones(5), bias=bias)
    module = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1])
    for call in (from_module, Recorder):
        with pytest.raises(sh.SaddlehopError, match=message):
            call(module, problem)


def test_a_module_that_adds_something_else_is_refused():
    class Shifted(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(linear(2, 3, True), torch.nn.ReLU(), linear(3, 1))

        def forward(self, x):
            return self.layers(x) + 1

    problem = sh.GeneralProblem(rows(5, 2), np.ones(5), bias=True)
    with pytest.raises(sh.SaddlehopError, match="does not compute Σ"):
        from_module(Shifted(), problem)


def test_bad_input_gets_one_sentence():
    X = rows(5, 2)
    problem = sh.GeneralProblem(X, X[:, 0])
    init = sh.Initialization.draw(problem, 3, rng=0)
    module = to_module(init, 0.1, problem)
    with pytest.raises(sh.SaddlehopError, match=r"not orthogonal.*GeneralProblem|5 rows in 2 dim"):
        Recorder(module, X, X[:, 0])
    with pytest.raises(sh.SaddlehopError, match="`y` is missing; pass the labels, or a problem"):
        Recorder(module, X)
    for wrong in (X[:, 1], X[:3, 0], X):
        with pytest.raises(sh.SaddlehopError, match="`y` differs from the labels of the problem"):
            Recorder(module, problem, wrong)
    assert Recorder(module, problem, X[:, :1].astype(np.float16)).recording.problem is problem
    other = sh.Initialization.draw(sh.GeneralProblem(rows(5, 3), X[:, 0]), 3, rng=0)
    with pytest.raises(sh.SaddlehopError, match="has 3 coordinates but the problem has 2"):
        to_module(other, 1, problem)
    outside = sh.Initialization(init.output, init.hidden, np.ones(3))
    with pytest.raises(sh.SaddlehopError, match="outside the span"):
        to_module(outside, 1, problem)
    orthogonal = sh.Problem([1.0, 2.0])
    jumps = sh.solve_jumps(orthogonal, init)
    record = Recorder(module, problem)
    record(0.1)
    with pytest.raises(sh.SaddlehopError, match="recording is of a GeneralProblem but `jumps`"):
        record.compare(jumps)
