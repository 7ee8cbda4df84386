"""What a training run does that no gradient flow does: found where it happens, and quiet elsewhere."""

import dataclasses

import numpy as np
import pytest

import saddlehop as sh
from helpers import orthonormal_rows

torch = pytest.importorskip("torch")
from saddlehop.bridges.torch import Recorder, to_module, to_tensors  # noqa: E402
from saddlehop.bridges.zigzags import BURST, WallWatch  # noqa: E402

RATE, STEPS = 1e-2, 30_000


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Threads only wait for each other on matrices this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def five_points():
    X = np.array([[-1.5], [-1.0], [0.0], [0.25], [2.0]])
    return sh.GeneralProblem(X, [0.7, -0.3, -0.3, 0.4, 0.2], bias=True)


def train(problem, init, scale, lr, steps, every=None, **options):
    """Gradient descent on the half mean of squares, recorded; `every` gets all weights on the way."""
    X, y = to_tensors(problem)
    module = to_module(init, scale, problem)
    record = Recorder(module, problem, init_scale=scale, **options)
    optimizer = torch.optim.SGD(module.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        (((module(X) - y) ** 2).mean() / 2).backward()
        optimizer.step()
        record(optimizer)
        if every is not None:
            every.append([p.detach().numpy().copy() for p in module.parameters()])
    return record.recording


@pytest.fixture(scope="module")
def run(five_points):
    """From this start the flow interpolates; gradient descent stops at L = 0.0318, as others did."""
    init = sh.Initialization.draw(five_points, 6, rng=3)
    every = []
    return train(five_points, init, 1e-6, RATE, STEPS, every, spacing=1.002), every


def test_a_shrinking_neuron_that_slides_is_flipped_by_the_learning_rate(run):
    recording, every = run
    found = recording.departure()
    assert recording.losses[-1] == pytest.approx(0.6045 / 19, rel=1e-5)
    a = np.array([weights[2][0] for weights in every])
    flipped = np.argmax(np.sign(a) != np.sign(a[0]), axis=0)
    (j,) = np.flatnonzero(flipped)
    assert np.flatnonzero(np.isfinite(found.sign_flips)).tolist() == [j]
    at = RATE * (flipped[j] + 1)
    assert at <= found.sign_flips[j] <= 1.003 * at + RATE
    assert abs(a[flipped[j], j]) < 1e-3 * abs(a[0, j])  # it had shrunk
    assert found.left
    assert found.t == np.nanmin(found.imbalance_since) == found.imbalance_since[j] < at
    assert found.imbalance[j] == pytest.approx(-1, abs=0.02)
    assert np.abs(np.delete(found.imbalance, j)).max() < 0.01
    assert found.message.startswith(
        f"This run left the flow at t = {found.t:.6g}: a² − ‖w‖² of neuron "
    )
    assert f"|a| ≥ ‖w‖ at the start does: neuron {j}." in str(found)
    assert found.zigzag_since[j] < found.t  # it slid before


def test_imbalance_is_that_of_the_weights(run):
    recording, every = run
    W, b, a = every[recording.steps[-40] - 1]
    sq_norms = (W**2).sum(axis=1) + b**2
    start = recording.output[0] ** 2 - recording.hidden_norms[0] ** 2
    expected = (a[0] ** 2 - sq_norms - start) / np.maximum(a[0] ** 2, sq_norms)
    np.testing.assert_allclose(recording.imbalance[-40], expected, rtol=1e-9, atol=1e-14)
    assert not recording.imbalance[0].any()


def to_and_fro(problem, every, share):
    """Bursts in which each pair changes sign twice or more, counted over all weights at hand."""
    sides = np.array([problem.X @ np.column_stack([W, b]).T > 0 for W, b, _ in every])
    period = round(BURST / share)
    counts = 0
    for begin in range(
        period, len(every) - BURST, period
    ):  # weights [i - 1] are those after step i
        burst = sides[begin - 1 : begin - 1 + BURST]
        counts += (np.count_nonzero(burst[1:] != burst[:-1], axis=0) >= 2).T
    return counts


def test_zigzags_are_counted_in_bursts(run, five_points):
    recording, every = run
    counts = to_and_fro(five_points, every, 0.04)
    assert counts.max() >= 5
    np.testing.assert_array_equal(recording.zigzags, counts)  # nothing moves yet in the first burst
    assert recording.bursts == 50
    seen = np.isfinite(recording.zigzag_since)
    np.testing.assert_array_equal(seen, counts.any(axis=1))
    ends = np.round(recording.zigzag_since[seen] / RATE) % 600
    np.testing.assert_array_equal(ends, BURST - 1)


def test_crossing_once_is_no_zigzag():
    """One neuron; samples it crosses never, once, to and fro, always, and once in each burst."""
    watch = WallWatch(0.5)
    for step in range(4 * BURST):
        assert watch.is_due(step) == (step % (2 * BURST) < BURST)
        if watch.is_due(step):
            at = step % (2 * BURST)
            fro = step == 50 or step == 52
            sides = [True, at > 5, fro, step % 2 == 0, (at > 20) != (step > BURST)]
            watch.see(step, 0.1 * step, np.array(sides)[:, None])
    seen = watch.seen()
    assert seen["zigzags"].tolist() == [[0, 0, 1, 2, 0]]
    assert seen["zigzag_since"].tolist() == [0.1 * (BURST - 1)]
    assert seen["bursts"] == 2
    assert WallWatch(0.5).seen() == {}


def test_smaller_rates_flip_it_too_only_later(run, five_points):
    """Half the rate buys log(2) / 2ρ, where ρ is the rate of decay: none that one can afford helps."""
    recording, _ = run
    init = sh.Initialization.draw(five_points, 6, rng=3)
    finer = train(five_points, init, 1e-6, RATE / 2, 13_000, spacing=1.002).departure()
    flips = recording.departure().sign_flips
    (j,) = np.flatnonzero(np.isfinite(flips))
    assert np.flatnonzero(np.isfinite(finer.sign_flips)).tolist() == [j]
    before, after = recording.log_output_at([25.0, 45.0])[:, j]
    assert finer.sign_flips[j] - flips[j] == pytest.approx(
        20 * np.log(2) / 2 / (before - after), rel=0.1
    )


@pytest.mark.parametrize("general", [False, True], ids=["orthogonal", "general"])
def test_a_run_that_follows_the_flow_is_quiet(general):
    rng = np.random.default_rng(0)
    y, directions = rng.standard_normal(10), orthonormal_rows(10, 14, 0)
    rows = directions * rng.uniform(1, 2, (10, 1))
    problem = sh.GeneralProblem(rows, y) if general else sh.Problem.from_data(rows, y)
    recording = train(problem, sh.Initialization.draw(problem, 6, rng=2), 1e-4, 0.02, 8000)
    found = recording.departure()
    assert recording.losses[-1] < 0.05 * recording.losses[0]
    assert not found.left
    assert np.isnan(found.t)
    assert np.isnan(found.sign_flips).all()
    assert np.abs(found.imbalance).max() < 0.01
    assert found.bursts == 14
    assert not found.zigzags.any()
    assert found.message.startswith("Nothing shows that this run left the flow: a² − ‖w‖² of every")
    assert "walls" not in found.message


def test_a_large_rate_is_found_out_on_orthogonal_data():
    problem = sh.make_orthogonal(10, rng=0)
    init = sh.Initialization.draw(problem, 6, rng=2)
    found = train(problem, init, 1e-2, 8.0, 400).departure()
    assert found.left
    assert np.nanmax(np.abs(found.imbalance)) > 0.1


@pytest.fixture
def by_hand():
    """Four neurons: |a| below, at and above ‖w‖ that change sign, and one that is always 0."""
    problem = sh.Problem([1.0, 2.0])
    output = np.array([[0.5, 1.0, 2.0, 0.0], [-0.5, -1.0, -2.0, 0.0]])
    hidden = np.array([[[1.0, 0.0]] * 3 + [[0.0, 0.0]]] * 2)
    steps, t = np.array([0, 3]), np.array([0.0, 0.3])
    return sh.Recording(problem, 0.0, steps, t, output, hidden, 1e-9)


def test_signs_may_change_from_below_the_norm(by_hand):
    found = by_hand.departure()
    np.testing.assert_array_equal(found.sign_flips, [np.nan, 0.3, 0.3, np.nan])
    assert found.t == 0.3
    assert not found.imbalance.any()
    assert "changed sign, first at t = 0.3, which none with" in found.message
    assert "at the start does: neurons 1, 2." in found.message
    assert found.message.endswith("Walls were not watched, so zig-zags on them are not known.")
    frame = found.to_frame()
    assert frame.index.name == "neuron"
    assert frame["sign_flip"].tolist()[1:3] == [0.3, 0.3]
    assert frame["zigzag_walls"].tolist() == [0] * 4


def test_parts_outside_the_span_count(by_hand):
    """With them |a| of neuron 1 is below ‖w‖, and the same change of a² is a smaller part."""
    wider = dataclasses.replace(by_hand, off_span=np.array([0.0, 1.0, 1.0, 0.0]))
    np.testing.assert_allclose(wider.hidden_norms[0], [1, 2**0.5, 2**0.5, 0])
    np.testing.assert_array_equal(wider.departure().sign_flips, [np.nan, np.nan, 0.3, np.nan])
    grown = dataclasses.replace(by_hand, output=by_hand.output * [[1.0], [2.0]])
    np.testing.assert_allclose(grown.departure().imbalance, [0.75, 0.75, 0.75, 0])
    assert grown.departure(tol=0.8).t == 0.3  # by the signs
    np.testing.assert_array_equal(grown.departure(tol=0.8).imbalance_since, [np.nan] * 4)


def test_sizes_far_apart_are_compared_without_overflow(by_hand):
    tiny = dataclasses.replace(
        by_hand, hidden=1e-200 * by_hand.hidden, output=1e-200 * by_hand.output
    )
    np.testing.assert_array_equal(tiny.departure().imbalance, by_hand.departure().imbalance)
    shrunk = by_hand.output * [[1.0], [1e-300]]
    found = dataclasses.replace(by_hand, output=shrunk).departure()
    np.testing.assert_allclose(found.imbalance, [-0.25, -1, -4, 0])


@pytest.mark.parametrize("tol", [0, -1.0, float("nan"), float("inf")])
def test_bad_tolerances_get_a_sentence(by_hand, tol):
    with pytest.raises(sh.SaddlehopError, match=r"`tol` is .*; pass a positive number"):
        by_hand.departure(tol)
    with pytest.raises(sh.SaddlehopError, match="`tol` is 'low'; pass a number"):
        by_hand.departure("low")


@pytest.mark.parametrize("watch", [-0.1, 1.5, float("nan"), "all"])
def test_bad_shares_get_a_sentence(five_points, watch):
    module = to_module(sh.Initialization.draw(five_points, 2, rng=0), 1, five_points)
    with pytest.raises(sh.SaddlehopError, match=r"`watch` is .*; pass (the share of|a number)"):
        Recorder(module, five_points, watch=watch)


def test_without_watching_nothing_is_said_of_walls(five_points):
    init = sh.Initialization.draw(five_points, 3, rng=0)
    recording = train(five_points, init, 0.1, 0.1, 100, watch=0)
    assert recording.bursts == 0
    assert not recording.zigzags.any()
    assert "not known" in recording.departure().message
    assert train(five_points, init, 0.1, 0.1, 100, watch=1).bursts == 4
