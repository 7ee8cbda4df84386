import dataclasses

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import saddlehop as sh
from helpers import assert_same_jumps, orthonormal_rows, problems, problems_with_starts
from saddlehop.errors import UnresolvedTieError
from saddlehop.limit import twins


def solve_sets(y, active, signs, norms=None):
    return sh.solve_jumps(sh.Problem(y, norms), sh.ActiveSets.from_bool(active, signs))


def generic(seed, n=40, m=10, **options):
    problem = sh.make_orthogonal(n, rng=seed, **options)
    return problem, sh.Initialization.draw(problem, m, rng=seed)


def test_reference_cases(case):
    problem = sh.Problem(case["y"], case["norms"])
    jumps = sh.solve_jumps(problem, sh.Initialization(case["output"], case["hidden"]))
    assert case["tied"] == bool((jumps.margins == 0).any())
    if case["tied"]:
        return
    expected = case["jumps"]
    assert jumps.neurons == tuple((j,) for j in expected["neurons"])
    assert [s.tolist() for s in jumps.samples] == expected["samples"]
    np.testing.assert_allclose(jumps.times, expected["times"], rtol=1e-10)
    np.testing.assert_allclose(jumps.losses, expected["losses"], rtol=0, atol=1e-10)
    np.testing.assert_allclose(jumps.sq_norms, expected["sq_norms"], rtol=1e-10)


def test_rational_check_of_the_theory_is_exact():
    jumps = solve_sets([3, 4, -2], [[1, 1, 0], [0, 1, 0], [0, 0, 1]], [1, 1, -1])
    assert jumps.times.tolist() == [3 / 5, 3 / 2]
    assert jumps.neurons == ((0,), (2,))
    assert [s.tolist() for s in jumps.samples] == [[0, 1], [2]]
    assert jumps.losses.tolist() == [29 / 6, 4 / 6, 0]
    assert jumps.sq_norms.tolist() == [0, 10, 14]
    np.testing.assert_allclose(jumps.exponents[-1], [0, -1 / 5, 0], rtol=1e-15)
    assert jumps.escape_rates.tolist() == [5 / 3, 2 / 3, 0]
    np.testing.assert_allclose(jumps.margins, [3 / 4 - 3 / 5, np.inf])


