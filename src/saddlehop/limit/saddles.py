"""Facts about a saddle: how it can be left, and that it is one.

At a saddle the active neurons fit their samples, residual pulls d_k = y_k ‖x_k‖ / n remain on the
open samples, and the dormant neurons are zero. Near zero neuron j obeys ȧ = Σ d_k u_k, u̇_k = a d_k
over its open samples, so it escapes at rate ρ_j = ‖d‖ along (a, u) = (s_j, |d| / ρ_j) / √2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, norm
from .._support.brief import Brief
from ..model.network import Network
from ..model.problem import Problem
from .active_sets import ActiveSets


@dataclass(frozen=True, eq=False, repr=False)
class Saddle(Brief):
    """A saddle on the way, with the ways out of it."""

    network: Network
    """The network there."""
    loss: float
    """Its loss."""
    rates: Array
    """Growth rate ρ_j of each dormant neuron, per unit of t; 0 for active ones, shape (m,)."""
    directions: Network
    """Unit directions (a_j, u_j) in which the dormant neurons escape, zero where there is none."""
    gradient_norm: float
    """Norm of the gradient of the loss in all weights, with samples a neuron is not active on
    left out; zero up to rounding."""

    @property
    def n_escaping(self) -> int:
        """How many dormant neurons grow; 0 at a minimum."""
        return int(np.count_nonzero(self.rates))


@dataclass(frozen=True, eq=False)
class SaddleCheck:
    """Agreement of a saddle with finite differences of the loss."""

    gradient: float
    """Largest |∂L/∂θ| over the weights of active neurons, relative to the largest pull."""
    curvature: float
    """Largest relative difference between −ρ_j and the second difference of the loss along the
    escape direction of neuron j; 0 if nothing escapes."""


def saddle_facts(
    problem: Problem, sets: ActiveSets, network: Network, fitted: NDArray[np.int64], loss: float
) -> Saddle:
    """Collect the facts about a saddle, where `network` fits the samples `fitted`."""
    pulls = problem.norms * (problem.y - network.outputs(problem)) / problem.n_samples
    still_open = problem.y != 0
    still_open[fitted] = False
    dormant = network.output == 0
    felt = np.where(sets.to_bool() & still_open & dormant[:, None], np.abs(problem.pulls), 0.0)
    largest = float(felt.max(initial=0.0)) or 1.0
    rates = largest * np.linalg.norm(felt / largest, axis=1)
    unit = np.where(rates > 0, rates, 1.0) * np.sqrt(2)
    escapes = rates > 0
    alive = network.hidden > 0
    slope_hidden = np.where(alive, network.output[:, None] * pulls, 0.0)
    slope_output = np.maximum(network.hidden, 0) @ pulls
    return Saddle(
        network=network,
        loss=loss,
        rates=rates,
        directions=Network(np.where(escapes, sets.signs / np.sqrt(2), 0.0), felt / unit[:, None]),
        gradient_norm=norm(np.concatenate([slope_hidden.ravel(), slope_output])),
    )


def check_saddle(problem: Problem, facts: Saddle, step: float = 1e-4) -> SaddleCheck:
    """Compare a saddle with central differences of the loss itself.

    `step` is relative to the size of the largest weight (gradient) and to the square root of the
    largest target (curvature).
    """
    y, norms, network, rates = _of_order_one(problem, facts)
    pull = float(np.abs(y * norms).max()) / y.size or 1.0
    size = float(np.sqrt(np.abs(y / norms).max())) or 1.0

    def loss(output: Array, hidden: Array) -> float:
        outputs = norms * (output @ np.maximum(hidden, 0))
        return float(np.mean((y - outputs) ** 2)) / 2

    slopes = [0.0]
    for j in np.flatnonzero(network.output):
        alive = _alive_moves(network, int(j), step * size)
        for move in np.vstack([np.eye(1, y.size + 1), alive]):
            rise = loss(*_moved(network, int(j), step * size * move))
            rise -= loss(*_moved(network, int(j), -step * size * move))
            slopes.append(abs(rise) / (2 * step * size))
    errors = [0.0]
    for j in np.flatnonzero(rates):
        move = np.concatenate([[facts.directions.output[j]], facts.directions.hidden[j]])
        there = loss(*_moved(network, int(j), step * size * move))
        second = 2 * (there - loss(network.output, network.hidden)) / (step * size) ** 2
        errors.append(abs(second / -rates[j] - 1))
    return SaddleCheck(max(slopes) / (pull * size), max(errors))


def _of_order_one(problem: Problem, facts: Saddle) -> tuple[Array, Array, Network, Array]:
    """Labels, norms, network and rates in units in which the largest label and norm are about 1.

    Powers of two, so nothing is rounded; without them the squares of small labels would be 0.
    """
    of_labels = int(np.frexp(np.abs(problem.y).max())[1])
    of_norms = int(np.frexp(problem.norms.max())[1])
    of_norms += (of_labels - of_norms) % 2
    of_weights = (of_labels - of_norms) // 2
    weights = (
        np.ldexp(facts.network.output, -of_weights),
        np.ldexp(facts.network.hidden, -of_weights),
    )
    rates = np.ldexp(np.ldexp(facts.rates, -of_labels), -of_norms)
    y, norms = np.ldexp(problem.y, -of_labels), np.ldexp(problem.norms, -of_norms)
    return y, norms, Network(*weights), rates


def _alive_moves(network: Network, neuron: int, step: float) -> Array:
    """Unit moves of the hidden weights of a neuron that a step leaves alive, shape (alive, 1 + n)."""
    alive = np.flatnonzero(network.hidden[neuron] > step)
    moves = np.zeros((alive.size, network.hidden.shape[1] + 1))
    moves[np.arange(alive.size), alive + 1] = 1.0
    return moves


def _moved(network: Network, neuron: int, move: Array) -> tuple[Array, Array]:
    output, hidden = network.output.copy(), network.hidden.copy()
    output[neuron] += move[0]
    hidden[neuron] += move[1:]
    return output, hidden
