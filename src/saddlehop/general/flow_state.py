"""What a flow on any rows remembers: weights with a scale for each neuron, and who is on which side.

    (a_j, w_j) = e^{σ_j} (ã_j, w̃_j),  max(|ã_j|, ‖w̃_j‖) = 1,   a_j² − ‖w_j‖² = λ² c_j for ever
    D_j = (1/n) P_j Σ_{k: mode 1} r_k x_k,   P_j orthogonal to the walls that neuron j slides on

Modes of a pair: 1 active, −1 not, 0 slides on the wall w_j·x_k = 0. c_j is data: whatever a step does
to a² − ‖w‖² is put back after it, so no neuron dies, revives or changes sign by rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, thin_svd
from .kernels import COUNTS, Flags, Weights
from .kernels import Modes as Modes
from .kernels import Setting as Setting
from .walls import ZERO, Edge

ON_WALL = 1e-12  # |w·x_k| within this share of ‖w‖‖x_k‖ is 0
MOST_SLIDES = 32  # kept, since the same walls are asked for many times while patterns last


class Slide(NamedTuple):
    """The walls one neuron slides on."""

    samples: NDArray[np.intp]
    """Shape (q,)."""
    basis: Array
    """Orthonormal rows of the span of these samples, shape (≤ q, r)."""
    lift: Array
    """φ = −`lift` F are the pulls θ_k r_k that hold it against F = Σ_{active} r_k x_k, shape (q, r)."""


class Relaxation(NamedTuple):
    """How residuals relax, to first order."""

    rates: Array
    """μ, shape (p,)."""
    amounts: Array
    """Share of r / C^½ in each mode, shape (p,)."""
    modes: Array
    """Eigenvectors, shape (n, p)."""


class Patience(NamedTuple):
    """When something is tried again: each time in vain after twice as long, in lengths of series steps."""

    until: float = 0.0
    pause: float = 0.0

    def lost(self, state: State) -> Patience:
        """After a try in vain."""
        pause = min(max(2 * self.pause, state.last), 64 * state.last)
        return Patience(state.time + pause, pause)


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
    chosen: Flags
    """Walls on which the side a neuron came from decided so far, shape (m, n)."""
    last: float = 1.0
    """Length of the last series step."""
    order: int = 0
    """Order of the next series; 0: what suits the tolerance."""
    plateau: Patience = field(default_factory=Patience)
    """When to try to pass a plateau again."""
    rest_due: float = np.inf
    """Time by which neurons that hardly move should be at rest, twice over; what is left then is noise."""
    stiff: Patience = field(default_factory=lambda: Patience(16.0, 8.0))
    """When to try an implicit step again."""
    stiff_length: float = 0.0
    """Length of the next implicit step; 0: none was taken before."""
    relaxation: Relaxation | None = None
    """How residuals relaxed where the last implicit steps began."""
    edges: tuple[Edge, ...] = ()
    """Walls that neurons grow along, and how far off they would be but for rounding and pushes."""
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(COUNTS), np.int64))
    """Work done, one for each of COUNTS."""

    def copy(self) -> State:
        """Return a state that can move on its own."""
        arrays = {name: array.copy() for name, array in self.arrays._asdict().items()}
        return replace(self, **arrays)

    def restore(self, other: State) -> None:
        """Become `other` again."""
        self.__dict__.update(other.copy().__dict__)

    @property
    def arrays(self) -> Weights:
        """Its arrays, as kernels take them."""
        return Weights(self.scale, self.output, self.hidden, self.modes, self.chosen, self.counts)

    def wait(self, length: float) -> None:
        """Let time pass, compensated."""
        step = length + self.carry
        new = self.time + step
        self.carry = step - (new - self.time)
        self.time = new

    def count(self, what: str, number: int = 1) -> None:
        """Add to the record of work."""
        self.counts[COUNTS.index(what)] += number


def weights(state: State) -> Array:
    """Return e^{2σ_j}, which turns ã_j w̃_j into a_j w_j; 0 below the smallest float."""
    with np.errstate(under="ignore"):
        return np.exp(2 * state.scale)


def residuals(setting: Setting, state: State) -> Array:
    """Return r_k = y_k − Σ_j a_j max(w_j·x_k, 0), shape (n,)."""
    return setting.stepper.residuals(state.arrays)


def is_fitted(setting: Setting, residual: Array) -> Flags:
    """Which residuals (..., n) are 0, so that their signs say nothing."""
    return np.asarray(np.abs(residual) <= ZERO * np.sqrt(setting.curvature))


def slide_of(setting: Setting, state: State, j: int) -> Slide | None:
    """Return the walls that neuron j slides on; None if it slides on none."""
    samples = np.flatnonzero(state.modes[j] == 0)
    if samples.size == 0:
        return None
    known: dict[bytes, Slide] = setting.slides
    key = samples.tobytes()
    if key not in known:
        if len(known) >= MOST_SLIDES:
            known.clear()
        u, s, v = thin_svd(setting.rows[samples])
        rank = int(np.sum(s > 1e-10 * s[0]))
        known[key] = Slide(samples, v[:rank], (u[:, :rank] / s[:rank]) @ v[:rank])
    return known[key]


def bases(setting: Setting, state: State, neurons: NDArray[np.intp]) -> Array | None:
    """Return the walls of `neurons` as padded orthonormal rows, shape (q, most, r); None if none slides."""
    slides = ((i, slide_of(setting, state, int(j))) for i, j in enumerate(neurons))
    found = [(i, slide.basis) for i, slide in slides if slide is not None]
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


def forces_within(setting: Setting, masks: Array, walls: Array | None, residual: Array) -> Array:
    """Return Σ_k mask_jk r_k x_k (masks (q, n)) off the walls of each, as `bases` has them.

    At residuals (..., n), shape (..., q, r).
    """
    force = (masks * residual[..., None, :]) @ setting.rows
    if walls is None:
        return np.asarray(force)
    along = np.einsum("jpr,...jr->...jp", walls, force)
    return np.asarray(force - np.einsum("...jp,jpr->...jr", along, walls))


def settle(setting: Setting, state: State, neurons: NDArray[np.intp]) -> None:
    """Put neurons back on their walls and on a² − ‖w‖² = λ² c, and take their size into the scale."""
    w = off_walls(state.hidden[neurons], bases(setting, state, neurons))
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