@given(problems_with_starts())
def test_it_agrees_with_the_plain_twin(problem_and_start):
    problem, init = problem_and_start
    alignment = sh.align(problem, init)
    jumps = sh.solve_jumps(problem, alignment)
    twin = twins.jump_process(alignment.active, problem.y, problem.norms)
    assert [list(group) for group in jumps.neurons] == twin.neurons
    assert [s.tolist() for s in jumps.samples] == twin.samples
    np.testing.assert_allclose(jumps.times, twin.times, rtol=1e-12)
    np.testing.assert_allclose(jumps.margins, twin.margins, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(jumps.exponents, twin.exponents, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("n", "m"), [(500, 3), (300, 64), (200, 65), (100, 300)])
def test_it_agrees_with_the_plain_twin_on_larger_problems(n, m):
    for seed in range(3):
        problem, init = generic(seed, n, m, norms="lognormal")
        alignment = sh.align(problem, init)
        jumps = sh.solve_jumps(problem, alignment)
        twin = twins.jump_process(alignment.active, problem.y, problem.norms)
        assert [list(group) for group in jumps.neurons] == twin.neurons
        assert [s.tolist() for s in jumps.samples] == twin.samples
        np.testing.assert_allclose(jumps.times, twin.times, rtol=1e-12)
        np.testing.assert_allclose(jumps.exponents, twin.exponents, rtol=1e-11, atol=1e-12)


def test_labels_of_very_different_sizes_keep_their_digits():
    """Sample k has label 10^(−8k) and a neuron of its own; one more neuron sees the smallest."""
    y = 10.0 ** (-8 * np.arange(8))
    y[7] = y[6] / 2
    active = np.vstack([np.eye(8, dtype=bool), np.arange(8) >= 6])
    jumps = solve_sets(y, active, np.ones(9))
    last_two = np.hypot(y[6], y[7])
    assert jumps.neurons == tuple((j,) for j in [0, 1, 2, 3, 4, 5, 8])
    np.testing.assert_allclose(jumps.times[:-1], 8 / y[:6], rtol=1e-14)
    assert jumps.times[-1] == pytest.approx(8 / last_two, rel=1e-14)


@given(problems_with_starts())
def test_order_of_samples_and_neurons_does_not_matter(problem_and_start):
    problem, init = problem_and_start
    rng = np.random.default_rng(0)
    k, j = rng.permutation(problem.n_samples), rng.permutation(init.width)
    jumps = sh.solve_jumps(problem, init)
    permuted = sh.solve_jumps(
        sh.Problem(problem.y[k], problem.norms[k]),
        sh.Initialization(init.output[j], init.hidden[np.ix_(j, k)]),
    )
    np.testing.assert_array_equal(permuted.times, jumps.times)
    np.testing.assert_array_equal(permuted.exponents, jumps.exponents[:, j])
    for i in range(jumps.n_jumps):
        assert sorted(j[list(permuted.neurons[i])]) == list(jumps.neurons[i])
        assert sorted(k[permuted.samples[i]]) == jumps.samples[i].tolist()


@given(problems_with_starts())
def test_flipping_all_signs_flips_the_neurons(problem_and_start):
    problem, init = problem_and_start
    jumps = sh.solve_jumps(problem, init)
    flipped = sh.solve_jumps(
        sh.Problem(-problem.y, problem.norms), sh.Initialization(-init.output, init.hidden)
    )
    assert_same_jumps(flipped, jumps)
    np.testing.assert_array_equal(flipped.sets.signs, -jumps.sets.signs)


@given(problems_with_starts(), st.sampled_from([1e-3, 0.5, 8.0]), st.sampled_from([0.25, 3.0]))
def test_units_of_labels_and_inputs(problem_and_start, c, b):
    """y → c y, ‖x‖ → b ‖x‖: pulls scale by b c, so the clock by 1 / (b c); ‖θ‖² by c / b."""
    problem, init = problem_and_start
    jumps = sh.solve_jumps(problem, init)
    scaled = sh.solve_jumps(sh.Problem(c * problem.y, b * problem.norms), init)
    assert scaled.neurons == jumps.neurons
    np.testing.assert_allclose(scaled.times, jumps.times / (b * c), rtol=1e-12)
    np.testing.assert_allclose(scaled.losses, c**2 * jumps.losses, rtol=1e-12)
    np.testing.assert_allclose(scaled.sq_norms, c / b * jumps.sq_norms, rtol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_rotating_the_inputs_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    X = rng.uniform(0.5, 2, (6, 1)) * orthonormal_rows(6, 10, seed)
    rotation = np.linalg.qr(rng.standard_normal((10, 10)))[0]
    y, output, W = rng.standard_normal(6), rng.standard_normal(5), rng.standard_normal((5, 10))
    paths = []
    for turn in (np.eye(10), rotation):
        problem = sh.Problem.from_data(X @ turn, y)
        init = sh.Initialization.from_weights(output, W @ turn, problem)
        paths.append(sh.solve_jumps(problem, init))
    assert_same_jumps(*paths)
    points = rng.standard_normal((7, 10))
    np.testing.assert_allclose(
        paths[0].final.predict(points, paths[0].problem),
        paths[1].final.predict(points @ rotation, paths[1].problem),
        atol=1e-12,
    )


@pytest.mark.parametrize("seed", range(20))
def test_saddles(seed):
    """Zero gradient on active neurons, losses and norms as listed, dormant neurons at zero."""
    problem, init = generic(seed, norms="lognormal")
    jumps = sh.solve_jumps(problem, init)
    assert (jumps.margins > 0).all()
    for i in range(jumps.n_jumps + 1):
        network = jumps.saddle(i)
        residual = problem.y - network.outputs(problem)
        pull = problem.norms * residual / problem.n_samples
        active = network.output != 0
        assert set(np.flatnonzero(active)) == {j for group in jumps.neurons[:i] for j in group}
        alive = network.hidden > 0
        np.testing.assert_allclose((alive * pull)[active], 0, atol=1e-13)
        np.testing.assert_allclose(network.hidden @ pull, 0, atol=1e-13)
        assert not network.hidden[~active].any()
        assert network.loss(problem) == pytest.approx(jumps.losses[i], abs=1e-14)
        assert network.sq_norm == pytest.approx(jumps.sq_norms[i], rel=1e-13)
        np.testing.assert_allclose(network.output**2, np.sum(network.hidden**2, axis=1), rtol=1e-13)
    assert (jumps.escape_rates[:-1] > 0).all()
    assert jumps.escape_rates[-1] == 0


@given(problems_with_starts())
def test_losses_fall_norms_rise_and_the_end_is_as_announced(problem_and_start):
    problem, init = problem_and_start
    jumps = sh.solve_jumps(problem, init)
    assert (np.diff(jumps.times) > 0).all()
    assert (np.diff(jumps.losses) < 0).all()
    assert jumps.losses[0] == pytest.approx(np.mean(problem.y**2) / 2)
    uncovered = (problem.y != 0) & ~jumps.sets.to_bool().any(axis=0)
    np.testing.assert_array_equal(jumps.unfit, np.flatnonzero(uncovered))
    assert jumps.interpolates == (not uncovered.any())
    assert jumps.losses[-1] == pytest.approx(
        np.sum(problem.y[uncovered] ** 2) / 2 / problem.n_samples
    )
    if jumps.interpolates and np.isfinite(jumps.sq_norms[-1]):
        assert jumps.sq_norms[-1] >= sh.min_norm_interpolator(problem).sq_norm * (1 - 1e-12)


def test_calling_the_path_gives_the_network_on_the_clock():
    problem, init = generic(0)
    jumps = sh.solve_jumps(problem, init)
    assert jumps(0).sq_norm == 0
    before, after = np.nextafter(jumps.times[1], 0), jumps.times[1]
    assert jumps(before).sq_norm == jumps.saddle(1).sq_norm
    assert jumps(after).sq_norm == jumps.saddle(2).sq_norm
    assert jumps(1e9).sq_norm == jumps.final.sq_norm


class TestTies:
    """Neurons 0 and 1 arrive together."""

    def test_disjoint_sets_are_one_jump_that_fits_both(self):
        jumps = solve_sets([1, 1, 2], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], [1, 1, 1])
        assert jumps.neurons == ((2,), (0, 1))
        assert jumps.samples[1].tolist() == [0, 1]
        np.testing.assert_array_equal(jumps.margins, [1.5, 0])
        np.testing.assert_allclose(jumps.sq_norms, [0, 4, 8])
        np.testing.assert_allclose(jumps.final.contributions, np.diag([1.0, 1, 2]))

    def test_both_signs(self):
        jumps = solve_sets([1, -1], [[1, 0], [0, 1]], [1, -1])
        assert jumps.neurons == ((0, 1),)
        np.testing.assert_allclose(jumps.final.contributions, [[1, 0], [0, -1]])
        assert jumps.to_frame()["sign"].tolist() == ["both"]

    def test_equal_sets_share_in_the_ratio_of_their_head_starts(self):
        problem = sh.Problem([3.0, 4.0])
        init = sh.Initialization([1.0, 2.0], [[0.3, 0.4], [0.6, 0.8]])
        jumps = sh.solve_jumps(problem, init)
        assert jumps.sq_norms[-1] == pytest.approx(10)
        output = jumps.final.output
        assert output[1] / output[0] == pytest.approx(2, rel=1e-14)
        np.testing.assert_allclose(jumps.final.contributions.sum(axis=0), [3, 4])
        assert jumps.final.sq_norm == pytest.approx(10)

    def test_equal_sets_without_a_start_know_their_norm_but_not_their_split(self):
        jumps = solve_sets([3, 4], [[1, 1], [1, 1]], [1, 1])
        assert jumps.sq_norms[-1] == pytest.approx(10)
        with pytest.raises(
            UnresolvedTieError, match="only active sets are known; pass an Initialization"
        ):
            jumps.final  # noqa: B018

    def test_overlapping_sets_leave_only_the_split_open(self):
        active = [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
        jumps = solve_sets([1, 1, 1, 1], active, [1, 1, 1])
        assert jumps.neurons == ((0, 1), (2,))
        assert jumps.samples[0].tolist() == [0, 1, 2]
        np.testing.assert_allclose(jumps.losses, [0.5, 0.125, 0])
        np.testing.assert_array_equal(np.isnan(jumps.sq_norms), [False, True, True])
        assert jumps.saddle(0).sq_norm == 0
        for index in (1, 2):
            with pytest.raises(UnresolvedTieError, match="only active sets are known"):
                jumps.saddle(index)

    def test_open_sets_that_have_become_equal(self):
        """Neurons 0 and 1 differ in samples fitted before; the norm is known, the split is not."""
        active = [[1, 0, 1], [0, 1, 1], [1, 1, 0]]
        jumps = solve_sets([1, 1, 0.5], active, [1, 1, 1])
        assert jumps.neurons == ((2,), (0, 1))
        np.testing.assert_allclose(jumps.sq_norms[-1], 2 * (np.sqrt(2) + 0.5))
        with pytest.raises(UnresolvedTieError, match="only active sets are known"):
            jumps.final  # noqa: B018

    def test_the_tied_reference_cases(self, case):
        """Contributions of the limit against the flow at the smallest λ of the case."""
        if not case["tied"] or case["flows"][-1]["log10_init_scale"] > -100:
            pytest.skip("not tied, or no flow near the limit")
        problem = sh.Problem(case["y"], case["norms"])
        jumps = sh.solve_jumps(problem, sh.Initialization(case["output"], case["hidden"]))
        final, flow = jumps.final, case["flows"][-1]
        np.testing.assert_allclose(final.contributions, flow["contributions"], atol=1e-8)
        assert final.sq_norm == pytest.approx(flow["active_sq_norm"], rel=1e-8)
        assert jumps.sq_norms[-1] == pytest.approx(flow["active_sq_norm"], rel=1e-8)

    def test_rounding_does_not_hide_a_tie(self):
        sums = [0.1 + 0.2, 0.3]
        assert sums[0] != sums[1]
        assert solve_sets(sums, np.eye(2), [1, 1]).neurons == ((0, 1),)
        integers = np.array([3.0, 4, 5, 12, 13])
        active = [[1, 1, 0, 1, 0], [0, 0, 0, 0, 1]]
        for seed in range(5):
            order = np.random.default_rng(seed).permutation(5)
            jumps = solve_sets(integers[order] / 7, np.array(active)[:, order], [1, 1])
            assert jumps.neurons == ((0, 1),)

    def test_a_difference_above_the_tolerance_is_no_tie(self):
        assert solve_sets([1, 1 + 1e-11], np.eye(2), [1, 1]).neurons == ((1,), (0,))
        problem, sets = sh.Problem([1, 1 + 1e-11]), sh.ActiveSets.from_bool(np.eye(2), [1, 1])
        assert sh.solve_jumps(problem, sets, tie_tol=1e-10).neurons == ((0, 1),)

    def test_how_often_sign_labels_tie(self):
        """P(at least one tie) ≈ .88 at n = 10, .47 at n = 100 (theory §3), here with m = 3.476 log(n/.05)."""
        rng = np.random.default_rng(0)
        for n, m, expected in [(10, 19, 0.88), (100, 27, 0.47)]:
            tied = 0
            for _ in range(400):
                problem = sh.make_orthogonal(n, "sign", rng=rng)
                jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, m, rng=rng))
                tied += bool((jumps.margins == 0).any())
            assert tied / 400 == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("y", "output", "hidden", "n_jumps"),
    [
        ([0.0, 0.0], [1.0], [[1.0, 1.0]], 0),  # no labels to learn
        ([2.0], [1.0], [[1.0]], 1),  # n = m = 1
        ([2.0], [1.0], [[-1.0]], 0),  # nothing covered
        ([-1.0, -2.0], [-1.0, -1.0], [[1.0, -1.0], [-1.0, 1.0]], 2),  # no positive labels
        ([1.0, 0.0, -1.0], [1.0], [[1.0, 1.0, 1.0]], 1),  # a label of zero, one uncovered
    ],
)
def test_degenerate_problems(y, output, hidden, n_jumps):
    problem = sh.Problem(y)
    jumps = sh.solve_jumps(problem, sh.Initialization(output, hidden))
    assert jumps.n_jumps == n_jumps
    assert jumps.losses.shape == jumps.sq_norms.shape == jumps.escape_rates.shape == (n_jumps + 1,)
    assert jumps.final.loss(problem) == pytest.approx(jumps.losses[-1])
    assert len(jumps.to_frame()) == n_jumps
    assert jumps.escape_rates[-1] == 0


