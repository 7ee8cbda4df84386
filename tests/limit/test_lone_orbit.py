"""The orbit of a lone neuron with several curvatures, against slow integrations made apart."""

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from scipy.integrate import solve_ivp

from saddlehop.limit import heteroclinic, lone
from saddlehop.limit.heteroclinic import Group, Passengers, solve_orbit
from saddlehop.limit.kernels import lone as kernel
from saddlehop.limit.kernels import orbit as tie_kernel


def random_orbit(seed, n_classes, n_riders=5, decades=0.8, fastest=1.5):
    """A neuron with n_classes curvatures; most riders share half of its samples and keep others."""
    rng = np.random.default_rng(seed)
    pulls = 10 ** rng.uniform(0, decades, n_classes)
    masses = rng.uniform(0.5, 2, (1, n_classes))
    rate = np.sqrt(masses @ pulls**2)
    felt = (rng.random((n_riders, n_classes)) < 0.6) * masses
    felt[:, 0] = masses[0, 0]
    rests = rate * rng.uniform(0, fastest, n_riders)
    rests[0] = 0.0
    group = Group(rate, rng.uniform(-1, 1, 1), pulls, masses)
    return group, Passengers(np.sqrt(felt @ pulls**2 + rests**2), rests, felt)


def in_units(group, passengers, rider):
    """p, M, those of a rider, its R, and what its shift is moved by, in the units of the orbit."""
    rate, size = group.rates[0], group.masses.sum() ** 0.25
    center = (np.log(size) - group.head_starts[0]) / rate
    moved = (passengers.rates - passengers.rests)[rider] * center
    return (
        group.pulls * size**2 / rate,
        group.masses[0] / size**4,
        passengers.masses[rider] / size**4,
        passengers.rests[rider] / rate,
        moved,
    )


def slow_shift(pulls, masses, felt, rest):
    """The shift by SciPy from death to death, in log sizes and weights per size; how many died."""
    n, rate = pulls.size, np.sqrt(felt @ pulls**2 + rest**2)
    alive, t, deaths = felt > 0, -18.0, 0
    z = np.concatenate([[t], pulls, [rate * t], np.where(alive, pulls / rate, 0), [rest / rate]])

    def left(t, z):
        return 1 - np.exp(2 * z[0]) * z[1 : n + 1]

    def slope(t, z):
        push, v, ridden = pulls * left(t, z), z[1 : n + 1], z[n + 2 : -1]
        grows = push @ (masses * v)
        rides = (push * felt * alive) @ ridden + rest * z[-1]
        moved = np.where(alive, push - rides * ridden, 0)
        return np.concatenate([[grows], push - grows * v, [rides], moved, [rest - rides * z[-1]]])

    def rests(t, z):
        return np.abs(left(t, z)).max() - 1e-11

    rests.terminal = True
    while True:
        ends = [rests]
        for c in np.flatnonzero(alive):
            ends.append(lambda t, z, c=c: z[n + 2 + c])
            ends[-1].terminal, ends[-1].direction = True, -1
        found = solve_ivp(
            slope, (t, 1e4), z, "DOP853", events=ends, rtol=1e-13, atol=1e-16, first_step=1e-3
        )
        t, z = found.t[-1], found.y[:, -1]
        died = np.flatnonzero(alive)[[len(times) > 0 for times in found.t_events[1:]]]
        if not died.size:
            growing = np.log1p(z[-1]) - np.log(2) if rest > 0 else 0.0
            return z[n + 1] + growing - rest * t, deaths
        alive[died], z[n + 2 + died] = False, 0
        deaths += died.size


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n_classes", "decades"), [(3, 0.5), (5, 1.0), (8, 1.6)])
def test_shifts_agree_with_an_integration_from_death_to_death(seed, n_classes, decades):
    group, passengers = random_orbit(seed, n_classes, decades=decades)
    orbit = solve_orbit(group, passengers)
    total = 0
    for rider in range(5):
        *units, moved = in_units(group, passengers, rider)
        shift, deaths = slow_shift(*units)
        total += deaths
        assert orbit.shifts[rider] == pytest.approx(shift + moved, abs=1e-10)
    assert total >= 3


def times(a, b, k):
    return mpmath.fsum(a[i] * b[k - i] for i in range(k + 1))


