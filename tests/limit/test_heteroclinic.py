import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from saddlehop.errors import SaddlehopError
from saddlehop.limit import condense, heteroclinic
from saddlehop.limit.heteroclinic import Group, Passengers, solve_orbit


def lone(rate=0.7, mass=1.3, head=0.4, subsets=(0.9, 0.3, 0.0, 0.5), rests=(0.0, 0.8, 0.5, 0.01)):
    """A neuron with one curvature and passengers that share part of its samples."""
    pull = rate / np.sqrt(mass)
    masses = np.array(subsets)[:, None] * mass
    rates = np.sqrt(pull**2 * masses[:, 0] + np.square(rests))
    group = Group(np.array([rate]), np.array([head]), np.array([pull]), np.array([[mass]]))
    return group, Passengers(rates, np.array(rests), masses)


def random_group(seed, n_neurons=3, n_classes=4):
    rng = np.random.default_rng(seed)
    active = rng.random((n_neurons, n_classes)) < 0.6
    active[rng.integers(n_neurons, size=n_classes), range(n_classes)] = True
    active[range(n_neurons), rng.integers(n_classes, size=n_neurons)] = True
    pulls, masses = rng.uniform(0.5, 2, n_classes), active * rng.uniform(0.5, 2, n_classes)
    rates = np.sqrt(masses @ pulls**2)
    return Group(rates, rng.uniform(-1, 1, n_neurons), pulls, masses)


NOBODY = Passengers(np.empty(0), np.empty(0), np.empty((0, 4)))


@given(st.floats(0.05, 3), st.floats(0.01, 50), st.floats(-5, 5))
def test_closed_form_and_integration_agree(rate, mass, head):
    group, passengers = lone(rate, mass, head)
    closed = solve_orbit(group, passengers)
    integrated = heteroclinic._integrated_orbit(group, passengers)
    np.testing.assert_allclose(closed.shifts, integrated.shifts, atol=1e-8)
    np.testing.assert_allclose(closed.output, integrated.output, rtol=1e-8)
    np.testing.assert_allclose(closed.weights, integrated.weights, rtol=1e-8)
    np.testing.assert_allclose(rate * closed.half_times, rate * integrated.half_times, atol=1e-8)
    tau = closed.half_times[0] + np.linspace(-40, 15, 60) / rate
    for name in ("fractions", "log_output"):
        ours, theirs = getattr(closed.curve, name)(tau), getattr(integrated.curve, name)(tau)
        np.testing.assert_allclose(ours, theirs, atol=1e-8)


def test_a_passenger_without_a_share_is_not_shifted():
    group, passengers = lone(subsets=(0.0,), rests=(0.4,))
    assert solve_orbit(group, passengers).shifts[0] == pytest.approx(0, abs=1e-14)


def test_a_passenger_with_the_same_samples_keeps_its_ratio():
    """It follows the neuron as a fixed multiple of it, so it ends at the neuron's size."""
    group, passengers = lone(subsets=(1.0,), rests=(0.0,))
    orbit = solve_orbit(group, passengers)
    assert np.exp(orbit.shifts[0] + group.head_starts[0]) == pytest.approx(orbit.output[0])


@pytest.mark.parametrize("seed", range(8))
def test_ties_against_a_plain_integration_of_the_weights(seed):
    group = random_group(seed)
    orbit = solve_orbit(group, NOBODY)
    n_neurons, n_classes = group.masses.shape
    active = group.masses > 0
    squares = group.masses.max(axis=0)
    begin = -14 / group.rates.min()
    a = np.exp(group.head_starts + group.rates * begin)
    w = np.where(active, a[:, None] * group.pulls / group.rates[:, None], 0)

    def slope(_, z):
        a, w = z[:n_neurons], z[n_neurons:].reshape(n_neurons, n_classes)
        pull = group.pulls * (1 - a @ np.maximum(w, 0))
        alive = active & (w > 0)
        return np.concatenate(
            [(np.maximum(w, 0) * squares) @ pull, (alive * a[:, None] * pull).ravel()]
        )

    start = np.concatenate([a, w.ravel()])
    end = solve_ivp(slope, (begin, 400), start, method="DOP853", rtol=1e-11, atol=1e-30).y[:, -1]
    np.testing.assert_allclose(orbit.output, end[:n_neurons], rtol=1e-7)
    np.testing.assert_allclose(
        orbit.weights, end[n_neurons:].reshape(n_neurons, n_classes), rtol=1e-6, atol=1e-7
    )
    np.testing.assert_allclose(orbit.output @ orbit.weights, np.ones(n_classes), rtol=1e-8)


