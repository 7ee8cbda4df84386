"""The flow on data as they are by SciPy, piece by piece between events: slow, plain, independent."""

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import lsq_linear

TINY = 1e-9
MOST_PIECES = 150


def losses(X, y, output, W, times):
    """Losses at `times` from the weights (a, w), and the weights at the last of them."""
    m = len(output)
    a, w = np.array(output, float), np.array(W, float)
    modes = np.where(w @ X.T > 0, 1, -1)
    found, t, goals, pieces = [], 0.0, list(times), 0
    while goals:
        pieces += 1
        if pieces > MOST_PIECES:
            raise RuntimeError("events without end")
        run = _piece(X, y, a, w, modes, t, goals)
        t, theta = run.t[-1], run.y[:, -1].copy()
        while goals and goals[0] <= t:
            found.append(_loss(X, y, run.sol(goals.pop(0)), m, modes))
        a, w = theta[:m], theta[m:].reshape(m, -1)
        if run.status == 1:
            _decide(X, y, a, w, modes)
    return np.array(found), a, w, modes


def _residual(X, y, a, w, modes):
    return y - np.sum(a[:, None] * np.where(modes > 0, w @ X.T, 0), axis=0)


def _loss(X, y, theta, m, modes):
    return np.mean(_residual(X, y, theta[:m], theta[m:].reshape(m, -1), modes) ** 2) / 2


def _forces(X, y, a, w, modes):
    """D_j, and θ_k r_k on the walls each neuron slides on."""
    n = len(y)
    r = _residual(X, y, a, w, modes)
    D = (np.where(modes > 0, r, 0) @ X) / n
    held = []
    for j in range(len(a)):
        Z = X[modes[j] == 0]
        phi = np.linalg.lstsq(Z.T, -n * D[j], rcond=None)[0] if len(Z) else np.zeros(0)
        D[j] += phi @ Z / n
        held.append(phi)
    return r, D, held


def _piece(X, y, a, w, modes, t, goals):
    m, shape = len(a), w.shape

    def slope(_, theta):
        a, w = theta[:m], theta[m:].reshape(shape)
        _, D, _ = _forces(X, y, a, w, modes)
        return np.concatenate([np.sum(w * D, axis=1), (a[:, None] * D).ravel()])

    def event(make):
        def value(_, theta):
            return make(theta[:m], theta[m:].reshape(shape)) + TINY

        value.terminal, value.direction = True, -1
        return value

    events = []
    for j in range(m):
        for k in np.flatnonzero(modes[j] != 0):
            events.append(
                event(lambda a, w, j=j, k=k: modes[j, k] * (w[j] @ X[k]) / np.linalg.norm(w[j]))
            )
        for i, k in enumerate(np.flatnonzero(modes[j] == 0)):

            def low(a, w, j=j, i=i, k=k):
                r, _, held = _forces(X, y, a, w, modes)
                return held[j][i] * np.sign(r[k])

            def high(a, w, j=j, i=i, k=k):
                r, _, held = _forces(X, y, a, w, modes)
                return abs(r[k]) - held[j][i] * np.sign(r[k])

            events += [event(low), event(high)]
    theta = np.concatenate([a, w.ravel()])
    return solve_ivp(
        slope,
        (t, goals[-1]),
        theta,
        "DOP853",
        rtol=1e-12,
        atol=1e-14,
        events=events,
        dense_output=True,
        max_step=0.5,
    )


def _decide(X, y, a, w, modes):
    """Choose the shortest velocity for every neuron at a wall, by SciPy's bounded least squares."""
    r, D, _ = _forces(X, y, a, w, modes)
    for j in range(len(a)):
        near = np.abs(w[j] @ X.T) < 3 * TINY * np.linalg.norm(w[j])
        if not near.any():
            continue
        s = np.sign(a[j])
        base = X.T @ np.where((modes[j] > 0) & ~near, r, 0)
        for k in np.flatnonzero(near & (s * r > 0)):  # repelling: go on across
            modes[j, k] = 1 if s * (D[j] @ X[k]) > 0 else -1
            near[k] = False
            base += X[k] * (r[k] if modes[j, k] > 0 else 0)
        k = np.flatnonzero(near)
        if k.size:
            theta = lsq_linear((X[k] * r[k, None]).T, -base, (0, 1), "bvls").x
            modes[j, k] = np.where(theta < 1e-7, -1, np.where(theta > 1 - 1e-7, 1, 0))
            Z = X[modes[j] == 0]
            if len(Z):
                w[j] -= np.linalg.lstsq(Z, Z @ w[j], rcond=None)[0]