def test_given_sets_are_cut_to_labels_of_the_neurons_sign():
    jumps = solve_sets([1, -1, 0], np.ones((2, 3)), [1, -1])
    np.testing.assert_array_equal(jumps.sets.to_bool(), [[1, 0, 0], [0, 1, 0]])


@given(problems(), st.integers(1, 200), st.integers(0, 1000))
def test_active_sets_pack_and_unpack(problem, width, seed):
    active = np.random.default_rng(seed).random((width, problem.n_samples)) < 0.5
    sets = sh.ActiveSets.from_bool(active, np.ones(width))
    np.testing.assert_array_equal(sets.to_bool(), active)
    assert sets.width == width
    np.testing.assert_array_equal(sets.of(width - 1), active[-1])


def test_results_are_frozen():
    jumps = sh.solve_jumps(*generic(0))
    for name in ("times", "losses", "sq_norms", "exponents", "margins", "corrections"):
        assert not getattr(jumps, name).flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        jumps.times = 3


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda p, s: sh.solve_jumps(p, "start"), "`start` is of type str"),
        (lambda p, s: sh.solve_jumps(p, s, tie_tol=-1), "`tie_tol` is -1"),
        (lambda p, s: sh.solve_jumps(sh.Problem([1.0]), s), "has length 2 but"),
        (lambda p, s: sh.solve_jumps(sh.Problem([1.0]), sh.align(p, START)), "has length 2 but"),
        (lambda p, s: sh.solve_jumps(p, s).saddle(3), "numbered 0 to 2"),
        (lambda p, s: sh.solve_jumps(p, s)(-1.0), "`clock` is -1.0"),
        (lambda p, s: sh.solve_jumps(p, s)(float("nan")), "`clock` is nan"),
        (lambda p, s: sh.ActiveSets.from_bool([1, 0], [1]), r"`active` has shape \(2,\)"),
        (lambda p, s: sh.ActiveSets.from_bool([[1, 2]], [1]), "pass a boolean array"),
        (lambda p, s: sh.ActiveSets.from_bool([[1, 0]], [2]), "other than -1, 0 and 1"),
        (lambda p, s: sh.ActiveSets.from_bool([[1, 0]], [1, 1]), "`signs` has length 2"),
    ],
)
def test_bad_input_gets_one_sentence(call, sentence):
    with pytest.raises(sh.SaddlehopError, match=sentence):
        call(sh.Problem([1.0, 2.0]), sh.ActiveSets.from_bool(np.eye(2), [1, 1]))


