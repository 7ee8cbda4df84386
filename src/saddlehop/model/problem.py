"""The problem: orthogonal inputs x_k and labels y_k, in sample coordinates.

Everything the dynamics need of the data is, per sample k,

    β_k = y_k / ‖x_k‖     `targets`      what Σ_j a_j max(u_jk, 0) must equal
    q_k = ‖x_k‖²          `curvatures`
    d_k = y_k ‖x_k‖ / n   `pulls`        the pull while the network is still zero

and the axes e_k = x_k / ‖x_k‖ (`directions`) only to go back to input space.
"""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._support.arrays import Array, chunks, frozen, is_sparse
from .._support.brief import Brief
from .._support.validate import flag, frozen_array, real_number, require_length
from ..errors import InputError, NotOrthogonalError

ORTH_TOL = 1e-8
SMALLEST, LARGEST = 1e-285, 1e285  # of targets and pulls: twofold numbers need the rest
_BLOCK_ENTRIES = 2**24  # entries of one block of the Gram matrix: 128 MiB


@dataclass(frozen=True, eq=False, repr=False)
class Problem(Brief):
    """Orthogonal inputs with real labels.

    Parameters
    ----------
    y : array_like, shape (n,)
        Labels.
    norms : array_like, shape (n,), optional
        Input norms ‖x_k‖, positive. Ones by default.
    directions : array_like or scipy.sparse array, shape (n, d), optional
        Orthonormal rows e_k = x_k / ‖x_k‖. By default the inputs are known only up to a
        rotation, and points of input space are given in sample coordinates.
    orth_tol : float
        Largest cosine allowed between two rows of `directions`.
    assume_orthogonal : bool
        Waive the check of `directions`, which costs O(n² d).

    Raises
    ------
    InputError
        For empty, non-finite, mismatched or non-orthogonal input.
    """

    y: Array
    """Labels y_k, shape (n,)."""
    norms: Array = None  # type: ignore[assignment]
    """Input norms ‖x_k‖, shape (n,)."""
    directions: Any = None
    """Orthonormal rows e_k, shape (n, d), dense or scipy.sparse; None if only norms are known."""
    orth_tol: InitVar[float] = ORTH_TOL
    assume_orthogonal: InitVar[bool] = False

    def __post_init__(self, orth_tol: float, assume_orthogonal: bool) -> None:
        y = frozen_array(self.y, "y", 1)
        if y.size == 0:
            raise InputError("`y` is empty; pass at least one sample.")
        norms = _frozen_norms(self.norms, y.size)
        object.__setattr__(self, "y", y)
        object.__setattr__(self, "norms", norms)
        _require_representable(y, norms)
        if self.directions is not None:
            directions = validated_rows(self.directions, "directions")
            require_length(directions, "directions", y.size, "`y`")
            _require_unit_rows(directions)
            if not flag(assume_orthogonal, "assume_orthogonal"):
                _require_orthogonal_rows(directions, real_number(orth_tol, "orth_tol"))
            object.__setattr__(self, "directions", directions)

    @classmethod
    def from_data(
        cls, X: Any, y: Any, *, orth_tol: float = ORTH_TOL, assume_orthogonal: bool = False
    ) -> Problem:
        """Build the problem from inputs with orthogonal rows.

        Parameters
        ----------
        X : array_like or scipy.sparse array, shape (n, d)
            Inputs; rows pairwise orthogonal and not zero. Sparse inputs stay sparse.
        y : array_like, shape (n,)
            Labels.
        orth_tol : float
            Largest cosine allowed between two rows.
        assume_orthogonal : bool
            Waive the check, which costs O(n² d).

        Returns
        -------
        Problem
        """
        rows = validated_rows(X, "X")
        labels = frozen_array(y, "y", 1)
        require_length(labels, "y", rows.shape[0], "`X`")
        directions, norms = _unit_rows(rows)
        return cls(
            labels, norms, directions, orth_tol=orth_tol, assume_orthogonal=assume_orthogonal
        )

    @property
    def n_samples(self) -> int:
        """Number of samples n."""
        return self.y.size

    @property
    def n_features(self) -> int:
        """Input dimension d; n if only norms are known."""
        return self.n_samples if self.directions is None else int(self.directions.shape[1])

    @property
    def n_coordinates(self) -> int:
        """Number of coordinates of a hidden weight: the number of samples n."""
        return self.n_samples

    @cached_property
    def targets(self) -> Array:
        """β_k = y_k / ‖x_k‖, shape (n,)."""
        return frozen(self.y / self.norms)

    @cached_property
    def curvatures(self) -> Array:
        """q_k = ‖x_k‖², shape (n,)."""
        return frozen(self.norms**2)

    @cached_property
    def pulls(self) -> Array:
        """d_k = y_k ‖x_k‖ / n, the pull on sample k while the network is zero, shape (n,)."""
        return frozen(self.y / self.n_samples * self.norms)

    def project(self, X: Any) -> Array:
        """Return the sample coordinates x·e_k of points of input space.

        Parameters
        ----------
        X : array_like or scipy.sparse array, shape (p, d)

        Returns
        -------
        ndarray, shape (p, n)
        """
        points = validated_rows(X, "X")
        if points.shape[1] != self.n_features:
            raise InputError(
                f"`X` has {points.shape[1]} columns but the problem has {self.n_features} "
                "features; pass points of the problem's input space."
            )
        product = points if self.directions is None else points @ self.directions.T
        return product.toarray() if is_sparse(product) else np.asarray(product)

    def outputs_of(self, output: Array, hidden: Array) -> Array:
        """Return h(x_k) = ‖x_k‖ Σ_j a_j max(u_jk, 0) of weights `output` (m,) and `hidden` (m, n)."""
        return np.asarray(self.norms * (output @ np.maximum(hidden, 0)))

    def split_weights(self, W: Array) -> tuple[Array, Array]:
        """Return coordinates (m, n) of hidden weights `W` (m, d), and norms (m,) of what is off the span."""
        hidden = self.project(W)
        if self.directions is None:
            return hidden, np.zeros(len(W))
        return hidden, np.linalg.norm(W - hidden @ self.directions, axis=1)


