"""Data as they are: any inputs x_k, any labels y_k, in coordinates of the span of the inputs.

Only the part of w_j in span(x) moves, so weights and inputs are held in an orthonormal basis B of it,

    X = Z B,    w_j = u_j B + (what never moves),    w_j·x_k = u_j·z_k

with r = rank(X) rows in B (`basis`) and Z (n, r) (`coordinates`). Where r = d, B is the identity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .._support.arrays import Array, frozen, is_sparse
from .._support.brief import Brief
from .._support.memory import require_memory
from .._support.validate import flag, frozen_array, instance_of, require_length
from ..errors import InputError, NotOrthogonalError
from .problem import Problem, row_norms, validated_rows

_FOLLOW = "follow training with `sh.simulate_flow(problem, init, init_scale=1e-8)`"
_SMALLEST, _LARGEST = 1e-140, 1e140  # of labels and norms: products of two must stay floats


@dataclass(frozen=True, eq=False, repr=False)
class GeneralProblem(Brief):
    """Inputs as they are with real labels: rows may be correlated, dependent, repeated or 0.

    Parameters
    ----------
    X : array_like or scipy.sparse array, shape (n, d)
        Inputs. Sparse inputs stay sparse; their coordinates are dense.
    y : array_like, shape (n,)
        Labels.
    bias : bool
        Append a feature that is 1 for every sample.

    Raises
    ------
    InputError
        For empty, non-finite or mismatched input, and where all rows are 0.

    Notes
    -----
    O(n d min(n, d)) operations for the basis.
    """

    X: Any
    """Inputs with the appended feature, if any, shape (n, d), dense or scipy.sparse."""
    y: Array
    """Labels y_k, shape (n,)."""
    bias: bool = False
    """Whether the last column of `X` is a feature 1 that was appended."""
    _appended: Any = field(default=None, repr=False, kw_only=True)
    """`X` once the feature is in it, so that `dataclasses.replace` does not append it again."""

    def __post_init__(self) -> None:
        is_whole = self.X is self._appended
        rows = validated_rows(self.X, "X")
        y = frozen_array(self.y, "y", 1)
        require_length(y, "y", rows.shape[0], "`X`")
        if flag(self.bias, "bias") and not is_whole:
            rows = _with_ones(rows)
        object.__setattr__(self, "_appended", rows if self.bias else None)
        _require_representable(rows, y)
        object.__setattr__(self, "X", rows)
        object.__setattr__(self, "y", y)

    @property
    def n_samples(self) -> int:
        """Number of samples n."""
        return self.y.size

    @property
    def n_features(self) -> int:
        """Input dimension d, an appended feature included."""
        return int(self.X.shape[1])

    @property
    def rank(self) -> int:
        """Dimension r of the span of the inputs."""
        return int(self.basis.shape[0])

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates of a hidden weight: the rank r."""
        return self.rank

    @cached_property
    def basis(self) -> Array:
        """Orthonormal rows that span the inputs, shape (r, d); the identity if r = d."""
        return frozen(_orthonormal_basis(self.X))

    @cached_property
    def coordinates(self) -> Array:
        """The inputs in that basis, shape (n, r)."""
        return frozen(np.ascontiguousarray(self._in_basis(self.X)))

    @cached_property
    def least_squares_loss(self) -> float:
        """Loss of the best linear map, min (1/2n) ‖y − X β‖²."""
        best = np.linalg.lstsq(self.coordinates, self.y, rcond=None)[0]
        return float(np.mean((self.y - self.coordinates @ best) ** 2) / 2)

    def outputs_of(self, output: Array, hidden: Array) -> Array:
        """Return h(x_k) = Σ_j a_j max(u_j·z_k, 0) of weights `output` (m,) and `hidden` (m, r)."""
        return np.asarray(np.maximum(self.coordinates @ hidden.T, 0) @ output)

    def project(self, X: Any) -> Array:
        """Return the coordinates of points of input space.

        Parameters
        ----------
        X : array_like or scipy.sparse array, shape (p, d)
            Points as they were given to the problem: without the appended feature.

        Returns
        -------
        ndarray, shape (p, r)
        """
        points = validated_rows(X, "X")
        given = self.n_features - self.bias
        if points.shape[1] != given:
            raise InputError(
                f"`X` has {points.shape[1]} columns but the problem was given {given} features; "
                "pass points of the problem's input space."
            )
        return self._in_basis(_with_ones(points) if self.bias else points)

    def split_weights(self, W: Array) -> tuple[Array, Array]:
        """Return coordinates (m, r) of hidden weights `W` (m, d), and norms (m,) of what is off the span."""
        if W.shape[1] != self.n_features:
            raise InputError(
                f"`W` has {W.shape[1]} columns but the problem has {self.n_features} features"
                f"{', the appended one included' * self.bias}; pass one weight for each."
            )
        hidden = self._in_basis(W)
        if self.rank == self.n_features:
            return hidden, np.zeros(len(W))
        return hidden, row_norms(W - hidden @ self.basis)

    def _in_basis(self, rows: Any) -> Array:
        if self.rank == self.n_features:
            return rows.toarray() if is_sparse(rows) else np.array(rows)
        return np.asarray(rows @ self.basis.T)


