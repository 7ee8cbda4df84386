"""Where the active neurons of a flow come to rest while their patterns last.

With modes and walls fixed the outputs are linear in b_j = a_j w_j, so at rest (P_j D_j = 0 for all j) the
residuals are those of a least-squares problem,

    r_∞ = y − Z b,   Zᵀ r_∞ = 0,   Z = [mask_j X P_j]_j

and the weights follow by Gauss-Newton steps from where they are, each the shortest there is. The limit
of the flow and the point found differ by the square of the distance between start and end.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, thin_svd
from .flow_state import Setting, State, residuals, slide_of
from .jumps_frozen import Frozen, freeze, thaw, weights_of

ROUNDS = 12
SLOWEST = 0.9  # by which a round must bring residuals nearer
RANK_TOL = 1e-11
ACCURACY = 1e-13  # of residuals at rest
RESIDUE = 1e-10  # of residuals, with which a body is left on its way to rest


class Rest(NamedTuple):
    """A point of rest near a state."""

    state: State
    """The state with the active neurons moved there."""
    residual: Array
    """r_∞, shape (n,)."""
    distance: float
    """How far the weights moved; inf where no rest was found nearby."""
    impulse: Array
    """∫ (r − r_∞) dt / n on the way there, shape (n,)."""


def rest_near(
    setting: Setting, state: State, who: NDArray[np.intp], goal: Array, reach: float
) -> Rest:
    """Find the rest of neurons `who` within `reach` and their patterns; the others stay.

    `goal` is r_∞, as `residual_at_rest` has it.
    """
    state = state.copy()
    before, root = weights_of(state, who), np.sqrt(setting.curvature)
    impulse, distance, last = np.zeros(goal.size), 0.0, np.inf
    for _ in range(ROUNDS):
        frozen = freeze(setting, state, who)
        gap = (frozen.residuals(frozen.start) - goal) / root
        size = float(np.linalg.norm(gap))
        if size <= ACCURACY or not (size < last and distance <= reach):
            break
        last = SLOWEST * size
        jacobian = frozen.jacobian()
        push = _shortest_push(jacobian, gap)
        thaw(setting, state, who, frozen.start + (jacobian @ push).reshape(before.shape))
        impulse += root * push
        distance = float(np.linalg.norm(weights_of(state, who) - before))
    gap = (residuals(setting, state) - goal) / root
    near = distance <= reach and float(np.linalg.norm(gap)) <= 1e3 * ACCURACY
    found = near and freeze(setting, state, who).slack(weights_of(state, who), goal) >= 0
    return Rest(state, goal, distance if found else np.inf, impulse)


def _shortest_push(jacobian: Array, gap: Array) -> Array:
    """Return (JᵀJ)⁺ `gap`, by the smaller of JᵀJ and JJᵀ."""
    q, n = jacobian.shape
    rates, modes = np.linalg.eigh(jacobian.T @ jacobian if n <= q else jacobian @ jacobian.T)
    kept = rates > RANK_TOL * rates[-1]
    rates, modes = rates[kept], modes[:, kept]
    if n <= q:
        return np.asarray(modes @ ((modes.T @ gap) / rates))
    return np.asarray(jacobian.T @ (modes @ ((modes.T @ (jacobian @ gap)) / rates**2)))


def residue(at_rest: Frozen, before: Array) -> Array:
    """Return y − y_∞ (q, 1 + r) where r − r_∞ is so small that only its direction counts.

    At rest on a wall θ = φ / r may be 0 / 0. What the next orbit makes of that depends on how the rest was
    approached: from `before` on in the eigenvectors of ∂ẏ/∂y.
    """
    rates, modes = at_rest.eigenvectors()
    falls = rates < RANK_TOL * rates[0]
    rates, modes = rates[falls], modes[:, falls]
    amounts = modes.T @ (before - at_rest.start).ravel()
    felt = amounts * np.sqrt(-rates * at_rest.setting.n_samples)
    late = np.log(max(float(np.linalg.norm(felt)) / RESIDUE, 1.0)) / -rates[-1:]
    low, high = np.zeros(1), late
    for _ in range(60):
        middle = (low + high) / 2
        above = np.linalg.norm(felt * np.exp(rates * middle)) > RESIDUE
        low, high = (middle, high) if above else (low, middle)
    return np.asarray((modes @ (amounts * np.exp(rates * high))).reshape(before.shape))


def residual_at_rest(setting: Setting, state: State, who: NDArray[np.intp]) -> Array:
    """Return r_∞: the labels less their projection on what the neurons can learn."""
    root = np.sqrt(setting.curvature)
    masks = np.where(state.modes[who] > 0, root, 0.0)
    first = np.unique(state.modes[who], axis=0, return_index=True)[1]
    rank = setting.rows.shape[1]
    blocks = [
        masks[i][:, None] * setting.rows @ _projector(setting, state, int(who[i]), rank)
        for i in first
    ]
    u, s, _ = thin_svd(np.hstack(blocks))
    u = u[:, s > RANK_TOL * s[0]]
    rest = setting.labels / root
    for _ in range(2):
        rest = rest - u @ (u.T @ rest)
    return np.asarray(rest * root)


def _projector(setting: Setting, state: State, j: int, rank: int) -> Array:
    slide = slide_of(setting, state, j)
    if slide is None:
        return np.eye(rank)
    return np.asarray(np.eye(rank) - slide.basis.T @ slide.basis)
