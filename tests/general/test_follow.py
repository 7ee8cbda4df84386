"""Neurons that follow r(t) over long steps, and the twins of passengers."""

import numpy as np
from test_general_flow import drawn

import saddlehop as sh
from saddlehop.general import jumps_orbit
from saddlehop.general.alignment import align_pulls
from saddlehop.general.flow_follow import follow, ride
from saddlehop.general.flow_state import Setting, State
from saddlehop.general.pieces import GROWING
from saddlehop.general.radau import radau

LENGTH = 300.0


def aligned(seed, n=12, d=4, m=8):
    """Neurons that have grown along their drive under the labels for long, some on walls."""
    problem, init = drawn(seed, n, d, m)
    rows = problem.coordinates / np.linalg.norm(problem.coordinates, axis=1).max()
    labels = problem.y / np.abs(problem.y).max()
    carried, outcome = align_pulls(rows, labels / n, init)
    grows = carried.ends == GROWING
    some = int(grows.sum())
    setting = Setting(
        rows, labels, np.ones(n), n, np.linalg.norm(rows, axis=1), np.zeros(some), -1000.0, 1e-12
    )
    state = State(
        0.0,
        0.0,
        np.full(some, -1000.0),
        carried.neurons.signs[grows].astype(float),
        outcome.directions[grows],
        carried.field.modes[grows].copy(),
        np.zeros((some, n), bool),
    )
    return setting, state


def residuals_on_the_way(setting, seed, change=1e-3, begin=0.0):
    """r(t) = labels and a little that comes slowly: its terms about `begin`, and its values at the points."""
    rng = np.random.default_rng(seed)
    parts = change * rng.standard_normal(setting.labels.size)
    r = np.polynomial.Polynomial([1.0, 0.5, 0.25, -0.125])
    about = r(np.polynomial.Polynomial([begin / LENGTH, 1 / LENGTH])).coef
    path = about[:, None] * parts
    path[0] += setting.labels
    times = LENGTH * radau(9).points
    return path, times[:, None] ** np.arange(4) @ path


def all_of(state):
    return np.ones(state.output.size, bool)


def settled(seed, change=1e-3):
    """Neurons that already move as r(t) does, and r(t) from there on."""
    setting, state = aligned(seed)
    path, _ = residuals_on_the_way(setting, seed, change)
    setting.stepper.drive(state.arrays, all_of(state), path, np.array([LENGTH]))
    return setting, state, *residuals_on_the_way(setting, seed, change, begin=LENGTH)


def test_neurons_that_follow_go_where_series_take_them():
    followed = slid = 0
    for seed in range(12):
        setting, state, path, now = settled(seed)
        who, other = np.arange(state.output.size), state.copy()
        moved = np.setdiff1d(who, follow(setting, state, who, now, LENGTH))
        setting.stepper.drive(other.arrays, all_of(other), path, np.array([LENGTH]))
        np.testing.assert_allclose(state.hidden[moved], other.hidden[moved], rtol=0, atol=1e-11)
        np.testing.assert_allclose(state.scale[moved], other.scale[moved], rtol=0, atol=1e-10)
        np.testing.assert_array_equal(state.modes[moved], other.modes[moved])
        np.testing.assert_allclose(state.output[moved], other.output[moved], rtol=1e-14)
        followed += moved.size
        slid += (state.modes[moved] == 0).any(axis=1).sum()
    assert followed > 30
    assert slid > 5


def test_neurons_that_leave_a_wall_or_turn_do_not_follow():
    n_changed = 0
    for seed in range(12):
        setting, state, path, now = settled(seed, change=0.3)
        who, other, before = np.arange(state.output.size), state.copy(), state.copy()
        setting.stepper.drive(other.arrays, all_of(other), path, np.array([LENGTH]))
        changed = np.flatnonzero((other.modes != state.modes).any(axis=1))
        left = follow(setting, state, who, now, LENGTH)
        assert set(changed) <= set(left)
        np.testing.assert_array_equal(state.hidden[left], before.hidden[left])
        state.restore(before)
        ride(setting, state, all_of(state), path, now, LENGTH)
        np.testing.assert_allclose(state.hidden, other.hidden, rtol=0, atol=1e-10)
        n_changed += changed.size
    assert n_changed > 3
    setting, state = aligned(0)
    state.hidden[:] = np.roll(state.hidden, 1, axis=0)  # directions of others
    who = np.arange(state.output.size)
    assert follow(setting, state, who, residuals_on_the_way(setting, 0)[1], LENGTH).size == who.size


def another_way(_, hidden, modes, rng):
    size = np.linalg.norm(hidden, axis=1, keepdims=True)
    turned = rng.standard_normal(hidden.shape)
    return size * turned / np.linalg.norm(turned, axis=1, keepdims=True)


def test_a_twin_that_goes_another_way_is_told(monkeypatch):
    problem, init = drawn(3, 12, 3, 10)
    jumps = sh.solve_jumps(problem, init)
    assert jumps.sensitive.shape == (10,)
    assert not jumps.sensitive.any()
    assert "Rounding" not in jumps.message
    monkeypatch.setattr(jumps_orbit, "aside", another_way)
    misled = sh.solve_jumps(problem, init)
    assert misled.sensitive.any()
    told = ", ".join(map(str, np.flatnonzero(misled.sensitive)))
    assert f"how neurons {told} turned on an orbit" in misled.message
    np.testing.assert_array_equal(misled.hidden, jumps.hidden)  # twins act on nothing


def test_twins_are_pushed_a_little_across_no_wall():
    setting, state = aligned(5)
    sides, rng = state.modes, np.random.default_rng(0)
    turned = jumps_orbit.aside(setting, state.hidden, sides, rng)
    sizes = np.linalg.norm(turned - state.hidden, axis=1)
    assert ((sizes > 1e-11) & (sizes < 3e-10)).all()
    heights = turned @ setting.rows.T
    assert (sides == 0).any()
    assert (heights * sides >= -1e-15).all()
    assert (np.abs(heights[sides == 0]) < 1e-14).all()