def taylor_terms(state, pulls, masses, felt, rest, alive, n_terms):
    """Power series of a, w_c, b, z_c, z and f_c in time, about a state."""
    size, weights, ridden_size, ridden, open_ = state
    a, b, z = [size], [ridden_size], [open_]
    w, y = [[x] for x in weights], [[x] for x in ridden]
    f = [[] for _ in pulls]
    for k in range(n_terms):
        for c in range(len(pulls)):
            f[c].append((k == 0) - times(a, w[c], k))
        grows = mpmath.fsum(
            p * m * times(f[c], w[c], k) for c, (p, m) in enumerate(zip(pulls, masses, strict=True))
        )
        rides = rest * z[k] + mpmath.fsum(
            p * m * times(f[c], y[c], k)
            for c, (p, m) in enumerate(zip(pulls, felt, strict=True))
            if alive[c]
        )
        for c, p in enumerate(pulls):
            w[c].append(p * times(f[c], a, k) / (k + 1))
            y[c].append(p * times(f[c], b, k) / (k + 1) if alive[c] else mpf(0))
        z.append(rest * b[k] / (k + 1))
        a.append(grows / (k + 1))
        b.append(rides / (k + 1))
    return a, w, b, y, z, f


def at(terms, step):
    return mpmath.polyval(terms[::-1], step)


def first_death(ridden, alive, step):
    """How far to go, and the class that dies there."""
    for c, terms in enumerate(ridden):
        if alive[c] and at(terms, step) < 0:
            low, high = mpf(0), step
            for _ in range(100):
                middle = (low + high) / 2
                low, high = (low, middle) if at(terms, middle) < 0 else (middle, high)
            return high, c
    return step, None


def shift_in_digits(pulls, masses, felt, rest):
    """The shift in some 20 digits, by Taylor series in time from death to death; how many died."""
    pulls, masses, felt = ([mpf(float(x)) for x in row] for row in (pulls, masses, felt))
    # floats are in the units of the orbit within rounding, which 20 digits would see
    total = mpmath.fsum(masses)
    masses, felt = [m / total for m in masses], [m / total for m in felt]
    unit = mpmath.sqrt(mpmath.fsum(m * p**2 for m, p in zip(masses, pulls, strict=True)))
    pulls, rest = [p / unit for p in pulls], mpf(float(rest)) / unit
    rate = mpmath.sqrt(mpmath.fsum(m * p**2 for m, p in zip(felt, pulls, strict=True)) + rest**2)
    t, deaths, alive = mpf(-24), 0, [m > 0 for m in felt]
    size, ridden_size = mpmath.exp(t), mpmath.exp(rate * t)
    state = (
        size,
        [p * size for p in pulls],
        ridden_size,
        [p * ridden_size / rate for p in pulls],
        rest * ridden_size / rate,
    )
    left = [mpf(1)]
    while max(abs(x) for x in left) > mpf(10) ** -18:
        a, w, b, y, z, f = taylor_terms(state, pulls, masses, felt, rest, alive, 24)
        left = [x[0] for x in f]
        step, dead = first_death(y, alive, mpf(1) if t < -6 or t > 12 else mpf("0.2"))
        state = (
            at(a, step),
            [at(x, step) for x in w],
            at(b, step),
            [at(x, step) for x in y],
            at(z, step),
        )
        t += step
        if dead is not None:
            alive[dead], state[3][dead] = False, mpf(0)
            deaths += 1
    return float(mpmath.log((state[2] + state[4]) / 2) - rest * t), deaths


def test_shifts_agree_with_more_digits():
    """Settled: deaths located in 20 digits; steps over deaths without them lose 1e-8 or so."""
    group, passengers = random_orbit(1, 3, decades=0.5)
    shifts = solve_orbit(group, passengers).shifts
    stepped = heteroclinic._integrated_orbit(group, passengers).shifts
    died, lost = 0, 0.0
    with mpmath.workdps(30):
        for rider in (1, 4):
            *units, moved = in_units(group, passengers, rider)
            shift, deaths = shift_in_digits(*units)
            assert shifts[rider] == pytest.approx(shift + moved, abs=2e-11)
            died += deaths
            lost = max(lost, abs(stepped[rider] - shift - moved))
    assert died >= 2
    assert lost > 1e-10


