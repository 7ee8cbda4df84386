"""What a flow on any rows remembers: weights with a scale for each neuron, and who is on which side.

    (a_j, w_j) = e^{σ_j} (ã_j, w̃_j),  max(|ã_j|, ‖w̃_j‖) = 1,   a_j² − ‖w_j‖² = λ² c_j for ever
    D_j = (1/n) P_j Σ_{k: mode 1} r_k x_k,   P_j orthogonal to the walls that neuron j slides on

Modes of a pair: 1 active, −1 not, 0 slides on the wall w_j·x_k = 0. c_j is data: whatever a step does
to a² − ‖w‖² is put back after it, so no neuron dies, revives or changes sign by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array

Modes = NDArray[np.int8]


class Setting(NamedTuple):
    """What does not change along a flow."""

    rows: Array
    """Samples in coordinates of their span, shape (n, r); none is longer than 1."""
    labels: Array
    """Shape (n,)."""
    curvature: Array
    """How much r_k falls where h(x_k) rises: more than 1 where a row stands for several samples,
    shape (n,)."""
    n_samples: int
    """Number of samples the rows stand for."""
    norms: Array
    """Lengths of the rows, shape (n,)."""
    imbalance: Array
    """c_j, shape (m,)."""
    log_start: float
    """log λ."""
    tol: float
    """Error allowed in a step, relative to each neuron's size and to the labels."""


class Slide(NamedTuple):
    """The walls one neuron slides on."""

    samples: NDArray[np.intp]
    """Shape (q,)."""
    basis: Array
    """Orthonormal rows of the span of these samples, shape (≤ q, r)."""
    lift: Array
    """φ = −`lift` F are the pulls θ_k r_k that hold it against F = Σ r_k x_k, shape (q, r)."""
    centre: Array
    """θ at the start of the slide; what the pulls depart from where samples are dependent."""


@dataclass
class State:
    """Where a flow stands."""

    time: float
    carry: float
    """What rounding left out of `time`."""
    scale: Array
    """σ_j, shape (m,)."""
    output: Array
    """ã_j, shape (m,)."""
    hidden: Array
    """w̃_j, shape (m, r)."""
    modes: Modes
    """Shape (m, n)."""
    chosen: NDArray[np.bool_]
    """Walls on which the side a neuron came from decided so far, shape (m, n)."""
    slides: dict[int, Slide] = field(default_factory=dict)
    last: float = 1.0
    """Length of the last series step."""
    order: int = 0
    """Order of the next series; 0: what suits the tolerance."""
    patience: int = 0
    """Steps to wait before a plateau is tried again."""
    counts: dict[str, int] = field(default_factory=dict)

    def copy(self) -> State:
        """Return a state that can move on its own."""
        return State(
            self.time,
            self.carry,
            self.scale.copy(),
            self.output.copy(),
            self.hidden.copy(),
            self.modes.copy(),
            self.chosen.copy(),
            dict(self.slides),
            self.last,
            self.order,
            self.patience,
            dict(self.counts),
        )

    def restore(self, other: State) -> None:
        """Become `other` again."""
        self.__dict__.update(other.copy().__dict__)

    def wait(self, length: float) -> None:
        """Let time pass, compensated."""
        step = length + self.carry
        new = self.time + step
        self.carry = step - (new - self.time)
        self.time = new

    def count(self, what: str, number: int = 1) -> None:
        """Add to the record of work."""
        self.counts[what] = self.counts.get(what, 0) + number


def weights(state: State) -> Array:
    """Return e^{2σ_j}, which turns ã_j w̃_j into a_j w_j; 0 below the smallest float."""
    with np.errstate(under="ignore"):
        return np.exp(2 * state.scale)


def residuals(setting: Setting, state: State) -> Array:
    """Return r_k = y_k − Σ_j a_j max(w_j·x_k, 0), shape (n,)."""
    positive = np.where(state.modes > 0, state.hidden @ setting.rows.T, 0.0)
    outputs = (weights(state) * state.output) @ positive
    return np.asarray(setting.labels - setting.curvature * outputs)


def bases(state: State, neurons: NDArray[np.intp]) -> Array | None:
    """Return the walls of `neurons` as padded orthonormal rows, shape (q, most, r); None if none slides."""
    found = [(i, state.slides[j].basis) for i, j in enumerate(neurons) if j in state.slides]
    if not found:
        return None
    padded = np.zeros((neurons.size, max(len(b) for _, b in found), state.hidden.shape[1]))
    for i, basis in found:
        padded[i, : len(basis)] = basis
    return padded


def off_walls(vectors: Array, basis: Array | None) -> Array:
    """Project each vector orthogonal to its neuron's walls."""
    if basis is None:
        return vectors
    along = np.matmul(basis, vectors[:, :, None])
    return np.asarray(vectors - np.matmul(along.transpose(0, 2, 1), basis)[:, 0])


def settle(setting: Setting, state: State, neurons: NDArray[np.intp]) -> None:
    """Put neurons back on their walls and on a² − ‖w‖² = λ² c, and take their size into the scale."""
    w = off_walls(state.hidden[neurons], bases(state, neurons))
    a = state.output[neurons]
    size = np.maximum(np.abs(a), np.linalg.norm(w, axis=1))
    size[size == 0] = 1.0
    a, w = a / size, w / size[:, None]
    scale = state.scale[neurons] + np.log(size)
    a, w = on_hyperbola(a, w, own_imbalance(setting, neurons, scale))
    state.output[neurons], state.hidden[neurons], state.scale[neurons] = a, w, scale


def own_imbalance(setting: Setting, neurons: NDArray[np.intp], scale: Array) -> Array:
    """Return ã² − ‖w̃‖² of neurons of that scale."""
    c = setting.imbalance[neurons]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.where(c == 0, 0.0, c * np.exp(2 * (setting.log_start - scale)))


def on_hyperbola(a: Array, w: Array, imbalance: Array) -> tuple[Array, Array]:
    """Return the nearby (a, w) with a² − ‖w‖² = `imbalance`; a and ‖w‖ are equal in bits where it is 0."""
    for _ in range(2):
        sq_norm = np.sum(w * w, axis=1)
        total = a * a + sq_norm
        push = np.where(
            total > 0, 0.5 * (imbalance - a * a + sq_norm) / np.where(total > 0, total, 1), 0
        )
        a, w = a * (1 + push), w * (1 - push)[:, None]
    norm = np.linalg.norm(w, axis=1)
    return np.where(imbalance == 0, np.copysign(norm, a), a), w
