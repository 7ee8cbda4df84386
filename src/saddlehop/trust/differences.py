"""Ways out of a point of weight space on data as they are, by differences of the loss from raw weights.

    ΔL = (1/2n) Σ_k δ_k (δ_k − 2 r_k),    δ_k what a move adds to h(x_k)

Along a move of a_j, or of w_j that meets no further wall, the loss is a parabola, so two values give its
slope at 0. Between the walls w_j stands on the slope is linear in the move, so it is nowhere negative
if it is not along the edges of these cones. Of a neuron at 0 along (s, v)/√2, −2 ΔL/h² is s G(v).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array

ON_WALL = 1e-9
WRONG_SIDE = 1e-7  # height beyond a wall, of a unit vector, that is no rounding
ORTHOGONAL = 1e-12  # |cos| of rows that counts as 0
STEP = 1e-4
LEAST_STEP = 1e-9


class Point:
    """Weights a (m,), w (m, r) among inputs X (n, r) with labels y (n,)."""

    def __init__(self, X: Array, y: Array, output: Array, hidden: Array) -> None:
        self.X, self.output, self.hidden = X, output, hidden
        self.unit = X / np.maximum(np.linalg.norm(X, axis=1), 1e-300)[:, None]
        self.residual = y - np.maximum(X @ hidden.T, 0) @ output
        self.loss = float(np.mean(self.residual**2)) / 2
        self.sq_norm = float(np.sum(output**2) + np.sum(hidden**2))

    def rise(self, added: Array) -> Array:
        """ΔL where h(x_k) rises by `added`, shape (..., n) to (...)."""
        return np.asarray(np.mean(added * (added - 2 * self.residual), axis=-1) / 2)

    def guarded(self, modes: NDArray[np.int8]) -> NDArray[np.int8]:
        """The sides `modes` (n,) of samples orthogonal to all that a neuron feels, 0 of others, shape (n,).

        Nothing moves w·x_k there: close as it may be to its wall, the neuron stays on its side.
        """
        touches = np.abs(self.unit @ self.unit[modes >= 0].T) > ORTHOGONAL
        return np.where(touches.any(axis=1), 0, modes)

    def steepest_descent(self, j: int, sides: NDArray[np.int8] | None = None) -> float:
        """Largest −dL along unit moves of a_j, and of w_j along edges of its cones and itself.

        Where `sides` (n,) are ±1, w_j stays on that side of a wall it stands on.
        """
        a, w = float(self.output[j]), self.hidden[j]
        size = float(np.linalg.norm(w))
        moves = np.vstack([w / size, -w / size, self._edges(w, sides)])
        h = self._steps(w, moves)
        before = np.maximum(self.X @ w, 0)

        def moved(times: float) -> Array:
            points = w + (times * h)[:, None] * moves
            return self.rise(a * (np.maximum(points @ self.X.T, 0) - before))

        slopes = (4 * moved(1.0) - moved(2.0)) / (2 * h)
        step = STEP * size
        both = [float(self.rise(sign * step * before)) / step for sign in (1, -1)]
        curvature = float(np.mean(before**2)) * step / 2
        return max(float(np.max(-slopes)), *(curvature - slope for slope in both))

    def _walls(self, w: Array) -> NDArray[np.bool_]:
        heights = self.unit @ w
        return np.asarray((np.abs(heights) <= ON_WALL * np.linalg.norm(w)) & self.unit.any(axis=1))

    def _steps(self, w: Array, moves: Array) -> Array:
        """Lengths along `moves` (p, r) that reach no wall but those w stands on, shape (p,)."""
        of_no_wall = self._walls(w) | ~self.unit.any(axis=1)  # or of a row of 0
        heights = np.where(of_no_wall, np.inf, np.abs(self.unit @ w))
        with np.errstate(divide="ignore"):
            room = np.min(heights / np.abs(moves @ self.unit.T), axis=1)
        size = float(np.linalg.norm(w))
        return np.asarray(np.clip(room / 4, LEAST_STEP * size, STEP * size))

    def count_wrong_sides(self, hidden: Array, active: NDArray[np.int8]) -> int:
        """How often neurons (p, r) are visibly not on the side that `active` (p, n) says: ±1, or 0 on it."""
        sizes = np.maximum(np.linalg.norm(hidden, axis=1), 1e-300)
        heights = hidden @ self.unit.T / sizes[:, None]
        beyond = np.where(active == 0, np.abs(heights), -active * heights)
        return int(np.sum(beyond > WRONG_SIDE))

    def growth(self, signs: Array, headings: Array) -> Array:
        """s G(v) of neurons at 0 with signs (p,) along unit vectors (p, r), from the loss."""
        size = STEP * np.sqrt(np.max(np.abs(self.residual), initial=0.0) or 1.0)
        added = 0.5 * size**2 * signs[:, None] * np.maximum(headings @ self.X.T, 0)
        return np.asarray(-2 * self.rise(added) / size**2)

    def _edges(self, w: Array, sides: NDArray[np.int8] | None) -> Array:
        """Edges of the cones at w, on the given sides of walls."""
        walls = self._walls(w)
        moves = _edges(self.unit[walls])
        if sides is None:
            return moves
        beyond = moves @ self.unit[walls].T * sides[walls] < -ON_WALL
        return np.asarray(moves[~beyond.any(axis=1)])

    def pushed(self, modes: NDArray[np.int8], taken: Array) -> Array:
        """How fast w·x_k changes, of a neuron with a = 1, where r falls by `taken` (n,), shape (n,).

        It feels what is active by `modes` (n,), and slides where they are 0.
        """
        force = -np.where(modes > 0, taken, 0.0) @ self.X / len(self.X)
        walls = self.X[(modes == 0) & self.unit.any(axis=1)]
        if len(walls):
            force -= np.linalg.pinv(walls) @ (walls @ force)
        return np.asarray(self.unit @ force)

    def left_over(self, taken: Array, rate: float) -> Array:
        """What active neurons leave of a fall of r by `taken` (n,) that grows at `rate`, shape (n,)."""
        columns = [np.zeros((len(self.X), 0))]
        for a, w in zip(self.output, self.hidden, strict=True):
            if a != 0:
                felt = (self.X @ w > ON_WALL * np.linalg.norm(w))[:, None]
                columns += [felt * (self.X @ w)[:, None], felt * a * self.X]
        J = np.hstack(columns)
        return np.asarray(np.linalg.solve(np.eye(len(J)) + J @ J.T / (len(J) * rate), taken))

    def slope_across(self, sign: float, heading: Array, sides: NDArray[np.int8]) -> float:
        """Largest slope of s G at a unit vector along edges of its cones on the sphere.

        Where `sides` (n,) are ±1, the vector stays on that side of a wall it stands on.
        """
        moves = self._edges(heading, sides)
        moves -= (moves @ heading)[:, None] * heading
        lengths = np.linalg.norm(moves, axis=1)
        moves = moves[lengths > ON_WALL] / lengths[lengths > ON_WALL, None]
        if not len(moves):
            return 0.0
        h = self._steps(heading, moves)
        there = heading + h[:, None] * moves
        signs = np.full(len(moves), sign)
        here = self.growth(np.array([sign]), heading[None])[0]
        return float(np.max((self.growth(signs, there) - here) / h))


def _edges(walls: Array) -> Array:
    """Unit moves that span every cone between walls (q, r): off one wall, and along all, both ways."""
    rank = walls.shape[1]
    if not len(walls):
        return np.vstack([np.eye(rank), -np.eye(rank)])
    found = []
    for first in range(len(walls)):
        some = _independent(np.roll(walls, -first, axis=0))
        dual = np.linalg.pinv(some).T
        found.append(dual / np.linalg.norm(dual, axis=1)[:, None])
        if len(some) == len(walls):
            break
    along = np.linalg.svd(walls)[2][len(found[0]) :]
    found.append(along)
    edges = np.vstack(found)
    return np.vstack([edges, -edges])


def _independent(walls: Array) -> Array:
    """The first walls that are independent, shape (≤ q, r)."""
    kept = walls[:1]
    for wall in walls[1:]:
        more = np.vstack([kept, wall])
        if np.linalg.svd(more, compute_uv=False)[-1] > 1e-9:
            kept = more
    return kept
