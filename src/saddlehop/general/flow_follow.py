"""Neurons under r(t) that act on nothing; most follow it, grown along their own drive, and turn as slowly.

Given r(t), a balanced neuron of sign s with direction u = w / ‖w‖ turns and grows by

    u̇ = s (D − (u·D) u),    d log|a| / dt = s u·D,    D = (1/n) P Σ_{active} r_k x_k

Turning is stiff: u falls behind D / ‖D‖ by what D turns in a time 1 / ρ, ρ = s u·D. A step of many such times
is a collocation at Radau's points, by Newton's method with the derivative −ρ (1 + u uᵀ). Neurons that still
turn to D, meet a wall or leave one go from wall to wall instead, in series (`kernels/alone.c`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_state import Setting, State, bases, forces_within, own_imbalance, settle, slide_of
from .radau import radau
from .walls import Flags

TIMES = 10.0  # h ρ that is worth it
ROUNDS = 12
CONVERGED = 0.1  # times the tolerance
SMOOTH = 1.0  # times the tolerance: last coefficient of u(t)
IMBALANCE = 1e-16  # a² − ‖w‖² relative to a² that is none
GRID = np.arange(1, 33) / 32  # parts of a step at which walls are looked for
CLEAR = 1e-11  # share of ‖w‖‖x_k‖ nearer than which a wall is too near
HELD = 1e-15  # Σ |r_k| times this: pulls nearer to their ends than that are too near


def ride(
    setting: Setting, state: State, who: Flags, path: Array, now: Array, length: float
) -> Array:
    """Move neurons `who` (m,) for a time under r(t); return the residuals that all make at the end.

    r(t) has the terms `path` (P, n), and is `now` (s, n) at Radau's points.
    """
    left = np.zeros_like(who)
    left[follow(setting, state, np.flatnonzero(who), now, length)] = True
    made, _ = setting.stepper.drive(state.arrays, left, path, np.array([length]))
    return np.asarray(made[0])


def follow(
    setting: Setting, state: State, who: NDArray[np.intp], residuals: Array, length: float
) -> NDArray[np.intp]:
    """Move those of neurons `who` that follow r(t), given at Radau's points (s, n); return the others."""
    balanced = np.abs(own_imbalance(setting, who, state.scale[who])) <= IMBALANCE
    some = who[balanced & (state.output[who] != 0)]
    start = state.hidden[some] / np.linalg.norm(state.hidden[some], axis=1)[:, None]
    drive = _drives(setting, state, some, residuals)
    rates = np.einsum("qr,sqr->sq", start, drive)
    good = length * np.min(rates, axis=0, initial=np.inf) >= TIMES
    some, start, drive, rates = some[good], start[good], drive[:, good], rates[:, good]
    if some.size == 0:
        return who
    turned, good = _turn(start, drive, np.mean(rates, axis=0), length, setting.tol)
    good &= _clear(setting, state, some, start, turned)
    good[good] = _held(setting, state, some[good], residuals)
    some, start, turned, drive = some[good], start[good], turned[:, good], drive[:, good]
    growth = np.sum((start + turned) * drive, axis=2)
    state.scale[some] += length * (radau(len(residuals)).integrals[-1] @ growth)
    state.hidden[some] = start + turned[-1]
    settle(setting, state, some)
    return np.setdiff1d(who, some)


def _drives(setting: Setting, state: State, who: NDArray[np.intp], residuals: Array) -> Array:
    """s D at residuals (s, n), shape (s, q, r)."""
    active = (state.modes[who] > 0).astype(np.float64) * np.sign(state.output[who])[:, None]
    force = forces_within(setting, active, bases(setting, state, who), residuals)
    return force / setting.n_samples


def _turn(
    start: Array, drive: Array, rates: Array, length: float, tol: float
) -> tuple[Array, Flags]:
    """Solve for u − u₀ at the points, shape (s, q, r); whether it is right to tolerance, shape (q,)."""
    rule = radau(len(drive))
    across, along = (
        np.linalg.inv(np.eye(len(drive)) + length * some[:, None, None] * rule.integrals)
        for some in (rates, 2 * rates)
    )
    turned, last = np.zeros_like(drive), np.full(len(start), np.inf)
    for _ in range(ROUNDS):
        u = start + turned
        slopes = drive - np.sum(u * drive, axis=2)[:, :, None] * u
        gap = length * np.tensordot(rule.integrals, slopes, 1) - turned
        part = np.einsum("sqr,qr->sq", gap, start)
        change = np.einsum("qst,tqr->sqr", across, gap)
        change += np.einsum("qst,tq->sq", along - across, part)[:, :, None] * start
        turned += change
        size = np.max(np.abs(change), axis=(0, 2))
        if not (size < 0.5 * last).any():
            break
        last = np.minimum(size, last)
    rough = np.linalg.norm(np.tensordot(rule.last, turned, 1), axis=1)
    return turned, (last <= CONVERGED * tol) & (rough <= SMOOTH * tol)


def _clear(
    setting: Setting, state: State, who: NDArray[np.intp], start: Array, turned: Array
) -> Flags:
    """Whether neurons stay well on their sides, shape (q,)."""
    modes, count = state.modes[who], len(turned)
    between = GRID[:, None] ** np.arange(1, count + 1) @ radau(count).powers
    moves = np.tensordot(between, turned, 1) @ setting.rows.T * modes
    least = start @ setting.rows.T * modes + np.minimum(np.min(moves, axis=0), 0.0)
    return np.asarray(((least > CLEAR * setting.norms) | (modes == 0)).all(axis=1))


def _held(setting: Setting, state: State, who: NDArray[np.intp], residuals: Array) -> Flags:
    """Whether neurons stay held on the walls that they slide on, shape (q,)."""
    count = len(residuals)
    r = GRID[:, None] ** np.arange(count) @ radau(count).terms @ residuals
    least = HELD * float(np.max(np.sum(np.abs(r), axis=1)))
    held = np.ones(who.size, bool)
    for i, j in enumerate(who):
        slide = slide_of(setting, state, int(j))
        if slide is not None:
            walls = r[:, slide.samples]
            pulls = -((state.modes[j] > 0) * r) @ setting.rows @ slide.lift.T * np.sign(walls)
            held[i] = (np.minimum(pulls, np.abs(walls) - pulls) > least).all()
    return held