START = sh.Initialization([1.0], [[1.0, 1.0]])


class TestLabelsFarApart:
    """Against 60 digits: sums of tiny labels, and arrivals that agree in many digits."""

    def exact(self, y, active):
        """Neurons and clocks of the jumps; all neurons positive, norms one."""
        with mpmath.workdps(60):
            n, still_open, clock = len(y), set(range(len(y))), mpmath.mpf(0)
            exponents = {j: mpmath.mpf(-1) for j in range(len(active))}
            jumps = []
            while True:
                rates = {
                    j: mpmath.sqrt(sum(mpmath.mpf(y[k]) ** 2 for k in still_open if active[j, k]))
                    / n
                    for j in exponents
                }
                waits = {j: -exponents[j] / rate for j, rate in rates.items() if rate > 0}
                if not waits:
                    return jumps
                first = min(waits, key=waits.get)
                clock += waits[first]
                for j in waits:
                    exponents[j] += rates[j] * waits[first]
                del exponents[first]
                still_open -= {k for k in still_open if active[first, k]}
                jumps.append((first, clock))

    def assert_exact(self, y, active):
        path = sh.solve_jumps(sh.Problem(y), sh.ActiveSets.from_bool(active, np.ones(len(active))))
        expected = self.exact(y, np.asarray(active, dtype=bool))
        assert path.neurons == tuple((neuron,) for neuron, _ in expected)
        clocks = [float(clock) for _, clock in expected]
        np.testing.assert_allclose(path.times, clocks, rtol=1e-13)
        return path

    @pytest.mark.parametrize("small", [1e-10, 1e-25, 1e-40, 1e-60, 1e-120])
    def test_tiny_labels_beside_large_ones_of_other_neurons(self, small):
        y = [1.0, 2.0, small, 3 * small, 0.7 * small, small**1.1]
        active = np.array(
            [[1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 1]]
        )
        path = self.assert_exact(y, active)
        blocks = sh.SampleBlocks.from_sets(path.problem, path.sets, 2)
        np.testing.assert_array_equal(sh.solve_jumps_blocks(blocks).times, path.times)

    @pytest.mark.parametrize("gap", [1e-2, 1e-4, 1e-5])
    def test_neurons_that_share_the_largest_label_and_arrive_almost_together(self, gap):
        y = [1.0, gap, 2 * gap, gap**2, 1.3 * gap**2]
        active = np.array(
            [[1, 0, 0, 1, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 1], [0, 0, 1, 0, 0], [1, 0, 1, 1, 0]]
        )
        self.assert_exact(y, active)


