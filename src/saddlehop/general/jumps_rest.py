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

from .._support.arrays import Array
from .flow_state import Setting, State, bases, off_walls, residuals, settle, slide_of, weights

ROUNDS = 12
RANK_TOL = 1e-11
ACCURACY = 1e-13  # of residuals at rest
SIDE_TOL = 1e-9  # by which a pair may be beyond its wall at rest


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


def rest_near(setting: Setting, state: State, who: NDArray[np.intp], reach: float) -> Rest:
    """Find the rest of neurons `who` within `reach` and their patterns; the others stay."""
    state = state.copy()
    root = np.sqrt(setting.curvature)
    goal = residual_at_rest(setting, state, who) / root
    before, impulse = _weights(state, who), np.zeros(goal.size)
    for _ in range(ROUNDS):
        gap = residuals(setting, state) / root - goal
        if np.linalg.norm(gap) <= ACCURACY:
            break
        linear = linearize(setting, state, who)
        push = linear.modes @ ((linear.modes.T @ gap) / linear.rates)
        displace(setting, state, who, linear, push)
        impulse += root * push
        distance = float(np.linalg.norm(_weights(state, who) - before))
        if not distance <= reach:
            return Rest(state, goal * root, np.inf, impulse)
    distance = float(np.linalg.norm(_weights(state, who) - before))
    gap = residuals(setting, state) / root - goal
    found = np.linalg.norm(gap) <= 1e3 * ACCURACY and within_patterns(
        setting, state, who, goal * root
    )
    return Rest(state, goal * root, distance if found else np.inf, impulse)


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
    u, s, _ = np.linalg.svd(np.hstack(blocks), full_matrices=False)
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


def _weights(state: State, who: NDArray[np.intp]) -> Array:
    scale = np.exp(state.scale[who])
    return np.column_stack([scale * state.output[who], scale[:, None] * state.hidden[who]])


class Linear(NamedTuple):
    """J of some neurons, the derivative of outputs / C^½, as JJᵀ = `modes` diag(`rates`) `modes`ᵀ."""

    masks: Array
    heights: Array
    output: Array
    walls: Array | None
    rates: Array
    modes: Array


def linearize(setting: Setting, state: State, who: NDArray[np.intp]) -> Linear:
    """Return J within the patterns of neurons `who`."""
    masks = np.where(state.modes[who] > 0, np.sqrt(setting.curvature), 0.0)
    scale = np.sqrt(weights(state)[who])
    a, w = scale * state.output[who], scale[:, None] * state.hidden[who]
    heights, reach = masks * (w @ setting.rows.T), a[:, None] * masks
    kernel = heights.T @ heights + reach.T @ reach * (setting.rows @ setting.rows.T)
    for i, j in enumerate(who):
        slide = slide_of(setting, state, int(j))
        if slide is not None:
            across = reach[i][:, None] * (setting.rows @ slide.basis.T)
            kernel -= across @ across.T
    rates, modes = np.linalg.eigh(kernel)
    kept = rates > RANK_TOL * rates[-1]
    return Linear(masks, heights, a, bases(setting, state, who), rates[kept], modes[:, kept])


def displace(
    setting: Setting, state: State, who: NDArray[np.intp], linear: Linear, push: Array
) -> None:
    """Move the weights by Jᵀ `push`."""
    scale = np.sqrt(weights(state)[who])
    force = off_walls((linear.masks * push) @ setting.rows, linear.walls)
    state.output[who] += linear.heights @ push / scale
    state.hidden[who] += (linear.output / scale)[:, None] * force
    settle(setting, state, who)


def within_patterns(setting: Setting, state: State, who: NDArray[np.intp], residual: Array) -> bool:
    """Whether all are on the side their mode says, and held on the walls they slide on."""
    heights = state.hidden[who] @ setting.rows.T * state.modes[who]
    if (heights < -SIDE_TOL * setting.norms).any():
        return False
    return all(_is_held(setting, state, int(j), residual) for j in who)


def _is_held(setting: Setting, state: State, j: int, residual: Array) -> bool:
    slide = slide_of(setting, state, j)
    if slide is None:
        return True
    r = residual[slide.samples]
    pulls = -slide.lift @ (((state.modes[j] > 0) * residual) @ setting.rows)
    return bool(((pulls * np.sign(r) >= -1e-9) & (pulls * np.sign(r) <= np.abs(r) + 1e-9)).all())
