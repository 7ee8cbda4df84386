"""Neurons at walls w·x_k = 0 during a flow: the rule of `walls` decides, and slides are set up.

On the walls Z it slides on a neuron is held by the pulls φ_k = θ_k r_k that solve

    Gram_ZZ φ = −X_Z F,   F = Σ_{active} r_k x_k

and it leaves where a φ_k reaches 0 or r_k.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_state import Modes, Setting, Slide, State
from .walls import wall_rule

ON_WALL = 1e-12  # |w·x_k| within this share of ‖w‖‖x_k‖ is 0


def near_walls(setting: Setting, state: State, neurons: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return on which walls neurons stand, shape (q, n)."""
    w = state.hidden[neurons]
    size = np.linalg.norm(w, axis=1)[:, None] * setting.norms
    return np.asarray(np.abs(w @ setting.rows.T) <= ON_WALL * size)


def decide(
    setting: Setting,
    state: State,
    neurons: NDArray[np.intp],
    walls: NDArray[np.bool_],
    residual: Array,
) -> None:
    """Set the modes of neurons on their `walls` (q, n) at residuals of shape (n,) or (q, n)."""
    modes = state.modes[neurons]
    a = state.output[neurons]
    drift = np.sum(
        np.where(modes > 0, residual * (state.hidden[neurons] @ setting.rows.T), 0.0), axis=1
    )
    signs = np.sign(np.where(a == 0, drift, a))
    pulls = signs[:, None] * residual / setting.n_samples
    came_from = np.where(modes == 0, -1, modes)
    crossing = walls & (modes != 0) & (pulls >= 0)
    sides = np.where(crossing & _moving_across(setting, modes, pulls), -came_from, came_from)
    field = wall_rule(setting.rows, pulls, walls, sides.astype(np.int8))
    state.modes[neurons] = np.where(walls, field.modes, modes)
    count_changes(state, modes, state.modes[neurons])
    state.chosen[neurons] |= field.chosen
    for i, j in enumerate(neurons):
        samples = np.flatnonzero(walls[i] & (field.modes[i] == 0))
        hold(setting, state, int(j), samples, field.shares[i, samples])


def count_changes(state: State, before: Modes, after: Modes) -> None:
    """Add what changed to the record of work."""
    state.count("crossings", int(np.sum(before * after < 0)))
    state.count("slides", int(np.sum((before != 0) & (after == 0))))
    state.count("leavings", int(np.sum((before == 0) & (after != 0))))


def _moving_across(setting: Setting, modes: Modes, pulls: Array) -> NDArray[np.bool_]:
    """Whether neurons move towards the other side of each wall, as they do where they just came to it."""
    speed = ((modes > 0) * pulls) @ setting.rows @ setting.rows.T
    return np.asarray(speed * modes < 0)


def hold(setting: Setting, state: State, j: int, samples: NDArray[np.intp], theta: Array) -> None:
    """Let neuron j slide on these walls and no others."""
    state.slides.pop(j, None)
    if samples.size == 0:
        return
    u, s, v = np.linalg.svd(setting.rows[samples], full_matrices=False)
    rank = int(np.sum(s > 1e-10 * s[0]))
    lift = (u[:, :rank] / s[:rank]) @ v[:rank]
    state.slides[j] = Slide(samples, v[:rank], lift, theta)