def test_unequal_curvatures_overshoot_and_are_fitted_all_the_same():
    pulls, masses = np.array([0.1, 5.0]), np.array([[1.0, 1.0]])
    rate = np.sqrt(masses[0] @ pulls**2)
    orbit = solve_orbit(
        Group(np.array([rate]), np.zeros(1), pulls, masses),
        Passengers(np.empty(0), np.empty(0), np.empty((0, 2))),
    )
    tau = np.linspace(-5, 60, 2000)
    assert orbit.curve.fractions(tau).min() < -0.001
    np.testing.assert_allclose(orbit.output[0] * orbit.weights[0], 1, atol=1e-8)


def test_the_dense_orbit_is_as_accurate_as_its_nodes():
    group = random_group(1)
    orbit = solve_orbit(group, NOBODY)
    tau = orbit.half_times.min() + np.linspace(-3, 6, 400)
    fractions, sizes = orbit.curve.fractions(tau), np.exp(orbit.curve.log_output(tau))
    step = 1e-4
    slope = (orbit.curve.log_output(tau + step) - orbit.curve.log_output(tau - step)) / (2 * step)
    np.testing.assert_allclose(sizes[-1], orbit.output, rtol=1e-2)
    assert np.abs(np.diff(fractions, axis=0)).max() < 0.1
    # ȧ/a = Σ_c p_c f_c M_gc w_gc / a is bounded by the growth rate far before the jump
    assert slope.max() <= group.rates.max() * 1.2


def test_nodes_stand_for_the_classes_of_a_lone_neuron(monkeypatch):
    rng = np.random.default_rng(5)
    pulls, masses = np.exp(rng.normal(0, 1, 120)), rng.uniform(0.5, 2, (1, 120))
    group = Group(np.sqrt(masses @ pulls**2), np.array([0.3]), pulls, masses)
    felt = (rng.random((6, 120)) < 0.5) * masses
    rests = np.array([0.0, 0.1, 2.0, 5.0, 0.0, 1.0])
    passengers = Passengers(np.sqrt(felt @ pulls**2 + rests**2), rests, felt)
    few = solve_orbit(group, passengers)
    assert few.curve.nodes.pulls.size < 60
    monkeypatch.setattr(condense, "_WORTH", np.inf)
    every = solve_orbit(group, passengers)
    np.testing.assert_allclose(few.output, every.output, rtol=1e-9)
    np.testing.assert_allclose(few.weights, every.weights, rtol=1e-8)
    np.testing.assert_allclose(few.half_times, every.half_times, atol=1e-9 * few.half_times[0])
    np.testing.assert_allclose(few.shifts, every.shifts, atol=1e-10)
    tau = few.half_times[0] + np.linspace(-10, 20, 50) / group.rates[0]
    np.testing.assert_allclose(few.curve.fractions(tau), every.curve.fractions(tau), atol=1e-8)


@pytest.mark.parametrize("order", ["C", "F"])
def test_radaus_differences_may_lie_apart_in_memory(order):
    """Radau's difference Jacobian passes columns of a matrix: entries that are not neighbours."""
    group = Group(
        np.array([1.0, 0.9]), np.zeros(2), np.array([1.0, 0.3]), np.array([[1.0, 0.4], [0.7, 0.0]])
    )
    scaled = heteroclinic._Scaled(group, Passengers(np.empty(0), np.empty(0), np.empty((0, 2))))
    slope, left = heteroclinic._stiff_equation(scaled, 2)
    state = scaled.start.ravel()
    columns = np.array([state, state + 1e-3, state - 1e-3, 2 * state], order=order).T
    for column in columns.T:
        assert np.array_equal(slope(0.0, column), slope(0.0, column.copy()))
        assert left(0.0, column) == left(0.0, column.copy())
    assert columns[:, 0].flags.contiguous == (order == "C")


def test_an_orbit_whose_jacobian_overflows_is_refused_in_one_sentence():
    """Masses 141 decades apart: SciPy's differences become infinite, which it refuses to factor."""
    group = Group(
        np.full(2, 0.6),
        np.array([0.0, -221.0]),
        np.full(2, 1 / 3),
        np.array([[0, 3.2], [1e-141, 3.2]]),
    )
    with pytest.raises(SaddlehopError, match="does not come to rest, for its input norms differ"):
        solve_orbit(group, Passengers(np.empty(0), np.empty(0), np.empty((0, 2))))
