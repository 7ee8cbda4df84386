"""Every public function on hostile problems: numbers that hold together, or one sentence."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
from scipy import sparse

import hostile
import saddlehop as sh


def _finite(*arrays):
    for array in arrays:
        assert np.isfinite(np.asarray(array, dtype=float)).all()


def _flow(problem, init, rng):
    scale = str(rng.choice(["1e-1000", "1e-8", "0.5"]))
    return sh.simulate_flow(problem, init, init_scale=scale, rtol=1e-4, max_steps=2000)


def flow(problem, init, rng):
    path = _flow(problem, init, rng)
    _finite(path.t, path.losses, path.sq_norms, path.loss_at(path.t))
    assert not np.isnan(path.log_output).any()
    assert (np.diff(path.losses) <= 1e-4 * path.losses[0]).all()
    middle = path(path.t[-1] / 2)
    _finite(middle.output, middle.hidden, path.final.output, path.final.hidden)


def comparison(problem, init, rng):
    jumps = sh.solve_jumps(problem, init)
    found = sh.compare(_flow(problem, init, rng), jumps)
    assert len(found.to_frame()) == sum(map(len, jumps.neurons))


def saddles(problem, init, rng):
    jumps = sh.solve_jumps(problem, init)
    for index in range(jumps.n_jumps + 1):
        assert (
            abs(jumps.saddle(index).loss(problem) - jumps.losses[index]) <= 1e-9 * jumps.losses[0]
        )
    assert abs(jumps.sq_norms[-1] - jumps.final.sq_norm) <= 1e-9 * jumps.sq_norms[-1]
    assert jumps.saddle_facts(0).loss == jumps.losses[0]
    _finite(jumps(float(jumps.times[0]) if jumps.n_jumps else 0.0).output)


def next_order(problem, init, rng):
    jumps = sh.solve_jumps(problem, init)
    _finite(jumps.corrections, jumps.growth_rates)
    times = 100 * np.log(10) * jumps.times + jumps.corrections
    predicted = jumps.predict_times("1e-100")
    assert np.array_equal(np.isfinite(predicted), times > 0)  # nan: before the start
    assert not np.isnan(jumps.resolving_scale).any()
    assert len(jumps.to_frame()) == jumps.n_jumps


def alignment(problem, init, rng):
    aligned = sh.align(problem, init)
    assert not np.isnan(aligned.log_growth).any()
    assert np.array_equal(
        sh.ActiveSets.from_bool(aligned.active, aligned.signs).words, aligned.sets.words
    )


def least_norm(problem, init, rng):
    least = sh.min_norm_interpolator(problem)
    assert abs(least.duality_gap) <= 1e-10 * least.sq_norm
    np.testing.assert_allclose(
        least.network.outputs(problem), problem.y, rtol=1e-12, atol=1e-150 * np.abs(problem.y).max()
    )


def rates(problem, init, rng):
    network = init.network
    if network.loss(problem) > 0:
        _finite(sh.local_pl_constant(problem, network))
    _finite(sh.asymptotic_rate(problem, network))
    _finite(network.outputs(problem))
    assert not np.isnan(
        [network.loss(problem), network.sq_norm, *network.contributions.ravel()]
    ).any()


def from_data(problem, init, rng):
    n = problem.n_samples
    X = np.zeros((n, n))
    X[np.arange(n), rng.permutation(n)] = problem.norms
    forms = (np.asarray, np.asfortranarray, np.ndarray.tolist, sparse.csr_array, sparse.coo_array)
    given = sh.Problem.from_data(forms[int(rng.integers(len(forms)))](X), problem.y)
    np.testing.assert_allclose(given.norms, problem.norms, rtol=1e-15)
    np.testing.assert_allclose(given.project(X), np.diag(problem.norms), rtol=1e-15)
    sh.Initialization.draw(given, 3, str(rng.choice(["balanced", "dominated", "gaussian"])), rng=0)
    start = sh.Initialization.from_weights(np.ones(4), rng.standard_normal((4, n)), given)
    assert (start.off_span < 1e-12).all()


def orthogonal_rows(problem, init, rng):
    rows = init.hidden
    turned = sh.orthogonalize(rows)
    lengths = np.linalg.norm(turned / np.abs(turned).max(axis=1)[:, None], axis=1)
    units = turned / np.abs(turned).max(axis=1)[:, None] / lengths[:, None]
    np.testing.assert_allclose(units @ units.T, np.eye(len(rows)), atol=1e-12)
    _finite(sh.orthogonalizing_map(rows))


def files(problem, init, rng):
    jumps = sh.solve_jumps(problem, init)
    with tempfile.TemporaryDirectory() as folder:
        sh.save(Path(folder) / "jumps.npz", jumps)
        again = sh.load(Path(folder) / "jumps.npz")
    for name in ("times", "exponents", "losses", "escape_rates", "margins"):
        assert np.array_equal(getattr(again, name), getattr(jumps, name))


def other_ways(problem, init, rng):
    if init.width < 100:  # the plain twins take minutes beyond
        assert sh.second_opinion(problem, init, scales=[]).agrees


def chances(problem, init, rng):
    positive, negative = int(np.sum(problem.y > 0)), int(np.sum(problem.y < 0))
    chance = sh.interpolation_probability(np.int64(positive), negative, np.uint8(20))
    assert 0 <= chance <= 1
    width = sh.required_width(positive, negative, 0.5)
    assert sh.interpolation_probability(positive, negative, width) >= 0.5
    assert width == 1 or sh.interpolation_probability(positive, negative, width - 1) < 0.5


def proof(problem, init, rng):
    found = sh.certify(problem, init, sh.solve_jumps(problem, init))
    assert not found.contradictions
    assert len(found.to_frame()) == len(found.verdicts)


def in_blocks(problem, init, rng):
    sets = sh.align(problem, init).sets
    blocks = sh.SampleBlocks.from_sets(problem, sets, int(rng.integers(1, problem.n_samples + 1)))
    jumps, same = sh.solve_jumps(problem, sets), sh.solve_jumps_blocks(blocks)
    assert same.neurons == jumps.neurons
    for name in ("times", "losses", "exponents", "escape_rates", "margins"):
        assert np.array_equal(getattr(same, name), getattr(jumps, name))


def conversions(problem, init, rng):
    name = str(rng.choice(sh.conventions.LOSSES))
    theirs = sh.conventions.Convention(name)
    steps, losses = rng.uniform(1, 1e9, 3), rng.uniform(0, 1e9, (2, 2))
    time = sh.conventions.time_of_steps(steps, 0.1, name, n_samples=problem.n_samples)
    back = sh.conventions.steps_of_time(time, 0.1, name, n_samples=problem.n_samples)
    np.testing.assert_allclose(back, steps, rtol=1e-14)
    there = theirs.their_loss(losses, problem, init.width)
    np.testing.assert_allclose(theirs.our_loss(there, problem, init.width), losses, rtol=1e-14)


def drawing(problem, init, rng):
    for law in ("balanced", "dominated", "gaussian"):
        drawn = sh.Initialization.draw(problem, init.width, law, rng=rng)
        _finite(drawn.output, drawn.hidden)
        assert drawn.hidden.shape == (init.width, problem.n_samples)
    sets = sh.ActiveSets.draw(problem, init.width, rng=rng)
    assert not sh.solve_jumps(problem, sets).times.size or sets.width == init.width


CALLS = (
    flow,
    comparison,
    saddles,
    next_order,
    alignment,
    least_norm,
    rates,
    from_data,
    orthogonal_rows,
    files,
    other_ways,
    chances,
    proof,
    in_blocks,
    conversions,
    drawing,
)


def is_one_sentence(err):
    return str(err).endswith(".") and "\n" not in str(err)


def refusal(call, problem, init, seed):
    """The error with which a call refuses, if it does."""
    try:
        call(problem, init, np.random.default_rng(seed))
    except sh.SaddlehopError as err:
        return err
    return None


def outcome(call, problem, init, seed):
    """What became of a call: right, one sentence, or a failure in capitals."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            error = refusal(call, problem, init, seed)
        except AssertionError:
            return "WRONG"
        except Exception as err:
            return f"RAW {type(err).__name__}"
    if error is None:
        return "right"
    return "one sentence" if is_one_sentence(error) else "NO SENTENCE"


def trial(seed):
    """Every public function on a hostile problem: numbers that hold together, or one sentence."""
    rng = np.random.default_rng([6, seed])
    n = int(rng.choice([1, 2, 3, 8, 30]))
    y = hostile.SIZES[str(rng.choice(list(hostile.SIZES)))](rng, n)
    norms = hostile.LENGTHS[str(rng.choice(list(hostile.LENGTHS)))](rng, n)
    start = hostile.start(rng, str(rng.choice(hostile.STARTS)), n)
    try:
        problem, init = sh.Problem(y, norms), sh.Initialization(*start)
    except sh.SaddlehopError:
        yield "problem: one sentence"
        return
    for call in CALLS:
        yield f"{call.__name__}: {outcome(call, problem, init, seed)}"
