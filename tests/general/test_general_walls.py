import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

import general_reference
from general_helpers import GRID
from saddlehop.general.rays import Rays
from saddlehop.general.walls import shortest, wall_rule


@st.composite
def boxes(draw):
    """A base and walls, dependent and of length 0 ones among them."""
    p, r = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.booleans()):
        return rng.choice(GRID, r), rng.choice(GRID, (p, r))
    return 2 * rng.standard_normal(r), rng.standard_normal((p, r))


def slack_of(base, walls):
    return 1e-13 * (np.linalg.norm(base) + np.linalg.norm(walls, axis=1).sum())


@given(boxes())
def test_the_shortest_is_the_best_of_all_faces(box):
    base, walls = box
    shares = shortest(base, walls, slack_of(base, walls))
    assert ((shares >= 0) & (shares <= 1)).all()
    best = general_reference.shortest(base, walls)
    np.testing.assert_allclose(base + shares @ walls, best, atol=1e-12)


@given(boxes())
def test_any_guess_leads_to_the_same_velocity(box):
    base, walls = box
    slack = slack_of(base, walls)
    expected = base + shortest(base, walls, slack) @ walls
    for corner in itertools.product([0.0, 1.0], repeat=len(walls)):
        shares = shortest(base, walls, slack, np.array(corner))
        np.testing.assert_allclose(base + shares @ walls, expected, atol=1e-12)


def test_many_walls_agree_with_scipy():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        base, walls = 3 * rng.standard_normal(12), rng.standard_normal((20, 12))
        shares = shortest(base, walls, slack_of(base, walls))
        peer = lsq_linear(walls.T, -base, (0, 1), method="bvls", tol=1e-14, max_iter=1000)
        assert np.sum((base + shares @ walls) ** 2) == pytest.approx(2 * peer.cost, abs=1e-12)


def test_hundreds_of_walls_meet_the_conditions_of_the_shortest():
    """Many are set free and fixed again on the way."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        walls = 0.2 + rng.standard_normal((150, 120))
        base = -rng.uniform(-0.5, 1.5, 150) @ walls
        shares = shortest(base, walls, slack_of(base, walls))
        slopes = walls @ (base + shares @ walls) / np.linalg.norm(walls, axis=1)
        inside = (shares > 0) & (shares < 1)
        assert inside.sum() > 30
        np.testing.assert_allclose(slopes[inside], 0, atol=1e-12)
        assert (slopes[shares == 0] >= -1e-12).all()
        assert (slopes[shares == 1] <= 1e-12).all()


@st.composite
def pinned_neurons(draw):
    n, r, m = draw(st.integers(1, 5)), draw(st.integers(1, 3)), 3
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    draws = rng.choice if draw(st.booleans()) else lambda grid, shape: rng.standard_normal(shape)
    rows, pulls = draws(GRID, (n, r)), draws(GRID, (m, n))
    walls = rng.random((m, n)) < 0.6
    return rows, pulls, walls, rng.choice([-1, 1], (m, n)).astype(np.int8)


@given(pinned_neurons())
def test_velocities_point_where_their_shares_say(neurons):
    rows, pulls, walls, sides = neurons
    field = wall_rule(rows, pulls, walls, sides)
    np.testing.assert_allclose((field.shares * pulls) @ rows, field.velocity, atol=1e-12)
    rates = field.velocity @ rows.T
    rates[np.abs(rates) < 1e-11] = 0
    attracts, repels = walls & (pulls < 0), walls & (pulls > 0)
    held = (field.shares > 0) & (field.shares < 1)
    assert (rates[attracts & held] == 0).all()
    assert (rates[attracts & (field.shares == 0)] <= 0).all()
    assert (rates[attracts & (field.shares == 1)] >= 0).all()
    assert not (held & ~attracts).any()
    assert (rates[repels] * field.modes[repels] >= 0).all()
    np.testing.assert_array_equal(field.modes, np.where(held, 0, np.where(field.shares, 1, -1)))
    np.testing.assert_array_equal(field.modes[~walls], sides[~walls])
    np.testing.assert_array_equal(field.kept & (rates == 0), field.kept)


def at(rows, pulls, sides):
    n = len(rows)
    sides = np.array([sides], dtype=np.int8)
    return wall_rule(np.array(rows, float), np.array([pulls], float), np.ones((1, n), bool), sides)


def test_a_repelling_wall_is_left_to_the_side_the_neuron_came_from_and_says_so():
    for side in (-1, 1):
        field = at([[1.0, 0.0]], [1.0], [side])
        assert field.modes[0, 0] == side
        assert field.chosen.all()


def test_a_repelling_wall_is_crossed_the_way_the_velocity_points():
    rows, walls = np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([[True, False]])
    field = wall_rule(rows, np.array([[1.0, 2.0]]), walls, np.array([[-1, 1]], dtype=np.int8))
    assert field.modes[0, 0] == 1
    assert not field.chosen.any()


def test_xor_slides_along_the_double_wall():
    rows = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    walls = np.array([[False, True, True, False]])
    pulls = np.array([[1.0, -1.0, -1.0, 1.0]]) / 4
    field = wall_rule(rows, pulls, walls, np.array([[1, 1, -1, -1]], dtype=np.int8))
    np.testing.assert_allclose(field.velocity, [[0.25, 0.25]], rtol=1e-15)
    np.testing.assert_array_equal(field.kept, walls)


def test_rays_join_samples_in_one_direction():
    rows = np.array([[1.0, 2.0], [0.0, 0.0], [2.0, 4.0], [-1.0, -2.0], [1.0, 2.0], [0.0, 3.0]])
    rays = Rays.of(rows)
    np.testing.assert_array_equal(rays.group, [0, -1, 0, 1, 0, 2])
    np.testing.assert_allclose(rays.lengths[:, None] * rays.rows[rays.group], rows)
    pulls = np.arange(6.0)
    np.testing.assert_allclose(rays.gather(pulls) @ rays.rows, pulls @ rows)
    np.testing.assert_array_equal(rays.spread(np.array([5, 6, 7]), -1), [5, -1, 5, 6, 5, 7])
