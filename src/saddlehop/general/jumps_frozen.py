"""Active neurons while their patterns last: the loss is a polynomial of their weights y = (a, w).

    r = labels − C Σ_j a_j mask_j (w_j·x),   n ȧ_j = w_j·F_j,   n ẇ_j = a_j F_j
    F_j = P_j Σ_k mask_jk r_k x_k

with mask_jk = 1 on active samples, P_j orthogonal to the walls that neuron j slides on, and C the
`curvature`. J is the derivative of outputs · C^½, so that n ∂ẏ/∂y = −J Jᵀ but for what F adds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array
from .flow_state import Modes, Setting, Slide, State, bases, forces_within, settle, slide_of

SIDE_TOL = 1e-9  # by which a pair may be beyond its wall


class Frozen(NamedTuple):
    """Neurons whose patterns are fixed."""

    setting: Setting
    masks: Array
    """Shape (q, n)."""
    walls: Array | None
    """Orthonormal rows of the walls slid on, padded with 0, shape (q, most, r); None if none is."""
    start: Array
    """y, shape (q, 1 + r)."""
    modes: Modes
    """Shape (q, n)."""
    slides: list[tuple[int, Slide]]
    """Who slides, and where."""

    def residuals(self, y: Array) -> Array:
        """Return r at weights of shape (..., q, 1 + r), shape (..., n)."""
        return self._residuals(y, self._heights(y))

    def _heights(self, y: Array) -> Array:
        return np.asarray(self.masks * (y[..., 1:] @ self.setting.rows.T))

    def _residuals(self, y: Array, heights: Array) -> Array:
        outputs = np.einsum("...j,...jn->...n", y[..., 0], heights)
        return np.asarray(self.setting.labels - self.setting.curvature * outputs)

    def slopes(self, y: Array) -> Array:
        """Return dy/dt, of the shape of `y`."""
        force = self.forces(self.residuals(y)) / self.setting.n_samples
        along = np.sum(y[..., 1:] * force, axis=-1)
        return np.concatenate([along[..., None], y[..., :1] * force], axis=-1)

    def forces(self, residual: Array) -> Array:
        """Return F at residuals (..., n), shape (..., q, r)."""
        return forces_within(self.setting, self.masks, self.walls, residual)

    def jacobian(self) -> Array:
        """Return J at the start, shape (q (1 + r), n)."""
        n = self.masks.shape[1]
        root = np.sqrt(self.setting.curvature)
        reach = self.setting.rows.T * (self.start[:, :1] * self.masks * root)[:, None, :]
        if self.walls is not None:
            along = np.matmul(self.walls, reach)
            reach = reach - np.matmul(self.walls.transpose(0, 2, 1), along)
        heights = self._heights(self.start) * root
        return np.concatenate([heights[:, None, :], reach], axis=1).reshape(-1, n)

    def eigenvectors(self) -> tuple[Array, Array]:
        """Return rates (p,) and eigenvectors (q (1 + r), p) of ∂ẏ/∂y at the start; across these it is 0.

        Its columns lie in those of J and of what F adds, which for long w are few.
        """
        size, count = self.start.size, len(self.start)
        jacobian, each = self.jacobian(), np.arange(count)
        outputs, forces = np.zeros((2, *self.start.shape, count))
        outputs[each, 0, each] = 1.0
        forces[each, 1:, each] = self.forces(self.residuals(self.start))
        span = np.hstack([jacobian, outputs.reshape(size, -1), forces.reshape(size, -1)])
        basis = np.linalg.qr(span)[0] if span.shape[1] < size else None
        inside = span if basis is None else basis.T @ span
        jacobian, outputs, forces = np.split(inside, [jacobian.shape[1], -count], axis=1)
        turns = forces @ outputs.T
        matrix = turns + turns.T - jacobian @ jacobian.T
        rates, modes = np.linalg.eigh(matrix / self.setting.n_samples)
        return rates, modes if basis is None else basis @ modes

    def slack(self, y: Array, residual: Array | None = None) -> float:
        """Return how far weights (q, 1 + r) are from where the patterns end, below 0 beyond.

        That is the least of |w·x_k| on the sides that the modes say, and of the pulls θ r and (1 − θ) r of
        walls slid on, at their own residuals or those given.
        """
        heights = y[:, 1:] @ self.setting.rows.T
        if residual is None:
            residual = self._residuals(y, self.masks * heights)
        sizes = np.linalg.norm(y[:, 1:], axis=1)
        least = float(np.min(heights * self.modes + SIDE_TOL * np.outer(sizes, self.setting.norms)))
        for i, slide in self.slides:
            held = residual[slide.samples]
            pulls = -slide.lift @ ((self.masks[i] * residual) @ self.setting.rows) * np.sign(held)
            least = min(least, float(np.min(np.minimum(pulls, np.abs(held) - pulls))) + SIDE_TOL)
        return least


def freeze(setting: Setting, state: State, who: NDArray[np.intp]) -> Frozen:
    """Fix the patterns of some neurons of a state."""
    modes = state.modes[who]
    slides = [(i, slide_of(setting, state, int(j))) for i, j in enumerate(who)]
    return Frozen(
        setting,
        (modes > 0).astype(np.float64),
        bases(setting, state, who),
        weights_of(state, who),
        modes,
        [(i, slide) for i, slide in slides if slide is not None],
    )


def weights_of(state: State, who: NDArray[np.intp]) -> Array:
    """Return the weights y of some neurons, shape (q, 1 + r)."""
    scale = np.exp(state.scale[who])[:, None]
    return np.asarray(scale * np.column_stack([state.output[who], state.hidden[who]]))


def thaw(setting: Setting, state: State, who: NDArray[np.intp], y: Array) -> None:
    """Give neurons the weights y (q, 1 + r)."""
    scale = np.exp(state.scale[who])[:, None]
    state.output[who], state.hidden[who] = (y[:, :1] / scale)[:, 0], y[:, 1:] / scale
    settle(setting, state, who)