def test_the_alignment_of_another_problem_is_refused():
    problem, other = sh.Problem([1.0, 2, -1.5, 0.5]), sh.Problem([-1.0, 2, 1.5, 0.5])
    alignment = sh.align(problem, sh.Initialization.draw(problem, 8, rng=0))
    with pytest.raises(sh.SaddlehopError, match="alignment of another problem; align the start"):
        sh.solve_jumps(other, alignment)
    sh.solve_jumps(sh.Problem(problem.y.copy()), alignment)


@given(st.integers(0, 2**32 - 1))
def test_the_norm_that_a_start_leads_to_lies_within_the_bounds_of_its_sets(seed):
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(2, 14)), int(rng.integers(2, 9))
    problem = sh.make_orthogonal(n, labels="sign", rng=rng)
    jumps = sh.solve_jumps(problem, sh.Initialization.draw(problem, m, rng=rng))
    of_sets = sh.solve_jumps(problem, jumps.sets)
    low, high = of_sets.sq_norm_bounds.T
    is_open = np.isnan(of_sets.sq_norms)
    np.testing.assert_array_equal(is_open, low < high)
    np.testing.assert_array_equal(jumps.sq_norms[~is_open], of_sets.sq_norms[~is_open])
    room = 1e-9 * high
    assert ((low - room <= jumps.sq_norms) & (jumps.sq_norms <= high + room)).all()
    np.testing.assert_array_equal(jumps.sq_norm_bounds, np.column_stack([jumps.sq_norms] * 2))