def _frozen_norms(value: Any, n_samples: int) -> Array:
    if value is None:
        return frozen(np.ones(n_samples))
    norms = frozen_array(value, "norms", 1)
    require_length(norms, "norms", n_samples, "`y`")
    if (norms <= 0).any():
        index = int(np.argmax(norms <= 0))
        raise InputError(
            f"`norms` holds {norms[index]} at index {index}; input norms must be positive."
        )
    return norms


def validated_rows(value: Any, name: str) -> Any:
    """Return rows as a frozen float64 array, or a sparse CSR copy, with finite entries."""
    if not is_sparse(value):
        rows = frozen_array(value, name, 2)
    else:
        from scipy import sparse

        if value.dtype.kind == "c":
            raise InputError(f"`{name}` is complex; pass real numbers.")
        rows = sparse.csr_array(value, dtype=np.float64, copy=True)
        frozen_array(rows.data, name, 1)
    if 0 in rows.shape:
        raise InputError(
            f"`{name}` is empty, of shape {rows.shape}; pass at least one sample and one feature."
        )
    return rows


def row_norms(rows: Any) -> Array:
    """Norms of the rows, safe from overflow and underflow of their squares."""
    with np.errstate(over="ignore"):
        return _scaled_row_norms(rows)


def _scaled_row_norms(rows: Any) -> Array:
    if is_sparse(rows):
        from scipy import sparse

        largest = abs(rows).max(axis=1).toarray().ravel()
        scale = np.where(largest > 0, largest, 1.0)
        scaled = sparse.diags_array(1 / scale) @ rows
        return np.asarray(scale * np.sqrt(scaled.multiply(scaled).sum(axis=1)), dtype=np.float64)
    largest = np.abs(rows).max(axis=1)
    scale = np.where(largest > 0, largest, 1.0)
    return np.asarray(scale * np.linalg.norm(rows / scale[:, None], axis=1))


