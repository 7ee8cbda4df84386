"""Neurons at constant residuals, integrated in time: slow, one neuron at a time, faces by trial."""

import itertools

import numpy as np
from scipy.integrate import solve_ivp

NEAR = 1e-9


def field(rows, pulls, active, walls, sides):
    """Velocity and pattern by trying every face of the box and every side of repelling walls."""
    attracting = [k for k in walls if pulls[k] < 0]
    repelling = [k for k in walls if pulls[k] >= 0]
    base = (pulls * active) @ rows
    orders = sorted(
        itertools.product([False, True], repeat=len(repelling)),
        key=lambda on: sum(o != (sides[k] > 0) for o, k in zip(on, repelling, strict=True)),
    )
    for on in orders:
        shifted = base + sum(
            (pulls[k] * rows[k] for o, k in zip(on, repelling, strict=True) if o),
            np.zeros(rows.shape[1]),
        )
        velocity = shortest(shifted, rows[attracting] * pulls[attracting][:, None])
        rates = rows[repelling] @ velocity
        if all(rate >= -NEAR if o else rate <= NEAR for o, rate in zip(on, rates, strict=True)):
            return velocity
    raise AssertionError("no side of the repelling walls is consistent")


def shortest(base, walls):
    """The shortest base + θ·walls, θ in the box: the best over all faces."""
    best = None
    for kind in itertools.product("01f", repeat=len(walls)):
        theta = np.array([1.0 if c == "1" else 0.0 for c in kind])
        free = [i for i, c in enumerate(kind) if c == "f"]
        fixed = base + theta @ walls if len(walls) else base
        if free:
            theta[free] = np.linalg.lstsq(walls[free].T, -fixed, rcond=None)[0]
        if (theta >= -1e-12).all() and (theta <= 1 + 1e-12).all():
            v = base + theta @ walls if len(walls) else base
            if best is None or v @ v < best @ best - 1e-14:
                best = v
    return best


def follow(rows, pulls, output, hidden, duration):
    """Return a and w after `duration`; no neuron may start on a wall."""
    sign, b, w = np.sign(output), abs(output), np.array(hidden)
    sides, walls, t = np.sign(rows @ w), [], 0.0
    r = len(w)
    for _ in range(200):
        q = sign * pulls
        active = np.array([sides[k] > 0 and k not in walls for k in range(len(rows))])
        v = field(rows, q, active, walls, sides)
        rates = rows @ v
        walls_kept = [k for k in walls if abs(rates[k]) <= NEAR and q[k] < 0]
        for k in walls:
            if k not in walls_kept and abs(rates[k]) > NEAR:
                sides[k] = np.sign(rates[k])
        free = [k for k in range(len(rows)) if k not in walls and rates[k] * sides[k] < -1e-13]
        if np.linalg.norm(v) < 1e-12:
            return sign * b, w
        events = [lambda t, z, k=k: rows[k] @ z[1:] for k in free]
        if b > 1e-12:
            events.append(lambda t, z: z[0])
        for event in events:
            event.terminal = True
        got = solve_ivp(
            lambda t, z, v=v: np.concatenate([[z[1:] @ v], z[0] * v]),
            (t, duration),
            np.concatenate([[b], w]),
            "DOP853",
            rtol=1e-12,
            atol=1e-14,
            events=events or None,
        )
        t, b, w = got.t[-1], got.y[0, -1], got.y[1:, -1]
        if got.status == 0:
            return sign * b, w
        if np.linalg.norm(w) < NEAR:  # all walls meet there: at rest
            return sign * b, np.zeros(r)
        hit = [i for i, times in enumerate(got.t_events) if len(times)]
        if hit[0] == len(free):
            sign, b, walls = -sign, 0.0, walls_kept
            continue
        met = [
            k
            for k in range(len(rows))
            if k not in walls and abs(rows[k] @ w) <= NEAR * np.linalg.norm(rows[k])
        ]
        for k in met:
            if sign * pulls[k] >= 0:
                sides[k] = np.sign(rates[k])
        walls = sorted({*walls_kept, *met})
    raise AssertionError("too many pieces")