def test_bounds_of_the_norm_are_those_of_one_direction_and_of_each_neuron_alone():
    jumps = solve_sets([3.0, 4.0, 3.0, 2.0], [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]], [1, 1, 1])
    assert jumps.neurons == ((0, 1), (2,))
    together, apart = 2 * np.sqrt(9 + 16 + 9), 2 * (5 + 5)
    bounds = [[0, 0], [together, apart], [together + 4, apart + 4]]
    np.testing.assert_allclose(jumps.sq_norm_bounds, bounds, rtol=1e-14)
    np.testing.assert_array_equal(np.isnan(jumps.sq_norms), [False, True, True])


def test_a_tie_of_both_signs_fits_no_sample_of_the_other_sign():
    """Neuron 1 is active on sample 2, whose label has not its sign, and ties with neuron 0."""
    problem = sh.Problem([-1.0, 1.0, -0.5])
    active = [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
    jumps = sh.solve_jumps(problem, sh.ActiveSets.from_bool(active, [-1, 1, -1]))
    assert jumps.neurons == ((0, 1), (2,))
    assert [fitted.tolist() for fitted in jumps.samples] == [[0, 1], [2]]
    assert jumps.sets.to_bool().tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def test_the_samples_of_a_tie_of_both_signs_are_in_order():
    problem = sh.Problem([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
    active = [[1, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 1]]
    jumps = sh.solve_jumps(problem, sh.ActiveSets.from_bool(active, [1, -1]))
    assert [fitted.tolist() for fitted in jumps.samples] == [[0, 1, 2, 3, 4, 5]]