AnyProblem = Problem | GeneralProblem
"""Either kind of problem. Both give `y`, `n_samples`, `n_features`, `n_coordinates`, `outputs_of`,
`project` and `split_weights`."""


def is_same_problem(one: AnyProblem, other: AnyProblem) -> bool:
    """Whether two problems are of one kind and give the same dynamics in the same coordinates."""
    if one is other or type(one) is not type(other):
        return one is other
    inputs = "norms" if isinstance(one, Problem) else "coordinates"
    return all(np.array_equal(getattr(one, n), getattr(other, n)) for n in ("y", inputs))


def orthogonal_problem(problem: Any, what: str, instead: str = _FOLLOW) -> Problem:
    """Return a `Problem`; raise for anything else, for a `GeneralProblem` with what to do instead."""
    if isinstance(problem, GeneralProblem):
        raise InputError(
            f"`problem` is a GeneralProblem but {what} for orthogonal rows only; {instead}, or pass "
            "`sh.Problem.from_data(sh.orthogonalize(X), y)`."
        )
    return instance_of(problem, "problem", Problem)  # type: ignore[no-any-return]


def problem_of(X: Any, y: Any, bias: bool = False) -> AnyProblem:
    """Return a `Problem` where the rows of `X` are orthogonal, else a `GeneralProblem`."""
    rows = validated_rows(X, "X")
    if not bias and row_norms(rows).all():
        try:
            return Problem.from_data(rows, y)
        except NotOrthogonalError:
            pass
    return GeneralProblem(rows, y, bias=bias)


def _with_ones(rows: Any) -> Any:
    ones = np.ones((rows.shape[0], 1))
    if is_sparse(rows):
        import scipy.sparse as sparse  # slow to import

        return sparse.csr_array(sparse.hstack([rows, ones]))
    return frozen(np.hstack([rows, ones]))


def _require_representable(rows: Any, y: Array) -> None:
    """Raise where products of labels and norms would leave the floats, and where all rows are 0."""
    norms = row_norms(rows)
    if not norms.any():
        raise InputError(
            "All rows of `X` are 0, so no label can be learned; pass inputs that are not 0."
        )
    for values, name in ((norms, "norm"), (np.abs(y), "label")):
        wrong = (values != 0) & ~((values > _SMALLEST) & (values < _LARGEST))
        if wrong.any():
            k = int(np.argmax(wrong))
            raise InputError(
                f"Sample {k} has a {name} of size {values[k]:.3g}, whose square leaves the range of "
                "floating-point numbers; rescale the labels or the inputs."
            )


def _orthonormal_basis(rows: Any) -> Array:
    """Return an orthonormal basis of the span of the rows, the identity if that is everything.

    It is Gram-Schmidt in the order of the samples on rows that are independent, so orthogonal rows
    give their own directions, and turning the inputs turns the basis.
    """
    n_samples, n_features = rows.shape
    require_memory(3 * n_samples * n_features, f"The basis of `X` of shape {rows.shape}")
    norms = row_norms(rows)
    dense = rows.toarray() if is_sparse(rows) else rows
    unit = dense[norms > 0] / norms[norms > 0, None]
    tol = max(unit.shape) * np.finfo(np.float64).eps
    if len(unit) >= n_features and _is_full_rank(unit, tol):
        return np.eye(n_features)
    import scipy.linalg as linalg  # slow to import

    triangle, pivots = linalg.qr(unit.T, mode="r", pivoting=True, check_finite=False)
    sizes = np.abs(np.diagonal(triangle))
    independent = np.sort(pivots[: int(np.sum(sizes > tol * sizes[0]))])
    basis, triangle = np.linalg.qr(unit[independent].T)
    return np.ascontiguousarray((basis * np.where(np.diagonal(triangle) < 0, -1.0, 1.0)).T)


def _is_full_rank(unit: Array, tol: float) -> bool:
    singular = np.linalg.svd(np.linalg.qr(unit, mode="r"), compute_uv=False)
    return bool(singular[-1] > tol * singular[0])
