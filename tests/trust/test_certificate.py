from fractions import Fraction
from functools import reduce

import numpy as np
import pytest
from hypothesis import given

import saddlehop as sh
import trials
from helpers import problems_with_starts
from saddlehop.limit import twins
from saddlehop.trust.exact import align_exactly, as_integers, exact_pulls
from saddlehop.trust.radicals import RootField, TooManyTermsError

pytest.importorskip("flint")


@pytest.fixture
def small():
    problem = sh.Problem([3, 4, -2])
    sets = sh.ActiveSets.from_bool([[1, 1, 0], [0, 1, 0], [0, 0, 1]], [1, 1, -1])
    return problem, sets, sh.solve_jumps(problem, sets)


def test_encloses_the_rational_example(small):
    certificate = sh.certify(*small)
    assert certificate.verdicts == ("certified", "certified")
    assert certificate.is_decided
    assert certificate.is_consistent
    exact = {
        "times": [Fraction(3, 5), Fraction(3, 2)],
        "losses": [Fraction(29, 6), Fraction(4, 6), 0],
        "sq_norms": [0, 10, 14],
        "escape_rates": [Fraction(5, 3), Fraction(2, 3), 0],
        "margins": [Fraction(3, 4) - Fraction(3, 5)],
    }
    for name, values in exact.items():
        for value, (low, high) in zip(values, getattr(certificate, name), strict=False):
            assert Fraction(low) <= value <= Fraction(high)
            assert high - low <= 4e-16 * abs(high)
    assert certificate.to_frame().verdict.tolist() == ["certified", "certified"]


def test_generic_problems_are_certified():
    counts = trials.run("generic problems", 60)
    assert counts["problem without contradiction"] == 60
    assert not counts["problem undecided"]


def test_planted_ties_are_proven():
    counts = trials.run("planted ties", 60)
    assert counts == {f"{kind}: proven": 15 for kind in trials.TIE_KINDS}


def test_planted_faults_are_found():
    counts = trials.run("planted faults", 24)
    assert counts == {f"{name}: found": 3 for name in trials.FAULTS}


@given(problems_with_starts())
def test_agrees_with_degenerate_problems(case):
    problem, init = case
    certificate = sh.certify(problem, init, sh.solve_jumps(problem, init))
    assert certificate.contradictions == ()


@given(problems_with_starts())
def test_exact_alignment_is_the_reference(case):
    problem, init = case
    pulls, _ = exact_pulls(problem.y, problem.norms)
    exact = align_exactly(init.output, init.hidden, pulls)
    for j in range(init.width):
        twin = twins.align_neuron(float(init.output[j]), init.hidden[j], problem.pulls)
        np.testing.assert_array_equal(exact.active[j], twin.active)
        assert exact.signs[j] == twin.sign or not twin.active.any()


def test_neurons_apart_by_less_than_the_tolerance_are_undecided():
    y = np.array([1.0, np.nextafter(1.0, 2)])
    problem, sets = sh.Problem(y), sh.ActiveSets.from_bool(np.eye(2), [1, 1])
    certificate = sh.certify(problem, sets, sh.solve_jumps(problem, sets))
    assert certificate.verdicts == ("undecided",)
    assert "4.44e-16 apart" in certificate.reasons[0]
    assert certificate.is_consistent


def test_an_exact_tolerance_tells_them_apart():
    y = np.array([1.0, np.nextafter(1.0, 2)])
    problem, sets = sh.Problem(y), sh.ActiveSets.from_bool(np.eye(2), [1, 1])
    jumps = sh.solve_jumps(problem, sets)
    certificate = sh.certify(problem, sets, jumps, tie_tol=0)
    assert certificate.neurons == ((1,), (0,))
    assert certificate.verdicts[0] == "contradicted"


def test_precision_doubles_until_neurons_are_apart():
    y = np.array([2.0**110, 1.0, 2.0**110, 1 + 2.0**-52])
    problem = sh.Problem(y)
    sets = sh.ActiveSets.from_bool([[1, 1, 0, 0], [0, 0, 1, 1]], [1, 1])
    jumps = sh.solve_jumps(problem, sets)
    certificate = sh.certify(problem, sets, jumps, tie_tol=0)
    assert certificate.bits == 512
    assert certificate.neurons == ((1,), (0,))
    low = sh.certify(problem, sets, jumps, tie_tol=0, max_bits=128)
    assert low.verdicts == ("undecided",)
    assert "not told apart with 128 bits" in low.reasons[0]


def test_the_norm_of_a_tie_that_shares_samples_is_enclosed():
    problem = sh.make_orthogonal(20, labels="sign", rng=1)
    init = sh.Initialization.draw(problem, 12, rng=2)
    jumps = sh.solve_jumps(problem, init)
    certificate = sh.certify(problem, init, jumps)
    assert "tie" in certificate.verdicts
    assert certificate.is_consistent
    low, high = certificate.sq_norms.T
    assert ((low <= jumps.sq_norms + 1e-12) & (jumps.sq_norms <= high + 1e-12)).all()


def test_a_start_balanced_to_within_rounding_is_named():
    hidden = np.array([[0.1, 0.7]])
    init = sh.Initialization([np.nextafter(np.linalg.norm(hidden), 0)], hidden)
    problem = sh.Problem([-1.0, -1.0])
    certificate = sh.certify(problem, init, sh.solve_jumps(problem, init))
    assert certificate.rounded == (0,)
    assert certificate.is_consistent


def test_arguments_are_checked(small):
    problem, sets, jumps = small
    with pytest.raises(sh.SaddlehopError, match=r"`problem` is of type str"):
        sh.certify("a", sets, jumps)
    with pytest.raises(sh.SaddlehopError, match=r"`jumps` is of type NoneType"):
        sh.certify(problem, sets, None)
    with pytest.raises(sh.SaddlehopError, match=r"`tie_tol` is 'a'"):
        sh.certify(problem, sets, jumps, tie_tol="a")
    with pytest.raises(sh.SaddlehopError, match=r"`max_bits` is 3"):
        sh.certify(problem, sets, jumps, max_bits=3)
    with pytest.raises(sh.SaddlehopError, match=r"have 2, 3 and 3 samples"):
        sh.certify(sh.Problem([1, 2]), sets, jumps)
    fewer = sh.ActiveSets.from_bool([[1, 1, 0]], [1])
    with pytest.raises(sh.SaddlehopError, match=r"`init` has 1 neurons but `jumps` has 3"):
        sh.certify(problem, fewer, jumps)


def test_a_wrong_problem_contradicts(small):
    problem, sets, jumps = small
    other = sh.Problem(problem.y * (1 + 1e-9))
    assert not sh.certify(other, sets, jumps).is_consistent


def test_integers_and_roots():
    values = [0.1, -3.0, 5e-324, 1e300]
    integers, shift = as_integers(values)
    assert [Fraction(i, 2**shift) for i in integers] == [Fraction(v) for v in values]
    field = RootField({8, 18, 12, 7**3 * 50})
    two_roots = field.plus(field.root(8), field.root(18))
    assert field.times(two_roots, two_roots) == {0: 50}
    assert field.plus(two_roots, field.over_root({0: Fraction(60)}, 18), Fraction(-1, 2)) == {}
    assert len(field.plus(field.root(8), field.root(12))) == 2
    primes = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)
    field = RootField(set(primes))
    factors = [field.plus({0: Fraction(1)}, field.root(p)) for p in primes]
    with pytest.raises(TooManyTermsError):
        reduce(field.times, factors)
