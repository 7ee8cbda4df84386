"""Long steps of orbits, and what is left of a body's way to rest."""

from types import SimpleNamespace

import numpy as np
import pytest

import limit_against_flow
import saddlehop as sh
from saddlehop.claims.beyond import draw_trial
from saddlehop.general import jumps_orbit
from saddlehop.general.jumps_frozen import Frozen
from saddlehop.general.jumps_orbit import Orbit
from saddlehop.general.jumps_rest import residue
from saddlehop.general.radau import radau


def assert_near(value, wanted, tol):
    np.testing.assert_allclose(value, wanted, rtol=0, atol=tol)


def test_the_rule_is_a_collocation_of_order_seventeen():
    points, matrix, _, powers, last = radau(9)
    for p in range(17):
        assert_near(matrix[-1] @ points**p, 1 / (p + 1), 1e-14)
    for p in range(1, 10):
        assert_near(matrix @ (p * points ** (p - 1)), points**p, 1e-13)
        assert_near(powers @ points**p, np.eye(9)[p - 1], 1e-9)
        assert_near(last @ points**p, 0 if p < 9 else 1 / 48620, 1e-12)


def test_glides_come_to_the_same_rest_as_steps(monkeypatch):
    problem, init = limit_against_flow.draw(0)
    gliding = sh.solve_jumps(problem, init)
    monkeypatch.setattr(jumps_orbit, "GLIDE_FROM", 10**9)
    stepping = sh.solve_jumps(problem, init)
    assert (stepping.n_steps > gliding.n_steps + 25).sum() == 2
    assert_near(gliding.hidden, stepping.hidden, 1e-9)
    assert_near(gliding.corrections, stepping.corrections, 1e-8)


def test_passengers_keep_their_way_on_long_steps():
    """Under the mean residual of parts of these steps one turned elsewhere, to a squared norm of 11.0929."""
    rng = np.random.default_rng(10_228)
    n, d, m = (int(rng.integers(*between)) for between in ((4, 21), (1, 9), (4, 21)))
    problem = sh.GeneralProblem(rng.standard_normal((n, d)), rng.standard_normal(n))
    init = sh.Initialization.draw(problem, m, rng=228)
    jumps = sh.solve_jumps(problem, init)
    log_scale = -40_000 * np.log(10)
    end = 1.2 * jumps.times[-1] * -log_scale
    flow = sh.simulate_flow(problem, init, log_init_scale=log_scale, t_end=end, rtol=1e-10)
    assert_near(jumps.final.sq_norm, flow.final.sq_norm, 1e-7)
    assert not jumps.sensitive.any()


def test_creeping_takes_few_steps():
    problem, init = limit_against_flow.draw(12)  # 6 000 steps are not enough without glides
    jumps = sh.solve_jumps(problem, init, max_steps=1500)
    assert jumps.status == "done"
    assert jumps.n_steps.max() < 800


def test_the_way_to_a_rest_on_a_wall_decides_what_comes_next(monkeypatch):
    problem, init = limit_against_flow.draw(
        10
    )  # neuron 0 rests on the wall of a sample that is fitted
    jumps = sh.solve_jumps(problem, init)
    assert (jumps.active[2, 0] == 0).sum() == 1
    log_scale = -200 * np.log(10)
    end = 7.5 * -log_scale
    flow = sh.simulate_flow(problem, init, log_init_scale=log_scale, t_end=end, rtol=1e-10)
    assert_near(flow.final.sq_norm, jumps.final.sq_norm, 1e-6)
    monkeypatch.setattr(jumps_orbit, "residue", lambda *way: -residue(*way))  # from the other side
    misled = sh.solve_jumps(problem, init).final.sq_norm
    assert abs(misled - flow.final.sq_norm) > 1e-2


def test_the_half_time_may_lie_in_a_glide(monkeypatch):
    orbits, run = [], Orbit.run
    monkeypatch.setattr(Orbit, "run", lambda orbit, most: orbits.append(orbit) or run(orbit, most))
    sh.solve_jumps(*limit_against_flow.draw(9))
    orbit = orbits[1]
    found = []
    for i in range(orbit.n_bodies):
        sizes = np.array([size[i] for size in orbit.sizes])
        for place in orbit.glides:
            if (sizes[: place + 1] < sizes[place + 1]).all():
                begin = orbit.checkpoints[place].time if place in orbit.checkpoints else 0.0
                time = orbit._crossing(i, float((sizes[place] + sizes[place + 1]) / 2))
                found.append((time - begin) / orbit.glides[place][0])
    assert found
    assert (np.array(found) > 0).all()


def test_a_saddle_is_seen_from_its_settling_scale_on():
    problem, init = limit_against_flow.draw(13)
    jumps = sh.solve_jumps(problem, init)
    assert (jumps.settling_scale <= 0).all()
    middle = (jumps.times[0] + jumps.times[1]) / 2
    gaps = []
    for share in (0.2, 2.2):
        log_scale = share * jumps.settling_scale[0] * np.log(10)
        flow = sh.simulate_flow(problem, init, log_init_scale=log_scale, t_end=middle * -log_scale)
        gaps.append(abs(flow.final.sq_norm - jumps.sq_norms[1]))
    assert gaps[0] > 1e-3
    assert gaps[1] < 1e-6


def test_passengers_that_grew_far_on_an_orbit_board_the_next():
    """Some by e^1200 on a slow orbit, beyond the size of the bodies in units of their start."""
    problem, init = draw_trial(12, "d = n", 12, 20, 35)
    jumps = sh.solve_jumps(problem, init)
    assert (jumps.status, jumps.n_jumps) == ("done", 5)
    assert np.all(np.diff(jumps.losses) < 0)


def test_passengers_that_grew_on_the_last_of_the_way_act_on_nothing(monkeypatch):
    """As on 300 digits, where one came beyond the size of the bodies and the loss of the orbit overflowed."""
    problem, init = limit_against_flow.draw(0)
    orbits, come = [], Orbit._come_to_rest

    def come_late(orbit, rest):
        come(orbit, rest)
        orbit.state.scale[orbit.n_bodies :] += 2000.0
        orbits.append(orbit)

    monkeypatch.setattr(Orbit, "_come_to_rest", come_late)
    sh.solve_jumps(problem, init)
    assert any(orbit.state.scale.size > orbit.n_bodies for orbit in orbits)
    for orbit in orbits:
        assert np.isfinite(orbit.course).all()
        assert (orbit.growth[orbit.n_bodies :] >= 1000).all()


@pytest.mark.parametrize(("n", "q", "r"), [(5, 3, 20), (30, 2, 3)])
def test_eigenvectors_of_frozen_neurons_are_those_of_their_slopes(n, q, r):
    rng = np.random.default_rng(n)
    rows, labels, curvature = (
        rng.standard_normal((n, r)),
        rng.standard_normal(n),
        np.arange(1.0, n + 1),
    )
    setting = SimpleNamespace(rows=rows, labels=labels, curvature=curvature, n_samples=n)
    masks, start = (rng.random((q, n)) < 0.5).astype(float), rng.standard_normal((q, 1 + r))
    frozen = Frozen(setting, masks, None, start, np.zeros((q, n), np.int8), [])
    rates, modes = frozen.eigenvectors()
    assert rates.size == min(n + 2 * q, start.size)
    assert_near(modes.T @ modes, np.eye(rates.size), 1e-13)
    steps = 1e-5 * np.eye(start.size).reshape(-1, *start.shape)
    found = (frozen.slopes(start + steps) - frozen.slopes(start - steps)).reshape(start.size, -1)
    assert_near((modes * rates) @ modes.T, found / 2e-5, 1e-6)