def _unit_rows(rows: Any) -> tuple[Any, Array]:
    """Split rows into unit directions and norms."""
    norms = row_norms(rows)
    if not np.isfinite(norms).all():
        raise InputError("`X` has a row whose norm overflows; rescale the inputs.")
    if (norms == 0).any():
        raise InputError(
            f"Row {int(np.argmax(norms == 0))} of `X` is zero, so its label cannot be learned; "
            "remove that sample."
        )
    if is_sparse(rows):
        from scipy import sparse

        return sparse.csr_array(sparse.diags_array(1 / norms) @ rows), norms
    return frozen(rows / norms[:, None]), norms


def _require_unit_rows(directions: Any) -> None:
    norms = row_norms(directions)
    worst = int(np.argmax(np.abs(norms - 1)))
    if abs(norms[worst] - 1) > 1e-10:
        raise InputError(
            f"Row {worst} of `directions` has norm {norms[worst]:.6g}; pass unit rows, "
            "or the inputs themselves to `Problem.from_data`."
        )


def _require_orthogonal_rows(directions: Any, orth_tol: float) -> None:
    n_samples, n_features = directions.shape
    if n_samples > n_features:
        raise NotOrthogonalError(
            f"`X` has {n_samples} rows in {n_features} dimensions, where at most {n_features} "
            "can be orthogonal; take the rows as they are with `sh.GeneralProblem(X, y)`, or pass "
            "fewer samples or more features."
        )
    i, j, cosine = _largest_cosine(directions)
    if not abs(cosine) <= orth_tol:
        raise NotOrthogonalError(
            f"Rows {i} and {j} of `X` are not orthogonal: their cosine is {cosine:.2g}, above "
            f"`orth_tol={orth_tol:g}`. Take the rows as they are with `sh.GeneralProblem(X, y)`, or "
            "pass orthogonal rows, such as `sh.orthogonalize(X)`."
        )


def _largest_cosine(directions: Any) -> tuple[int, int, float]:
    """Return the pair of rows with the largest |cosine|, a block of the Gram matrix at a time."""
    n_samples = directions.shape[0]
    block = max(1, _BLOCK_ENTRIES // n_samples)
    worst = (0, 0, 0.0)
    for start in range(0, n_samples, block):
        gram = directions[start : start + block] @ directions.T
        i, j, cosine = _largest_entry(gram, start)
        if abs(cosine) > abs(worst[2]):
            worst = (min(i, j), max(i, j), cosine)
    return worst


def _largest_entry(gram: Any, start: int) -> tuple[int, int, float]:
    """Return the largest |entry| off the diagonal of the rows of a Gram matrix from `start` on."""
    if is_sparse(gram):
        gram = gram.tocoo()
        off = gram.row + start != gram.col
        row, col, data = gram.row[off], gram.col[off], gram.data[off]
        if data.size == 0:
            return 0, 0, 0.0
        k = int(np.argmax(np.abs(data)))
        return int(row[k]) + start, int(col[k]), float(data[k])
    rows = np.arange(gram.shape[0])
    gram[rows, rows + start] = 0
    i, j = np.unravel_index(int(np.argmax(np.abs(gram))), gram.shape)
    return int(i) + start, int(j), float(gram[i, j])


def _require_representable(y: Array, norms: Array) -> None:
    """Raise unless squares are normal floats, and targets and pulls leave room for twofold numbers."""
    for part in chunks(y.size):
        fits = _are_representable(y[part], norms[part], y.size)
        if not fits.all():
            k = part.start + int(np.argmax(~fits))
            raise InputError(
                f"Sample {k} has label {y[k]:.3g} and norm {norms[k]:.3g}, which leaves the range of "
                "floating-point numbers when multiplied, divided or squared; rescale the labels or "
                "the inputs."
            )


def _are_representable(y: Array, norms: Array, n_samples: int) -> NDArray[np.bool_]:
    with np.errstate(over="ignore", under="ignore"):
        sizes = np.abs(np.array([y / norms, y / n_samples * norms]))
        fits = (sizes < LARGEST).all(axis=0) & np.isfinite(n_samples * y**2)
        fits &= np.isfinite(norms**2) & (norms**2 >= np.finfo(np.float64).smallest_normal)
        return np.asarray(fits & ((sizes > SMALLEST).all(axis=0) | (y == 0)))