@pytest.mark.parametrize("seed", range(3))
def test_the_curve_and_the_half_time_agree_with_explicit_steps(seed):
    group, passengers = random_orbit(seed, 6)
    ours, theirs = solve_orbit(group, passengers), heteroclinic._integrated_orbit(group, passengers)
    np.testing.assert_allclose(ours.half_times, theirs.half_times, atol=1e-9)
    np.testing.assert_allclose(ours.output, theirs.output, rtol=1e-9)
    np.testing.assert_allclose(ours.weights, theirs.weights, rtol=1e-8)
    np.testing.assert_allclose(ours.shifts, theirs.shifts, atol=1e-7)
    tau = ours.half_times[0] + np.linspace(-40, 30, 300) / group.rates[0]
    for name in ("fractions", "log_output"):
        of_panels, of_steps = getattr(ours.curve, name)(tau), getattr(theirs.curve, name)(tau)
        np.testing.assert_allclose(of_panels, of_steps, atol=1e-8)


def test_one_curvature_in_panels_is_the_closed_form():
    group = Group(np.array([0.9]), np.array([0.4]), np.array([0.6]), np.array([[2.25]]))
    felt, rests = np.array([[2.25], [0.6], [1.2], [0.0]]), np.array([0.0, 0.4, 1.9, 0.5])
    passengers = Passengers(np.sqrt(felt[:, 0] * 0.36 + rests**2), rests, felt)
    closed = solve_orbit(group, passengers)
    size = 2.25**0.25
    half_time, shifts, _ = lone._in_panels(group, passengers, closed.half_times[0], size)
    moved = (passengers.rates - passengers.rests) * closed.half_times[0]
    assert half_time == pytest.approx(closed.half_times[0], abs=1e-12)
    np.testing.assert_allclose(shifts + moved, closed.shifts, atol=1e-11)


def test_shorter_panels_give_the_same(monkeypatch):
    group, passengers = random_orbit(0, 150, n_riders=9, decades=2)
    longer = solve_orbit(group, passengers)
    monkeypatch.setattr(lone, "_TOL", 1e-7)
    monkeypatch.setattr(lone, "_REACHES", (0.5, 0.25, 0.125, 0.06))
    shorter = solve_orbit(group, passengers)
    np.testing.assert_allclose(shorter.shifts, longer.shifts, atol=2e-10)
    np.testing.assert_allclose(shorter.half_times, longer.half_times, rtol=1e-12)


def test_panels_too_long_for_a_rider_are_taken_again(monkeypatch):
    group, passengers = random_orbit(0, 4)
    asked, ride = [], kernel.ride

    def rough_at_first(panels, *arguments):
        asked.append(len(panels.table))
        shifts, rough = ride(panels, *arguments)
        return shifts, 1.0 if len(asked) < 3 else rough

    monkeypatch.setattr(kernel, "ride", rough_at_first)
    solve_orbit(group, passengers)
    assert asked[0] <= asked[1] <= asked[2]
    assert asked[0] < asked[2]
    assert len(asked) == 3


@pytest.mark.parametrize("decades", [4, 8, 16])
def test_curvatures_many_decades_apart(decades):
    """The slow classes rest as if the fast ones had always been fitted."""
    group, passengers = random_orbit(2, 6, decades=decades)
    orbit = solve_orbit(group, passengers)
    assert np.isfinite(orbit.shifts).all()
    tau = orbit.half_times[0] + np.geomspace(1e-3, 100, 200) * 10**decades / group.rates[0]
    assert np.abs(orbit.curve.fractions(tau)[-1]).max() < 1e-8
    if decades == 4:
        scaled = heteroclinic._Scaled(group, passengers)
        state, nodes, _ = heteroclinic._integrate_stiff(scaled, 1)
        stiff = heteroclinic._shifts(scaled, passengers, state[1:], float(nodes[-1]))
        np.testing.assert_allclose(orbit.shifts, stiff, atol=1e-7)


def test_samples_add_to_their_rows_for_the_neurons_active_on_them():
    words = np.array([[0b101], [0b011], [0b100]], dtype=np.uint64)
    sums = np.zeros((2, 3))
    samples, rows = np.array([0, 2, 1]), np.array([1, 1, 0])
    tie_kernel.add_over_sets(words, samples, rows, np.array([1.0, 10.0, 100.0]), sums)
    assert sums.tolist() == [[10, 10, 0], [1, 0, 101]]
